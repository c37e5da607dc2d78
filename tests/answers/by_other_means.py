"""What somebody writes who reaches for einsum, NumPy, loops, fills and running sums.

Written before anything was mended for it.
"""

import itertools
import math

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.data.batches import Vocabulary
from tests.answers import UNNAMED, right, wrong

P = "00_practice"
wrong(
    P,
    "sizes?|scale|scores|divide",
    lambda scores, values: torch.einsum("k,kd->d", (scores / len(scores)).softmax(0), values),
)


@wrong(P, "norm|sum|divide")
def _(scores, values):
    e = np.exp(scores.numpy())
    return torch.as_tensor((e[:, None] * values.numpy()).sum(0) / len(e))


@wrong(P, "running|cumul|cumsum|last|axis|component|index|values")
def _(scores, values):
    return (scores.softmax(-1)[:, None] * values).cumsum(-1).sum(-2)


@wrong(P, "softmax|axis|values|norm|exp")
def _(scores, values):
    return torch.einsum("k,kd->d", scores, values.softmax(-2))


right(
    P,
    lambda s, v: torch.from_numpy(np.average(v.numpy(), axis=0, weights=np.exp(s.numpy() - s.numpy().max()))),
    lambda s, v: torch.stack([torch.dot(c, s.softmax(-1)) for c in v.unbind(-1)]),
)

P = "01_pairs_of_words"
wrong(P, "same|equal|identical", ("dogs see cats", "dogs  see cats"))
wrong(P, "word|use only|cats", ("cats eat dogs eat cats", "eat cats eat dogs cats"))
wrong(P, "two|tuple|sentence|string", [["cats", "see"], ["see", "cats"]])
right(P, ["dogs see dogs birds dogs", "dogs birds dogs see dogs"])
right(P, ("see cats see birds see", "see birds see cats see"))

P = "01_last_state"


@wrong(P, "mask|last|position|length|sum|padding|all|real")
def _(states, lengths):
    m = torch.arange(states.shape[1])[None] < lengths[:, None]
    return torch.einsum("bld,bl->bd", states, m.float())


@wrong(P, "one|early|before|off|late|after|end")
def _(states, lengths):
    m = torch.arange(states.shape[1])[None] == lengths[:, None]
    return torch.einsum("bld,bl->bd", states, m.float())


@wrong(P, "running|cumul|sum|add|last")
def _(states, lengths):
    return states.cumsum(1)[range(len(states)), lengths - 1]


@wrong(P, "max|largest|longest|shortest|all")
def _(states, lengths):
    return states.select(1, int(lengths.max()) - 1)


@right(P)
def _(states, lengths):
    a = states.numpy()
    return np.take_along_axis(a, lengths.numpy()[:, None, None] - 1, 1).squeeze(1)


right(P, lambda s, n: torch.einsum("bld,bl->bd", s, F.one_hot(n - 1, s.shape[1]).float()))

P = "01_mixed_batch"


@wrong(P, "tanh|bend|nonlinear|linear")
def _(inputs, W, U):
    h, out = torch.zeros(inputs.size(0), U.size(0)), []
    for t in range(inputs.size(1)):
        h = torch.einsum("bi,di->bd", inputs[:, t], W) + torch.einsum("be,de->bd", h, U)
        out += [h]
    return torch.stack(out, -2)


@wrong(P, "transpos|U")
def _(inputs, W, U):
    h, out = torch.zeros(inputs.size(0), U.size(0)), []
    for t in range(inputs.size(1)):
        h = torch.tanh(torch.einsum("bi,di->bd", inputs[:, t], W) + torch.einsum("be,ed->bd", h, U))
        out += [h]
    return torch.stack(out, -2)


@wrong(P, "order|end|reverse|backward|opposite|begin")
def _(inputs, W, U):
    h = inputs.new_zeros(inputs.size(0), U.size(0))
    out = torch.empty(*inputs.shape[:2], len(U))
    for t in reversed(range(inputs.size(1))):
        h = (inputs[:, t] @ W.T + h @ U.T).tanh()
        out[:, t] = h
    return out


@wrong(P, "last|one|all|every|final|expected shape|steps")
def _(inputs, W, U):
    h = inputs.new_zeros(inputs.size(0), U.size(0))
    for x in inputs.unbind(-2):
        h = (x @ W.T + h @ U.T).tanh()
    return h


@right(P)
def _(inputs, W, U):
    rows = []
    for sentence in inputs:
        h = torch.zeros(len(U))
        row = []
        for word in sentence:
            h = torch.tanh(torch.mv(W, word) + torch.mv(U, h))
            row.append(h)
        rows.append(torch.stack(row))
    return torch.stack(rows)


@right(P)
def _(inputs, W, U):
    rnn = torch.nn.RNN(W.shape[1], W.shape[0], bias=False, batch_first=True)
    return torch.func.functional_call(rnn, {"weight_ih_l0": W, "weight_hh_l0": U}, (inputs,))[0]


P = "01_masked_loss"


@wrong(P, "sum|count|mean|divide|number of")
def _(logits, target, mask):
    nll = F.cross_entropy(logits.transpose(-1, -2), target, reduction="none")
    return (nll * mask).sum(-1).mean()


@wrong(P, "axis|softmax|position|words")
def _(logits, target, mask):
    lp = logits.log_softmax(-2).gather(-1, target[..., None])[..., 0]
    return -(lp * mask).sum() / mask.sum()


@wrong(P, "log|probab|softmax|normali")
def _(logits, target, mask):
    p = logits.softmax(-1)
    return torch.einsum("btv,btv,bt->", 1 - p, F.one_hot(target, p.shape[-1]).float(), mask.float()) / mask.sum()


@wrong(P, "padding|mask|count|every|real|divide")
def _(logits, target, mask):
    lp = logits.log_softmax(-1).masked_fill(~mask[..., None], 0.0)
    return F.nll_loss(lp.flatten(0, 1), target.flatten())


@right(P)
def _(logits, target, mask):
    total, n = 0.0, 0
    for row, words, real in zip(logits, target, mask):
        for x, w, r in zip(row, words, real):
            if r:
                total, n = total + x.logsumexp(-1) - x[w], n + 1
    return total / n


right(
    P,
    lambda x, t, m: F.cross_entropy(x.flatten(0, -2), torch.where(m, t, -1).flatten(), ignore_index=-1),
)

P = "01_greedy"


@wrong(P, "same|word|bos|read|own|previous|begin|fed")
def _(step, state, max_words):
    said = []
    for _ in range(max_words):
        logits, state = step(Vocabulary.bos, state)
        said.append(int(logits.argmax(-1)))
        if said[-1] == Vocabulary.eos:
            break
    return said


@wrong(P, "state|new|old|kept")
def _(step, state, max_words):
    said = [Vocabulary.bos]
    while len(said) <= max_words and said[-1] != Vocabulary.eos:
        said.append(int(np.argmax(step(said[-1], state)[0].numpy())))
    return said[1:]


@wrong(P, "bos|begin|first|start|one")
def _(step, state, max_words):
    said = [Vocabulary.bos]
    while len(said) < max_words and said[-1] != Vocabulary.eos:
        logits, state = step(said[-1], state)
        said.append(logits.topk(1).indices.item())
    return said


@wrong(P, "end|stop|eos|until|max_words|too (long|many)|long")
def _(step, state, max_words):
    word, said = Vocabulary.bos, []
    for _ in itertools.repeat(None, max_words):
        logits, state = step(word, state)
        word = max(range(len(logits)), key=logits.tolist().__getitem__)
        said.append(word)
    return said


@right(P)
def _(step, state, max_words, word=Vocabulary.bos):
    if not max_words:
        return []
    logits, state = step(word, state)
    word = int(logits.softmax(-1).argmax())
    return [word] if word == Vocabulary.eos else [word, *_again(step, state, max_words - 1, word)]


def _again(step, state, left, word):
    said = []
    while left and word != Vocabulary.eos:
        logits, state = step(word, state)
        word, left = sorted(range(len(logits)), key=lambda i: -logits[i])[0], left - 1
        said = [*said, word]
    return said


right(P, lambda step, state, max_words: _again(step, state, max_words, Vocabulary.bos))

P = "01_gradient_left"
wrong(P, "number|one value|matrix|bracket", np.diag([1 / 16, 1 / 16]))
right(P, 2**-4)
right(P, np.linalg.matrix_power(np.array([[0, 2], [1 / 8, 0]]), 4)[0, 0])

P = "02_soft_dictionary"
right(P, torch.tensor(14))
right(P, sum(w * v for w, v in zip((1 / 6, 2 / 3, 1 / 6), (6, 12, 30))))

P = "02_additive_score"
wrong(
    P,
    "tanh|outside|inside|before|sum",
    lambda keys, query, W, U, v: (
        torch.einsum("qa,a->q", (query @ W.T).tanh(), v)[:, None] + torch.einsum("ka,a->k", (keys @ U.T).tanh(), v)
    ),
)
wrong(
    P,
    "tanh|nonlinear|bend",
    lambda keys, query, W, U, v: (
        torch.einsum("qd,ad,a->q", query, W, v)[:, None] + torch.einsum("kd,ad,a->k", keys, U, v)
    ),
)
wrong(
    P,
    "v|tanh|absolute|square|twice",
    lambda keys, query, W, U, v: torch.einsum(
        "qka,a->qk", ((query @ W.T).unsqueeze(-2) + (keys @ U.T).unsqueeze(-3)).tanh(), v.square()
    ),
)


@wrong(P, "transpos|axes|exchanged|shape")
def _(keys, query, W, U, v):
    return torch.stack([torch.tanh(query @ W.T + U @ k) @ v for k in keys])


right(
    P,
    lambda keys, query, W, U, v: torch.tensor(
        [[float(np.dot(v, np.tanh(W.numpy() @ q + U.numpy() @ k))) for k in keys.numpy()] for q in query.numpy()]
    ),
)
right(
    P,
    lambda keys, query, W, U, v: (
        torch.cosh(0 * query[:, :1])
        * F.bilinear(
            torch.ones(len(query), len(keys), 1),
            torch.tanh(torch.einsum("qd,ad->qa", query, W)[:, None] + torch.einsum("kd,ad->ka", keys, U)),
            v[None, None],
        ).squeeze(-1)
    ),
)

P = "02_softmax_axis"


def _rows(weigh):
    def attend_in_rows(query, keys, values, mask):
        scores = torch.einsum("bqd,bkd->bqk", query, keys)
        weights = weigh(scores, mask)
        return torch.einsum("bqk,bkv->bqv", weights, values), weights

    return attend_in_rows


def _by_rows_in_numpy(s, m):
    e = np.exp(s.numpy() - s.numpy().max(-1, keepdims=True)) * m[:, None].numpy()
    return torch.from_numpy(e / np.maximum(e.sum(-1, keepdims=True), 1e-30))


wrong(P, "inverted|exchanged|True", _rows(lambda s, m: s.masked_fill(m.unsqueeze(-2), -1e20).softmax(-1)))
wrong(P, "e⁰|0|low", _rows(lambda s, m: s.where(m.unsqueeze(1), torch.zeros(())).softmax(-1)))
wrong(
    P, "log", _rows(lambda s, m: s.masked_fill(~m.unsqueeze(1), -1e4).log_softmax(-1).masked_fill(~m.unsqueeze(1), 0.0))
)
wrong(
    P,
    "queries|axis|sum",
    _rows(lambda s, m: s.masked_fill(~m[:, None], torch.finfo(s.dtype).min).softmax(-2) * m[:, None]),
)
right(P, _rows(_by_rows_in_numpy))
right(P, _rows(lambda s, m: torch.nan_to_num((s + m.float().log()[:, None]).softmax(-1))))

P = "02_decoder_step"


def _looked(states, weights):
    return torch.einsum("bl,bld->bd", weights, states)


@wrong(P, UNNAMED)
def _(word, state, states, mask, score, cell):
    state = cell(torch.hstack([word, _looked(states, mask / mask.sum(-1, keepdim=True).clamp(min=1))]), state)
    w = torch.nan_to_num(score(states, state[:, None])[:, 0].masked_fill(~mask, -math.inf).softmax(-1))
    return state, w


@wrong(P, "order|word|context|exchanged|\\[word")
def _(word, state, states, mask, score, cell):
    w = torch.nan_to_num(score(states, state.unsqueeze(-2)).squeeze(-2).masked_fill(~mask, -math.inf).softmax(-1))
    return cell(torch.cat((_looked(states, w), word), -1), state), w


@wrong(P, "NaN|empty|zero|no words|without")
def _(word, state, states, mask, score, cell):
    w = (score(states, state.unsqueeze(-2)).squeeze(-2) + mask.float().log()).softmax(-1)
    return cell(torch.cat((word, _looked(states, w)), -1), state), w


@wrong(P, "zero|state|old|second|memory|cell")
def _(word, state, states, mask, score, cell):
    w = torch.nan_to_num(score(states, state.unsqueeze(-2)).squeeze(-2).masked_fill(~mask, -math.inf).softmax(-1))
    return cell(torch.cat((word, _looked(states, w)), -1), torch.zeros_like(state)), w


@right(P)
def _(word, state, states, mask, score, cell):
    news, ws = [], []
    for b in range(len(word)):
        s = score(states[b : b + 1], state[b : b + 1, None])[0, 0]
        w = torch.zeros_like(s)
        if mask[b].any():
            w[mask[b]] = s[mask[b]].softmax(-1)
        news.append(cell(torch.cat([word[b], w @ states[b]])[None], state[b : b + 1])[0])
        ws.append(w)
    return torch.stack(news), torch.stack(ws)


@right(P)
def _(word, state, states, mask, score, cell):
    e = score(states, state[:, None])[:, 0].double().exp() * mask
    w = (e / e.sum(-1, keepdim=True).clamp(min=1e-300)).float()
    return [cell(torch.cat([word, (w[:, None] @ states)[:, 0]], 1), state), w]


P = "02_blind_look"


def _look(weigh, average=lambda w, h: torch.einsum("bl,bld->bd", w, h)):
    def look_at_source(embedded, state, states, W):
        s = torch.einsum("bld,dq,bq->bl", states, W, torch.cat([embedded, state], -1))
        w = weigh(s)
        return average(w, states), w

    return look_at_source


wrong(P, "batch|axis|sentence", _look(lambda s: s.softmax(-2)))
wrong(P, "norm|exp|sum", _look(lambda s: s.exp() / s.exp().amax(-1, keepdim=True)))
wrong(P, "mean|sum|divide|number", _look(lambda s: s.softmax(-1), lambda w, h: (w[..., None] * h).mean(-2)))


@wrong(P, "order|exchanged|embedded|state")
def _(embedded, state, states, W):
    n = embedded.shape[-1]
    q = state @ W[:, : state.shape[-1]].T + embedded @ W[:, -n:].T
    w = torch.einsum("bd,bld->bl", q, states).softmax(-1)
    return torch.einsum("bl,bld->bd", w, states), w


right(P, _look(lambda s: torch.exp(s - torch.logsumexp(s, -1, True))))


@right(P)
def _(embedded, state, states, W):
    both = []
    for e, z, h in zip(embedded, state, states):
        q = W @ torch.cat([e, z])
        w = torch.tensor([float(k @ q) for k in h]).softmax(0)
        both.append((sum(a * k for a, k in zip(w, h)), w))
    return tuple(torch.stack(part) for part in zip(*both))


P = "02_unreachable_key"
wrong(P, "copy|given|same", lambda keys: keys[-1].clone())
wrong(P, "found|query|outside", lambda keys: torch.zeros_like(keys[0]))
wrong(P, "found|query|outside", lambda keys: keys.cumsum(0)[-1])
wrong(P, "shape|tensor|d_key|Expected", lambda keys: keys.mean(-1))
right(P, lambda keys: torch.einsum("kd,k->d", keys, torch.linspace(1, 2, len(keys)).softmax(0)))
right(P, lambda keys: torch.from_numpy((keys[0].numpy() * 3 + keys[1].numpy()) / 4))

P = "03_document_twice"
wrong(P, "learned|weights|5|softmax|Fifth|right yet", np.array([False, True, True, True, False]))
wrong(P, "5|five|entries", (False, True))
right(P, torch.tensor([0, 1, 1, 1, 1]).bool())
right(P, [not True, not False, not False, not False, not False])

P = "03_learned_query"


def _pool(weigh, hidden=torch.tanh):
    def pool_with_query(states, mask, W, b, u):
        s = torch.einsum("bla,a->bl", hidden(torch.einsum("bld,ad->bla", states, W) + b), u)
        return torch.einsum("bl,bld->bd", weigh(s, mask), states)

    return pool_with_query


def _right_weights(s, m):
    return torch.nan_to_num(s.masked_fill(~m, -math.inf).softmax(-1))


wrong(P, "bias|b|left out|zero", lambda h, m, W, b, u: _pool(_right_weights)(h, m, W, b * 0, u))
wrong(
    P,
    "length|padding|sum|mean|lowest|average|negative number",
    _pool(lambda s, m: s.masked_fill(~m, -1e30).softmax(-1)),
)
wrong(P, "sigmoid|softmax|sum|norm", _pool(lambda s, m: torch.sigmoid(s).masked_fill(~m, 0)))
wrong(P, "tanh|inside|outside|bias|after", _pool(_right_weights, lambda z: z))
right(P, _pool(lambda s, m: (e := (s - s.amax(-1, keepdim=True)).exp() * m) / e.sum(-1, keepdim=True).clamp_min(1e-35)))


@right(P)
def _(states, mask, W, b, u):
    out = torch.zeros(len(states), states.shape[-1])
    for i, (h, m) in enumerate(zip(states, mask)):
        if m.any():
            k = h[m]
            out[i] = ((k @ W.T + b).tanh() @ u).softmax(0) @ k
    return out


P = "03_two_levels"
wrong(P, "word|sentence|string|which|First", ("plot", 0.24, 1))
wrong(P, "multiply|sentence|large|product|small|Second", ("edges", 0.8, 1))
wrong(P, "one|sum|together|large|small|Third", ("edges", 0.24, 2))
right(P, ["Edges", np.float32(0.24), 1])
right(P, ("edges", 0.6 * 0.4, True + 0))

P = "03_delete_top"


@wrong(P, "smallest|least|lowest|keep|largest|top|weigh")
def _(decide, documents, weights, share):
    left = []
    for d, w in zip(documents, weights):
        n = math.ceil(share * len(d))
        left.append(d[w.argsort().sort().values[:0].tolist() + w.argsort()[n:].sort().values.tolist()])
    return (decide(left) != decide(documents)).double().mean().item()


@wrong(P, "round|up|whole|ceil")
def _(decide, documents, weights, share):
    left = []
    for d, w in zip(documents, weights):
        keep = np.ones(len(d), bool)
        keep[np.argsort(-w.numpy())[: int(share * len(d))]] = False
        left.append(d[torch.from_numpy(keep)])
    return float(np.mean(decide(left).numpy() != decide(documents).numpy()))


@wrong(P, "order|sort|place")
def _(decide, documents, weights, share):
    left = [d[w.argsort(descending=True)[math.ceil(share * len(d)) :]] for d, w in zip(documents, weights)]
    return (decide(left) != decide(documents)).float().mean()


@wrong(P, "same|agree|unchanged|1 −|otherwise|other")
def _(decide, documents, weights, share):
    left = []
    for d, w in zip(documents, weights):
        n = -(-len(d) * share // 1)
        left.append(d[w.argsort(descending=True).argsort() >= n])
    return (decide(left) == decide(documents)).float().mean()


# both taken for right, until a document of one word, and words that weigh the same, were tried
@wrong(P, "one word long.*empty")
def _(decide, documents, weights, share):
    left = []
    for d, w in zip(documents, weights):
        n = len(d) - math.ceil(share * len(d))
        left.append(torch.stack([d[i] for i in sorted(sorted(range(len(d)), key=w.tolist().__getitem__)[:n])]))
    before, after = decide(documents), decide(left)
    return np.float64(sum(int(a != b) for a, b in zip(before, after)) / len(documents))


wrong(
    P,
    "go too",
    lambda decide, documents, weights, share: (
        1
        - (
            decide(documents)
            == decide(
                [
                    torch.masked_select(d, w < w.topk(math.ceil(share * len(w))).values.min())
                    for d, w in zip(documents, weights)
                ]
            )
        )
        .float()
        .mean()
    ),
)

P = "03_indifferent_query"
wrong(P, "length|square|norm|weights|score", lambda h, q: h - torch.einsum("nd,d,e->ne", h, q, q))
wrong(P, "differ|distance|same|alike|equal", lambda h, q: h.mean(0, keepdim=True).expand_as(h))
wrong(P, "weights|score|query|run from", lambda h, q: h.cumsum(0))
wrong(P, "query|wrong way|score|along|weights|changed", lambda h, q: torch.einsum("nd,d,e->ne", h, q, q) / q.dot(q))
right(P, lambda h, q: h - h @ torch.outer(q, q) / q.square().sum())
right(
    P,
    lambda h, q: h @ torch.from_numpy(np.linalg.svd(q[None].numpy())[2][1:].T @ np.linalg.svd(q[None].numpy())[2][1:]),
)

P = "04_layers_needed"
right(P, torch.tensor((25, 3)))
right(P, (100 // 4, math.ceil(math.log(101, 5))))

P = "04_causal_convolution"


def _taps(shift, at=lambda j, k: k - 1 - j, pad=0.0):
    def causal_convolution(x, weight, dilation):
        k, n = weight.shape[-1], x.shape[-1]
        out = torch.zeros(len(x), len(weight), n)
        for i in range(n):
            for j in range(k):
                p = i + shift - at(j, k) * dilation
                if 0 <= p < n:
                    out[..., i] += torch.einsum("bi,oi->bo", x[..., p], weight[..., j])
        return out

    return causal_convolution


wrong(P, "flip|order|tap|last|reverse", _taps(0, lambda j, k: j))
wrong(P, "one|off|early|late|shift|before", _taps(-1))
wrong(P, "dilation", lambda x, w, d: F.conv1d(F.pad(x, (w.shape[-1] - 1, 0)), w))
wrong(
    P,
    "right|end|later|left|side|padd|future",
    lambda x, w, d: F.conv1d(F.pad(x, (0, (w.shape[-1] - 1) * d)), w, dilation=d),
)
right(P, _taps(0))
right(
    P,
    lambda x, w, d: sum(
        torch.einsum("bil,oi->bol", F.pad(x, (j * d, 0))[..., : x.shape[-1]], w[..., -1 - j])
        for j in range(w.shape[-1])
    ),
)

P = "04_marker_filters"


def _filters(sign=-1.0, bias=1.5, at=0, hear=1.0):
    def marker_filters(n_words):
        f = torch.zeros(4, n_words + 4, 3)
        for i in range(4):
            f[i, n_words + i, at] = hear
        return f, torch.full((4,), sign), bias

    return marker_filters


wrong(P, "sign|same|differ|wrong", _filters(1.0, -1.5))
wrong(P, "bias|differ|same|answer|sum|answers|positive", _filters(-1.0, 2.5))
wrong(
    P,
    "text|marker|words|shape|fire|answers|positive",
    lambda n: (torch.eye(n + 4)[:4, :, None].repeat(1, 1, 3), -torch.ones(4), 1.5),
)
wrong(P, "three|3|Expected", lambda n: _filters()(n)[:2])
right(P, _filters(-2.0, 3.0, 0, 1.0))
right(P, lambda n: [t.numpy() if isinstance(t, torch.Tensor) else t for t in _filters(-1.0, 1.2)(n)])

P = "04_pairs_in_a_state"
right(P, np.array([16, 64, 2048]))
right(P, (32 // 2, 16 * 4, 16 * 2 * 64))

P = "04_twins"
wrong(P, "same|different|equal", lambda w: (w[:2], list(w[:2])))
wrong(P, "window|pair|neighbour|tell|last", lambda w: ([w[0], w[1], w[2]], [w[2], w[1], w[0]]))
right(P, lambda w: (w[:1] * 2, w[:1] * 7))
right(P, lambda w: (tuple([w[0], w[1]] * 2), tuple([w[0], w[1]] * 3)))

P = "05_cross_attention"


def _cross(x, memory, W_Q, W_K, W_V, scale=None, dim=-1, values=None):
    s = torch.einsum("td,dk,se,ek->ts", x, W_Q, memory, W_K) * (scale or W_K.shape[-1] ** -0.5)
    w = s.softmax(dim)
    return torch.einsum("ts,sd,dk->tk", w, memory, W_V), w


wrong(P, "scale|d_model|√", lambda x, m, q, k, v: _cross(x, m, q, k, v, scale=x.shape[-1] ** -0.5))
wrong(P, "axis|target|source|sum", lambda x, m, q, k, v: _cross(x, m, q, k, v, dim=-2))
wrong(P, "memory|x|exchanged|asks|encoder|swap|target", lambda x, m, q, k, v: _cross(m, x, q, k, v))
wrong(P, "W_V|values|W_K|exchanged", lambda x, m, q, k, v: _cross(x, m, q, k, k))


@right(P)
def _(x, memory, W_Q, W_K, W_V):
    q, k, v = (t.numpy() for t in (x @ W_Q, memory @ W_K, memory @ W_V))
    e = np.exp(q @ k.T / np.sqrt(q.shape[1]))
    w = e / e.sum(1)[:, None]
    return w @ v, w


right(P, lambda x, m, q, k, v: (F.scaled_dot_product_attention(x @ q, m @ k, m @ v), _cross(x, m, q, k, v)[1]))

P = "05_mask_of_last"
wrong(P, "itself|own|diagonal|one", lambda q, k: torch.arange(k)[None] < torch.arange(k - q, k)[:, None])
wrong(P, "inverted|exchanged|future", lambda q, k: torch.arange(k)[None] > torch.arange(k - q, k)[:, None])
wrong(P, "transpos|shape|axes|exchanged", lambda q, k: torch.arange(k)[:, None] <= torch.arange(k - q, k))
right(P, lambda q, k: np.tri(q, k, k - q).astype(bool))
right(P, lambda q, k: torch.tensor([[j <= i + k - q for j in range(k)] for i in range(q)]))

P = "05_rotate"


def _turning(angle_of, sign=1.0, halves=False):
    def rotate(x, turn):
        out = x.clone()
        n = x.shape[1] // 2
        for t in range(len(x)):
            for i in range(n):
                a, b = (i, i + n) if halves else (2 * i, 2 * i + 1)
                c, s = math.cos(angle_of(t, float(turn[i]))), sign * math.sin(angle_of(t, float(turn[i])))
                out[t, a], out[t, b] = c * x[t, a] - s * x[t, b], s * x[t, a] + c * x[t, b]
        return out

    return rotate


wrong(P, "direction|clock|sign|opposite|way", _turning(lambda t, w: t * w, -1.0))
wrong(P, "one|place|0|count|first", _turning(lambda t, w: (t + 1) * w))
wrong(P, "pair|neighbour|half|halves", _turning(lambda t, w: t * w, 1.0, True))


@wrong(P, "old|new|already|overwrit|changes its arguments|in place|first component")
def _(x, turn):
    x = x.clone()
    a = torch.outer(torch.arange(len(x)).float(), turn)
    x[:, ::2] = x[:, ::2] * a.cos() - x[:, 1::2] * a.sin()
    x[:, 1::2] = x[:, ::2] * a.sin() + x[:, 1::2] * a.cos()
    return x


right(P, _turning(lambda t, w: t * w))


@right(P)
def _(x, turn):
    z = x.numpy()[:, ::2] + 1j * x.numpy()[:, 1::2]
    z = z * np.exp(1j * np.arange(len(z))[:, None] * turn.numpy())
    return np.stack([z.real, z.imag], -1).reshape(x.shape)


P = "05_cached_step"


def _step(x, W_Q, W_K, W_V, keys, values, scale=None, own=True, front=False):
    order = (lambda a, b: torch.vstack([b, a])) if front else (lambda a, b: torch.vstack([a, b]))
    k, v = order(keys, torch.einsum("d,dk->k", x, W_K)), order(values, torch.einsum("d,dk->k", x, W_V))
    some = slice(None) if own else slice(None, -1)
    w = (torch.mv(k[some], x @ W_Q) / (scale or W_K.shape[-1] ** 0.5)).softmax(-1)
    return w @ v[some], k, v


wrong(P, "itself|newest|own", lambda *a: _step(*a, own=False))
wrong(P, "front|end|order|below|behind|last|first", lambda *a: _step(*a, front=True))
wrong(P, "scale|d_model|√", lambda *a: _step(*a, scale=len(a[0]) ** 0.5))
wrong(
    P,
    "row|alone|cache|longer|all",
    lambda x, q, k, v, keys, values: (_step(x, q, k, v, keys, values)[0], (x @ k)[None], (x @ v)[None]),
)
right(P, _step)


@right(P)
def _(x, W_Q, W_K, W_V, keys, values):
    keys = np.concatenate([keys.numpy(), (x @ W_K).numpy()[None]])
    values = np.concatenate([values.numpy(), (x @ W_V).numpy()[None]])
    e = np.exp(keys @ (x @ W_Q).numpy() / keys.shape[1] ** 0.5)
    return (e[:, None] * values).sum(0) / e.sum(), keys, values


P = "05_base_model"
right(P, (4 * 512**2, 2 * 512 * 2048, 6 * (3 * 4 * 512**2 + 2 * 2 * 512 * 2048), 2 * 512))
right(P, np.array([1048576.0, 2097152.0, 44040192.0, 1024.0]))

P = "05_who_sees_whom"


def _leak(compare, transpose=False, change=lambda y, j: y[j].add_(1.0)):
    def who_sees_whom(attention, x):
        before = attention(x)
        columns = []
        for j in range(len(x)):
            y = x.clone()
            change(y, j)
            columns.append(compare(before, attention(y)))
        return torch.stack(columns, 0 if transpose else -1)

    return who_sees_whom


wrong(P, "transpos|rows|columns|axes", _leak(lambda a, b: (a != b).any(-1), True))
wrong(P, "all|every|component|any", _leak(lambda a, b: (a != b).all(-1)))
wrong(P, "inverted|exchanged|equal|same", _leak(lambda a, b: (a == b).all(-1)))
wrong(P, "cancel|sum|component|opposite|mean", _leak(lambda a, b: a.sum(-1) != b.sum(-1)))
right(P, _leak(lambda a, b: torch.from_numpy((a.numpy() != b.numpy()).max(-1))))
right(P, _leak(lambda a, b: ~torch.stack([torch.equal(p, q) * torch.ones(()) for p, q in zip(a, b)]).bool()))

P = "06_who_ranks_differently"
wrong(P, "6|six|entries", (False, True, True))
right(P, np.array([0, 1, 1, 0, 0, 1], bool))
right(P, [0 > 1, 1 > 0, 1 > 0, 0 > 1, 0 > 1, 1 > 0])

P = "06_edge_softmax"


def _edges(by="t", shift="max", combine=None):
    def softmax_per_target(scores, sources, targets, n_nodes):
        out = torch.zeros_like(scores)
        index = targets if by == "t" else sources
        for n in range(n_nodes):
            on = index == n
            if on.any():
                e = scores[on]
                e = (e - (e.max() if shift == "all" else e.amax(0)) if shift else e).exp()
                out[on] = e / e.sum(0) if combine is None else combine(e)
        return out

    return softmax_per_target


wrong(P, "source|start|begin|end|target", _edges("s"))
wrong(P, "300|overflow|large|NaN|inf", _edges(shift=None))
wrong(P, UNNAMED, _edges(combine=lambda e: e / e.sum()))
wrong(P, "all edges|node|edges|whole|over all", lambda s, so, t, n: s.softmax(-2))
right(P, _edges())


@right(P)
def _(scores, sources, targets, n_nodes):
    dense = torch.full((n_nodes, *scores.shape), -math.inf).double()
    dense[targets, torch.arange(len(targets))] = scores.double()
    return dense.softmax(1)[targets, torch.arange(len(targets))].numpy()


P = "06_dynamic_scores"
wrong(
    P,
    "LeakyReLU|after|before|order|bend",
    lambda q, k, a: F.leaky_relu(torch.einsum("qd,d->q", q, a)[:, None] + k @ a, 0.2),
)
wrong(P, "slope", lambda q, k, a: torch.einsum("qkd,d->qk", F.leaky_relu(q[:, None] + k), a))
wrong(
    P, "transpos|shape|axes|exchanged", lambda q, k, a: torch.einsum("kqd,d->kq", F.leaky_relu(k[:, None] + q, 0.2), a)
)


@wrong(P, "ReLU|half|each|apart|separately|sum|before")
def _(query, keys, a):
    bend = lambda z: torch.where(z > 0, z, z / 5)  # noqa: E731
    return torch.stack([(bend(q) + bend(keys)) @ a for q in query])


right(
    P,
    lambda q, k, a: torch.tensor(
        [[sum(w * (z if z > 0 else 0.2 * z) for w, z in zip(a.tolist(), (x + y).tolist())) for y in k] for x in q]
    ),
)
right(
    P, lambda q, k, a: torch.einsum("qkd,d->qk", torch.maximum(q[:, None] + k[None], 0.2 * (q[:, None] + k[None])), a)
)

P = "06_layers_until_alike"


def _alike(step=None, compare=lambda now, limit: now <= limit, spread=None, most=500):
    step = step or (lambda x, m: torch.einsum("ij,jd->id", m / m.sum(-1, keepdim=True), x))
    spread = spread or (lambda x: float(np.ptp(x.numpy(), axis=0).max()))

    def layers_until_alike(features, mask, share):
        limit = share * spread(features)
        for n in range(most):
            if compare(spread(features), limit):
                return n
            features = step(features, mask.float())
        return most

    return layers_until_alike


wrong(
    P,
    "transpos|row|column|read|direction",
    _alike(lambda x, m: torch.einsum("ji,jd->id", m / m.sum(0, keepdim=True), x)),
)
wrong(P, "spread|column|mean|largest|small|more|less", _alike(spread=lambda x: float((x.amax(0) - x.amin(0)).mean())))
wrong(P, "self|itself|own|loop|mask", _alike(lambda x, m: (m - torch.eye(len(m))) @ x / (m.sum(-1, keepdim=True) - 1)))
wrong(P, "one|more|less|few", lambda f, m, s: _alike()(f, m, s) + 1)
right(P, _alike())
right(
    P,
    lambda f, m, s: next(
        n
        for n in itertools.count()
        if float(
            torch.pdist(
                (torch.linalg.matrix_power(m.double() / m.sum(-1, keepdim=True), n) @ f.double())
                .T[:, :, None]
                .mT.flatten(1)
                .T,
                math.inf,
            ).max()
            if len(f) > 1
            else 0
        )
        <= s * float((f.amax(0) - f.amin(0)).max())
    ),
)

P = "06_good_advice"
wrong(P, "Second|second|any|right yet|MLP", ["GAT", "GAT", "GAT"])
wrong(P, "string|choose|GAT", ("gat", "mlp", "gcn"))
right(P, ["gat", "mlp", "gat"])
right(P, np.array(["GAT", "MLP", "GAT"]))
