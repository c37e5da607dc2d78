"""Written after the kinds were mended for the sets before it, so that what they missed is still seen."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.data.batches import Vocabulary
from tests.answers import UNNAMED, right, wrong

P = "00_practice"
wrong(P, "sign|neg|lowest", lambda s, v: np.exp(-s.numpy()) / np.exp(-s.numpy()).sum() @ v.numpy())
wrong(P, "first|loop|range|leaves out|begin", lambda s, v: sum(w * x for w, x in list(zip(s.softmax(0), v))[1:]))
right(P, lambda s, v: torch.func.vmap(lambda c: (s.softmax(0) * c).sum(), in_dims=1)(v))

P = "01_pairs_of_words"
wrong(P, "pair|often", ("birds see cats see", "birds see see cats"))
wrong(P, "word|among|only", ("cats", "dog"))

P = "01_last_state"
wrong(P, "first", lambda s, n: torch.einsum("bld,l->bd", s, F.one_hot(torch.tensor(0), s.shape[1]).float()))
wrong(P, "max|largest|longest|all", lambda s, n: s[..., int(n.max()) - 1, :])
right(P, lambda s, n: s.gather(-2, (n - 1).view(-1, 1, 1).expand(-1, 1, s.shape[-1])).squeeze(-2))

P = "01_mixed_batch"


@wrong(P, "U|memory|old state|remember|recurr|W")
def _(inputs, W, U):
    return torch.einsum("bli,di->bld", inputs, W).tanh()


@wrong(P, "twice|two|same|again|factor|word counts|input")
def _(inputs, W, U):
    h, out = inputs.new_zeros(len(inputs), len(U)), []
    for t in range(inputs.shape[1]):
        h = np.tanh(2 * inputs[:, t] @ W.T + h @ U.T)
        out.append(h)
    return torch.stack(out, -2)


P = "01_masked_loss"
right(P, lambda x, t, m: torch.where(m, F.cross_entropy(x.mT, t, reduction="none"), 0).sum().div(m.sum()))

P = "01_greedy"


@wrong(P, "one|max_words|before|few|short")
def _(step, state, max_words):
    word, said = Vocabulary.bos, []
    for _ in range(1, max_words):
        logits, state = step(word, state)
        said.append(word := int(logits.argmax()))
        if word == Vocabulary.eos:
            break
    return said


@wrong(P, "end|mark|last|eos|included|missing")
def _(step, state, max_words):
    word, said = Vocabulary.bos, []
    for _ in range(max_words):
        logits, state = step(word, state)
        if (word := int(logits.argmax())) == Vocabulary.eos:
            break
        said.append(word)
    return said


P = "01_gradient_left"
P = "02_soft_dictionary"

P = "02_additive_score"
wrong(P, "sum|mean|v|units|average", lambda K, Q, W, U, v: ((Q @ W.T)[:, None] + K @ U.T).tanh().mean(-1))
wrong(P, "sin|tanh|sigmoid", lambda K, Q, W, U, v: torch.special.expit((Q @ W.T)[:, None] + K @ U.T) @ v)

P = "02_softmax_axis"


def _rows(weigh):
    def attend_in_rows(query, keys, values, mask):
        w = weigh(query @ keys.mT, mask.unsqueeze(-2))
        return w @ values, w

    return attend_in_rows


wrong(P, "norm|sum to|divide", _rows(lambda s, m: (s - s.amax(-1, keepdim=True)).exp() * m))
wrong(P, "running|cumsum|complete", _rows(lambda s, m: s.exp() * m / (s.exp() * m).cumsum(-1).clamp(min=1e-9)))

P = "02_decoder_step"


def _decoder(weigh, finish=lambda n, w, s: (n, w)):
    def decoder_step(word, state, states, mask, score, cell):
        w = weigh(score(states, state[:, None]).squeeze(1), mask)
        return finish(cell(torch.cat([word, torch.einsum("bl,bld->bd", w, states)], -1), state), w, state)

    return decoder_step


def _fine(s, m):
    return s.masked_fill(~m, -math.inf).softmax(-1).nan_to_num()


wrong(P, "inverted|True", _decoder(lambda s, m: _fine(s, ~m)))
wrong(P, "order|exchanged|first|another", _decoder(_fine, lambda n, w, s: (w, n)))
right(P, _decoder(_fine))

P = "02_blind_look"


@wrong(P, "first|one|batch|sentence|all")
def _(embedded, state, states, W):
    q = torch.cat([embedded, state], 1) @ W.T
    w = torch.einsum("bld,d->bl", states, q[0]).softmax(-1)
    return torch.einsum("bl,bld->bd", w, states), w


@wrong(P, "last|loop|overwrite|added|alone")
def _(embedded, state, states, W):
    q = torch.cat([embedded, state], 1) @ W.T
    w = torch.einsum("bld,bd->bl", states, q).softmax(-1)
    for i in range(states.shape[1]):
        context = w[:, i, None] * states[:, i]
    return context, w


P = "02_unreachable_key"
P = "03_document_twice"
wrong(P, "right yet|mean|max|Second|Third", (False, False, False, True, True))

P = "03_learned_query"


def _pool(weigh, average=lambda w, h: (w[..., None] * h).sum(-2)):
    return lambda h, m, W, b, u: average(weigh(torch.tanh(h @ W.mT + b) @ u, m), h)


wrong(P, "norm|divide|sum|factor", _pool(lambda s, m: _fine(s, m) / _fine(s, m).amax(-1, keepdim=True).clamp(min=1e-9)))
wrong(P, "max|largest", _pool(_fine, lambda w, h: (w[..., None] * h).amax(-2)))
P = "03_two_levels"
wrong(P, "First|word|right yet|sentence|striking|best", ("compute", 0.24, 1.0))

P = "03_delete_top"


@wrong(P, "round|up|whole")
def _(decide, documents, weights, share):
    left = []
    for d, w in zip(documents, weights):
        keep = torch.ones(len(d), dtype=torch.bool)
        keep[w.topk(round(share * len(d))).indices] = False
        left.append(d[keep])
    return np.mean(decide(documents).numpy() != decide(left).numpy())


P = "03_indifferent_query"
wrong(P, "shape|same|tensor|Expected|differ", lambda h, q: (h - (h @ q)[:, None] * q / q.dot(q))[:1])
right(P, lambda h, q: h - torch.einsum("nd,d->n", h, q)[..., None] / (q**2).sum() * q)

P = "04_layers_needed"
wrong(P, "large|small|both|layer", (13, 3))
P = "04_causal_convolution"
P = "04_marker_filters"
wrong(
    P,
    "answers|positive|negative|sign|bias",
    lambda n: (
        torch.cat([torch.zeros(4, n, 3), torch.eye(4)[..., None] * torch.tensor([1.0, 0, 0])], 1),
        torch.ones(4),
        1.5,
    ),
)
P = "04_pairs_in_a_state"
P = "04_twins"
right(P, lambda w: ([w[2]] * 3, [w[2]] * 2))

P = "05_cross_attention"


@wrong(P, "sum|norm|exp|divide|all")
def _(x, memory, W_Q, W_K, W_V):
    e = torch.exp((x @ W_Q) @ (memory @ W_K).T / W_K.shape[1] ** 0.5)
    w = e / e.sum()
    return w @ memory @ W_V, w


wrong(
    P,
    "W_Q|W_K|exchanged|asks|query",
    lambda x, m, Q, K, V: (lambda w: (w @ m @ V, w))(((x @ K) @ (m @ Q).T / K.shape[1] ** 0.5).softmax(-1)),
)
P = "05_mask_of_last"
wrong(
    P, "number|True and False|bool|inverted|exchanged|added", lambda q, k: torch.full((q, k), -math.inf).triu(k - q + 1)
)
right(P, lambda q, k: torch.ones(q, k).cumsum(1) <= torch.arange(k - q + 1, k + 1)[:, None])
P = "05_rotate"
wrong(
    P,
    "speed|first|one|pair|same|turn",
    lambda x, w: torch.stack(
        [
            x[:, ::2] * (a := torch.arange(len(x))[:, None] * w[:1]).cos() - x[:, 1::2] * a.sin(),
            x[:, ::2] * a.sin() + x[:, 1::2] * a.cos(),
        ],
        -1,
    ).flatten(1),
)
wrong(
    P,
    "one place|t = 0|once|place|neighbour|row|roll|off",
    lambda x, w: torch.view_as_real(
        torch.view_as_complex(x.unflatten(1, (-1, 2)).contiguous())
        * torch.exp(1j * torch.arange(len(x)).roll(1)[:, None] * w)
    ).flatten(1),
)
P = "05_cached_step"


@wrong(P, "You add the last")
def _(x, W_Q, W_K, W_V, keys, values):
    keys, values = torch.cat([keys, (x @ W_K)[None]]), torch.cat([values, (x @ W_V)[None]])
    w = (keys @ (x @ W_Q) / keys.shape[1] ** 0.5).softmax(0)
    return w @ values + values[-1], keys, values


P = "05_base_model"
P = "05_who_sees_whom"


@wrong(P, "so is more")
def _(attention, x):
    before, out = attention(x), torch.zeros(len(x), len(x)).bool()
    for j in range(len(x)):
        y = x.clone()
        y[j] = y[j] * 2
        out[:, j] = (attention(y) - before).abs().sum(-1) > 0
        out[j, j] = True
    return out


P = "06_who_ranks_differently"
P = "06_edge_softmax"
wrong(
    P,
    UNNAMED,
    lambda s, a, t, n: torch.stack(
        [torch.stack([s[e, 0].exp() / s[t == t[e], 0].exp().sum() for _ in range(s.shape[1])]) for e in range(len(t))]
    ),
)
P = "06_dynamic_scores"
wrong(P, "absolute|sign|ReLU|bend", lambda q, k, a: (q[:, None] + k).abs() @ a)
P = "06_layers_until_alike"


@wrong(P, UNNAMED)
def _(features, mask, share):
    x, n, first = features, 0, (features.amax(0) - features.amin(0)).max()
    while (x.amax(0) - x.amin(0)).max() > share * first and n < 99:
        x, n = (mask.float() + torch.eye(len(mask))) @ x / (mask.sum(1, keepdim=True) + 1), n + 1
    return n


P = "06_good_advice"
