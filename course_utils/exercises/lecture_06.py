"""Lecture 06: graph attention: what is asked, our answers, and the mistakes that are known."""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import masked_softmax
from course_utils.exercises import weighing
from course_utils.exercises.exercise import (
    Answer,
    Entry,
    Exercise,
    WrongAnswer,
    primes,
    single_slips,
    table,
    truth_table,
)


def read_neighbours(
    sources: Int[Tensor, "n_edges"],
    targets: Int[Tensor, "n_edges"],
    n_nodes: int,
    values: Float[Tensor, "n_nodes d_head"],
    a_query: Float[Tensor, "d_head"],
    a_key: Float[Tensor, "d_head"],
) -> tuple[Float[Tensor, "n_nodes d_head"], Float[Tensor, "n_nodes d_head"]]:
    """Give the mean of the values along the edges into each node, and their graph attention with one head."""
    equal = torch.zeros(len(targets))
    scores = F.leaky_relu(_pair_scores(sources, targets, values, a_query, a_key), 0.2)
    return _weighted(equal, sources, targets, n_nodes, values), _weighted(scores, sources, targets, n_nodes, values)


def _pair_scores(sources: Tensor, targets: Tensor, values: Tensor, a_query: Tensor, a_key: Tensor) -> Tensor:
    return (values @ a_query)[targets] + (values @ a_key)[sources]


def _weighted(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int, values: Tensor) -> Tensor:
    weights = softmax_per_target(scores[:, None], sources, targets, n_nodes)
    return values.new_zeros(n_nodes, values.shape[1]).index_add(0, targets, weights * values[sources])


def _draw_values() -> tuple:
    """Make edges with a double one and a node at the end without any, and values whose scores take both signs."""
    n_nodes, d_model = primes(1, (7, 11, 13))[0], primes(1, (3, 5, 17))[0]
    ends = torch.randint(n_nodes - 3, (2, 2 * n_nodes + 1))
    ends[:, -1] = ends[:, 0]
    return *ends, n_nodes, torch.randn(n_nodes, d_model), *torch.randn(2, d_model)


def _read_by(mean: Answer, score: Answer, weigh: Answer, gather: Answer) -> Answer:
    """Read one's neighbours by a mean, a score, weights and a sum of one's choice."""

    def read(
        sources: Tensor, targets: Tensor, n_nodes: int, values: Tensor, a_query: Tensor, a_key: Tensor
    ) -> tuple[Tensor, Tensor]:
        scores = score(sources, targets, values, a_query, a_key)
        weights = weigh(scores[:, None], sources, targets, n_nodes)
        return mean(sources, targets, n_nodes, values), gather(weights, sources, targets, n_nodes, values)

    return read


def _added_up(numbers: Tensor, where: Tensor, n_nodes: int) -> Tensor:
    return numbers.new_zeros(n_nodes, numbers.shape[1]).index_add(0, where, numbers)


def _mean_of_values(sources: Tensor, targets: Tensor, n_nodes: int, values: Tensor) -> Tensor:
    return _weighted(torch.zeros(len(targets)), sources, targets, n_nodes, values)


def _in_degree(targets: Tensor, n_nodes: int) -> Tensor:
    return torch.bincount(targets, minlength=n_nodes)[:, None].float()


def _written(weights: Tensor, sources: Tensor, targets: Tensor, n_nodes: int, values: Tensor) -> Tensor:
    result = torch.zeros(n_nodes, values.shape[1])
    result[targets] = weights * values[sources]
    return result


def _across_mailboxes(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
    """Let nodes with equally many messages compete, first message with first message, as in one mailbox of DGL."""
    degree = torch.bincount(targets, minlength=n_nodes)
    order = targets.argsort(stable=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order)) - (degree.cumsum(0) - degree)[targets[order]]
    n_places = int(degree.max()) + 1
    return softmax_per_target(scores, sources, degree[targets] * n_places + place, n_places**2)


def _read_slots() -> tuple:
    bent = {
        name: (lambda s, t, v, a_query, a_key, f=f: f(_pair_scores(s, t, v, a_query, a_key)), sentence)
        for name, (f, sentence) in weighing.bends("LeakyReLU").items()
    }
    return (
        (
            _mean_of_values,
            {
                "mean: a sum": (
                    lambda s, t, n, v: _added_up(v[s], t, n),
                    "The first result is a sum: a node with many neighbours is louder. The mean is asked for.",
                ),
                "mean: a maximum": (
                    lambda s, t, n, v: torch.zeros_like(v).scatter_reduce(
                        0, t[:, None].expand(-1, v.shape[1]), v[s], "amax", include_self=False
                    ),
                    "The first result is the maximum over the neighbours, component by component; the mean is asked.",
                ),
                "mean: 0/0": (
                    lambda s, t, n, v: _added_up(v[s], t, n) / _in_degree(t, n),
                    "In the means, a node without incoming edges divides 0 by 0, which is NaN; it should get zeros.",
                ),
                "mean: one more below": (
                    lambda s, t, n, v: _added_up(v[s], t, n) / (_in_degree(t, n) + 1),
                    "In the mean you divide by one more than there are edges.",
                ),
                "mean: divided by all": (
                    lambda s, t, n, v: _added_up(v[s], t, n) / n,
                    "In the mean you divide by the number of all nodes; divide by the number of edges into each.",
                ),
                "mean: root of the degree": (
                    lambda s, t, n, v: _added_up(v[s], t, n) / _in_degree(t, n).clamp(min=1) ** 0.5,
                    "In the mean you divide by the root of the number of edges.",
                ),
                "mean: divided by the sources' edges": (
                    lambda s, t, n, v: _added_up(v[s], t, n) / _in_degree(s, n).clamp(min=1),
                    "In the mean you divide by the number of edges that leave a node; divide by those that end in it.",
                ),
                "mean: with itself": (
                    lambda s, t, n, v: (_added_up(v[s], t, n) + v) / (_in_degree(t, n) + 1),
                    "Your mean takes a node's own value in; only what comes along its edges counts.",
                ),
                "mean: itself where there is no edge": (
                    lambda s, t, n, v: _mean_of_values(s, t, n, v) + v * (_in_degree(t, n) == 0),
                    "A node without incoming edges keeps its own value in your means; it should get zeros.",
                ),
                "mean: a minimum": (
                    lambda s, t, n, v: torch.zeros_like(v).scatter_reduce(
                        0, t[:, None].expand(-1, v.shape[1]), v[s], "amin", include_self=False
                    ),
                    "The first result is the minimum over the neighbours, component by component; the mean is asked.",
                ),
                "mean: a median": (
                    lambda s, t, n, v: torch.stack(
                        [v[s[t == i]].median(0).values if (t == i).any() else 0 * v[0] for i in range(n)]
                    ),
                    "The first result is the median over the neighbours, component by component; the mean is asked.",
                ),
                "mean: over everybody": (
                    lambda s, t, n, v: v.mean(0).expand_as(v),
                    "The first result is the mean over all nodes of the graph, not over one's neighbours.",
                ),
            },
        ),
        (
            lambda *a: F.leaky_relu(_pair_scores(*a), 0.2),
            {
                "no LeakyReLU": (
                    _pair_scores,
                    "The scores are not bent: without a LeakyReLU the softmax takes the query out again.",
                ),
                "PyTorch's own slope": (
                    lambda *a: F.leaky_relu(_pair_scores(*a)),
                    "Your LeakyReLU leaks too little: PyTorch's own slope is not that of the paper.",
                ),
                "query and key exchanged": (
                    lambda s, t, v, a_query, a_key: F.leaky_relu(_pair_scores(s, t, v, a_key, a_query), 0.2),
                    "In the attention `a_query` meets the node at the start of the edge, and that one answers. Who "
                    "asks is at its end.",
                ),
                "no scores": (
                    lambda s, t, v, a_query, a_key: torch.zeros(len(t)),
                    "Both results are the mean: the second must use the scores as weights.",
                ),
                "the node itself alone": (
                    lambda s, t, v, a_query, a_key: F.leaky_relu((v @ a_query)[s] + (v @ a_key)[s], 0.2),
                    "Both parts of the score come from the node at the start of the edge: who asks takes no part.",
                ),
                "bent before they meet": (
                    lambda s, t, v, a_query, a_key: F.leaky_relu(v @ a_query, 0.2)[t] + F.leaky_relu(v @ a_key, 0.2)[s],
                    "In yours the query changes no weight: it is left out, or the two parts are bent before they are "
                    "added. The LeakyReLU acts on their sum, so who asks decides where it bends.",
                ),
                "dot product": (
                    lambda s, t, v, a_query, a_key: F.leaky_relu((v[t] * v[s]).sum(1), 0.2),
                    "Your score is a dot product of the two nodes; `a_query` and `a_key` take no part.",
                ),
                "key of the target": (
                    lambda s, t, v, a_query, a_key: F.leaky_relu((v @ a_query)[t] + (v @ a_key)[t], 0.2),
                    "Both parts of the score come from the node at the end of the edge: all its weights are equal.",
                ),
                "a product": (
                    lambda s, t, v, a_query, a_key: F.leaky_relu((v @ a_query)[t] * (v @ a_key)[s], 0.2),
                    "You multiply the two parts of the score; they are added.",
                ),
                "scaled": (
                    lambda s, t, v, a_query, a_key: F.leaky_relu(
                        _pair_scores(s, t, v, a_query, a_key) / v.shape[1] ** 0.5, 0.2
                    ),
                    "You divide the scores by √d_head: that scale belongs to another score.",
                ),
                **bent,
            },
        ),
        (
            softmax_per_target,
            {
                "all edges compete": (
                    lambda scores, s, t, n: scores.softmax(0),
                    "Your softmax runs over all edges of the graph; it must run over those that end in the same node, "
                    "as `edge_softmax` does.",
                ),
                "grouped by source": (
                    lambda scores, s, t, n: softmax_per_target(scores, t, s, n),
                    "Your softmax runs over the edges that leave a node; it must run over those that end in it.",
                ),
                **{
                    name: (_per_node(weigh), told)
                    for name, (weigh, told) in weighing.of_softmax().items()
                    if name
                    not in (
                        *("equal weights for all", "sign of the scores", "sigmoid of the scores"),
                        *("scores", "exponentials", "divided by the scores' sum"),
                    )
                },
                "across mailboxes": (
                    _across_mailboxes,
                    "Your softmax runs over the nodes of a mailbox: messages of different nodes compete. It must run "
                    "over the messages of one node, the next axis.",
                ),
                "axis of length one": (
                    lambda scores, s, t, n: torch.ones_like(scores),
                    "All your weights are 1: your softmax runs over an axis of length one, or there is none.",
                ),
                "scores as weights": (
                    lambda scores, s, t, n: scores,
                    "You weigh with the scores themselves: there is no softmax. Weights are positive and sum to one.",
                ),
                "exponentials": (
                    lambda scores, s, t, n: scores.exp(),
                    "Your weights are exponentials that are not normalised: those of a node do not sum to one.",
                ),
                "sigmoid of the scores": (
                    lambda scores, s, t, n: scores.sigmoid(),
                    "You squash the scores by a sigmoid in place of a softmax: a node's weights do not sum to one.",
                ),
                "divided by the scores' sum": (
                    lambda scores, s, t, n: _shares(scores, t, n),
                    "You divide the scores by their sum, without an exponential (no softmax): weights can be negative.",
                ),
                "divided by the degree": (
                    lambda scores, s, t, n: softmax_per_target(scores, s, t, n) / _in_degree(t, n)[t],
                    "You take a mean of weight × value (divide by the number of edges): the weights sum to one "
                    "already, so add up.",
                ),
                "sign": (
                    lambda scores, *a: softmax_per_target(-scores, *a),
                    "The sign of the scores is wrong: the lowest score gets the most weight.",
                ),
                "best edge alone": (
                    lambda scores, s, t, n: (scores == _highest(scores, t, n)).float(),
                    "The best edge of each node gets all the weight (argmax); a softmax gives each its share.",
                ),
            },
        ),
        (
            lambda weights, s, t, n, v: _added_up(weights * v[s], t, n),
            {
                "one's own value": (
                    lambda weights, s, t, n, v: _added_up(weights * v[t], t, n),
                    "You weigh the value of the node that asks; weigh those at the starts of its edges.",
                ),
                "added up at the start": (
                    lambda weights, s, t, n, v: _added_up(weights * v[s], s, n),
                    "You add up at the start of each edge; the node at its end is the one that reads.",
                ),
                "last one wins": (
                    _written,
                    "Of each node's edges the last one alone is kept: writing at repeated indices does not add.",
                ),
                "with itself": (
                    lambda weights, s, t, n, v: _added_up(weights * v[s], t, n) + v,
                    "You add a node's own value to its context; only what comes along the edges counts.",
                ),
                "with itself where there are edges": (
                    lambda weights, s, t, n, v: _added_up(weights * v[s], t, n) + v * (_in_degree(t, n) > 0),
                    "You add a node's own value to its context (a residual); only what comes along the edges counts.",
                ),
                "itself where there is no edge": (
                    lambda weights, s, t, n, v: _added_up(weights * v[s], t, n) + v * (_in_degree(t, n) == 0),
                    "A node without incoming edges keeps its own value in your context; it should get zeros.",
                ),
                "everybody where there is no edge": (
                    lambda weights, s, t, n, v: (
                        _added_up(weights * v[s], t, n) + v[s].mean(0) * (_in_degree(t, n) == 0)
                    ),
                    "A node without incoming edges gets the mean over all edges in your context; it should get zeros. "
                    "A softmax of scores that are all equally low gives everything the same weight.",
                ),
            },
        ),
    )


def _with_loops(sources: Tensor, targets: Tensor, n_nodes: int, *others: Tensor) -> tuple[Tensor, Tensor]:
    nodes = torch.arange(n_nodes)
    return read_neighbours(torch.cat([sources, nodes]), torch.cat([targets, nodes]), n_nodes, *others)


def _double_edges_read_once(sources: Tensor, targets: Tensor, n_nodes: int, *others: Tensor) -> tuple[Tensor, Tensor]:
    once = torch.stack([sources, targets]).unique(dim=1)
    return read_neighbours(once[0], once[1], n_nodes, *others)


def softmax_per_target(
    scores: Float[Tensor, "n_edges n_heads"],
    sources: Int[Tensor, "n_edges"],
    targets: Int[Tensor, "n_edges"],
    n_nodes: int,
) -> Float[Tensor, "n_edges n_heads"]:
    """Turn scores into weights that sum to one over the edges that end in the same node, in every head."""
    where = targets[:, None].expand_as(scores)
    lowest = scores.new_full((n_nodes, scores.shape[1]), -torch.inf)
    highest = lowest.scatter_reduce(0, where, scores, "amax")
    return _shares((scores - highest[targets]).exp(), targets, n_nodes)


def _shares(numbers: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
    sums = numbers.new_zeros(n_nodes, numbers.shape[1]).index_add(0, targets, numbers)
    return numbers / sums[targets]


def _draw_edges(apart: float = 0.0) -> tuple:
    """Make edges with a double one and a node without any; ``apart`` moves the scores of two nodes up and down."""
    n_nodes, n_edges = primes(1, (7, 11, 13))[0], primes(1, (29, 31, 37))[0]
    n_heads = primes(1, (2, 3, 5))[0]
    ends = torch.randint(n_nodes - 1, (2, n_edges))
    ends[1, : n_nodes - 1] = torch.arange(n_nodes - 1)
    ends[1, n_nodes - 1 : 2 * n_nodes - 2] = torch.arange(n_nodes - 1)
    ends[:, -1] = ends[:, 0]
    sources, targets = ends[:, torch.randperm(n_edges)]
    scores = torch.randn(n_edges, n_heads)
    scores[targets == 4] += apart
    scores[targets == 2] -= apart
    return scores, sources, targets, n_nodes


def _normalised_by(highest: Answer, group: Answer) -> Answer:
    """Subtract one's own choice of a maximum, and add up by one's own choice of a node."""

    def weights(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
        numbers = (scores - highest(scores, sources, targets, n_nodes)).exp()
        return _shares(numbers, group(sources, targets), n_nodes)

    return weights


def _highest(scores: Tensor, where: Tensor, n_nodes: int, start: float = -torch.inf) -> Tensor:
    lowest = scores.new_full((n_nodes, scores.shape[1]), start)
    return lowest.scatter_reduce(0, where[:, None].expand_as(scores), scores, "amax")[where]


def _draw_far_apart() -> tuple:
    scores, sources, targets, n_nodes = _draw_edges()
    first, *others = (targets == 3).nonzero()[:, 0].tolist()
    scores[first] += 300
    scores[others] -= 300
    return scores, sources, targets, n_nodes


def _runs_of_equal_targets(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
    parts = scores.split(targets.unique_consecutive(return_counts=True)[1].tolist())
    return torch.cat([part.softmax(0) for part in parts])


def _sorted_and_left(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
    order = targets.argsort(stable=True)
    return softmax_per_target(scores[order], sources[order], targets[order], n_nodes)


def _shares_with(numbers: Tensor, targets: Tensor, n_nodes: int, more: float) -> Tensor:
    sums = numbers.new_zeros(n_nodes, numbers.shape[1]).index_add(0, targets, numbers)
    return numbers / (sums[targets] + more)


def _double_edges_once(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
    numbers = (scores - _highest(scores, targets, n_nodes)).exp()
    table = numbers.new_zeros(n_nodes, n_nodes, scores.shape[1])
    table[targets, sources] = numbers
    return numbers / table.sum(1)[targets]


def _last_of_each(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
    where = targets[:, None].expand_as(scores)
    lowest = scores.new_full((n_nodes, scores.shape[1]), -torch.inf)
    numbers = (scores - lowest.scatter_reduce(0, where, scores, "amax")[targets]).exp()
    sums = numbers.new_zeros(n_nodes, numbers.shape[1])
    sums[targets] += numbers
    return numbers / sums[targets]


def _per_node(weigh: Answer) -> Answer:
    """Weigh the edges into each node by a function of their scores, which are in the last axis."""

    def weights(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
        result = torch.zeros_like(scores)
        for node in targets.unique():
            result[targets == node] = weigh(scores[targets == node].T).T
        return result

    return weights


def _heads_together(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
    rows, n_heads = scores.reshape(-1, 1), scores.shape[1]
    return softmax_per_target(
        rows, sources.repeat_interleave(n_heads), targets.repeat_interleave(n_heads), n_nodes
    ).reshape(scores.shape)


def dynamic_scores(
    query: Float[Tensor, "q_len d"], keys: Float[Tensor, "k_len d"], a: Float[Tensor, "d"]
) -> Float[Tensor, "q_len k_len"]:
    """Give aᵀ LeakyReLU(q + k): bend each number of a pair, then add them up."""
    return F.leaky_relu(_sums_of_pairs(query, keys), 0.2) @ a


def _sums_of_pairs(query: Tensor, keys: Tensor) -> Tensor:
    return query[:, None] + keys[None, :]


def _score_by(meet: Answer, bend: Answer, read_out: Answer, finish: Answer) -> Answer:
    """Score pairs by how they meet, what bends them, what reads them out, and what comes last."""
    return lambda query, keys, a: finish(read_out(bend(meet(query[:, None], keys[None]), a), a))


_SCORE_SLOTS = (
    (lambda q, k: q + k, weighing.meetings(partial(F.leaky_relu, negative_slope=0.2), "LeakyReLU")),
    (
        lambda h, a: F.leaky_relu(h, 0.2),
        {
            "no bend": (
                lambda h, a: h,
                "There is no LeakyReLU at all: the query adds the same number to all scores of its row.",
            ),
            "PyTorch's own slope": (
                lambda h, a: F.leaky_relu(h),
                "Your LeakyReLU leaks too little: PyTorch's own slope is not the one that is asked for.",
            ),
            "a first": (
                lambda h, a: F.leaky_relu(h * a, 0.2) / a,
                "You multiply by a before you bend. Where a number of a is negative, the bend is on the other side.",
            ),
            "a first and last": (
                lambda h, a: F.leaky_relu(h * a, 0.2),
                "You multiply by a twice, before the bend and after it.",
            ),
            **weighing.adapted(weighing.bends("LeakyReLU"), lambda f: lambda h, a: f(h)),
        },
    ),
    (lambda h, a: h @ a, weighing.readings("a")),
    (
        lambda scores: scores,
        {
            "bent again": (
                lambda scores: F.leaky_relu(scores, 0.2),
                "You bend twice. The order may now change, but negative scores are made five times as small once more.",
            ),
            "softmax": (lambda scores: scores.softmax(-1), "These are weights: the scores before a softmax are asked."),
        },
    ),
)


def layers_until_alike(
    features: Float[Tensor, "n_nodes d_in"], mask: Bool[Tensor, "n_nodes n_nodes"], share: float
) -> int:
    """Count the layers of plain averaging until rows differ by at most this share of what they did."""
    wanted, layers = share * _spread(features), 0
    while _spread(features) > wanted:
        features, layers = _averaged(features, mask), layers + 1
    return layers


def _spread(rows: Tensor) -> Tensor:
    return (rows.amax(0) - rows.amin(0)).max()


def _averaged(features: Tensor, mask: Tensor) -> Tensor:
    return masked_softmax(torch.zeros(mask.shape), mask) @ features


def _draw_island() -> tuple:
    """Make a ring with self-loops and two one-way chords, in which all become alike; a share of 1 needs no layer."""
    n_nodes, d_model = primes(1, (5, 7, 11))[0], primes(1, (3, 13))[0]
    nodes = torch.arange(n_nodes)
    mask = torch.eye(n_nodes).bool()
    mask[nodes, nodes.roll(1)] = mask[nodes.roll(1), nodes] = True
    mask[0, 2] = mask[0, 3] = True  # read, and not reading back: the mask is not symmetric
    share = (0.3, 0.1, 0.03, 0.01)[int(torch.randint(4, ()))]
    return torch.randn(n_nodes, d_model) * torch.linspace(0.5, 3, d_model), mask, share


def _draw_share_of_one() -> tuple:
    features, mask, _ = _draw_island()
    return (8 * features).round() / 8, mask, 1.0  # differences are exact, in whatever order they are taken


def _draw_one_column() -> tuple:
    features, mask, share = _draw_island()
    return features[:, :1], mask, share


def _draw_alike() -> tuple:
    features, mask, share = _draw_island()
    return features[:1].expand_as(features).clone(), mask, share


def _small(now: Tensor, before: Tensor, first: Tensor, share: float) -> bool:
    return bool(now <= share * first)


def _layers(
    spread: Callable[[Tensor], Tensor] = _spread,
    small: Callable[..., bool] = _small,
    least: int = 0,
    step: Callable[[Tensor, Tensor], Tensor] = _averaged,
) -> Callable[[Tensor, Tensor, float], int]:
    """Make the mistake of measuring, stopping or averaging otherwise.

    ``small(now, before, first, share)`` ends the count, after ``least`` layers.
    """

    def count(features: Tensor, mask: Tensor, share: float) -> int:
        first = before = spread(features)
        for layers in range(150):
            now = spread(features)
            if layers >= least and small(now, before, first, share):
                return layers
            features, before = step(features, mask), now
        return -1  # never: an answer that does this is stopped

    return count


def _not_larger(now: Tensor, before: Tensor, first: Tensor, share: float) -> bool:
    return not bool(now > share * first)  # so it ends, too, where the numbers have become NaN


def _reads_what_was_given(features: Tensor, mask: Tensor, share: float) -> int:
    wanted, averaged = share * _spread(features), _averaged(features, mask)
    return next((n for n, x in enumerate((features, averaged)) if _spread(x) <= wanted), -1)


def _never_alike(call: Callable[[tuple], int], draws: list[tuple]) -> str | None:
    """Name a mistake by which rows do not become alike, so that a limit of the answer's own ends its count.

    What such mistakes compute is -1 where they never end. Other arguments, where some of them do end, tell them apart.
    """
    counts = [call(arguments) for arguments in draws]
    limit = max(counts)
    if limit < 50:
        return None
    tried = [(features, mask, 0.9) for features, mask, _ in draws[:2]]
    line = torch.tensor([[1.0], [0.0], [0.5]]), torch.tensor([0, 0, 1])  # each reads the one before
    tried.append((line[0], F.one_hot(line[1], 3).bool(), 0.1))
    two = torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]])  # one reads two, which are alike
    tried.append((torch.tensor([[1.0], [1.0], [3.0], [-1.0]]), two.bool(), 0.1))
    tried.append((torch.tensor([[2.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]), torch.ones(3, 3).bool(), 0.1))
    counts += [call(arguments) for arguments in tried]

    def makes(wrong: WrongAnswer) -> bool:
        theirs = (wrong.computes(*arguments) for arguments in [*draws, *tried])
        return all(c == t or (t == -1 and c >= min(limit - 2, 140)) for c, t in zip(counts, theirs, strict=True))

    named = {wrong.message for wrong in EXERCISES["06_layers_until_alike"].wrong_answers.values() if makes(wrong)}
    if len(named) == 1:
        return named.pop()
    if all(count >= limit - 2 for count in counts[: len(draws)]):
        return (
            f"Your count runs up to {limit}, a limit of your own, in every call: your loop never finds the rows alike. "
            "Either a layer does not bring them nearer to each other, or the spread is compared with what shrinks, too."
        )
    return None


def _until_nothing_moves(features: Tensor, mask: Tensor, share: float) -> int:
    wanted = share * _spread(features)
    for layers in range(150):
        features, before = _averaged(features, mask), features
        if (features - before).abs().max() <= wanted:
            return layers
    return -1


def _mean_within_reach(features: Tensor, mask: Tensor, share: float) -> int:
    reach = torch.eye(len(mask))
    for layers in range(150):
        if _spread(_averaged(features, reach > 0)) <= share * _spread(features):
            return layers
        reach = (mask.float() @ reach > 0).float()
    return -1


def _draw_pairs() -> tuple:
    q_len, k_len, d_model = primes(3)
    return torch.randn(q_len, d_model), torch.randn(k_len, d_model), torch.randn(d_model)


_NETWORKS = ("GAT", "MLP")


_READ_SLOTS = _read_slots()


def _dense_with_zeros(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
    table = scores.new_zeros(n_nodes, n_nodes, scores.shape[1])
    table[targets, sources] = scores
    return table.softmax(1)[targets, sources]


EXERCISES: dict[str, Exercise] = {
    "06_who_ranks_differently": truth_table(
        (False, True, True, False, False, True),
        (
            "Statement 1: before the LeakyReLU a node adds one number to all its scores. Which order of two scores can "
            "that change, and which can a function that only rises?",
            "Statement 2: the same order is not the same weights. What does the bend of the LeakyReLU do to the gaps?",
            "Statement 3: in GATv2 the bend comes before the sum over the hidden units. Do all units bend in one "
            "place, "
            "whoever asks?",
            "Statement 4: heads do not see each other's scores. Can one of eight do what a single head cannot?",
            "Statement 5: several units are added up after Bahdanau's tanh. How many are there here?",
            "Statement 6: in q·k each component of the query is multiplied with the key's, not added to it. What "
            "does a "
            "query of the opposite sign prefer?",
        ),
        {
            "everything possible": (
                (True, True, True, True, True, True),
                "You say that everything is possible. Look at the table of GAT's scores in the example by hand: all "
                "its rows rank the keys in one order.",
            ),
            "nothing possible": (
                (False, False, False, False, False, False),
                "You say that nothing is possible: then no score would need a query at all.",
            ),
            "the opposite": (
                (True, False, False, True, True, False),
                "Yours is the exact opposite (inverted): True means that it is possible.",
            ),
            "heads and tanh": (
                (False, True, True, True, True, True),
                "Eight heads, or another function that only rises: neither changes what one head with one sum can "
                "rank. "
                "Look at statements 4 and 5 again.",
            ),
            "the dot product alone": (
                (False, False, False, False, False, True),
                "You trust the dot product alone. Weights can differ without another order, and GATv2 bends before it "
                "adds.",
            ),
            "whatever learns": (
                (True, True, True, True, False, True),
                "More heads do not help, and neither do other weights: a GAT head adds one number for who asks.",
            ),
        },
    ),
    "06_update_all": Exercise(
        read_neighbours,
        _draw_values,
        {
            **single_slips(_read_by, _READ_SLOTS),
            "edges the wrong way": WrongAnswer(
                lambda s, t, n, v, a_query, a_key: read_neighbours(t, s, n, v, a_query, a_key),
                "Your messages flow from targets to sources. `dgl.graph` takes the starts of the edges first.",
            ),
            "with loops": WrongAnswer(
                _with_loops,
                "Every node reads itself as well: you add self-loops, and only the given edges are asked for.",
            ),
            "double edges once": WrongAnswer(
                _double_edges_read_once,
                "Two edges between the same nodes count as one in yours (a table of neighbours holds each once); they "
                "count as two.",
            ),
            "both ways": WrongAnswer(
                lambda s, t, *others: read_neighbours(torch.cat([s, t]), torch.cat([t, s]), *others),
                "You let messages flow both ways along each edge; it has one direction.",
            ),
            "exchanged": WrongAnswer(
                lambda *a: read_neighbours(*a)[::-1],
                "Both results are right and come in the wrong order: the means first.",
            ),
        },
        slots=_READ_SLOTS,
        assemble=_read_by,
    ),
    "06_edge_softmax": Exercise(
        softmax_per_target,
        _draw_edges,
        {
            **{name: WrongAnswer(_per_node(weigh), told) for name, (weigh, told) in weighing.of_softmax().items()},
            "divided by the degree": WrongAnswer(
                lambda scores, sources, targets, n_nodes: (
                    (scores - _highest(scores, targets, n_nodes)).exp() / _in_degree(targets, n_nodes)[targets]
                ),
                "You divide by the number of edges into a node, in place of the sum of its exponentials.",
            ),
            "smallest subtracted": WrongAnswer(
                lambda scores, sources, targets, n_nodes: _shares(
                    (scores + _highest(-scores, targets, n_nodes)).exp(), targets, n_nodes
                ),
                "You subtract the smallest score of each node: where one is far above it, its exponential is infinite.",
            ),
            "no edge, but a score": WrongAnswer(
                _dense_with_zeros,
                "In your dense table of scores there is a 0 where there is no edge, and a softmax makes e⁰ = 1 of it.",
            ),
            "last node left out": WrongAnswer(
                lambda scores, sources, targets, n_nodes: (
                    softmax_per_target(scores, sources, targets, n_nodes) * (targets < n_nodes - 1)[:, None]
                ),
                "The edges into the last node get no weight: does your loop over the nodes end one too early?",
            ),
            "all edges": WrongAnswer(
                lambda scores, sources, targets, n_nodes: scores.softmax(0),
                "The softmax runs over all edges of the graph: distant nodes compete with each other, and no node's "
                "weights sum to one.",
            ),
            "heads": WrongAnswer(
                lambda scores, sources, targets, n_nodes: scores.softmax(1),
                "The softmax runs over the heads: they compete with each other, and neighbours do not.",
            ),
            "grouped by source": WrongAnswer(
                lambda scores, sources, targets, n_nodes: softmax_per_target(scores, targets, sources, n_nodes),
                "You group the edges by where they begin: each node shares itself out among its readers. Who asks "
                "stands at the other end.",
            ),
            "no maximum": WrongAnswer(
                lambda scores, sources, targets, n_nodes: _shares(scores.exp(), targets, n_nodes),
                "Right while scores are small. The exponential of 300 is infinite and that of −300 is zero, and "
                "infinite by infinite, like zero by zero, is NaN. What does a softmax subtract before it begins?",
            ),
            "one maximum for all": WrongAnswer(
                lambda scores, sources, targets, n_nodes: _shares((scores - scores.max()).exp(), targets, n_nodes),
                "You subtract one maximum from all scores (or one per head): nothing is infinite any more, but a "
                "node whose scores are "
                "all far below it divides zero by zero. Whose maximum would be safe?",
            ),
            "last one wins": WrongAnswer(
                _last_of_each,
                "Your sums hold one edge of each node instead of all: writing at repeated indices keeps the last, also "
                "with +=. The weights of a node sum to more than one.",
            ),
            "maximum from zero": WrongAnswer(
                _normalised_by(lambda s, sources, t, n: _highest(s, t, n, 0.0), lambda sources, t: t),
                "Your maximum starts at 0: for a node whose scores are all near −300 it stays 0, all exponentials "
                "vanish "
                "(underflow), and zero is divided by zero. It must start below every score.",
            ),
            "clamped": WrongAnswer(
                lambda scores, sources, targets, n: _shares(scores.clamp(-50, 50).exp(), targets, n),
                "You clamp the scores: beyond the limit all of them become equal, and so do the weights.",
            ),
            "NaN replaced": WrongAnswer(
                lambda scores, sources, targets, n: _shares(scores.exp(), targets, n).nan_to_num(0.0),
                "You replace NaN by 0 (nan_to_num): nothing is NaN, and a node with scores near ±300 gets no weights. "
                "Prevent the overflow instead.",
            ),
            "a small number below": WrongAnswer(
                lambda scores, sources, targets, n: _shares_with((scores - scores.max()).exp(), targets, n, 1e-9),
                "A small number below the fraction line (epsilon or clamp) avoids 0/0, but a node whose scores are far "
                "below the maximum of all gets no weights.",
            ),
            "a small number below, own maximum": WrongAnswer(
                lambda scores, sources, targets, n: _shares_with(
                    (scores - _highest(scores, targets, n)).exp(), targets, n, 1e-1
                ),
                "What you add below the fraction line takes weight from every node; with its own maximum subtracted no "
                "sum is zero.",
            ),
            "maximum by target, sum by source": WrongAnswer(
                _normalised_by(lambda s, sources, t, n: _highest(s, t, n), lambda sources, t: sources),
                "Your maximum is taken by target, your sum by source: both belong to the node that asks, the target.",
            ),
            "maximum by source": WrongAnswer(
                _normalised_by(lambda s, sources, t, n: _highest(s, sources, n), lambda sources, t: t),
                "Your maximum is taken by source, your sum by target: both belong to the node that asks, the target.",
            ),
            "targets taken for sorted": WrongAnswer(
                _runs_of_equal_targets,
                "You go by runs of equal targets, as if the edges were sorted by target; they come in any order.",
            ),
            "pieces by degree": WrongAnswer(
                lambda scores, sources, targets, n: torch.cat(
                    [part.softmax(0) for part in scores.split(torch.bincount(targets, minlength=n).tolist())]
                ),
                "You cut the edges into consecutive pieces, one for each node, as if they were sorted by target; they "
                "come in any order.",
            ),
            "sorted and not put back": WrongAnswer(
                _sorted_and_left,
                "You sort the edges by target and do not put the weights back into the order of the edges.",
            ),
            "sum alone": WrongAnswer(
                lambda scores, sources, targets, n: (scores - _highest(scores, targets, n)).exp(),
                "Your exponentials are not divided by their sum: the weights of a node do not sum to one.",
            ),
            "logarithms": WrongAnswer(
                lambda *a: softmax_per_target(*a).log(),
                "These are the logarithms of the weights (log_softmax).",
            ),
            "mean over the heads": WrongAnswer(
                lambda *a: softmax_per_target(*a).mean(1, keepdim=True).expand_as(a[0]),
                "You average the weights over the heads: each head has weights of its own.",
            ),
            "scores averaged over the heads": WrongAnswer(
                lambda scores, *a: softmax_per_target(scores.mean(1, keepdim=True).expand_as(scores).clone(), *a),
                "You average the scores over the heads: each head has weights of its own.",
            ),
            "double edges once": WrongAnswer(
                lambda scores, sources, targets, n: _double_edges_once(scores, sources, targets, n),
                "Two edges between the same nodes count as one in your sums; they count as two.",
            ),
            "per pair of nodes": WrongAnswer(
                lambda scores, sources, targets, n: softmax_per_target(scores, sources, sources * n + targets, n * n),
                "You normalise over the edges between the same two nodes; normalise over all edges with one target.",
            ),
            "maximum per edge": WrongAnswer(
                _normalised_by(lambda s, sources, t, n: s.amax(1, keepdim=True), lambda sources, t: t),
                "You subtract the maximum over the heads of each edge; that changes the weights. Subtract what is "
                "the same "
                "for all edges of a node.",
            ),
            "heads together": WrongAnswer(
                _heads_together,
                "All heads of a node share one sum: each head has weights of its own that sum to one.",
            ),
            "shares of the mean": WrongAnswer(
                lambda *a: softmax_per_target(*a) * torch.bincount(a[2], minlength=a[3])[a[2], None],
                "The weights of a node sum to the number of its edges: you divide by a mean where a sum belongs.",
            ),
        },
        hard={
            "where some nodes have scores near 300 and others near −300": lambda: _draw_edges(300.0),
            "where the scores of one node are far apart": _draw_far_apart,
            "where one node asks everything": lambda: (
                torch.randn(5, 2),
                torch.tensor([0, 1, 2, 0, 1]),
                torch.tensor([2, 2, 2, 2, 2]),
                3,
            ),
        },
    ),
    "06_dynamic_scores": Exercise(
        dynamic_scores,
        _draw_pairs,
        {
            **single_slips(_score_by, _SCORE_SLOTS),
            "the bug": WrongAnswer(
                lambda query, keys, a: F.leaky_relu(_sums_of_pairs(query, keys) @ a, 0.2),
                "You have kept the bug: one number per pair is bent after the sum, and nothing can change the order of "
                "a row any more.",
            ),
            "two numbers bent": WrongAnswer(
                lambda query, keys, a: F.leaky_relu(query @ a, 0.2)[:, None] + F.leaky_relu(keys @ a, 0.2)[None],
                "You bend one number of the query and one of the key and add them: the query again adds the same "
                "number to all scores of its row. The bend acts on the d numbers of a pair.",
            ),
            "bent before they meet": WrongAnswer(
                lambda query, keys, a: _sums_of_pairs(F.leaky_relu(query, 0.2), F.leaky_relu(keys, 0.2)) @ a,
                "You bend query and key before they are added. Then the score is again a number for the query plus a "
                "number for the key.",
            ),
            "queries and keys exchanged": WrongAnswer(
                lambda query, keys, a: dynamic_scores(keys, query, a),
                "Your table has a row for each key and a column for each query (transposed); it should be the other "
                "way round.",
            ),
            "product of bent parts": WrongAnswer(
                lambda query, keys, a: F.leaky_relu(query * a, 0.2) @ F.leaky_relu(keys, 0.2).T,
                "Your score is a product of query and key; they are added and bent together.",
            ),
            "weighted dot product": WrongAnswer(
                lambda query, keys, a: (query * a) @ keys.T,
                "Your score is a product of query and key, weighed by a; they are added and bent.",
            ),
            "dot product": WrongAnswer(
                lambda query, keys, a: query @ keys.T,
                "This is a dot product. It is dynamic as well, but here query and key are added and bent.",
            ),
        },
        hard={
            "where there are as many queries as keys": lambda: (torch.randn(5, 3), torch.randn(5, 3), torch.randn(3)),
            "where there is one query and one key": lambda: (torch.randn(1, 3), torch.randn(1, 3), torch.randn(3)),
        },
        slots=_SCORE_SLOTS,
        assemble=_score_by,
    ),
    "06_layers_until_alike": Exercise(
        layers_until_alike,
        _draw_island,
        {
            "one too many": WrongAnswer(
                lambda *arguments: layers_until_alike(*arguments) + 1,
                "You count one layer too many. Before any layer the count is 0, and the spread may be small enough.",
            ),
            "one too few": WrongAnswer(
                lambda *arguments: layers_until_alike(*arguments) - 1,
                "You count one layer too few: the last one, after which the spread is small enough, counts as well.",
            ),
            "at least one": WrongAnswer(
                _layers(least=1),
                "You always take a layer before you look. With a share of 1 none is needed.",
            ),
            "divided by one more": WrongAnswer(
                _layers(step=lambda features, mask: mask.float() @ features / (mask.sum(1, keepdim=True) + 1)),
                "You divide by one more than there are nodes to read.",
            ),
            "an absolute spread": WrongAnswer(
                _layers(_spread, lambda now, before, first, share: bool(now <= share)),
                "You compare the spread with `share` itself. It is a share of the spread at the start.",
            ),
            "beside the layer before": WrongAnswer(
                _layers(_spread, lambda now, before, first, share: bool(now <= share * before)),
                "You compare with the layer before. Each layer narrows the spread by some factor, so that may never be "
                "small; compare with the start.",
            ),
            "a standard deviation": WrongAnswer(
                _layers(lambda rows: rows.std(0).max()),
                "Your spread is a standard deviation. It is the largest difference between two rows in any column.",
            ),
            "differences within a row": WrongAnswer(
                _layers(lambda rows: (rows.amax(1) - rows.amin(1)).max()),
                "Your spread compares the numbers of one row with each other. Compare the rows, column by column.",
            ),
            "mean over the columns": WrongAnswer(
                _layers(lambda rows: (rows.amax(0) - rows.amin(0)).mean()),
                "Your spread is the mean over the columns; it is the largest of them.",
            ),
            "sum over the columns": WrongAnswer(
                _layers(lambda rows: (rows.amax(0) - rows.amin(0)).sum()),
                "Your spread is the sum over the columns; it is the largest of them.",
            ),
            "smallest column": WrongAnswer(
                _layers(lambda rows: (rows.amax(0) - rows.amin(0)).min()),
                "Your spread is that of the column that differs least; it is the largest of them.",
            ),
            "first column": WrongAnswer(
                _layers(lambda rows: rows[:, 0].max() - rows[:, 0].min()),
                "Your spread looks at the first column alone; it is the largest of all.",
            ),
            "the whole matrix": WrongAnswer(
                _layers(lambda rows: rows.max() - rows.min()),
                "Your spread is the largest number of all minus the smallest of all, wherever they stand; compare "
                "within each column.",
            ),
            "distance of rows": WrongAnswer(
                _layers(lambda rows: torch.cdist(rows, rows).max()),
                "Your spread is the distance between two rows (a norm over all columns); it is the largest difference "
                "in any one column.",
            ),
            "the first two rows": WrongAnswer(
                _layers(lambda rows: (rows[0] - rows[1]).abs().max()),
                "Your spread compares the first two rows alone; any two are to be compared.",
            ),
            "the last change": WrongAnswer(
                _until_nothing_moves,
                "You look at how much a layer changes; the spread is how much the rows differ from each other.",
            ),
            "neighbouring rows": WrongAnswer(
                _layers(lambda rows: rows.diff(dim=0).abs().max()),
                "Your spread compares rows that stand next to each other; any two are to be compared.",
            ),
            "rows with the first": WrongAnswer(
                _layers(lambda rows: (rows - rows[0]).abs().max()),
                "Your spread compares all rows with the first; any two are to be compared.",
            ),
            "distance from the mean": WrongAnswer(
                _layers(lambda rows: (rows - rows.mean(0)).abs().max()),
                "Your spread is the largest distance from the mean; it is that between two rows.",
            ),
            "variance": WrongAnswer(
                _layers(lambda rows: rows.var(0).max()),
                "Your spread is a variance. It is the largest difference between two rows in any column.",
            ),
            "last column": WrongAnswer(
                _layers(lambda rows: rows[:, -1].max() - rows[:, -1].min()),
                "Your spread looks at the last column alone; it is the largest of all.",
            ),
            "first row and last": WrongAnswer(
                _layers(lambda rows: (rows[0] - rows[-1]).abs().max()),
                "Your spread compares the first row with the last; any two are to be compared.",
            ),
            "sum of differences": WrongAnswer(
                _layers(lambda rows: torch.cdist(rows, rows, p=1).max()),
                "Your spread adds up the differences over the columns; it is the largest of them.",
            ),
            "largest number": WrongAnswer(
                _layers(lambda rows: rows.abs().max()),
                "Your spread is the largest number itself; it is the largest difference between two rows.",
            ),
            "degrees of both ends": WrongAnswer(
                _layers(
                    step=lambda x, mask: (mask / (mask.sum(1)[:, None] * mask.sum(1)[None]).sqrt()) @ x,
                ),
                "You divide by the roots of both nodes' numbers of neighbours, as a GCN does; here each row is a plain "
                "average.",
            ),
            "what was lost": WrongAnswer(
                _layers(small=lambda now, before, first, share: bool(now <= (1 - share) * first)),
                "You stop when `share` of the spread is lost; you should stop when no more than `share` of it is left.",
            ),
            "strictly smaller": WrongAnswer(
                _layers(small=lambda now, before, first, share: bool(now < share * first)),
                "The spread may be exactly `share` of the first: at most, not less than.",
            ),
            "columns of the mask": WrongAnswer(
                _layers(step=lambda x, mask: mask.float() / mask.sum(0, keepdim=True) @ x),
                "You divide by the sum of a column of the mask; a row says who is read, so a row's weights sum to one.",
            ),
            "mask transposed": WrongAnswer(
                _layers(step=lambda x, mask: _averaged(x, mask.T)),
                "You use the mask transposed: row i says whom node i reads.",
            ),
            "sums": WrongAnswer(
                _layers(step=lambda x, mask: mask.float() @ x),
                "You add up neighbours in place of averaging: the numbers grow with every layer.",
            ),
            "sums, until they are NaN": WrongAnswer(
                _layers(step=lambda x, mask: mask.float() @ x, small=_not_larger),
                "You add up neighbours in place of averaging, until the numbers are NaN and your loop ends.",
            ),
            "bent, ReLU": WrongAnswer(
                _layers(step=lambda x, mask: _averaged(x, mask).relu()),
                "You put a ReLU around each layer; a layer here is the average alone.",
            ),
            "bent, tanh": WrongAnswer(
                _layers(step=lambda x, mask: _averaged(x, mask).tanh()),
                "You put a tanh around each layer; a layer here is the average alone.",
            ),
            "what was given, again": WrongAnswer(
                _reads_what_was_given,
                "Every layer of yours averages the given features, so that more layers change nothing. A layer reads "
                "what the one before has made.",
            ),
            "divided by all nodes": WrongAnswer(
                _layers(step=lambda x, mask: mask.float() @ x / len(mask)),
                "You divide by the number of all nodes; an average divides by the number of those that are read.",
            ),
            "oneself twice": WrongAnswer(
                _layers(step=lambda x, mask: (mask + torch.eye(len(mask))) @ x / (mask.sum(1, keepdim=True) + 1)),
                "You add self-loops to the mask, which has them already: each node counts twice in its own average.",
            ),
            "not oneself": WrongAnswer(
                _layers(step=lambda x, mask: _averaged(x, mask & ~torch.eye(len(mask), dtype=torch.bool))),
                "You leave out the self-loops of the mask: each node reads itself as well.",
            ),
            "added to oneself": WrongAnswer(
                _layers(step=lambda x, mask: x + _averaged(x, mask)),
                "You add what is read to what was there (a residual): a layer here is the average alone.",
            ),
            "half oneself": WrongAnswer(
                _layers(step=lambda x, mask: (x + _averaged(x, mask)) / 2),
                "You average what is read with what was there; a layer here is the average over the mask alone.",
            ),
            "dot-product attention": WrongAnswer(
                _layers(step=lambda x, mask: masked_softmax(x @ x.T, mask) @ x),
                "Your weights are not equal: they come from a score. Here f = 0, plain averaging.",
            ),
            "one mean over all within reach": WrongAnswer(
                _mean_within_reach,
                "You take one equal mean over all nodes that are so many steps away at most. A layer averages the "
                "averages of the layer before, in which near nodes count more often.",
            ),
            "without a mask": WrongAnswer(
                lambda features, mask, share: layers_until_alike(features, torch.ones_like(mask), share),
                "After one layer everybody is alike: your nodes read all others. Did the mask reach `attend`?",
            ),
        },
        hard={
            "where the share is 1": _draw_share_of_one,
            "where all rows are alike": _draw_alike,
            "where rows have one number": _draw_one_column,
        },
        overhears=_never_alike,
    ),
    "06_good_advice": table(
        (
            Entry(
                "GAT",
                "The first graph: nine in ten neighbours share one's area; is their word worth something?",
                among=_NETWORKS,
            ),
            Entry(
                "MLP",
                "The second graph: a neighbour's area is nearly a random one; what does the mean over such neighbours "
                "tell?",
                among=_NETWORKS,
            ),
            Entry(
                "GAT",
                "The third graph: hardly a neighbour shares one's area, but do they say nothing?",
                among=_NETWORKS,
            ),
        ),
        {
            "homophily is all": (
                ("GAT", "MLP", "MLP"),
                "Look at the third graph again. Hardly a neighbour shares one's area, but do they say nothing?",
            ),
            "references always help": (
                ("GAT", "GAT", "GAT"),
                "Look at the second graph again. With eleven areas, one in ten is about what chance would give. What "
                "does the mean of such a neighbourhood tell?",
            ),
            "only words count": (
                ("MLP", "MLP", "MLP"),
                "Look at the first graph again. Docs itself is much like it. What did the live run print?",
            ),
            "attention ignores bad neighbours": (
                ("GAT", "GAT", "MLP"),
                "Look at the second and the third graph again. To ignore bad neighbours GAT would need weights far "
                "from uniform. Does it learn them?",
            ),
            "the other way round": (
                ("MLP", "GAT", "MLP"),
                "It is the other way round, three times. What does a neighbour of the same area tell?",
            ),
            "good neighbours are not needed": (
                ("MLP", "MLP", "GAT"),
                "Look at the first graph again: nine in ten neighbours share one's area.",
            ),
            "bad neighbours do no harm": (
                ("MLP", "GAT", "GAT"),
                "Look at the first and the second graph again. In which of them is a neighbour's area a good guess at "
                "one's own?",
            ),
        },
    ),
}
