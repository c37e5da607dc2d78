"""From four sets that were written before anybody looked at what the checks say to them: those that found something."""

import itertools
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.data.batches import Vocabulary
from tests.answers import UNNAMED, right, wrong

P = "00_practice"
wrong(P, "scale|√k_len", lambda s, v: torch.softmax(s / math.sqrt(len(s)), 0) @ v)
wrong(P, "Powers of 10", lambda s, v: sum(10**a * b for a, b in zip(s, v)) / (10**s).sum())
wrong(P, "sort", lambda s, v: (v.T * s.softmax(0).sort(descending=True).values).sum(1))

P = "01_last_state"
wrong(
    P,
    "repeat",
    lambda s, n: s.gather(1, (n - 1).view(-1, 1, 1)).squeeze(1).expand(-1, s.shape[2]),
)
wrong(P, "add up the lengths", lambda s, n: s.flatten(0, 1).index_select(0, n.cumsum(0) - 1))


@wrong(P, "add up the real states.*1/length")
def _(states, lengths):
    out = torch.zeros(states.shape[0], states.shape[2])
    for i, t in itertools.product(range(states.shape[0]), range(states.shape[1])):
        if t < lengths[i]:
            out[i] += states[i, t]
    return out / states.shape[1]


P = "01_mixed_batch"


@wrong(P, "add up the states")
def _(inputs, W, U):
    states, memory = [], torch.zeros(len(inputs), len(U))
    for x in inputs.transpose(0, 1):
        states.append(torch.tanh(x @ W.T + memory @ U.T))
        memory = memory + states[-1]
    return torch.stack(states, 1)


@wrong(P, "tanh comes once")
def _(inputs, W, U):
    h, out = torch.zeros(len(inputs), len(U)), []
    for x in inputs.swapaxes(0, 1):
        h = F.linear(x, W) + F.linear(h, U)
        out.append(h)
    return torch.tanh(torch.stack(out, 1))


@right(P)
def _(inputs, W, U):
    rnn = nn.RNN(W.shape[1], W.shape[0], bias=False, batch_first=True).to(inputs.dtype)
    return torch.func.functional_call(rnn, {"weight_ih_l0": W, "weight_hh_l0": U}, (inputs,))[0]


P = "01_masked_loss"
wrong(
    P,
    "`mask` that says",
    lambda x, t, m: F.cross_entropy(x.flatten(0, 1), t.flatten(), ignore_index=Vocabulary.pad),
    lambda x, t, m: F.cross_entropy(x[t > 0], t[t > 0]),
)


@wrong(P, "infinite number multiplied by zero")
def _(logits, target, mask):
    x = torch.where(mask[..., None], logits, float("-inf"))
    log_p = x.log_softmax(-1).gather(2, target[..., None]).squeeze(2)
    return -(log_p * mask).sum() / mask.sum()


P = "01_greedy"


@wrong(P, "end every sentence")
def _(step, state, max_words):
    word, said = Vocabulary.bos, []
    for _ in range(max_words):
        logits, state = step(word, state)
        word = logits.argmax().item()
        if word == Vocabulary.eos:
            break
        said.append(word)
    return [*said, Vocabulary.eos]


P = "01_gradient_left"
right(P, np.array([0.0625]))
P = "02_soft_dictionary"
wrong(P, "one factor too many", 13.2)
right(P, torch.tensor([[14.0]]))

P = "02_additive_score"
wrong(
    P,
    "`W` and `U` have changed places",
    lambda K, Q, W, U, v: torch.stack([torch.tanh(Q @ U.T + W @ k) @ v for k in K], 1),
    lambda K, Q, U, W, v: torch.tanh((Q @ W.T)[:, None] + K @ U.T) @ v,
)
wrong(P, "`keys` and `query` have changed places", lambda Q, K, W, U, v: torch.tanh((Q @ W.T)[:, None] + K @ U.T) @ v)
wrong(P, UNNAMED, lambda K, Q, W, U, v: ((Q @ W.tanh().T)[:, None] + K @ U.tanh().T) @ v)

P = "02_softmax_axis"


@wrong(P, "hidden gets weight")
def _(query, keys, values, mask):
    scores = torch.einsum("bqd,bkd->bqk", query, keys) - 5.0 * (~mask).float()[:, None]
    w = F.softmax(scores, -1)
    return torch.einsum("bqk,bkd->bqd", w, values), w


@wrong(P, "sum of the values that have any")
def _(query, keys, values, mask):
    w = (query @ keys.mT).masked_fill(~mask[:, None], -torch.inf).softmax(-1).nan_to_num()
    return (values * mask[..., None]).sum(1, keepdim=True).expand(-1, query.shape[1], -1), w


P = "02_decoder_step"


def _step(weigh, average=lambda w, h: torch.einsum("bl,bld->bd", w, h)):
    def decoder_step(word, state, states, mask, score, cell):
        w = weigh(score(states, state[:, None]).squeeze(1), mask)
        return cell(torch.cat([word, average(w, states)], 1), state), w

    return decoder_step


def _fine(s, m):
    return s.masked_fill(~m, -1e30).softmax(-1) * m


wrong(P, "inverted", _step(lambda s, m: torch.where(m, torch.finfo(s.dtype).min, s).softmax(-1)))
wrong(P, "inverted", _step(lambda s, m: torch.where(m, -torch.inf, s).softmax(-1)))
wrong(P, "axis of length 1", _step(lambda s, m: s[:, None].softmax(1)[:, 0] * m))
wrong(P, "divide by how many", _step(lambda s, m: s.softmax(-1) * m / m.sum(-1, keepdim=True).clamp(min=1)))
wrong(P, "best", _step(_fine, lambda w, h: torch.stack([a[i.argmax()] * i.any() for i, a in zip(w, h)])))

P = "02_blind_look"


@wrong(P, "`embedded` and `state` are taken in the opposite order")
def _(embedded, state, states, W):
    q = torch.einsum("kq,bq->bk", W, torch.cat([embedded, state], -1)).flipud()
    w = torch.stack([torch.mv(h, x) for h, x in zip(states, q)]).softmax(-1)
    return torch.einsum("bl,bld->bd", w, states), w


P = "02_unreachable_key"
wrong(P, "times a given one", lambda k: k[k.norm(dim=1).argmin()] / 2, lambda k: k[-1] * 1.5)

P = "03_indifferent_query"
wrong(P, "every component", lambda s, q: s - (s @ q - (s @ q).mean()).unsqueeze(1))
wrong(P, "in another order", lambda s, q: torch.roll(s, 1, dims=0))

P = "03_delete_top"


@wrong(P, UNNAMED)
def _(decide, documents, weights, share):
    n = int(np.ceil(share * np.mean([len(d) for d in documents])))
    left = [d[w.sort(descending=True)[1][min(n, len(d) - 1) :].sort()[0]] for d, w in zip(documents, weights)]
    return (decide(left) != decide(documents)).float().mean()


P = "04_causal_convolution"


@wrong(P, "too early")
def _(x, weight, dilation):
    y = F.conv1d(F.pad(x, (weight.shape[2] - 1, 0)), weight, dilation=dilation)
    return F.pad(y, (0, x.shape[2] - y.shape[2]))


P = "04_marker_filters"


@wrong(P, "fires on words of text")
def _(n_words):
    filters = torch.zeros(4, n_words + 4, 3)
    filters[:, :n_words, 0] = 1
    filters[range(4), range(n_words, n_words + 4), 0] = 1
    return filters, -torch.ones(4), 1.5


P = "05_who_sees_whom"


@wrong(P, "diagonal alone")
def _(attention, x):
    before, seen = attention(x), np.zeros((len(x), len(x)), dtype=bool)
    for j in range(len(x)):
        y = x.clone()
        y[j] = 2 * y[j]
        seen[j, j] = bool((attention(y)[j] != before[j]).any())
    return torch.from_numpy(seen)


P = "05_mask_of_last"
wrong(P, "triangle, but in another place", lambda q, k: torch.ones(q, k).tril(q).bool())
wrong(P, "Only your last row", lambda q, k: (torch.arange(q) == q - 1)[:, None].expand(q, k))

P = "05_cached_step"


@wrong(P, "first entry is missing")
def _(x, W_Q, W_K, W_V, keys, values):
    k, v = keys.roll(-1, 0), values.roll(-1, 0)
    k[-1:], v[-1:] = x @ W_K, x @ W_V
    return F.softmax(k @ (x @ W_Q) / k.shape[-1] ** 0.5, dim=0) @ v, k, v


P = "06_layers_until_alike"


def _count(step, gap):
    def layers_until_alike(features, mask, share):
        h, n = features, 0
        while gap(h) > share * gap(features) and n < 150:
            h, n = step(mask.float()) @ h, n + 1
        return n

    return layers_until_alike


def _average(m):
    return F.normalize(m, p=1, dim=1)


def _gap(h):
    return max((c.max() - c.min()).item() for c in h.T)


wrong(P, "twice in its own average", _count(lambda m: _average(m + torch.eye(len(m))), _gap))
wrong(P, "number of all nodes", _count(lambda m: m / len(m), _gap))
wrong(P, "first two rows", _count(_average, lambda h: (h[0] - h[1]).abs().max()))
right(P, _count(_average, _gap))


@wrong(P, "how much a layer changes")
def _(features, mask, share):
    h, start = features, _gap(features)
    for n in range(150):
        new = _average(mask.float()) @ h
        if (new - h).abs().max() <= share * start:
            return n
        h = new
