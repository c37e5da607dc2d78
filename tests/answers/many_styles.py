"""Answers in many styles: loops, einsum, NumPy, one-liners, in place, torch.nn."""

import itertools
import math

import numpy as np
import torch
from scipy.linalg import null_space
from scipy.optimize import linprog
from torch import nn
from torch.nn import functional as F

from course_utils.attention import attend, masked_softmax, zero_score
from tests.answers import UNNAMED, right, wrong

LOW = torch.finfo(torch.float32).min
P = "00_practice"
wrong(P, "axis|dim|`values` takes no part", lambda s, v: F.softmax(v * s[:, None], dim=0).sum(0))
wrong(P, "softmax|exponential|sum", lambda s, v: torch.einsum("k,kd->d", s / s.sum(), v))
wrong(P, "largest|best|argmax|You picked the value w", lambda s, v: v[s.argmax()])
wrong(P, "equal|mean|scores", lambda s, v: v.mean(0))
wrong(P, "mean for|length|divide|times", lambda s, v: (s.softmax(0)[:, None] * v).mean(dim=0))
wrong(P, "normalis|sum to one", lambda s, v: torch.exp(s) @ v)
wrong(P, "weights", lambda s, v: nn.Softmax(dim=0)(s))
wrong(P, "axis|add them up|sum", lambda s, v: s.softmax(0)[:, None] * v)
wrong(P, "sigmoid", lambda s, v: s.sigmoid() @ v)
wrong(P, "softmin|sign|lowest", lambda s, v: F.softmin(s, dim=0) @ v)


def _np(s, v):
    e = np.exp(s.numpy() - s.numpy().max())
    return (e / e.sum()) @ v.numpy()


right(
    P,
    _np,
    lambda s, v: torch.einsum("k,kd->d", s.softmax(-1), v),
    lambda s, v: sum(w * row for w, row in zip(s.softmax(0), v)),
    lambda s, v: (F.softmax(s.double(), 0).unsqueeze(1) * v).sum(0),
    lambda s, v: v.T @ (s - s.logsumexp(0)).exp(),
)

P = "01_pairs_of_words"
wrong(P, "pairs", ("cats see dogs", "dogs see cats"))
wrong(P, "same|You wrote one sentence", ("cats see dogs", "cats see dogs"))
wrong(P, "'cats'|bag of words|counts", ("cats see dogs", "dogs see birds"))
wrong(P, "pairs", ("cats see birds see dogs", "dogs see birds see cats"))
wrong(
    P,
    "tuple|two strings|string",
    [["cats", "see", "dogs", "see", "birds", "see", "cats"], ["cats", "see", "birds", "see", "dogs", "see", "cats"]],
)
wrong(P, "not among|words", ("the cats see dogs see cats", "the cats see cats see dogs"))
wrong(P, "not among|punct|words", ("cats see dogs. dogs see cats", "dogs see cats. cats see dogs"))
wrong(P, "bag of words|often", ("cats see cats", "cats see cats see cats"))
wrong(P, "same|empty", ("", ""))
wrong(P, "two|tuple", "cats see dogs see birds see cats")
right(
    P,
    ("dogs dogs see dogs", "dogs see dogs dogs"),
    ["cats dogs see cats birds cats", "cats birds cats dogs see cats"],
    ("cats see cats dogs cats", "cats dogs cats see cats"),
    ("CATS cats see CATS", "cats see cats cats"),
    np.array(["see dogs see birds see", "see birds see dogs see"]),
)

P = "01_last_state"
wrong(P, "each|own|every length|diagonal|one axis", lambda s, n: s[:, n - 1])
wrong(P, "off|late|one", lambda s, n: torch.stack([s[i, min(int(k), s.shape[1] - 1)] for i, k in enumerate(n)]))
wrong(P, "padding|last position|longest|lengths", lambda s, n: s[:, -1, :])


@wrong(P, "padding|last position|longest|lengths|largest")
def _(s, n):
    return s[:, n.max() - 1]


wrong(
    P,
    "early|one|off|−",
    lambda s, n: s.gather(1, (n - 2).clamp(min=0)[:, None, None].expand(-1, 1, s.shape[2])).squeeze(1),
)
wrong(P, "mean|average", lambda s, n: torch.stack([row[:k].mean(0) for row, k in zip(s, n)]))
wrong(P, "sum|You add up the real st", lambda s, n: torch.stack([row[:k].sum(0) for row, k in zip(s, n)]))
wrong(P, "first", lambda s, n: s[:, 0])
wrong(P, "axis", lambda s, n: s.gather(1, (n - 1)[:, None, None].expand(-1, 1, s.shape[2])))


@wrong(P, "max")
def _(s, n):
    out = []
    for row, k in zip(s, n):
        out.append(row[:k].max(dim=0).values)
    return torch.stack(out)


wrong(P, "end|backward|from the end|right|left", lambda s, n: s[torch.arange(len(s)), -n])
right(
    P,
    lambda s, n: np.stack([s[i, n[i] - 1].numpy() for i in range(len(n))]),
    lambda s, n: torch.cat([row[k - 1 : k] for row, k in zip(s, n)]),
    lambda s, n: s.gather(1, (n - 1).view(-1, 1, 1).expand(-1, 1, s.size(2)))[:, 0],
    lambda s, n: torch.einsum("bl,bld->bd", F.one_hot(n - 1, s.shape[1]).float(), s),
    lambda s, n: s.double()[range(len(s)), (n - 1).tolist()],
)

P = "01_mixed_batch"


@wrong(P, "transpos|U")
def _(x, W, U):
    h = torch.zeros(x.shape[0], U.shape[0])
    out = []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ W.T + h @ U)
        out.append(h)
    return torch.stack(out, 1)


@wrong(P, "view|reshape|transpose|order|axes|places")
def _(x, W, U):
    h = torch.zeros(len(x), len(U))
    out = []
    for w in x.transpose(0, 1):
        h = torch.tanh(w @ W.T + h @ U.T)
        out.append(h)
    return torch.stack(out).view(x.shape[0], x.shape[1], len(U))


@wrong(P, "transpos|order|All states are right, ")
def _(x, W, U):
    h = torch.zeros(len(x), len(U))
    out = []
    for w in x.permute(1, 0, 2):
        h = torch.tanh(w @ W.T + h @ U.T)
        out.append(h)
    return torch.stack(out)


@wrong(P, "last")
def _(x, W, U):
    h = torch.zeros(len(x), len(U))
    for w in x.unbind(1):
        h = torch.tanh(w @ W.T + h @ U.T)
    return h


@wrong(P, "sentence to sentence|carr|previous sentence|own|zero")
def _(x, W, U):
    h = torch.zeros(len(U))
    rows = []
    for sentence in x:
        row = []
        for w in sentence:
            h = torch.tanh(W @ w + U @ h)
            row.append(h)
        rows.append(torch.stack(row))
    return torch.stack(rows)


@wrong(P, "tanh")
def _(x, W, U):
    h = torch.zeros(len(x), len(U))
    out = []
    for t in range(x.size(1)):
        h = x[:, t] @ W.T + h @ U.T
        out.append(h)
    return torch.stack(out, 1)


@wrong(P, "sigmoid")
def _(x, W, U):
    h = x.new_zeros(len(x), len(U))
    out = []
    for t in range(x.size(1)):
        h = torch.sigmoid(x[:, t] @ W.T + h @ U.T)
        out.append(h)
    return torch.stack(out, 1)


wrong(P, "U|state before|no memory|recurr", lambda x, W, U: torch.tanh(x @ W.T))


@wrong(P, "same tensor|overwrit|written over|in place|last state|copy")
def _(x, W, U):
    h = torch.zeros(len(x), len(U))
    out = []
    for w in x.unbind(1):
        h.copy_(torch.tanh(w @ W.T + h @ U.T))
        out.append(h)
    return torch.stack(out, dim=1)


@wrong(P, "late|h_0|first|before")
def _(x, W, U):
    h = torch.zeros(len(x), len(U))
    out = []
    for w in x.unbind(1):
        out.append(h)
        h = torch.tanh(w @ W.T + h @ U.T)
    return torch.stack(out, dim=1)


@right(P)
def _(x, W, U):
    x, W, U = x.numpy(), W.numpy(), U.numpy()
    h = np.zeros((len(x), len(U)))
    out = np.empty((*x.shape[:2], len(U)))
    for t in range(x.shape[1]):
        h = np.tanh(np.einsum("bi,si->bs", x[:, t], W) + h @ U.T)
        out[:, t] = h
    return torch.from_numpy(out)


@right(P)
def _(x, W, U):
    cell = nn.RNNCell(W.shape[1], len(W), bias=False)
    cell.weight_ih.data = W
    cell.weight_hh.data = U
    h, out = None, []
    for t in range(x.shape[1]):
        h = cell(x[:, t], h)
        out.append(h)
    return torch.stack(out, -2)


@right(P)
def _(x, W, U):
    def read(sentence, state):
        if not len(sentence):
            return []
        state = torch.tanh(W @ sentence[0] + U @ state)
        return [state, *read(sentence[1:], state)]

    return torch.stack([torch.stack(read(s, torch.zeros(len(U)))) for s in x])


@right(P)
def _(x, W, U):
    seen = F.linear(x, W)
    out = list(
        itertools.accumulate(
            seen.unbind(1), lambda h, s: torch.tanh(s + F.linear(h, U)), initial=torch.zeros(len(x), len(U))
        )
    )
    return torch.stack(out[1:], 1)


@right(P)
def _(x, W, U):
    out = torch.zeros(x.shape[0], x.shape[1] + 1, len(U), dtype=torch.float64)
    for t in range(x.shape[1]):
        out[:, t + 1] = torch.tanh(x[:, t].double() @ W.double().T + out[:, t].clone() @ U.double().T)
    return out[:, 1:]


P = "01_masked_loss"
wrong(P, "padding|mask", lambda l, t, m: F.cross_entropy(l.flatten(0, 1), t.flatten()))
wrong(P, "padding|all positions|count|divide", lambda l, t, m: (F.cross_entropy(l.mT, t, reduction="none") * m).mean())
wrong(P, "sentence", lambda l, t, m: ((F.cross_entropy(l.mT, t, reduction="none") * m).sum(1) / m.sum(1)).mean())
wrong(P, "sum|mean|divide", lambda l, t, m: F.cross_entropy(l[m], t[m], reduction="sum"))
wrong(P, "invert|exchang|~|Your mask is the wrong", lambda l, t, m: F.cross_entropy(l[~m], t[~m]))
wrong(P, "sign", lambda l, t, m: l.log_softmax(-1)[m].gather(1, t[m][:, None]).mean())
wrong(P, "log", lambda l, t, m: -l.softmax(-1).gather(2, t[..., None])[..., 0][m].mean())
wrong(P, "softmax|axis", lambda l, t, m: -l.log_softmax(1).gather(2, t[..., None])[..., 0][m].mean())
wrong(P, "twice|softmax", lambda l, t, m: F.cross_entropy(l.softmax(-1)[m], t[m]))
wrong(P, "softmax|normalis|raw", lambda l, t, m: F.nll_loss(l[m], t[m]))
wrong(P, "batch|sentences", lambda l, t, m: (F.cross_entropy(l.mT, t, reduction="none") * m).sum() / len(l))
wrong(P, "0|pad|zero", lambda l, t, m: F.cross_entropy((l * m[..., None]).mT, t))
wrong(P, "each|one number|mean", lambda l, t, m: F.cross_entropy(l.mT, t, reduction="none") * m)
right(
    P,
    lambda l, t, m: F.nll_loss(F.log_softmax(l, -1)[m], t[m]),
    lambda l, t, m: nn.CrossEntropyLoss(ignore_index=-1)(l.transpose(1, 2), torch.where(m, t, -1)),
    lambda l, t, m: -(l.double().log_softmax(-1) * F.one_hot(t, l.shape[-1]) * m[..., None]).sum() / m.sum(),
    lambda l, t, m: torch.stack([F.cross_entropy(l[b, i], t[b, i]) for b, i in m.nonzero()]).mean(),
    lambda l, t, m: (l[m].logsumexp(-1) - l[m, :][range(int(m.sum())), t[m]]).mean(),
)

P = "01_greedy"
BOS, EOS = 1, 2


@wrong(P, "end mark|included|eos")
def _(step, state, max_words):
    word, said = BOS, []
    for _ in range(max_words):
        logits, state = step(word, state)
        word = int(logits.argmax())
        if word == EOS:
            break
        said.append(word)
    return said


@wrong(P, "bos|begin")
def _(step, state, max_words):
    said = [BOS]
    while len(said) <= max_words:
        logits, state = step(said[-1], state)
        said.append(int(logits.argmax()))
        if said[-1] == EOS:
            break
    return said


@wrong(P, "state")
def _(step, state, max_words):
    word, said = BOS, []
    for _ in range(max_words):
        logits, _new = step(word, state)
        word = logits.argmax().item()
        said.append(word)
        if word == EOS:
            return said
    return said


@wrong(P, "end|eos|stop|max_words")
def _(step, state, max_words):
    word, said = BOS, []
    for _ in range(max_words):
        logits, state = step(word, state)
        word = logits.argmax().item()
        said.append(word)
    return said


@wrong(P, "reads|BOS|begin|word")
def _(step, state, max_words):
    said = []
    for _ in range(max_words):
        logits, state = step(BOS, state)
        said.append(logits.argmax().item())
        if said[-1] == EOS:
            break
    return said


@wrong(P, "max_words|one|many|long")
def _(step, state, max_words):
    word, said = BOS, []
    while word != EOS and len(said) <= max_words:
        logits, state = step(word, state)
        word = logits.argmax().item()
        said.append(word)
    return said


@wrong(P, "least|argmin|lowest|smallest|likel")
def _(step, state, max_words):
    word, said = BOS, []
    while word != EOS and len(said) < max_words:
        logits, state = step(word, state)
        word = logits.argmin().item()
        said.append(word)
    return said


@wrong(P, UNNAMED)
def _(step, state, max_words):
    word, said = BOS, []
    while word != EOS and len(said) < max_words:
        logits, state = step(word, state)
        word = torch.multinomial(logits.softmax(-1), 1).item()
        said.append(word)
    return said


@wrong(P, "id|logits|number")
def _(step, state, max_words):
    word, said = BOS, []
    while word != EOS and len(said) < max_words:
        logits, state = step(word, state)
        word = logits.argmax().item()
        said.append(logits.max().item())
    return said


@wrong(P, "first|start|begin|eos|0|BOS")
def _(step, state, max_words):
    word, said = 0, []
    while word != EOS and len(said) < max_words:
        logits, state = step(word, state)
        word = logits.argmax().item()
        said.append(word)
    return said


@wrong(P, "max_words|limit|long")
def _(step, state, max_words):
    word, said = BOS, []
    while word != EOS and len(said) < 200:
        logits, state = step(word, state)
        word = logits.argmax().item()
        said.append(word)
    return said


@right(P)
def _(step, state, max_words):
    word, said = BOS, []
    for _ in range(max_words):
        logits, state = step(word, state)
        word = int(np.argmax(logits.numpy()))
        said += [word]
        if word == EOS:
            break
    return said


@right(P)
def _(step, state, max_words):
    def say():
        word, s = torch.tensor(BOS), state
        for _ in range(max_words):
            logits, s = step(word, s)
            word = logits.max(-1).indices
            yield word
            if word == EOS:
                return

    return list(say())


@right(P)
def _(step, state, max_words):
    said = []
    while not said or (said[-1] != EOS and len(said) != max_words):
        logits, state = step(said[-1] if said else BOS, state)
        said.append(int(logits.log_softmax(0).argmax()))
    return tuple(said)


@right(P)
def _(step, state, max_words):
    said = [BOS]
    while len(said) <= max_words and said[-1] != EOS:
        logits, state = step(said[-1], state)
        said.append(max(range(len(logits)), key=lambda i: logits[i].item()))
    return np.array(said[1:])


@right(P)
def _(step, state, max_words):
    out = np.zeros(0, dtype=int)
    word = BOS
    for i in range(max_words):
        l, state = step(word, state)
        word = l.topk(1).indices[0].item()
        out = np.append(out, word)
        if word == EOS:
            break
    return out.tolist()


P = "01_gradient_left"
wrong(P, ".", 16, 0.25, 1 / 8, 1 / 256, 0, 1 / 4096, 4, 1.0, 0.5, 1 / 64, "1/16")
right(
    P,
    1 / 16,
    2**-4,
    torch.tensor(0.0625),
    torch.linalg.matrix_power(torch.tensor([[0, 2], [1 / 8, 0]]), 4)[0, 0],
    np.float64(0.25) ** 2,
)

P = "02_soft_dictionary"
wrong(P, ".", 12, 16, 15, 13, 18, 7.5, 30, 14.5, 15.5, "14", 17)
right(P, 14.0, (6 + 4 * 12 + 30) / 6, np.float32(14), torch.tensor([14]).item(), torch.tensor([14.0])[0])

P = "02_additive_score"
wrong(
    P,
    "q_len|transpos|order|Rows and columns are e",
    lambda k, q, W, U, v: torch.tanh((k @ U.T)[:, None] + (q @ W.T)[None]) @ v,
)
wrong(P, "tanh", lambda k, q, W, U, v: ((q @ W.T)[:, None] + (k @ U.T)[None]) @ v)
wrong(P, "v", lambda k, q, W, U, v: torch.tanh((q @ W.T)[:, None] + (k @ U.T)[None]).sum(-1))
wrong(P, "pairs|tanh|each|product|dot", lambda k, q, W, U, v: torch.tanh(q @ W.T) @ torch.tanh(k @ U.T).T)
wrong(P, "tanh", lambda k, q, W, U, v: (torch.tanh(q @ W.T) @ v)[:, None] + (torch.tanh(k @ U.T) @ v)[None])
wrong(P, "softmax", lambda k, q, W, U, v: (torch.tanh((q @ W.T)[:, None] + (k @ U.T)[None]) @ v).softmax(-1))
wrong(P, "relu|ReLU", lambda k, q, W, U, v: F.relu((q @ W.T)[:, None] + (k @ U.T)[None]) @ v)
wrong(
    P,
    "sigmoid",
    lambda k, q, W, U, v: torch.einsum("qka,a->qk", torch.sigmoid((q @ W.T)[:, None] + (k @ U.T)[None]), v),
)
wrong(P, "tanh|You squash the finishe", lambda k, q, W, U, v: torch.tanh(((q @ W.T)[:, None] + (k @ U.T)[None]) @ v))
wrong(P, "raise|shape|broadcast", lambda k, q, W, U, v: torch.tanh(q @ W.T + k @ U.T) @ v)
wrong(P, "product|multipl|add|\\*", lambda k, q, W, U, v: torch.tanh((q @ W.T)[:, None] * (k @ U.T)[None]) @ v)
wrong(P, "sum|v|axis", lambda k, q, W, U, v: torch.tanh((q @ W.T)[:, None] + (k @ U.T)[None]) * v)
right(
    P,
    lambda k, q, W, U, v: torch.einsum(
        "a,qka->qk", v, torch.tanh(torch.einsum("ad,qd->qa", W, q)[:, None] + torch.einsum("ad,kd->ka", U, k))
    ),
    lambda k, q, W, U, v: np.tanh((q.numpy() @ W.numpy().T)[:, None] + (k.numpy() @ U.numpy().T)) @ v.numpy(),
    lambda k, q, W, U, v: F.linear(
        torch.tanh(F.linear(q, W).unsqueeze(1) + F.linear(k, U).unsqueeze(0)), v[None]
    ).squeeze(-1),
    lambda k, q, W, U, v: torch.stack([torch.tanh(W @ row + k @ U.T) @ v for row in q]),
    lambda k, q, W, U, v: torch.tensor(
        [[sum(v[a].item() * math.tanh((W[a] @ i + U[a] @ j).item()) for a in range(len(v))) for j in k] for i in q]
    ),
)


def att(f):
    def answer(q, k, v, m):
        w = f(q @ k.mT, m)
        return w @ v, w

    return answer


P = "02_softmax_axis"
wrong(
    P,
    "axis|queries|each query",
    lambda q, k, v, m: (lambda w: (w @ v, w))((q @ k.mT).masked_fill(~m[:, None], LOW).softmax(1) * m[:, None]),
)
wrong(P, "mask", att(lambda s, m: s.softmax(-1)))
wrong(P, "NaN", att(lambda s, m: s.masked_fill(~m[:, None], -torch.inf).softmax(2)))
wrong(P, "large negative|average|no words", att(lambda s, m: s.masked_fill(~m[:, None], -1e9).softmax(2)))
wrong(P, "invert|exchang", att(lambda s, m: s.masked_fill(m[:, None], LOW).softmax(2) * m[:, None]))
wrong(
    P,
    "scale|√|root|divide|d_key",
    att(lambda s, m: (s / 7**0.5).masked_fill(~m[:, None], LOW).softmax(2) * m[:, None]),
    lambda q, k, v, m: att(lambda s, m: (s / q.shape[-1] ** 0.5).masked_fill(~m[:, None], LOW).softmax(2) * m[:, None])(
        q, k, v, m
    ),
)
wrong(P, "e⁰|0", att(lambda s, m: (s * m[:, None]).softmax(-1)))


@wrong(P, "order|exchang")
def _(q, k, v, m):
    w = (q @ k.mT).masked_fill(~m[:, None], LOW).softmax(-1) * m[:, None]
    return w, w @ v


@wrong(P, "transpos|k_len")
def _(q, k, v, m):
    s = (k @ q.mT).masked_fill(~m[:, :, None], LOW)
    w = s.softmax(1) * m[..., None]
    return w.mT @ v, w


@wrong(P, "values|keys|There is one slip, and")
def _(q, k, v, m):
    w = (q @ k.mT).masked_fill(~m[:, None], LOW).softmax(-1) * m[:, None]
    return w @ k, w


@wrong(
    P,
    "1e-|below|sum|normal|after",
)
def _(q, k, v, m):
    w = (q @ k.mT).softmax(-1) * m[:, None]
    return w @ v, w


@wrong(P, "softmax|axis|view|batch")
def _(q, k, v, m):
    s = torch.einsum("bqd,bkd->bqk", q, k).masked_fill(~m.unsqueeze(1), -1e30)
    w = F.softmax(s, dim=0) * m.unsqueeze(1)
    return torch.bmm(w, v), w


def _r1(q, k, v, m):
    w = torch.zeros(q.shape[0], q.shape[1], k.shape[1])
    for b in range(len(q)):
        if m[b].any():
            w[b][:, m[b]] = (q[b] @ k[b][m[b]].T).softmax(-1)
    return torch.bmm(w, v), w


def _r2(q, k, v, m):
    s = np.einsum("bqd,bkd->bqk", q.numpy().astype(float), k.numpy())
    s = s - s.max(-1, keepdims=True)
    e = np.exp(s) * m.numpy()[:, None]
    w = e / np.maximum(e.sum(-1, keepdims=True), 1e-300)
    return w @ v.numpy(), w


right(
    P,
    _r1,
    _r2,
    lambda q, k, v, m: attend(q, k, v, lambda k, q: q @ k.mT, m[:, None, :]),
    att(lambda s, m: masked_softmax(s, m[:, None].expand_as(s))),
    att(lambda s, m: torch.where(m[:, None], s, -torch.inf).softmax(-1).nan_to_num()),
)

P = "02_decoder_step"


@wrong(P, UNNAMED)
def _(word, state, states, mask, score, cell):
    new = cell(torch.cat([word, states.mean(1)], 1), state)
    c, w = attend(new[:, None], states, states, score, mask[:, None])
    return new, w[:, 0]


@wrong(P, "order|word")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, mask[:, None])
    return cell(torch.cat([c[:, 0], word], 1), state), w[:, 0]


@wrong(P, "mask")
def _(word, state, states, mask, score, cell):
    w = score(states, state[:, None]).softmax(-1)
    return cell(torch.cat([word, (w @ states)[:, 0]], 1), state), w[:, 0]


@wrong(P, "axis|shape")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, mask[:, None])
    return cell(torch.cat([word, c[:, 0]], 1), state), w


@wrong(P, "NaN|no words|without")
def _(word, state, states, mask, score, cell):
    s = score(states, state[:, None])[:, 0].masked_fill(~mask, -torch.inf)
    w = s.softmax(-1)
    return cell(torch.cat([word, (w[:, :, None] * states).sum(1)], -1), state), w


@wrong(P, "context")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, mask[:, None])
    return c[:, 0], w[:, 0]


@wrong(P, "order|exchang|weights")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, mask[:, None])
    return w[:, 0], cell(torch.cat([word, c[:, 0]], 1), state)


@wrong(P, "mean|context|weights|last|state")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, mask[:, None])
    return cell(torch.cat([word, states.mean(1)], 1), state), w[:, 0]


@wrong(P, "invert|exchang|You attend to the padd")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, ~mask[:, None])
    return cell(torch.cat([word, c[:, 0]], 1), state), w[:, 0]


@wrong(P, "large|no words|average|empty")
def _(word, state, states, mask, score, cell):
    w = score(states, state[:, None]).squeeze(1).masked_fill(mask == 0, -1e9).softmax(-1)
    c = torch.einsum("bl,bld->bd", w, states)
    return cell(torch.cat([word, c], 1), state), w


@wrong(P, "zero|state|old|previous")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, mask[:, None])
    return cell(torch.cat([word, c[:, 0]], 1), torch.zeros_like(state)), w[:, 0]


@wrong(P, "state|add|\\+|new")
def _(word, state, states, mask, score, cell):
    c, w = attend(state[:, None], states, states, score, mask[:, None])
    return state + cell(torch.cat([word, c[:, 0]], 1), state), w[:, 0]


def _step(f):
    def answer(word, state, states, mask, score, cell):
        w = f(score(states, state.unsqueeze(1)).squeeze(1), mask)
        return cell(torch.cat((word, torch.einsum("bl,bld->bd", w.float(), states)), 1), state), w

    return answer


right(
    P,
    _step(lambda s, m: s.masked_fill(~m, -torch.inf).softmax(1).nan_to_num(0)),
    _step(lambda s, m: s.masked_fill(~m, LOW).softmax(1) * m),
    _step(lambda s, m: masked_softmax(s, m)),
    _step(lambda s, m: torch.stack([torch.where(r, x, -1e30).softmax(0) * r for x, r in zip(s, m)]).double()),
    _step(lambda s, m: F.normalize((s - s.amax(1, keepdim=True)).exp() * m, p=1, dim=1, eps=1e-20)),
)


def look(f):
    def answer(e, s, states, W):
        w = f(torch.cat([e, s], 1), states, W)
        return (w[..., None] * states).sum(1), w

    return answer


P = "02_blind_look"
wrong(
    P,
    "order|state|embedded",
    lambda e, s, st, W: (lambda w: ((w[:, None] @ st)[:, 0], w))(
        torch.einsum("bkd,bd->bk", st, torch.cat([s, e], 1) @ W.T).softmax(1)
    ),
)
wrong(
    P,
    "scale|√|d_key",
    look(lambda q, st, W: ((st @ (q @ W.T)[:, :, None]).squeeze(-1) / st.shape[-1] ** 0.5).softmax(1)),
)
wrong(P, "axis|batch|sentences", look(lambda q, st, W: (st @ (q @ W.T)[:, :, None]).squeeze(-1).softmax(0)))
wrong(P, "softmax", look(lambda q, st, W: (st @ (q @ W.T)[:, :, None]).squeeze(-1)))
wrong(P, "normalis|exp", look(lambda q, st, W: (st @ (q @ W.T)[:, :, None]).squeeze(-1).exp()))
wrong(
    P,
    "states|blind|look|keys|depend|length|All your weights are e",
    look(lambda q, st, W: F.linear(q, W[:1]).expand(-1, st.shape[1]).softmax(1)),
)
wrong(P, "tanh", look(lambda q, st, W: (st @ torch.tanh(q @ W.T)[:, :, None]).squeeze(-1).softmax(1)))
wrong(
    P, "length one|cos|normali", look(lambda q, st, W: F.cosine_similarity(st, (q @ W.T)[:, None], dim=-1).softmax(1))
)
wrong(
    P,
    "mean|divide",
    lambda e, s, st, W: (lambda w: ((w[..., None] * st).mean(1), w))(
        (st * (torch.cat([e, s], 1) @ W.T)[:, None]).sum(2).softmax(1)
    ),
)
wrong(
    P,
    "axis|shape",
    lambda e, s, st, W: (lambda w: (w @ st, w))(((torch.cat([e, s], 1) @ W.T)[:, None] @ st.mT).softmax(-1)),
)
wrong(P, "mean", look(lambda q, st, W: (st * (q @ W.T)[:, None]).mean(2).softmax(1)))
wrong(
    P,
    "zero|state|takes no part|half",
    lambda e, s, st, W: look(lambda q, st, W: (st * (q @ W.T)[:, None]).sum(2).softmax(1))(
        e, torch.zeros_like(s), st, W
    ),
)


def _np(e, s, st, W):
    q = np.concatenate([e.numpy(), s.numpy()], 1) @ W.numpy().T
    x = np.einsum("bkd,bd->bk", st.numpy(), q)
    w = np.exp(x - x.max(1, keepdims=True))
    w /= w.sum(1, keepdims=True)
    return np.einsum("bk,bkd->bd", w, st.numpy()), w


right(
    P,
    look(lambda q, st, W: torch.bmm(st, (q @ W.T).unsqueeze(2)).squeeze(2).softmax(-1)),
    _np,
    lambda e, s, st, W: (
        attend((torch.cat([e, s], 1) @ W.T)[:, None], st, st, lambda k, q: q @ k.mT, None)[0:0]
        or (lambda w: (torch.bmm(w[:, None], st).squeeze(1), w))(
            F.softmax(torch.stack([k @ (W @ torch.cat([a, b])) for k, a, b in zip(st, e, s)]), 1)
        )
    ),
    look(lambda q, st, W: torch.einsum("bld,de,be->bl", st.double(), W.double(), q.double()).softmax(1)),
    look(lambda q, st, W: ((st @ W) @ q[:, :, None])[..., 0].softmax(1)),
)

P = "02_unreachable_key"
wrong(
    P,
    "looked up|query|You took the median of",
    lambda k: torch.zeros(k.shape[1]),
    lambda k: k.sum(0),
    lambda k: k.max(0).values,
    lambda k: -k.mean(0),
    lambda k: 2 * k.mean(0),
    lambda k: k.median(0).values,
    lambda k: F.normalize(k.mean(0), dim=0),
    lambda k: (k.max(0).values + k.min(0).values) / 2,
)
wrong(P, "copy|This is one of the giv", lambda k: k[0].clone())
wrong(P, UNNAMED, lambda k: k.mean(1), lambda k: torch.cat([k, k.mean(0)[None]]), lambda k: 0.0)
wrong(P, UNNAMED, lambda k: torch.randn(k.shape[1]) * 1e3)
right(
    P,
    lambda k: 0.25 * k[0] + 0.75 * k[-1],
    lambda k: k.numpy().mean(0),
    lambda k: np.average(k.numpy(), axis=0, weights=np.arange(1, len(k) + 1)),
    lambda k: sum(k) / len(k),
    lambda k: torch.lerp(k[0], k[1], 0.1),
    lambda k: k.double().mean(0),
)

P = "03_document_twice"
wrong(
    P,
    ".",
    (True,) * 5,
    (False,) * 5,
    (True, True, True, True, False),
    (False, True, True, False, True),
    (False, True, True, True, False),
    (False, False, True, True, False),
    (False, True, False, True, True),
    "False, True, True, True, True",
    {2, 3, 4, 5},
)
wrong(P, UNNAMED, (False, True, True, True))
right(
    P,
    (False, True, True, True, True),
    [False] + [True] * 4,
    torch.tensor([0, 1, 1, 1, 1]).bool(),
    np.array([0, 1, 1, 1, 1], bool),
    tuple(x > 1 for x in range(1, 6)),
)


def pool(f):
    return lambda s, m, W, b, u: torch.einsum("bl,bld->bd", f(torch.tanh(s @ W.T + b) @ u, m).float(), s)


P = "03_learned_query"
wrong(
    P, "tanh", lambda s, m, W, b, u: ((((s @ W.T + b) @ u).masked_fill(~m, LOW).softmax(1) * m)[..., None] * s).sum(1)
)
wrong(
    P,
    "b|bias",
    lambda s, m, W, b, u: ((((s @ W.T).tanh() @ u).masked_fill(~m, LOW).softmax(1) * m)[..., None] * s).sum(1),
)
wrong(P, "invert|exchang", pool(lambda s, m: s.masked_fill(m, -1e9).softmax(1)))
wrong(P, "mask", pool(lambda s, m: s.softmax(1)))
wrong(P, "NaN", pool(lambda s, m: s.masked_fill(~m, float("-inf")).softmax(-1)))
wrong(P, "axis|batch|documents", pool(lambda s, m: s.masked_fill(~m, LOW).softmax(0) * m))


@wrong(P, "hidden|W k|tanh|averag|project|attention|states")
def _(s, m, W, b, u):
    h = torch.tanh(s @ W.T + b)
    w = (h @ u).masked_fill(~m, LOW).softmax(1) * m
    return torch.einsum("bl,bla->ba", w, h)


@wrong(P, "e⁰|mask|states|padding")
def _(s, m, W, b, u):
    s = s * m[..., None]
    w = (torch.tanh(s @ W.T + b) @ u).softmax(1)
    return (w[..., None] * s).sum(1)


wrong(P, "max|mean|scores|equal", lambda s, m, W, b, u: (s * m[..., None]).sum(1) / m.sum(1, keepdim=True).clamp(min=1))
wrong(P, "weights", lambda s, m, W, b, u: (torch.tanh(s @ W.T + b) @ u).masked_fill(~m, LOW).softmax(1) * m)
wrong(
    P,
    "inside|tanh|order|b",
    lambda s, m, W, b, u: torch.einsum(
        "bl,bld->bd", (((s @ W.T).tanh() + b) @ u).masked_fill(~m, LOW).softmax(1) * m, s
    ),
)
wrong(
    P,
    "scale|√|divide",
    pool(lambda s, m: (s / s.shape[1] ** 0.5).masked_fill(~m, LOW).softmax(1) * m),
    lambda s, m, W, b, u: pool(lambda x, m: (x / len(u) ** 0.5).masked_fill(~m, LOW).softmax(1) * m)(s, m, W, b, u),
)
wrong(
    P,
    "sum|add|axis",
    lambda s, m, W, b, u: ((torch.tanh(s @ W.T + b) @ u).masked_fill(~m, LOW).softmax(1) * m)[..., None] * s,
)


def _np(s, m, W, b, u):
    s, m, W, b, u = (t.numpy() for t in (s, m, W, b, u))
    x = np.tanh(s @ W.T + b) @ u
    e = np.where(m, np.exp(x), 0)
    t = e.sum(1, keepdims=True)
    return np.einsum("bl,bld->bd", np.divide(e, t, out=np.zeros_like(e), where=t > 0), s)


right(
    P,
    _np,
    pool(lambda s, m: s.masked_fill(~m, -torch.inf).softmax(-1).nan_to_num()),
    pool(lambda s, m: masked_softmax(s, m)),
    lambda s, m, W, b, u: attend(
        u.expand(len(s), 1, -1),
        s,
        s,
        lambda k, q: (torch.tanh(F.linear(k, W, b)) @ u)[:, None],
        m[:, None],
    )[0][:, 0],
    lambda s, m, W, b, u: torch.stack(
        [
            sum(
                (w * k for w, k in zip((torch.tanh(F.linear(d[r], W, b)) @ u).softmax(0), d[r])),
                torch.zeros(s.shape[2]),
            )
            for d, r in zip(s, m)
        ]
    ),
)


def dot(f):
    def answer(s, m, q):
        w = f(s @ q, m)
        return torch.einsum("bl,bld->bd", w.float(), s), w

    return answer


P = "03_two_levels"
wrong(
    P,
    ".",
    ("done", 1.0, 1.0),
    ("edges", 0.8, 1.0),
    ("edges", 0.24, 3.0),
    ("done", 0.2, 1.0),
    ("graph", 0.4, 1.0),
    ("graph", 0.2, 1.0),
    ("edges", 0.24, 0.24),
    ("compute", 0.15, 1),
    (0.24, "edges", 1.0),
    ("edges", 0.27, 1.0),
    ("edges", "0.24", "1"),
    ("return", 0.06, 1),
)
wrong(P, UNNAMED, ("edges", 0.24))
right(
    P,
    ("edges", 0.3 * 0.8, 1.0),
    ["edges", 0.24, 1],
    ("edges", np.float64(0.24), np.float64(1.0)),
    ("edges", torch.tensor(0.24), torch.tensor(1.0)),
    ("EDGES", 24 / 100, 0.5 + 0.3 + 0.2),
)

P = "03_delete_top"


def deleted(pick, compare=lambda a, b: (a != b).float().mean(), up=math.ceil):
    def answer(decide, documents, weights, share):
        return compare(decide([d[pick(w, up(share * len(d)))] for d, w in zip(documents, weights)]), decide(documents))

    return answer


rest = lambda w, n: w.argsort(descending=True)[n:].sort().values
wrong(P, "round|up", deleted(rest, up=int), deleted(rest, up=round))
wrong(P, "lowest|least|smallest|sign|order", deleted(lambda w, n: w.argsort()[n:].sort().values))
wrong(P, "order", deleted(lambda w, n: w.argsort(descending=True)[n:]))
wrong(P, "keep|kept|delete", deleted(lambda w, n: w.topk(n).indices.sort().values))
wrong(P, "unchanged|same|~|change|This is the share of d", deleted(rest, lambda a, b: (a == b).float().mean()))
wrong(P, "share|number|count|mean|divide", deleted(rest, lambda a, b: (a != b).sum()))
wrong(P, "one|share|each", lambda d, docs, ws, share: deleted(lambda w, n: rest(w, 1))(d, docs, ws, share))
wrong(P, "first|weights|top|position", deleted(lambda w, n: torch.arange(n, len(w))))
wrong(P, "mean|one number|each|shape", deleted(rest, lambda a, b: a != b))
wrong(
    P,
    "document|share|threshold|weight",
    deleted(lambda w, n: (w < w.mean()).nonzero()[:, 0] if (w < w.mean()).any() else rest(w, n)),
)
wrong(  # taken for right, until words that weigh the same were tried
    P,
    "go too",
    deleted(lambda w, n: torch.tensor([i for i in range(len(w)) if (w > w[i]).sum() >= n], dtype=torch.long)),
)


def _np(decide, documents, weights, share):
    short = []
    for d, w in zip(documents, weights):
        n = int(np.ceil(share * len(d)))
        short.append(d[np.sort(np.argsort(-w.numpy())[n:])])
    return float(np.mean((decide(short) != decide(documents)).numpy()))


right(
    P,
    deleted(rest),
    _np,
    deleted(rest, lambda a, b: sum(x != y for x, y in zip(a.tolist(), b.tolist())) / len(a)),
    lambda d, docs, ws, s: (
        (d([x[(w.argsort().argsort() < len(x) - math.ceil(s * len(x)))] for x, w in zip(docs, ws)]) != d(docs))
        .double()
        .mean()
        .item()
    ),
)

P = "03_other_weights"


def _equations(s):
    return np.vstack([s.numpy().T, np.ones(len(s))]).astype(float)


def _until_zero(w, change):
    steps = [x / -c for x, c in zip(w.tolist(), change.tolist()) if c < 0]
    return w + min(steps) * torch.as_tensor(change)


@right(P)
def _(s, w):
    random = torch.from_numpy(np.random.default_rng(0).normal(size=len(w)))
    E = torch.from_numpy(_equations(s))
    return _until_zero(w, random - torch.linalg.pinv(E) @ E @ random)


@right(P)
def _(s, w):
    Q = np.linalg.qr(_equations(s).T, mode="complete")[0]
    return _until_zero(w, Q[:, -1]).numpy()


right(
    P,
    lambda s, w: _until_zero(w, null_space(_equations(s))[:, 0]),
    lambda s, w: linprog(np.eye(len(w))[0], A_eq=_equations(s), b_eq=_equations(s) @ w.numpy()).x,
    lambda s, w: _until_zero(w, -torch.linalg.svd(torch.from_numpy(_equations(s))).Vh[len(s[0]) + 1]).float(),
)
wrong(P, "given|unchanged|lost", lambda s, w: w, lambda s, w: w.clone(), lambda s, w: w / w.sum())
wrong(P, "same weight|mean|moved|away", lambda s, w: torch.ones(len(w)) / len(w))
wrong(P, "share|moved|away|mean", lambda s, w: (lambda v: v / v.sum())(w * (w > w.min())))
wrong(P, "sum|missing", lambda s, w: w.masked_fill(w == w.min(), 0))
wrong(P, "vector|moves|away|order", lambda s, w: w.roll(1))
wrong(P, "random", lambda s, w: w[torch.randperm(len(w))])
wrong(P, "one word|state", lambda s, w: F.one_hot(w.argmax(), len(w)).float())
wrong(P, "negative|sum to", lambda s, w: w + 100 * torch.from_numpy(null_space(_equations(s))[:, 0]))
wrong(P, "sum|vector|average", lambda s, w: torch.zeros(len(w)))
P = "03_indifferent_query"
wrong(
    P,
    "weights|scores|You subtract along the|You gave all states th|The sign is the wrong ",
    lambda s, q: s - s.mean(0),
    lambda s, q: s - q,
    lambda s, q: s - (s @ q)[:, None] * q,
    lambda s, q: F.normalize(s, dim=1),
    lambda s, q: s * (q == 0),
    lambda s, q: s + (s @ q)[:, None] * q / (q @ q),
)
wrong(P, UNNAMED, lambda s, q: s.softmax(0), lambda s, q: s / (s @ q)[:, None].abs())
wrong(
    P,
    "near|differ|alike|distance|same",
    lambda s, q: torch.zeros_like(s),
    lambda s, q: s.mean(0).expand_as(s),
    lambda s, q: (s - (s @ q)[:, None] / (q @ q) * q) * 1e-3,
)
wrong(P, UNNAMED, lambda s, q: s.mean(0), lambda s, q: s @ q)
right(
    P,
    lambda s, q: s - torch.outer(s @ q / q.dot(q), q),
    lambda s, q: s.numpy() - np.outer(s.numpy() @ q.numpy(), q.numpy()) / float(q @ q),
    lambda s, q: s.double() - (s.double() @ q.double() - 3)[:, None] * q.double() / (q.double() @ q.double()),
    lambda s, q: torch.stack([k - (k @ q) / (q @ q) * q for k in s]),
)
P = "04_layers_needed"
wrong(
    P,
    ".",
    (20, 3),
    (25, 2),
    (50, 3),
    (100, 3),
    (25, 4),
    (24, 3),
    (26, 3),
    (3, 25),
    "25, 3",
    (20, 2),
    (25, 3.0001),
    (25, 5),
)
wrong(P, UNNAMED, (25,))
right(P, [25, 3], (25.0, 3.0), torch.tensor([25, 3]), np.array([25, 3], dtype=np.int32), (-(-100 // 4), 3))
P = "04_causal_convolution"
conv = lambda f: f
wrong(P, "dilation", lambda x, w, d: F.conv1d(F.pad(x, (w.shape[2] - 1, 0)), w))
wrong(
    P,
    "future|behind|right|after|zeros|The kernel reaches ahe",
    lambda x, w, d: F.conv1d(F.pad(x, (0, d * (w.shape[2] - 1))), w, dilation=d),
)
wrong(
    P, "flip|tap|order|last tap", lambda x, w, d: F.conv1d(F.pad(x, (d * (w.shape[2] - 1), 0)), w.flip(2), dilation=d)
)
wrong(P, "both sides|centre|future|half|around", lambda x, w, d: F.conv1d(x, w, padding="same", dilation=d))
wrong(P, "longer|length|both|cut", lambda x, w, d: F.conv1d(x, w, padding=d * (w.shape[2] - 1), dilation=d))
wrong(
    P,
    "first|cut|end|late|future",
    lambda x, w, d: F.conv1d(x, w, padding=d * (w.shape[2] - 1), dilation=d)[..., -x.shape[2] :],
)
wrong(P, "zeros|short|pad", lambda x, w, d: F.conv1d(x, w, dilation=d))
wrong(
    P,
    "one|late|current|strict|itself",
    lambda x, w, d: F.conv1d(F.pad(x, (d * (w.shape[2] - 1) + 1, 0)), w, dilation=d)[..., :-1],
)
wrong(P, "k|kernel|one|many|long", lambda x, w, d: F.conv1d(F.pad(x, (d * w.shape[2], 0)), w, dilation=d))
wrong(P, "dilation|The output is too shor", lambda x, w, d: F.conv1d(F.pad(x, (w.shape[2] - 1, 0)), w, dilation=d))


@wrong(P, "wrap|round|zeros|circular|end")
def _(x, w, d):
    k = w.shape[2]
    return sum(torch.einsum("oi,bil->bol", w[:, :, t], x.roll((k - 1 - t) * d, -1)) for t in range(k))


wrong(
    P,
    "replicate|zeros|first",
    lambda x, w, d: F.conv1d(F.pad(x, (d * (w.shape[2] - 1), 0), mode="replicate"), w, dilation=d),
)


def _loop(x, w, d):
    k = w.shape[2]
    out = torch.zeros(len(x), len(w), x.shape[2])
    for i in range(x.shape[2]):
        for t in range(k):
            j = i - d * (k - 1 - t)
            if j >= 0:
                out[:, :, i] += x[:, :, j] @ w[:, :, t].T
    return out


def _np(x, w, d):
    k = w.shape[2]
    x, w = x.numpy(), w.numpy()
    p = np.pad(x, ((0, 0), (0, 0), (d * (k - 1), 0)))
    return sum(np.einsum("oi,bil->bol", w[:, :, t], p[:, :, t * d : t * d + x.shape[2]]) for t in range(k))


def _mod(x, w, d):
    c = nn.Conv1d(w.shape[1], w.shape[0], w.shape[2], dilation=d, bias=False)
    c.weight.data = w
    return c(F.pad(x, (d * (w.shape[2] - 1), 0)))


right(
    P,
    _loop,
    _np,
    _mod,
    lambda x, w, d: F.conv1d(
        torch.cat([x.new_zeros(*x.shape[:2], d * (w.shape[2] - 1)), x], -1).double(), w.double(), dilation=d
    ),
    lambda x, w, d: torch.einsum(
        "bilk,oik->bol", F.pad(x, (d * (w.shape[2] - 1), 0)).unfold(2, d * (w.shape[2] - 1) + 1, 1)[..., ::d], w
    ),
)

P = "04_marker_filters"


def filt(n, k=0, pos=True):
    f = torch.zeros(4, n + 4, 3)
    f[:, n:, k] = torch.eye(4)
    return f


wrong(P, "same|differ|sign|positive", lambda n: (filt(n), torch.ones(4), -1.5))
wrong(P, "bias", lambda n: (filt(n), -torch.ones(4), 0.0))
wrong(
    P,
    "bias|negative|between",
    lambda n: (filt(n), -torch.ones(4), 1.0),
    lambda n: (filt(n), -torch.ones(4), 2.0),
    lambda n: (filt(n), -torch.ones(4), 2.5),
)
wrong(P, "three things|bias", lambda n: (filt(n), -torch.ones(4)))
wrong(P, "shape|n_words|markers", lambda n: (torch.eye(4)[:, :, None].repeat(1, 1, 3), -torch.ones(4), 1.5))
wrong(P, "marker|fire|word", lambda n: (torch.zeros(4, n + 4, 3), -torch.ones(4), 1.5))


@wrong(P, "marker|word|first|fire|filter")
def _(n):
    f = torch.zeros(4, n + 4, 3)
    f[:, :4, 0] = torch.eye(4)
    return f, -torch.ones(4), 1.5


@wrong(P, "middle|last|zeros|third|window|fire|marker|begin")
def _(n):
    return filt(n, 2), -torch.ones(4), 1.5


wrong(P, "n_words|shape|21|written", lambda n: (filt(7), -torch.ones(4), 1.5))
wrong(P, "one|filter|all|marker|weight", lambda n: (filt(n)[:3], -torch.ones(3), 1.5))
wrong(P, "window|two|distance|1 apart|apart", lambda n: (filt(n, 0) + filt(n, 2), -torch.ones(4), 1.5))
wrong(P, "numpy|bias|number", lambda n: (filt(n), -torch.ones(4), torch.full((4,), 1.5)))
right(
    P,
    lambda n: (filt(n).numpy(), -np.ones(4), 1.5),
    lambda n: [10 * filt(n), -torch.ones(4) / 10, 1.2],
    lambda n: (filt(n).double(), torch.tensor([-1.0] * 4, dtype=torch.float64), torch.tensor([1.7])[0]),
    lambda n: (
        (
            torch.stack([F.one_hot(torch.tensor(n + i), n + 4)[:, None] * torch.tensor([1.0, 0, 0]) for i in range(4)]),
            torch.tensor([-1.0] * 4),
            1.5,
        )
    ),
    lambda n: (torch.cat([filt(n), filt(n)]), -torch.ones(8), 3.0),
    lambda n: (filt(n, 0).tolist(), [-1, -1, -1, -1], 1.5),
)

P = "04_pairs_in_a_state"
wrong(
    P,
    ".",
    (32, 64, 2048),
    (8, 64, 2048),
    (16, 16, 2048),
    (16, 64, 1024),
    (16, 20, 2048),
    (16, 4, 2048),
    (16, 64, 64),
    (2**32, 64, 2048),
    (16, 64, 16),
    (16, 64, 32),
    (10, 64, 2048),
    (64, 64, 2048),
)
wrong(P, UNNAMED, (16, 64))
right(
    P,
    [16, 64, 2048],
    (16.0, 64.0, 2048.0),
    np.array([16, 64, 2048]),
    torch.tensor([16, 64, 2048]),
    (32 // 2, 4 * 16, 2 * 16 * 64),
)

P = "04_twins"
wrong(P, "same|differ|equal", lambda w: ([w[0], w[1]], [w[0], w[1]]))
wrong(
    P,
    "window",
    lambda w: ([w[0], w[1]], [w[1], w[0]]),
    lambda w: (list(w), list(reversed(w))),
    lambda w: ([w[0], w[1], w[2]], [w[0], w[2], w[1]]),
    lambda w: ([w[0], w[1]], [w[0], w[1], w[0], w[1]]),
    lambda w: ([w[0]], [w[0], w[0]]),
)
wrong(P, "window|end", lambda w: ([w[0], w[1], w[0]], [w[1], w[0], w[1]]), lambda w: (w[:3], w[:3] + w[:3]))
wrong(
    P,
    "list|string|words",
    lambda w: (" ".join([w[0], w[1], w[0]]), " ".join([w[0], w[1], w[0], w[1], w[0]])),
    lambda w: [w[0], w[1], w[0]],
)
wrong(P, "not in|words", lambda w: (["a", "b", "a"], ["a", "b", "a", "b", "a"]))
wrong(P, "at least one|empty|one word", lambda w: ([], [w[0]]))
right(
    P,
    lambda w: ([w[0]] * 3, [w[0]] * 4),
    lambda w: (tuple([w[1], w[0], w[1]]), tuple([w[1], w[0]] * 3 + [w[1]])),
    lambda w: [[w[0], w[0], w[1]], [w[0], w[0], w[0], w[1]]],
    lambda w: ([*w, *w, *w], [*w, *w]),
    lambda w: (np.array([w[0], w[1], w[0]]), np.array([w[0], w[1], w[0], w[1], w[0]])),
)

P = "05_cross_attention"


def cross(f=lambda q, k, v: (q @ k.T / k.shape[1] ** 0.5).softmax(-1)):
    def a(x, mem, Q, K, V):
        q, k, v = x @ Q, mem @ K, mem @ V
        w = f(q, k, v)
        return w @ v, w

    return a


wrong(P, "exchang|memory|query|asks", lambda x, mem, Q, K, V: cross()(mem, x, Q, K, V))
wrong(P, "scale|√|d_k|divide", cross(lambda q, k, v: (q @ k.T).softmax(-1)))
wrong(P, "√|root|You divide by d_k itse", cross(lambda q, k, v: (q @ k.T / k.shape[1]).softmax(-1)))
wrong(
    P,
    "d_model|√|wrong axis",
    lambda x, mem, Q, K, V: cross(lambda q, k, v: (q @ k.T / x.shape[1] ** 0.5).softmax(-1))(x, mem, Q, K, V),
)
wrong(P, "axis|queries|columns", cross(lambda q, k, v: (q @ k.T / k.shape[1] ** 0.5).softmax(0)))


@wrong(P, "values|W_V|memory itself|project")
def _(x, mem, Q, K, V):
    w = ((x @ Q) @ (mem @ K).T / K.shape[1] ** 0.5).softmax(-1)
    return w @ mem, w


@wrong(P, "self|memory|x")
def _(x, mem, Q, K, V):
    q, k, v = x @ Q, x @ K, x @ V
    w = (q @ k.T / K.shape[1] ** 0.5).softmax(-1)
    return w @ v, w


@wrong(P, "causal|mask|all|hidden|triangle")
def _(x, mem, Q, K, V):
    q, k, v = x @ Q, mem @ K, mem @ V
    s = q @ k.T / K.shape[1] ** 0.5
    s = s.masked_fill(torch.ones_like(s).triu(1).bool(), -1e9)
    w = s.softmax(-1)
    return w @ v, w


@wrong(P, "after|softmax|scale|divide")
def _(x, mem, Q, K, V):
    q, k, v = x @ Q, mem @ K, mem @ V
    w = (q @ k.T).softmax(-1) / K.shape[1] ** 0.5
    return w @ v, w


wrong(P, "alone|two|both|weights", lambda *a: cross()(*a)[0])
wrong(P, "W_K|W_V|exchang|keys|values", lambda x, mem, Q, K, V: cross()(x, mem, Q, V, K))
wrong(P, "raise|transpos|shape", lambda x, mem, Q, K, V: cross()(x, mem, Q.T, K.T, V.T))
wrong(P, "multipl|×|divide|\\*", cross(lambda q, k, v: (q @ k.T * k.shape[1] ** 0.5).softmax(-1)))


def _np(x, mem, Q, K, V):
    x, mem, Q, K, V = (t.numpy() for t in (x, mem, Q, K, V))
    s = x @ Q @ (mem @ K).T / np.sqrt(K.shape[1])
    e = np.exp(s - s.max(1, keepdims=True))
    w = e / e.sum(1, keepdims=True)
    return w @ mem @ V, w


right(
    P,
    _np,
    lambda x, mem, Q, K, V: cross(lambda q, k, v: torch.einsum("qd,kd->qk", q, k).div(k.size(-1) ** 0.5).softmax(1))(
        x, mem, Q, K, V
    ),
    cross(lambda q, k, v: F.softmax((q / k.shape[-1] ** 0.25) @ (k / k.shape[-1] ** 0.25).T, dim=-1)),
    lambda x, mem, Q, K, V: [t.double() for t in cross()(x, mem, Q, K, V)],
    lambda x, mem, Q, K, V: (lambda w: (torch.stack([sum(a * b for a, b in zip(r, mem @ V)) for r in w]), w))(
        torch.stack([torch.softmax(torch.stack([(a @ Q) @ (b @ K) for b in mem]) / K.shape[1] ** 0.5, 0) for a in x])
    ),
)

P = "05_who_sees_whom"


@wrong(P, "transpos|Rows and columns are e")
def _(att, x):
    b = att(x)
    rows = []
    for j in range(len(x)):
        c = x.clone()
        c[j] += 1
        rows.append((att(c) != b).any(1))
    return torch.stack(rows)


@wrong(P, "changes its argument|copy")
def _(att, x):
    b = att(x)
    out = []
    for j in range(len(x)):
        x[j] = 0
        out.append((att(x) != b).any(1))
    return torch.stack(out, 1)


@wrong(P, "all|any|component")
def _(att, x):
    b = att(x)
    out = torch.zeros(len(x), len(x), dtype=torch.bool)
    for j in range(len(x)):
        c = x.clone()
        c[j] = torch.randn_like(c[j])
        out[:, j] = (att(c) != b).all(-1)
    return out


@wrong(P, "one at a time|restor|earlier|accumul|put back|each")
def _(att, x):
    b = att(x)
    c = x.clone()
    out = []
    for j in range(len(x)):
        c[j] = 0
        out.append((att(c) != b).any(1))
    return torch.stack(out, 1)


@wrong(P, "same|unchanged|opposite|True|exchang|inver")
def _(att, x):
    b = att(x)
    out = []
    for j in range(len(x)):
        c = x.clone()
        c[j] *= 2
        out.append((att(c) == b).all(1))
    return torch.stack(out, 1)


wrong(
    P,
    "attention|inside|causal|assum|depend|look|takes no part",
    lambda att, x: torch.ones(len(x), len(x)).tril().bool(),
    lambda att, x: torch.ones(len(x), len(x), dtype=torch.bool),
)


@wrong(P, "True and False|fraction|bool")
def _(att, x):
    b = att(x)
    return torch.stack(
        [(att(torch.cat([x[:j], -x[j : j + 1], x[j + 1 :]])) - b).abs().sum(1) for j in range(len(x))], 1
    )


@wrong(P, "sum|cancel|any|add")
def _(att, x):
    b = att(x)
    return torch.stack(
        [((att(torch.cat([x[:j], -x[j : j + 1], x[j + 1 :]])) - b).sum(1) != 0) for j in range(len(x))], 1
    )


@wrong(P, "itself|output|own|diagonal|whole|row|anything")
def _(att, x):
    b = att(x)
    out = []
    for j in range(len(x)):
        c = x.clone()
        c[j] = 0
        out.append((att(c) != b).any().expand(len(x)))
    return torch.stack(out, 1)


@wrong(P, "zero|small|toler|large|bit|You find no change any")
def _(att, x):
    b = att(x)
    out = []
    for j in range(len(x)):
        c = x.clone()
        c[j] += 1e-7
        out.append(~torch.isclose(att(c), b, atol=1e-2).all(1))
    return torch.stack(out, 1)


@wrong(P, "one word|alone|delet|cut|shape|remov")
def _(att, x):
    b = att(x)
    return torch.stack([(att(x[torch.arange(len(x)) == j]) != b).any(1) for j in range(len(x))], 1)


@right(P)
def _(att, x):
    n = len(x)
    return np.array(
        [
            [
                not np.array_equal(att(x + 5 * (torch.arange(n) == j)[:, None])[i].numpy(), att(x)[i].numpy())
                for j in range(n)
            ]
            for i in range(n)
        ]
    )


right(
    P,
    lambda att, x: torch.stack(
        [(att(x.index_fill(0, torch.tensor([j]), 0.0)) - att(x)).abs().amax(1) > 0 for j in range(len(x))], -1
    ),
    lambda att, x: torch.tensor(
        [
            [
                bool((att(torch.where(torch.arange(len(x))[:, None] == j, x * 3, x))[i] != att(x)[i]).any())
                for j in range(len(x))
            ]
            for i in range(len(x))
        ]
    ),
    lambda att, x: (
        torch.vmap(lambda e: e)(
            torch.stack([(att(x * (1 - 2 * e[:, None])) != att(x)).any(-1) for e in torch.eye(len(x))])
        ).T
    ),
    lambda att, x: torch.stack(
        [
            (att(x + 10 * F.one_hot(torch.tensor(j), len(x))[:, None]) - att(x)).norm(dim=1).bool()
            for j in range(len(x))
        ],
        1,
    ),
)

P = "05_mask_of_last"
wrong(P, "corner|q_len|k_len|last|diagonal|tril", lambda q, k: torch.ones(q, k).tril().bool())
wrong(
    P,
    "one|itself|diagonal",
    lambda q, k: torch.ones(q, k).tril(k - q - 1).bool(),
    lambda q, k: torch.ones(q, k, dtype=torch.bool).tril(k - q + 1),
    lambda q, k: torch.arange(k) < torch.arange(k - q, k)[:, None],
)
wrong(
    P,
    "invert|exchang|opposite|True",
    lambda q, k: torch.ones(q, k).triu(k - q + 1).bool(),
    lambda q, k: ~torch.ones(q, k, dtype=torch.bool).tril(k - q),
)
wrong(P, "future|upper|triu|opposite", lambda q, k: torch.ones(q, k, dtype=torch.bool).triu(k - q))
wrong(P, "everything|all|True everywhere|nothing hidden", lambda q, k: torch.ones(q, k, dtype=torch.bool))
wrong(
    P, "last|rows|k_len|shape|square|You have kept the bug:", lambda q, k: torch.ones(k, k, dtype=torch.bool).tril()[:q]
)
wrong(P, "square|shape|rows|k_len|You give every word of", lambda q, k: torch.ones(k, k, dtype=torch.bool).tril())
wrong(P, "only|window|itself|diagonal|before", lambda q, k: torch.eye(k, dtype=torch.bool)[-q:])
wrong(P, "column|last|key", lambda q, k: torch.ones(k, k, dtype=torch.bool).tril()[-q:, -q:])
wrong(P, "transpos|shape|Rows and columns are e", lambda q, k: torch.ones(q, k, dtype=torch.bool).tril(k - q).T)
wrong(P, "sign|q_len − k_len|exchang|diagonal", lambda q, k: torch.ones(q, k, dtype=torch.bool).tril(q - k))
right(
    P,
    lambda q, k: torch.ones(k, k, dtype=torch.bool).tril()[k - q :],
    lambda q, k: np.tri(q, k, k - q, dtype=bool),
    lambda q, k: torch.tensor([[j <= k - q + i for j in range(k)] for i in range(q)]),
    lambda q, k: ~torch.full((q, k), True).triu(1 + k - q),
    lambda q, k: torch.cat([torch.ones(q, k - q), torch.ones(q, q).tril()], 1) > 0,
    lambda q, k: [[j <= k - q + i for j in range(k)] for i in range(q)],
)

P = "05_rotate"


def rot(f, ang=lambda x, t: torch.arange(len(x))[:, None] * t):
    def a(x, turn):
        t = ang(x, turn)
        return torch.stack(f(x[:, ::2], x[:, 1::2], t.cos(), t.sin()), -1).flatten(1)

    return a


ok = lambda a, b, c, s: [a * c - b * s, a * s + b * c]
wrong(P, "clock|direction|sign|opposite", rot(lambda a, b, c, s: [a * c + b * s, b * c - a * s]))
wrong(
    P,
    "pair|half|halves|neighbour|2i",
    lambda x, t: (lambda ang, a, b: torch.cat([a * ang.cos() - b * ang.sin(), a * ang.sin() + b * ang.cos()], 1))(
        torch.arange(len(x))[:, None] * t, *x.chunk(2, 1)
    ),
)
wrong(
    P,
    "order|interleav|pair|cat|place",
    lambda x, t: (lambda ang, a, b: torch.cat([a * ang.cos() - b * ang.sin(), a * ang.sin() + b * ang.cos()], 1))(
        torch.arange(len(x))[:, None] * t, x[:, ::2], x[:, 1::2]
    ),
)
wrong(P, "0|one|place|count", rot(ok, lambda x, t: torch.arange(1, len(x) + 1)[:, None] * t))
wrong(P, "place|all|same|t ", rot(ok, lambda x, t: t.expand(len(x), -1)))
wrong(P, "cos|sin|exchang", rot(lambda a, b, c, s: [a * s - b * c, a * c + b * s]))
wrong(
    P,
    "sign|stretch|reflect|length|−",
    rot(lambda a, b, c, s: [a * c + b * s, a * s + b * c]),
    rot(lambda a, b, c, s: [a * c - b * s, a * s - b * c]),
)
wrong(P, "updated|already|new|overwritten|old", rot(lambda a, b, c, s: [(n := a * c - b * s), n * s + b * c]))
wrong(
    P,
    "degree|2π|pi|radian",
    rot(ok, lambda x, t: torch.deg2rad(torch.arange(len(x))[:, None] * t)),
    rot(ok, lambda x, t: 2 * math.pi * torch.arange(len(x))[:, None] * t),
)
wrong(
    P,
    "add|sinus|rotat|position",
    lambda x, t: (
        x
        + torch.stack(
            [(torch.arange(len(x))[:, None] * t).sin(), (torch.arange(len(x))[:, None] * t).cos()], -1
        ).flatten(1)
    ),
)
wrong(
    P,
    "shape|flatten|axis|d_k",
    lambda x, t: (lambda ang: torch.stack(ok(x[:, ::2], x[:, 1::2], ang.cos(), ang.sin()), -1))(
        torch.arange(len(x))[:, None] * t
    ),
)
wrong(P, "place|power|\\+|add|times", rot(ok, lambda x, t: torch.arange(len(x))[:, None] + t))


def _cx(x, t):
    z = torch.view_as_complex(x.reshape(len(x), -1, 2).contiguous())
    return torch.view_as_real(
        z * torch.polar(torch.ones(len(x), len(t)), torch.outer(torch.arange(len(x)).float(), t))
    ).flatten(1)


def _npx(x, t):
    z = x.numpy()[:, ::2] + 1j * x.numpy()[:, 1::2]
    z = z * np.exp(1j * np.outer(np.arange(len(x)), t.numpy()))
    o = np.empty(x.shape)
    o[:, ::2], o[:, 1::2] = z.real, z.imag
    return o


def _mat(x, t):
    R = lambda a: torch.tensor([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    return torch.stack([torch.block_diag(*[R(p * s.item()) for s in t]) @ row for p, row in enumerate(x)])


def _inpl(x, t):
    out = x.clone().double()
    ang = torch.arange(len(x))[:, None] * t.double()
    out[:, 0::2] = x[:, ::2] * ang.cos() - x[:, 1::2] * ang.sin()
    out[:, 1::2] = x[:, ::2] * ang.sin() + x[:, 1::2] * ang.cos()
    return out


def _half(x, t):
    ang = (torch.arange(len(x))[:, None] * t).repeat_interleave(2, 1)
    turned = torch.stack([-x[:, 1::2], x[:, ::2]], -1).reshape(x.shape)
    return x * ang.cos() + turned * ang.sin()


right(P, _cx, _npx, _mat, _inpl, _half)

P = "05_cached_step"


def cs(f=lambda q, k, d: (k @ q / d**0.5).softmax(0), join=torch.cat):
    def a(x, Q, K, V, k, v):
        k2, v2 = join([k, (x @ K)[None]]), join([v, (x @ V)[None]])
        w = f(x @ Q, k2, k2.shape[1])
        return w @ v2, k2, v2

    return a


wrong(
    P,
    "newest|itself|before|own|old",
    lambda x, Q, K, V, k, v: (
        (k @ (x @ Q) / Q.shape[1] ** 0.5).softmax(0) @ v,
        torch.cat([k, (x @ K)[None]]),
        torch.cat([v, (x @ V)[None]]),
    ),
)
wrong(P, "scale|√|d_k", cs(lambda q, k, d: (k @ q).softmax(0)))
wrong(
    P,
    "front|end|order|first",
    lambda x, Q, K, V, k, v: (lambda k2, v2: ((k2 @ (x @ Q) / Q.shape[1] ** 0.5).softmax(0) @ v2, k2, v2))(
        torch.cat([(x @ K)[None], k]), torch.cat([(x @ V)[None], v])
    ),
)
wrong(P, "W_K|W_V|exchang|values|keys", lambda x, Q, K, V, k, v: cs()(x, Q, V, K, k, v))
wrong(P, "cache|longer|return|old|t \\+ 1|newest", lambda x, Q, K, V, k, v: (cs()(x, Q, K, V, k, v)[0], k, v))
wrong(P, "context|alone|three|both caches", lambda x, Q, K, V, k, v: cs()(x, Q, K, V, k, v)[0])
wrong(
    P,
    "project|W_K|x itself|raise",
    lambda x, Q, K, V, k, v: (lambda k2, v2: ((k2 @ (x @ Q)).softmax(0) @ v2, k2, v2))(
        torch.cat([k, x[None]]), torch.cat([v, x[None]])
    ),
)
wrong(
    P,
    "axis|shape|length 1",
    lambda x, Q, K, V, k, v: (lambda k2, v2: (((x @ Q)[None] @ k2.T / Q.shape[1] ** 0.5).softmax(-1) @ v2, k2, v2))(
        torch.cat([k, (x @ K)[None]]), torch.cat([v, (x @ V)[None]])
    ),
)
wrong(P, "length|t|√|wrong", cs(lambda q, k, d: (k @ q / len(k) ** 0.5).softmax(0)))
wrong(P, "d_model|√", lambda x, Q, K, V, k, v: cs(lambda q, k, d: (k @ q / len(x) ** 0.5).softmax(0))(x, Q, K, V, k, v))
wrong(
    P,
    "W_Q|query|key",
    lambda x, Q, K, V, k, v: (lambda r: ((r[1] @ (x @ K) / Q.shape[1] ** 0.5).softmax(0) @ r[2], r[1], r[2]))(
        cs()(x, Q, K, V, k, v)
    ),
)
wrong(P, "softmax|normal", cs(lambda q, k, d: k @ q / d**0.5))
wrong(P, "dim|axis|cat|raise|shape", cs(join=lambda p: torch.cat(p, 1)))
wrong(P, "transpos|x @|W.T|raise", lambda x, Q, K, V, k, v: cs()(x, Q.T, K.T, V.T, k, v))


def _np(x, Q, K, V, k, v):
    x, Q, K, V, k, v = (t.numpy() for t in (x, Q, K, V, k, v))
    k = np.vstack([k, x @ K])
    v = np.vstack([v, x @ V])
    s = k @ (x @ Q) / np.sqrt(k.shape[1])
    e = np.exp(s - s.max())
    return (e / e.sum()) @ v, k, v


right(
    P,
    _np,
    cs(join=torch.vstack),
    lambda x, Q, K, V, k, v: [t.double() for t in cs()(x, Q, K, V, k, v)],
    lambda *a: list(cs(lambda q, k, d: F.softmax(torch.einsum("kd,d->k", k, q) * d**-0.5, -1), torch.concatenate)(*a)),
    lambda x, Q, K, V, k, v: (
        lambda k2, v2: (F.scaled_dot_product_attention((x @ Q)[None, None], k2[None], v2[None])[0, 0], k2, v2)
    )(torch.cat([k, x[None] @ K]), torch.cat([v, x[None] @ V])),
)

P = "05_base_model"
wrong(
    P,
    ".",
    (786432, 2097152, 44040192, 1024),
    (1048576, 1048576, 44040192, 1024),
    (1048576, 2097152, 37748736, 1024),
    (1048576, 2097152, 18874368, 1024),
    (1048576, 2097152, 44040192, 512),
    (1048576, 2097152, 44040192, 2048),
    (4 * 512 * 64, 2097152, 44040192, 1024),
    (1048576, 2097152, 65000000, 1024),
    (8 * 1048576, 2097152, 44040192, 1024),
    (1048576, 512 * 2048 * 4, 44040192, 1024),
    (2048, 4096, 6144, 1024),
    (1048576, 2097152, 7340032, 1024),
)
wrong(P, UNNAMED, (1048576, 2097152, 44040192))
right(
    P,
    [1048576, 2097152, 44040192, 1024],
    (4 * 512**2, 2 * 512 * 2048, 44040192.0, 1024.0),
    np.array([1048576, 2097152, 44040192, 1024]),
    torch.tensor([1048576, 2097152, 44040192, 1024]),
    (2**20, 2**21, 42 * 2**20, 2**10),
)

P = "06_who_ranks_differently"
wrong(
    P,
    ".",
    (True,) * 6,
    (False,) * 6,
    (False, False, True, False, False, True),
    (False, True, True, True, False, True),
    (False, True, True, False, True, True),
    (False, True, False, False, False, True),
    (True, True, True, True, False, True),
    (False, True, True, True, True, True),
    (False, True, True, False, False, False),
    ("F", "T", "T", "F", "F", "T"),
)
wrong(P, UNNAMED, (False, True, True, False, False))
right(
    P,
    (False, True, True, False, False, True),
    [False, True, True, False, False, True],
    np.array([0, 1, 1, 0, 0, 1], bool),
    torch.tensor([0, 1, 1, 0, 0, 1]) > 0,
    tuple(i in (2, 3, 6) for i in range(1, 7)),
)

P = "06_update_all"


def nb(
    mean=None,
    act=lambda s: F.leaky_relu(s, 0.2),
    sm=lambda s: s.softmax(0),
    score=lambda v, i, j, aq, ak: v[i] @ aq + v[j] @ ak,
    ends=lambda s, t: (s, t),
    out=lambda m, c: (m, c),
    val=lambda v: v,
):
    def a(s, t, n, v, aq, ak):
        s, t = ends(s, t)
        m, c = torch.zeros_like(v), torch.zeros_like(v)
        for i in range(n):
            j = s[t == i]
            if len(j):
                m[i] = mean(v[j]) if mean else v[j].mean(0)
                c[i] = sm(act(score(v, i, j, aq, ak))) @ val(v)[j]
        return out(m, c)

    return a


wrong(P, "direction|sources|targets|exchang|reverse|against", nb(ends=lambda s, t: (t, s)))
wrong(P, "sum|mean|divide", nb(mean=lambda r: r.sum(0)))
wrong(P, "LeakyReLU|leaky", nb(act=lambda s: s))
wrong(P, "slope|0.01|0.2", nb(act=F.leaky_relu))
wrong(P, "a_query|a_key|exchang", nb(score=lambda v, i, j, aq, ak: v[i] @ ak + v[j] @ aq))
wrong(P, "normalis|softmax", nb(sm=lambda s: s), nb(sm=lambda s: s.exp()))
wrong(P, "order|exchang", nb(out=lambda m, c: (c, m)))
wrong(
    P,
    "all edges|each node|every|over",
    lambda s, t, n, v, aq, ak: (
        nb()(s, t, n, v, aq, ak)[0],
        torch.zeros_like(v).index_add(0, t, F.leaky_relu(v[t] @ aq + v[s] @ ak, 0.2).softmax(0)[:, None] * v[s]),
    ),
)
wrong(
    P,
    "self|itself|own|loop",
    lambda s, t, n, v, aq, ak: nb()(torch.cat([s, torch.arange(n)]), torch.cat([t, torch.arange(n)]), n, v, aq, ak),
)
wrong(P, "a_query|query|takes no part|target|own", nb(score=lambda v, i, j, aq, ak: v[j] @ ak))
wrong(
    P,
    "NaN|without|no edge|0/0|nobody",
    lambda s, t, n, v, aq, ak: (
        torch.zeros_like(v).index_add(0, t, v[s]) / torch.bincount(t, minlength=n)[:, None],
        nb()(s, t, n, v, aq, ak)[1],
    ),
)
wrong(P, "max", nb(mean=lambda r: r.amax(0)))
wrong(P, "after|softmax|LeakyReLU", nb(act=lambda s: s, sm=lambda s: F.leaky_relu(s.softmax(0), 0.2)))
wrong(
    P,
    "twice|repeated|parallel|edges|table|mask",
    lambda s, t, n, v, aq, ak: (
        lambda m: (lambda w: (m.float() / m.sum(1, keepdim=True).clamp(min=1) @ v, w @ v))(
            F.leaky_relu((v @ aq)[:, None] + v @ ak, 0.2).masked_fill(~m, -1e30).softmax(1) * m
        )
    )(torch.zeros(n, n, dtype=torch.bool).index_put((t, s), torch.tensor(True))),
)


def _sc(s, t, n, v, aq, ak):
    e = F.leaky_relu((v @ aq)[t] + (v @ ak)[s], 0.2).exp()
    z = torch.zeros(n).scatter_add(0, t, e)
    w = e / z[t]
    d = torch.zeros(n).scatter_add(0, t, torch.ones(len(t))).clamp(min=1)
    return torch.zeros_like(v).index_add(0, t, v[s]) / d[:, None], torch.zeros_like(v).index_add(
        0, t, w[:, None] * v[s]
    )


def _npg(s, t, n, v, aq, ak):
    s, t, v, aq, ak = (x.numpy() for x in (s, t, v, aq, ak))
    m = np.zeros(v.shape)
    c = np.zeros(v.shape)
    for i in range(n):
        j = s[t == i]
        if j.size:
            e = v[i] @ aq + v[j] @ ak
            e = np.exp(np.where(e > 0, e, 0.2 * e))
            m[i] = v[j].mean(0)
            c[i] = e @ v[j] / e.sum()
    return m, c


def _pyg(s, t, n, v, aq, ak):
    A = torch.sparse_coo_tensor(torch.stack([t, s]), torch.ones(len(s)), (n, n)).coalesce()
    deg = A.sum(1).to_dense().clamp(min=1)
    return (A @ v) / deg[:, None], _sc(s, t, n, v, aq, ak)[1]


right(P, nb(), _sc, _npg, _pyg, lambda *a: [x.double() for x in nb()(*a)])


@right(P)
def _(s, t, n, v, aq, ak):
    import dgl
    import dgl.function as fn
    from dgl.nn.functional import edge_softmax

    g = dgl.graph((s, t), num_nodes=n)
    g.ndata["v"] = v
    g.update_all(lambda e: {"m": e.src["v"]}, lambda nodes: {"mean": nodes.mailbox["m"].mean(1)})
    g.edata["w"] = edge_softmax(g, F.leaky_relu(v[t] @ aq + v[s] @ ak, 0.2))
    g.update_all(fn.u_mul_e("v", "w", "m"), fn.sum("m", "c"))
    return g.ndata["mean"], g.ndata["c"]


P = "06_edge_softmax"


def es(f):
    def a(sc, s, t, n):
        out = torch.zeros_like(sc)
        for i in range(n):
            out[t == i] = f(sc[t == i]) if (t == i).any() else 0
        return out

    return a


wrong(P, "all edges|every|each node|over", lambda sc, s, t, n: sc.softmax(0))
wrong(P, "heads|axis", lambda sc, s, t, n: sc.softmax(1))
wrong(P, "sources|start|leave|exchang|end", lambda sc, s, t, n: es(lambda x: x.softmax(0))(sc, t, s, n))
wrong(
    P,
    "overflow|300|large|maximum|highest|exp",
    lambda sc, s, t, n: (lambda e: e / torch.zeros(n, sc.shape[1]).index_add(0, t, e)[t])(sc.exp()),
)
wrong(
    P,
    "maximum|underflow|-300|own|each node|highest|low",
    lambda sc, s, t, n: (lambda e: e / torch.zeros(n, sc.shape[1]).index_add(0, t, e)[t])((sc - sc.max()).exp()),
    lambda sc, s, t, n: (lambda e: e / (torch.zeros(n, sc.shape[1]).index_add(0, t, e)[t] + 1e-9))(
        (sc - sc.amax(0)).exp()
    ),
)
wrong(P, "normalis|sum", es(lambda x: (x - x.amax(0)).exp()))
wrong(P, UNNAMED, lambda sc, s, t, n: torch.zeros(n, sc.shape[1]).index_add(0, t, sc.exp()))
wrong(P, "heads|together|joint|each head", es(lambda x: x.flatten().softmax(0).view_as(x)))
wrong(P, "mean|divide|count|equal|scores", es(lambda x: torch.full_like(x, 1 / len(x))))
wrong(P, "exp|softmax|negative", es(lambda x: x / x.sum(0)))
wrong(P, "sorted|order|put back", lambda sc, s, t, n: torch.cat([sc[t == i].softmax(0) for i in range(n)]))
wrong(
    P,
    "clamp|300|cut|bound",
    lambda sc, s, t, n: (lambda e: e / torch.zeros(n, sc.shape[1]).index_add(0, t, e)[t])(sc.clamp(-20, 20).exp()),
)
wrong(P, "log", es(lambda x: x.log_softmax(0)))
wrong(P, "axis|flatten|shape|heads", lambda sc, s, t, n: es(lambda x: x.softmax(0))(sc, s, t, n)[:, 0])


def _npe(sc, s, t, n):
    sc, t = sc.numpy(), t.numpy()
    top = np.full((n, sc.shape[1]), -np.inf)
    np.maximum.at(top, t, sc)
    e = np.exp(sc - top[t])
    z = np.zeros_like(top)
    np.add.at(z, t, e)
    return e / z[t]


def _lse(sc, s, t, n):
    return torch.stack([(sc[e] - sc[t == t[e]].logsumexp(0)).exp() for e in range(len(t))])


def _tab(sc, s, t, n):
    same = t[:, None] == t
    return (sc.T[:, None, :].masked_fill(~same, -torch.inf).softmax(-1).diagonal(dim1=1, dim2=2)).T


def _dg(sc, s, t, n):
    import dgl
    from dgl.nn.functional import edge_softmax

    return edge_softmax(dgl.graph((s, t), num_nodes=n), sc)


right(
    P,
    es(lambda x: x.softmax(0)),
    _npe,
    _lse,
    _tab,
    _dg,
    lambda sc, s, t, n: es(lambda x: F.softmax(x.double(), 0).float())(sc, s, t, n),
)

P = "06_layers_until_alike"


def lay(
    spread=lambda x: (x.amax(0) - x.amin(0)).max(),
    step=lambda x, m: m.float() / m.sum(1, keepdim=True) @ x,
    stop=lambda now, first, share: now <= share * first,
    first=0,
    cap=3000,
):
    def a(x, m, share):
        s0, n = spread(x), first
        while not stop(spread(x), s0, share) and n < cap:
            x, n = step(x, m), n + 1
        return n

    return a


wrong(P, "one|start|0|count", lay(first=1), lambda *a: lay()(*a) - 1)
wrong(P, "share|times|absolute|start", lay(stop=lambda now, first, share: now <= share))
wrong(
    P,
    "mean|largest|spread|std",
    lay(spread=lambda x: x.std(0).max()),
    lay(spread=lambda x: (x.amax(0) - x.amin(0)).mean()),
)
wrong(P, "transpos|direction|column|mask", lay(step=lambda x, m: m.T.float() / m.T.sum(1, keepdim=True) @ x))
wrong(P, "mask|all|neighbours", lay(step=lambda x, m: x.mean(0).expand_as(x)))
wrong(P, "share|remain|1 −|lost|fall", lay(stop=lambda now, first, share: now <= (1 - share) * first))
wrong(
    P,
    UNNAMED,
    lambda x, m, share: len(m),
)
wrong(P, "norm|largest|spread|row", lay(spread=lambda x: torch.cdist(x, x).max()))
wrong(
    P,
    "self|itself|loop|own",
    lay(
        step=lambda x, m: (lambda k: k / k.sum(1, keepdim=True).clamp(min=1) @ x)(
            (m & ~torch.eye(len(m), dtype=torch.bool)).float()
        )
    ),
)
right(
    P,
    lay(),
    lambda x, m, share: torch.tensor(lay()(x, m, share)),
    lay(step=lambda x, m: attend(x, x, x, zero_score, m)[0]),
    lay(spread=lambda x: (x[:, None] - x[None]).abs().max()),
    lay(step=lambda x, m: torch.stack([x[r].mean(0) for r in m])),
)


@right(P)
def _(x, m, share):
    x = x.numpy()
    A = m.numpy() / m.numpy().sum(1, keepdims=True)
    goal = share * np.ptp(x, axis=0).max()
    n = 0
    while np.ptp(x, axis=0).max() > goal:
        x = A @ x
        n += 1
    return np.int64(n)


P = "06_dynamic_scores"
wrong(P, "LeakyReLU|after|before|order", lambda q, k, a: F.leaky_relu((q @ a)[:, None] + (k @ a)[None], 0.2))
wrong(
    P,
    "slope|0.01|0.2",
    lambda q, k, a: (
        F.leaky_relu(
            q[:, None] + k,
        )
        @ a
    ),
)
wrong(P, "slope|ReLU|relu", lambda q, k, a: F.relu(q[:, None] + k) @ a)
wrong(P, "transpos|order|q_len", lambda q, k, a: F.leaky_relu(k[:, None] + q, 0.2) @ a)
wrong(P, "softmax", lambda q, k, a: (F.leaky_relu(q[:, None] + k, 0.2) @ a).softmax(1))
wrong(
    P,
    "each|separate|pair|sum|together|You bend query and key",
    lambda q, k, a: (F.leaky_relu(q, 0.2) @ a)[:, None] + F.leaky_relu(k, 0.2) @ a,
)
wrong(P, "LeakyReLU|linear|missing", lambda q, k, a: (q[:, None] + k) @ a)
wrong(P, "product|\\*|add|sum|multipl", lambda q, k, a: F.leaky_relu(q[:, None] * k, 0.2) @ a)
wrong(P, "LeakyReLU|a|before|inside|component|behind", lambda q, k, a: F.leaky_relu((q[:, None] + k) * a, 0.2).sum(-1))
wrong(P, "a|sum", lambda q, k, a: F.leaky_relu(q[:, None] + k, 0.2).sum(-1))
wrong(P, "tanh", lambda q, k, a: torch.tanh(q[:, None] + k) @ a)
wrong(P, "twice|two|again", lambda q, k, a: F.leaky_relu(F.leaky_relu(q[:, None] + k, 0.2) @ a, 0.2))
wrong(P, "mean", lambda q, k, a: (F.leaky_relu(q[:, None] + k, 0.2) * a).mean(-1))
wrong(P, "sum|axis|a", lambda q, k, a: F.leaky_relu(q[:, None] + k, 0.2) * a)
wrong(P, "minus|−|difference|-|You subtract the key's", lambda q, k, a: F.leaky_relu(q[:, None] - k, 0.2) @ a)
right(
    P,
    lambda q, k, a: torch.einsum("qkd,d->qk", F.leaky_relu(q[:, None] + k[None], 0.2), a),
    lambda q, k, a: (lambda p: np.where(p > 0, p, 0.2 * p) @ a.numpy())(q.numpy()[:, None] + k.numpy()),
    lambda q, k, a: torch.stack([nn.LeakyReLU(0.2)(r + k) @ a for r in q]),
    lambda q, k, a: (lambda p: (torch.maximum(p, 0.2 * p) * a).sum(2))((q[:, None] + k).double()),
    lambda q, k, a: F.linear(F.leaky_relu(q.unsqueeze(1) + k.unsqueeze(0), negative_slope=0.2), a[None]).squeeze(-1),
)

P = "06_good_advice"
wrong(
    P,
    ".",
    ("GAT", "GAT", "GAT"),
    ("MLP", "MLP", "MLP"),
    ("GAT", "MLP", "MLP"),
    ("MLP", "GAT", "GAT"),
    ("GAT", "GAT", "MLP"),
    ("MLP", "GAT", "MLP"),
    ("MLP", "MLP", "GAT"),
    ("gcn", "MLP", "GAT"),
    "GAT",
    (True, False, True),
    ("GAT", "equal", "GAT"),
)
wrong(P, UNNAMED, ("GAT", "MLP"))
right(
    P,
    ["GAT", "MLP", "GAT"],
    ("gat", "mlp", "gat"),
    np.array(["GAT", "MLP", "GAT"]),
    tuple("GAT MLP GAT".split()),
    ("GAT ", "MLP", "GAT"),
)
