"""Slips that belong to no list: a letter of an einsum, a sum that is not reset, a loop that ends early, two at once."""

import math

import torch
from torch.nn import functional as F

from course_utils.data.batches import Vocabulary
from tests.answers import UNNAMED, wrong

P = "00_practice"
wrong(P, "sum|add|all|axis|letter|rows|components", lambda s, v: torch.einsum("k,jd->d", s.softmax(0), v))
wrong(P, "factor", lambda s, v: (s.exp() / s.exp().square().sum().sqrt()) @ v)


@wrong(P, "loop|reset|add|weights|running|normali|sum")
def _(scores, values):
    total, out = 0.0, torch.zeros(values.shape[-1])
    for s, v in zip(scores, values):
        total = total + s.exp()
        out = out + s.exp() / total * v
    return out


@wrong(P, "last|return|loop|first|one|alone")
def _(scores, values):
    out = torch.zeros(values.shape[-1])
    for w, v in zip(scores.softmax(-1), values):
        out += w * v
        return out


wrong(P, "maximum above", lambda s, v: ((s - s.max()).exp() / s.exp().sum()) @ v)

P = "01_last_state"
wrong(P, "sentence|one|shift|before|neighbour|row|order", lambda s, n: s[torch.arange(len(s)), n.roll(1) - 1])
wrong(P, "max|largest|component|state", lambda s, n: torch.stack([h[:k].max(0).values for h, k in zip(s, n)]))
wrong(P, "mean|divide|average|length", lambda s, n: s[torch.arange(len(s)), n - 1] / n[:, None])


@wrong(P, "loop|accumul|reset|running|add|sum|before")
def _(states, lengths):
    out = torch.zeros(len(states), states.shape[-1])
    for i, n in enumerate(lengths.tolist()):
        out[i:] = out[i:] + states[i, n - 1]
    return out


P = "01_mixed_batch"


@wrong(P, "before|old|late|one|state|order")
def _(inputs, W, U):
    h, out = torch.zeros(len(inputs), len(U)), []
    for x in inputs.unbind(1):
        out.append(h)
        h = torch.tanh(x @ W.T + h @ U.T)
    return torch.stack(out, 1)


@wrong(P, "row|sentence|carr|reset|before|other|zero|influence|begin")
def _(inputs, W, U):
    h, out = torch.zeros(len(U)), torch.zeros(*inputs.shape[:2], len(U))
    for b in range(inputs.shape[0]):
        for t in range(inputs.shape[1]):
            h = torch.tanh(W @ inputs[b, t] + U @ h)
            out[b, t] = h
    return out


@wrong(P, "input|x|twice|double|W|also|add|tanh")
def _(inputs, W, U):
    h, out = torch.zeros(len(inputs), len(U)), []
    for x in inputs.unbind(1):
        h = h + torch.tanh(x @ W.T + h @ U.T)
        out.append(h)
    return torch.stack(out, 1)


@wrong(P, "same|alias|in place|last|every|one tensor|copy|equal")
def _(inputs, W, U):
    h, out = torch.zeros(len(inputs), len(U)), []
    for x in inputs.unbind(1):
        h[:] = torch.tanh(x @ W.T + h @ U.T)
        out.append(h)
    return torch.stack(out, 1)


@wrong(P, "first|input|state|U|begin|zero|W")
def _(inputs, W, U):
    h = inputs[:, 0] @ W.T
    out = [h]
    for x in inputs[:, 1:].unbind(1):
        h = torch.tanh(x @ W.T + h @ U.T)
        out.append(h)
    return torch.stack(out, 1)


P = "01_masked_loss"
wrong(P, "sign|log|exp|negative", lambda x, t, m: x.log_softmax(-1).gather(-1, t[..., None])[..., 0][m].mean())
wrong(P, "log|base|nats|2|factor", lambda x, t, m: F.cross_entropy(x[m], t[m]) / math.log(2))
wrong(P, "exp|perplex|log", lambda x, t, m: F.cross_entropy(x[m], t[m]).exp())
wrong(P, "best|largest|predicted|target|argmax|most", lambda x, t, m: F.cross_entropy(x[m], x[m].argmax(-1)))


@wrong(P, "bos|shift|next|one|target|place|late|early")
def _(logits, target, mask):
    x, t, m = logits[:, :-1], target[:, 1:], mask[:, 1:]
    return F.cross_entropy(x[m], t[m])


P = "01_greedy"


@wrong(P, "smallest|largest|least|most|min|max|sign")
def _(step, state, max_words):
    word, said = Vocabulary.bos, []
    for _ in range(max_words):
        logits, state = step(word, state)
        word = int((-logits).argmax())
        said.append(word)
        if word == Vocabulary.eos:
            break
    return said


@wrong(P, "end|eos|last|before|kept|mark|included")
def _(step, state, max_words):
    word, said = Vocabulary.bos, []
    while len(said) < max_words:
        logits, state = step(word, state)
        word = int(logits.argmax())
        if word == Vocabulary.eos:
            return said
        said += [word]
    return said


@wrong(P, "one|max_words|too (many|long)|longer|more|stop|count|limit|off by")
def _(step, state, max_words):
    word, said = Vocabulary.bos, []
    while word != Vocabulary.eos and len(said) <= max_words:
        logits, state = step(word, state)
        word = int(logits.argmax())
        said += [word]
    return said


@wrong(P, UNNAMED)
def _(step, state, max_words):
    word, said = Vocabulary.bos, []
    while word != Vocabulary.eos and len(said) < max_words:
        word, state = int(step(word, state)[0].argmax()), step(word, state)[1]
        _, state = step(word, state)
        said += [word]
    return said


@wrong(P, "same|again|repeat|word|said|already|forbid")
def _(step, state, max_words):
    word, said = Vocabulary.bos, []
    while word != Vocabulary.eos and len(said) < max_words:
        logits, state = step(word, state)
        logits = logits.clone()
        logits[[Vocabulary.pad, *said]] = -math.inf
        word = int(logits.argmax())
        said += [word]
    return said


P = "02_additive_score"


def _additive(meet=lambda q, k: q[:, None] + k, bend=torch.tanh, read=lambda h, v: h @ v):
    return lambda keys, query, W, U, v: read(bend(meet(query @ W.T, keys @ U.T)), v)


wrong(
    P, "v|tanh|product|inside|twice|multipl", lambda K, Q, W, U, v: torch.tanh((Q @ W.T * v)[:, None] + K @ U.T * v) @ v
)
wrong(P, "norm|scale|divide|length|root", _additive(read=lambda h, v: h @ v / v.norm()))
wrong(
    P,
    "U|W|key|transform|first|squash|tanh|twice",
    lambda K, Q, W, U, v: torch.tanh(torch.tanh(Q @ W.T)[:, None] + K @ U.T) @ v,
)
wrong(P, "softmax|weights|scores", _additive(read=lambda h, v: (h @ v).softmax(-2)))
wrong(P, "one|bias|add|1", _additive(bend=lambda z: torch.tanh(z + 1)))

P = "02_softmax_axis"


def _rows(weigh, score=lambda q, k: torch.einsum("bqd,bkd->bqk", q, k), average=lambda w, v: w @ v):
    def attend_in_rows(query, keys, values, mask):
        weights = weigh(score(query, keys), mask[:, None])
        return average(weights, values), weights

    return attend_in_rows


def _fine(s, m):
    return torch.nan_to_num(s.masked_fill(~m, -math.inf).softmax(-1))


wrong(P, "batch|sentence|sum|mix|other", _rows(_fine, lambda q, k: torch.einsum("bqd,ckd->bqk", q, k)))
wrong(P, "values|batch|sentence|sum|other", _rows(_fine, average=lambda w, v: torch.einsum("bqk,ckd->bqd", w, v)))
wrong(
    P,
    "NaN|empty|no words|−1e9|very low|fill|not low enough|hidden|average",
    _rows(lambda s, m: s.masked_fill(~m, -50.0).softmax(-1)),
)
wrong(
    P,
    "length|count|number|divide|mean|temperature|scale",
    _rows(lambda s, m: _fine(s / m.sum(-1, keepdim=True).clamp(min=1), m)),
)
wrong(P, "mask|values|zero|after|share|sum to less", _rows(lambda s, m: s.softmax(-1) * m))

P = "02_decoder_step"


def _step(
    query=lambda word, state: state, inputs=lambda w, c, s: torch.cat([w, c], 1), old=lambda s, n: s, weigh=_fine
):
    def decoder_step(word, state, states, mask, score, cell):
        w = weigh(score(states, query(word, state)[:, None])[:, 0], mask)
        context = torch.einsum("bl,bld->bd", w, states)
        return cell(inputs(word, context, state), old(state, context)), w

    return decoder_step


wrong(P, "first|batch|query|state|each", _step(lambda word, state: state[:1].expand_as(state)))
wrong(P, "context|zero|word|part|input", _step(inputs=lambda w, c, s: torch.cat([w, 0 * c], 1)))
wrong(P, "tanh|context|squash|bend", _step(inputs=lambda w, c, s: torch.cat([w, c.tanh()], 1)))
wrong(P, "scale|divide|√|score", _step(weigh=lambda s, m: _fine(s / 3, m)))
wrong(
    P,
    "old|new|add|residual|state",
    lambda w, s, h, m, f, c: (_step()(w, s, h, m, f, c)[0] + s, _step()(w, s, h, m, f, c)[1]),
)

P = "02_blind_look"


def _look(question=lambda e, s: torch.cat([e, s], 1), weigh=lambda s: s.softmax(-1), W_=lambda W: W):
    def look_at_source(embedded, state, states, W):
        q = question(embedded, state) @ W_(W).T
        w = weigh((states @ q[..., None])[..., 0])
        return (w[:, None] @ states)[:, 0], w

    return look_at_source


wrong(P, "embedded|word|previous|part|zero", _look(lambda e, s: torch.cat([0 * e, s], 1)))
wrong(P, "state|decoder|part|zero", _look(lambda e, s: torch.cat([e, s * 0], 1)))
wrong(P, "tanh|question|bend|squash", _look(lambda e, s: torch.cat([e, s], 1).tanh()))
wrong(P, "sum|norm|exp|divide", _look(weigh=lambda s: s.exp() / s.exp().sum()))
wrong(P, "running|cumul|before|earlier|cumsum", _look(weigh=lambda s: s.cumsum(-1).softmax(-1)))

P = "02_unreachable_key"
wrong(P, "found|query|furthest", lambda k: k.mean(0) + 5 * (k[0] - k.mean(0)))
wrong(P, "NaN|inf|finite|number", lambda k: k.mean(0) / 0)
wrong(P, "axis of length 1", lambda k: k.mean(0, keepdim=True))
wrong(P, "product", lambda k: k.prod(0))

P = "03_learned_query"


def _pool(score=None, weigh=_fine, average=lambda w, h: torch.einsum("bl,bld->bd", w, h)):
    score = score or (lambda h, W, b, u: torch.tanh(h @ W.T + b) @ u)

    def pool_with_query(states, mask, W, b, u):
        return average(weigh(score(states, W, b, u), mask), states)

    return pool_with_query


wrong(P, "bias|b|subtract|sign", _pool(lambda h, W, b, u: torch.tanh(h @ W.T - b) @ u))
wrong(P, "bias|outside|tanh|after", _pool(lambda h, W, b, u: (torch.tanh(h @ W.T) + b) @ u))
wrong(
    P,
    "mean|divide|count|number|length|sum",
    _pool(average=lambda w, h: torch.einsum("bl,bld->bd", w, h) / (w > 0).sum(-1, keepdim=True).clamp(min=1)),
)
wrong(P, "batch|documents|all|sum|letter", _pool(average=lambda w, h: torch.einsum("bl,cld->bd", w, h)))
wrong(P, "max|largest|shift|norm|sum", _pool(weigh=lambda s, m: (s - s.amax(-1, keepdim=True)).exp() * m / s.shape[-1]))

P = "03_delete_top"


def _deleted(keep, compare=lambda a, b: (a != b).float().mean()):
    def decisions_changed(decide, documents, weights, share):
        left = [d[keep(w, math.ceil(share * len(w)))] for d, w in zip(documents, weights)]
        return float(compare(decide(documents), decide(left)))

    return decisions_changed


def _without_top(w, n):
    return torch.ones(len(w)).bool().scatter(0, w.topk(n).indices, False)


wrong(P, "first|begin|front|largest|weights|not those", _deleted(lambda w, n: torch.arange(n, len(w))))
wrong(P, "keep|left|only|opposite|delete", _deleted(lambda w, n: ~_without_top(w, n)))
wrong(P, "one|single|always|share|number|top word", _deleted(lambda w, n: _without_top(w, 1)))
wrong(P, "count|number|share|divide|how many|mean|1", _deleted(_without_top, lambda a, b: (a != b).sum()))
wrong(
    P,
    "class|difference|distance|labels|classes|value",
    _deleted(_without_top, lambda a, b: (a - b).abs().float().mean()),
)

P = "03_indifferent_query"
wrong(P, "query|score|weights|along|direction", lambda h, q: h - h.mean(-1, keepdim=True))
wrong(P, "sign|add|wrong|weights|score", lambda h, q: h + torch.einsum("nd,d,e->ne", h, q, q) / q.dot(q))
wrong(P, "differ|close|0.1|distance|small", lambda h, q: 0.001 * (h - (h @ q)[:, None] * q / q.dot(q)))

P = "04_causal_convolution"


def _padded(left, right=lambda k, d: 0, cut=lambda y, n: y, w=lambda w: w):
    def causal_convolution(x, weight, dilation):
        k = weight.shape[-1]
        y = F.conv1d(F.pad(x, (left(k, dilation), right(k, dilation))), w(weight), dilation=dilation)
        return cut(y, x.shape[-1])

    return causal_convolution


wrong(P, "long|more|cut|end|many|length|shape", _padded(lambda k, d: (k - 1) * d, lambda k, d: (k - 1) * d))
wrong(
    P,
    "cut|begin|front|future|late|later|first|centre|same",
    _padded(lambda k, d: (k - 1) * d, lambda k, d: (k - 1) * d, lambda y, n: y[..., -n:]),
)
wrong(P, "d|k|zeros|one|few|many|short|length|shape", _padded(lambda k, d: k * d - 1))
wrong(
    P,
    "channel|d_in|sum|mean|first",
    lambda x, w, d: F.conv1d(F.pad(x, ((w.shape[-1] - 1) * d, 0)), w, dilation=d) / w.shape[1],
)
wrong(
    P,
    "repeat|edge|zeros|first|replicat|border",
    lambda x, w, d: F.conv1d(F.pad(x, ((w.shape[-1] - 1) * d, 0), "replicate"), w, dilation=d),
)

P = "04_marker_filters"


def _filters(make=lambda f, n: f, weight=None, bias=1.5):
    def marker_filters(n_words):
        f = torch.zeros(4, n_words + 4, 3)
        for i in range(4):
            f[i, n_words + i, 0] = 1
        return make(f, n_words), -torch.ones(4) if weight is None else weight, bias

    return marker_filters


wrong(P, "bias|positive|negative|answers|zero", _filters(bias=0.0))
wrong(P, "marker|words|text|answers|positive|negative|first", _filters(lambda f, n: f.roll(-n, 1)))
wrong(P, "filters|three|3|shape|Expected|window", _filters(lambda f, n: f[..., :1]))
wrong(P, "marker|answers|positive|negative|filter|weight", _filters(weight=torch.tensor([-1.0, -1.0, -1.0, 0.0])))
wrong(P, "place|window|end|last|answers|positive|negative", _filters(lambda f, n: f.flip(-1)))

P = "04_twins"
wrong(P, "list|strings|string|words|sentence", lambda w: (" ".join(w), " ".join(w[::-1])))
wrong(P, "window|pair|sentence", lambda w: (sorted(w), sorted(w)[::-1]))
wrong(P, "two|three|sentences|Expected", lambda w: ([w[0]], [w[0]] * 2, [w[0]] * 3))

P = "05_cross_attention"


def _cross(q=lambda x: x, k=lambda m: m, v=lambda m: m, weigh=lambda s: s.softmax(-1), scale=lambda d: d**-0.5):
    def cross_attention(x, memory, W_Q, W_K, W_V):
        w = weigh((q(x) @ W_Q) @ (k(memory) @ W_K).mT * scale(W_Q.shape[1]))
        return w @ (v(memory) @ W_V), w

    return cross_attention


wrong(
    P,
    "causal|triangle|mask|later|future|before",
    _cross(weigh=lambda s: s.masked_fill(torch.ones_like(s).triu(1).bool(), -1e9).softmax(-1)),
)
wrong(P, UNNAMED, _cross(k=lambda m: F.normalize(m, dim=-1)))
wrong(P, "reverse|order|memory|values|opposite|flip", _cross(v=lambda m: m.flip(0)))
wrong(
    P,
    "W_V|project|values|memory|shape|size|Expected",
    lambda x, m, Q, K, V: (lambda w: (w @ m, w))(_cross()(x, m, Q, K, V)[1]),
)
wrong(P, "scale|floor|whole|round|divide", _cross(scale=lambda d: 1 / (d // 2)))

P = "05_mask_of_last"
wrong(P, "all|everything|True|future|triangle|later", lambda q, k: torch.ones(q, k).bool())
wrong(
    P,
    "before|window|last|near|only|missing|should be True|first",
    lambda q, k: torch.ones(q, k).tril(k - q).triu(1).bool(),
)
wrong(P, "one|diagonal|future|itself|more|should be False", lambda q, k: torch.ones(q, k).tril(k - q + 1).bool())
wrong(P, "order|turned|reverse|opposite|flip|end", lambda q, k: torch.ones(k, k).tril().flip(0)[:q].bool())
wrong(P, "first|before|rows|last|begin", lambda q, k: torch.ones(k, k).tril()[:q].bool())

P = "05_rotate"


def _rotated(angle=lambda t, n, w: t * w, turn=lambda a, b, z: (a * z.cos() - b * z.sin(), a * z.sin() + b * z.cos())):
    def rotate(x, turns):
        z = angle(torch.arange(len(x)).float()[:, None], len(x), turns)
        return torch.stack(turn(x[:, ::2], x[:, 1::2], z), -1).flatten(1)

    return rotate


wrong(P, "place|turn|speed|divide|angle", _rotated(lambda t, n, w: t / w))
wrong(P, "degrees|180|π|radian|angle|2", _rotated(lambda t, n, w: t * w * math.pi))
wrong(
    P,
    "sign|matrix|minus|length|both",
    _rotated(turn=lambda a, b, z: (a * z.cos() + b * z.sin(), a * z.sin() + b * z.cos())),
)
wrong(
    P,
    "exchanged|sin|cos|sine|cosine",
    _rotated(turn=lambda a, b, z: (a * z.sin() - b * z.cos(), a * z.cos() + b * z.sin())),
)
wrong(
    P,
    "order|neighbour|side|halves|cat|pairs|first|stack",
    lambda x, w: torch.cat([_rotated()(x, w)[:, ::2], _rotated()(x, w)[:, 1::2]], 1),
)

P = "05_cached_step"


def _cached(q=lambda a: a, weigh=lambda s: s.softmax(-1), value=lambda v: v, scale=lambda k: k.shape[1] ** 0.5):
    def cached_step(x, W_Q, W_K, W_V, keys, values):
        keys, values = torch.cat([keys, x[None] @ W_K]), torch.cat([values, x[None] @ W_V])
        return weigh(keys @ q(x @ W_Q) / scale(keys)) @ value(values), keys, values

    return cached_step


wrong(P, "scale|root|√|number|keys|words|length", _cached(scale=lambda k: len(k) ** 0.5))
wrong(P, "values|W_V|keys|exchanged", lambda x, Q, K, V, k, v: _cached()(x, Q, V, K, k, v))
wrong(P, "last|newest|alone|argmax|best", _cached(weigh=lambda s: F.one_hot(s.argmax(), len(s)).float()))
wrong(
    P,
    "first|drop|window|oldest|short|longer|missing",
    lambda x, Q, K, V, k, v: tuple(t if i == 0 else t[1:] for i, t in enumerate(_cached()(x, Q, K, V, k, v))),
)
wrong(P, "reverse|order|opposite|flip|values", _cached(value=lambda v: v.flip(0)))

P = "05_who_sees_whom"


def _leaks(change, compare=lambda a, b: (a != b).any(-1)):
    def who_sees_whom(attention, x):
        y, columns = x.clone(), []
        for j in range(len(x)):
            y = change(x, y, j)
            columns.append(compare(attention(x), attention(y)))
        return torch.stack(columns, 1)

    return who_sees_whom


def _kept(x, y, j):
    y[j] = 0
    return y


def _up_to(x, y, j):
    y = x.clone()
    y[: j + 1] += 1
    return y


wrong(P, "reset|back|stay|one word|before|all|kept|alone|more", _leaks(_kept))
wrong(P, "one word|alone|before|all|earlier|more than", _leaks(_up_to))
wrong(P, "nothing|same|changed|never|zero|False everywhere", _leaks(lambda x, y, j: x.clone()))
wrong(
    P,
    "missing",
    _leaks(lambda x, y, j: x.index_fill(0, torch.tensor(j), 9.0), lambda a, b: (a - b).abs().mean(-1) > 0.5),
)
wrong(P, "column|component|row|word|x\\[", _leaks(lambda x, y, j: torch.cat([x[:, :1] + 1, x[:, 1:]], 1)))

P = "06_edge_softmax"


def _edges(key=lambda s, t: t, shift=lambda e: e - e.amax(0), share=lambda e: e / e.sum(0), empty=0.0):
    def softmax_per_target(scores, sources, targets, n_nodes):
        out = torch.full_like(scores, empty)
        for n in range(n_nodes):
            on = key(sources, targets) == n
            if on.any():
                out[on] = share(shift(scores[on]).exp())
        return out

    return softmax_per_target


wrong(P, "number|degree|mean|divide|sum", _edges(share=lambda e: e / len(e)))
wrong(P, "max|largest|divide|sum|norm", _edges(share=lambda e: e / e.amax(0)))
wrong(P, "double|both|source|pair|edge", _edges(key=lambda s, t: torch.where(s < t, s, t)))
wrong(P, "300|min|overflow|large|NaN|inf|low", _edges(shift=lambda e: e - e.amin(0)))
wrong(P, "head|last axis|axis|across|between", lambda s, a, b, n: s.softmax(-1))

P = "06_dynamic_scores"


def _dynamic(meet=lambda q, k: q[:, None] + k[None], bend=lambda z: F.leaky_relu(z, 0.2), read=lambda z, a: z @ a):
    return lambda query, keys, a: read(bend(meet(query, keys)), a)


wrong(
    P, "a|twice|before|product|inside|multipl|bend", lambda q, k, a: F.leaky_relu((q * a)[:, None] + k * a, 0.2).sum(-1)
)
wrong(P, "softmax|weights|scores", _dynamic(read=lambda z, a: (z @ a).softmax(-1)))
wrong(P, "scale|√|divide|d", _dynamic(read=lambda z, a: z @ a / len(a) ** 0.5))
wrong(P, "product|multipl|add", _dynamic(meet=lambda q, k: q[:, None] * k[None]))
wrong(P, "sign|negative|bend|ReLU|slope|positive", _dynamic(bend=lambda z: torch.where(z > 0, 0.2 * z, z)))

P = "06_layers_until_alike"


def _alike(step=lambda x, m: m / m.sum(1, keepdim=True) @ x, far=lambda x: (x.amax(0) - x.amin(0)).max(), start=None):
    def layers_until_alike(features, mask, share):
        x, n = features.clone(), 0
        limit = share * (far(x) if start is None else start)
        while far(x) > limit and n < 3000:
            x, n = step(x, mask.float()), n + 1
        return n

    return layers_until_alike


wrong(P, "start|share|times|spread|beginning|absolute", _alike(start=1.0))
wrong(P, "std|deviation|spread|largest|difference|more|less", _alike(far=lambda x: x.std(0).max()))
wrong(P, UNNAMED, _alike(far=lambda x: x.max() - x.min()))
wrong(P, UNNAMED, _alike(far=lambda x: (x.amax(1) - x.amin(1)).max()))
wrong(P, "half|residual|average|own|itself|mean|more", _alike(lambda x, m: (x + m / m.sum(1, keepdim=True) @ x) / 2))
