"""From two sets by people who had read the notebooks alone: those that found something, and truth values as 0 and 1."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from course_utils.attention import attend, scaled_dot_score, zero_score
from tests.answers import right, wrong

P = "00_practice"
wrong(P, "maximum above", lambda s, v: torch.exp(s - s.max()) / torch.exp(s).sum() @ v)
wrong(P, "maximum below", lambda s, v: torch.exp(s) / torch.exp(s - s.max()).sum() @ v)

wrong(P, "raise every sum", lambda s, v: s.exp() / s.exp().sum().clamp(min=1) @ v)

P = "01_last_state"


@wrong(P, "rows of zeros for the padding")
def _(states, lengths):
    return torch.stack([s[(s.abs().sum(dim=-1) > 0).nonzero()[-1, 0]] for s in states])


wrong("02_soft_dictionary", "or what a doubled one gives", 16)

P = "02_softmax_axis"


@wrong(P, "raise every sum")
def _(query, keys, values, mask):
    similarity = torch.exp(query @ keys.transpose(1, 2)) * mask[:, None, :]
    weights = similarity / similarity.sum(dim=-1, keepdim=True).clamp(min=1.0)
    return torch.bmm(weights, values), weights


P = "02_decoder_step"


@wrong(P, "state of the first one")
def _(word, state, states, mask, score, cell):
    weights = score(states, state[None])[:, 0].masked_fill(~mask, -1e30).softmax(-1) * mask
    return cell(torch.cat([word, torch.einsum("bk,bkd->bd", weights, states)], dim=1), state), weights


@wrong(P, "keeps its old state")
def _(word, state, states, mask, score, cell):
    context, weights = attend(state.unsqueeze(1), states, states, score, mask.unsqueeze(1))
    new_state = cell(torch.cat([word, context.squeeze(1)], dim=1), state)
    return torch.where(mask.any(dim=1, keepdim=True), new_state, state), weights.squeeze(1)


@wrong(P, "padded states to zero")
def _(word, state, states, mask, score, cell):
    clean = states * mask[:, :, None]
    context, weights = attend(state[:, None], clean, clean, score)
    return cell(torch.cat([word, context[:, 0]], dim=-1), state), weights[:, 0]


P = "02_unreachable_key"
wrong(P, "0.37, 0.37, 0.37", lambda keys: F.normalize(keys.mean(dim=0), dim=0) * keys.norm(dim=1).max())
wrong(P, "no weight is negative", lambda keys: 1.5 * keys[-1] - 0.5 * keys[0])
wrong(P, "all sum to one", lambda keys: keys.norm(dim=1) @ keys)

right("03_document_twice", (0, 1, 1, 1, 1), torch.tensor([0, 1, 1, 1, 1]))
wrong("03_document_twice", "True or False", (0, 1, 1, 1, 0.5))

P = "03_delete_top"


def _deletes(cut):
    def decisions_changed(decide, documents, weights, share):
        left = [cut(d, w, math.ceil(share * len(d))) for d, w in zip(documents, weights)]
        return (decide(left) != decide(documents)).float().mean().item()

    return decisions_changed


wrong(P, "wherever they occur", _deletes(lambda d, w, n: d[~torch.isin(d, d[w.topk(n).indices])]))
wrong(P, "always leave a word", _deletes(lambda d, w, n: d[w.argsort().flip(0)[min(n, len(d) - 1) :].sort()[0]]))
wrong(P, "go too", _deletes(lambda d, w, n: d[w < w.sort(descending=True).values[n - 1]]))
wrong(P, "stay too", _deletes(lambda d, w, n: d[w <= w.sort(descending=True).values[n]] if n < len(d) else d[:0]))
wrong(
    P,
    "not the right words",
    _deletes(lambda d, w, n: torch.cat([d[:1], d[1:][w[1:].argsort()[: len(d) - n - 1].sort()[0]]])),
)


@right(P)
def _(decide, documents, weights, share):
    def without_top(words, looked):
        keep = torch.ones_like(words, dtype=torch.bool)
        keep[looked.topk(math.ceil(share * len(words))).indices] = False
        return words[keep]

    pairs = zip(decide(documents).tolist(), decide(list(map(without_top, documents, weights))).tolist())
    return sum(a != b for a, b in pairs) / len(documents)


@wrong(P, "make of the classes")
def _(decide, documents, weights, share):
    pairs = []
    for words, w in zip(documents, weights):
        kept = w.argsort(descending=True)[math.ceil(share * len(words)) :].sort().values
        pairs.append((decide([words]), decide([words[kept]])))
    return np.mean([float(old > new) for old, new in pairs])


P = "03_other_weights"


@wrong(P, "division by the sum")
def _(states, weights):
    change = torch.linalg.svd(states.T).Vh[-1]
    falling = change < 0
    new = (weights + (weights[falling] / -change[falling]).min() * change).clamp(min=0)
    return new / new.sum()


@wrong(P, "reduced")
def _(states, weights):
    equations = torch.cat([states, torch.ones(len(states), 1)], dim=1).T
    change = torch.linalg.svd(equations, full_matrices=False).Vh[-1]
    ratio = torch.where(change < 0, -weights / change, torch.inf)
    return weights + ratio.min() * change


P = "04_marker_filters"


@wrong(P, "Exactly zero")
def _(n_words):
    eye = torch.eye(n_words + 4)[n_words:]
    return F.pad(eye[..., None], (0, 2)), torch.full((4,), -1.0), 2.0


P = "04_twins"
wrong(P, "end in different words", lambda w: ([w[0], w[1], w[0], w[2]], [w[0], w[2], w[0], w[1]]))
wrong(P, "beside itself", lambda w: ([w[0], w[1]], [w[0], w[0], w[1]]))

P = "05_mask_of_last"
wrong(P, r"q_len \+ 1", lambda q, k: torch.ones(q, k, dtype=torch.bool).tril(diagonal=q + 1))
wrong(P, "bool", lambda q, k: torch.ones(q, k).tril(k - q), lambda q, k: torch.ones(q, k).tril(k - q).long())

P = "05_rotate"


@wrong(P, r"as in some libraries\. Here the pairs are neighbours, 2i and 2i \+ 1\.$")
def _(x, turn):
    angle = (torch.arange(len(x))[:, None] * turn).repeat(1, 2)
    first, second = x.chunk(2, dim=-1)
    return x * angle.cos() + torch.cat([-second, first], dim=-1) * angle.sin()


P = "05_cached_step"


@wrong(P, "before the first word is in the cache")
def _(x, W_Q, W_K, W_V, keys, values):
    query, key, value = x @ W_Q, x @ W_K, x @ W_V
    if len(keys) == 0:
        return value, keys, values
    keys, values = torch.vstack([keys, key]), torch.vstack([values, value])
    return attend(query[None], keys, values, scaled_dot_score)[0][0], keys, values


right("06_who_ranks_differently", (0, 1, 1, 0, 0, 1))

P = "06_edge_softmax"


@wrong(P, "consecutive pieces")
def _(scores, sources, targets, n_nodes):
    degrees = targets.bincount(minlength=n_nodes).tolist()
    return torch.cat([piece.softmax(dim=0) for piece in scores.split(degrees)])


P = "06_layers_until_alike"


@wrong(P, "one equal mean")
def _(features, mask, share):
    def spread(rows):
        return (rows.max(dim=0).values - rows.min(dim=0).values).max()

    hidden, n, reach = features, 0, torch.eye(len(features), dtype=torch.bool)
    while spread(hidden) > share * spread(features):
        n += 1
        reach = (mask.float() @ reach.float()) > 0
        hidden, _ = attend(features, features, features, zero_score, reach)
    return n
