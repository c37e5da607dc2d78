"""Lecture 06: graph attention: what is asked, our answers, and the mistakes that are known."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import masked_softmax
from course_utils.exercises.exercise import Exercise, WrongAnswer, prediction


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
    ends = torch.randint(7, (2, 23))
    ends[:, -1] = ends[:, 0]
    return *ends, 11, torch.randn(11, 5), torch.randn(5), torch.randn(5)


def _with_scores(change: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, Tensor]]:
    """Make the mistake of scoring otherwise: ``change(sources, targets, values, a_query, a_key)`` gives the scores."""

    def mistaken(
        sources: Tensor, targets: Tensor, n_nodes: int, values: Tensor, a_query: Tensor, a_key: Tensor
    ) -> tuple[Tensor, Tensor]:
        mean, _ = read_neighbours(sources, targets, n_nodes, values, a_query, a_key)
        scores = change(sources, targets, values, a_query, a_key)
        return mean, _weighted(scores, sources, targets, n_nodes, values)

    return mistaken


def _all_edges_compete(
    sources: Tensor, targets: Tensor, n_nodes: int, values: Tensor, a_query: Tensor, a_key: Tensor
) -> tuple[Tensor, Tensor]:
    mean, _ = read_neighbours(sources, targets, n_nodes, values, a_query, a_key)
    weights = F.leaky_relu(_pair_scores(sources, targets, values, a_query, a_key), 0.2).softmax(0)
    return mean, torch.zeros_like(mean).index_add(0, targets, weights[:, None] * values[sources])


def _sums(
    sources: Tensor, targets: Tensor, n_nodes: int, values: Tensor, a_query: Tensor, a_key: Tensor
) -> tuple[Tensor, Tensor]:
    _, context = read_neighbours(sources, targets, n_nodes, values, a_query, a_key)
    return torch.zeros_like(context).index_add(0, targets, values[sources]), context


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


def _draw_edges() -> tuple:
    """Make edges with a double one, a node without any, and two nodes whose scores are far from all others."""
    ends = torch.randint(10, (2, 31))
    ends[1, :10] = torch.arange(10)
    ends[:, -1] = ends[:, 0]
    sources, targets = ends[:, torch.randperm(31)]
    scores = torch.randn(31, 3)
    scores[targets == 4] += 300
    scores[targets == 7] -= 300
    return scores, sources, targets, 11


def _last_of_each(scores: Tensor, sources: Tensor, targets: Tensor, n_nodes: int) -> Tensor:
    where = targets[:, None].expand_as(scores)
    lowest = scores.new_full((n_nodes, scores.shape[1]), -torch.inf)
    numbers = (scores - lowest.scatter_reduce(0, where, scores, "amax")[targets]).exp()
    sums = numbers.new_zeros(n_nodes, numbers.shape[1])
    sums[targets] += numbers
    return numbers / sums[targets]


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
    """Make a ring with a chord and self-loops, in which all become alike; a share of 1 needs no layer."""
    mask = torch.eye(7).bool()
    for first, second in [*((i, (i + 1) % 7) for i in range(7)), (0, 3)]:
        mask[first, second] = mask[second, first] = True
    share = (1.0, 0.3, 0.1, 0.01)[int(torch.randint(4, ()))]
    return torch.randn(7, 5), mask, share


def _layers(
    spread: Callable[[Tensor], Tensor], small: Callable[..., bool], least: int = 0
) -> Callable[[Tensor, Tensor, float], int]:
    """Make the mistake of measuring or stopping otherwise: ``small(now, before, first, share)`` ends the count."""

    def count(features: Tensor, mask: Tensor, share: float) -> int:
        first = before = spread(features)
        for layers in range(1000):
            now = spread(features)
            if layers >= least and small(now, before, first, share):
                return layers
            features, before = _averaged(features, mask), now
        return 1000

    return count


EXERCISES: dict[str, Exercise] = {
    "06_who_ranks_differently": prediction(
        (False, True, True, False, False, True),
        {
            "GAT reorders": (
                (True, True, True, False, False, True),
                "Look at the first statement again. Before the LeakyReLU a node adds one number to all its scores. "
                "Which order of two scores can that change, and which can a function that only rises change?",
            ),
            "same order, same weights": (
                (False, False, True, False, False, True),
                "Look at the second statement again. The same order is not the same weights: the bend of the LeakyReLU "
                "changes the gaps between scores.",
            ),
            "GATv2 cannot either": (
                (False, True, False, False, False, True),
                "Look at the third statement again. In GATv2 the bend comes before the sum over the hidden units: each "
                "unit bends elsewhere, depending on who asks.",
            ),
            "eight heads": (
                (False, True, True, True, False, True),
                "Look at the fourth statement again. Heads do not see each other's scores: what one head alone cannot "
                "do, no single one of eight can.",
            ),
            "tanh with one unit": (
                (False, True, True, False, True, True),
                "Look at the fifth statement again. Bahdanau's score is more than GAT's because several units are "
                "added up after the tanh. How many are there here?",
            ),
            "dot product": (
                (False, True, True, False, False, False),
                "Look at the last statement again. In q·k each component of the query is multiplied with the key's, "
                "not added to it: what does a query with the opposite sign prefer?",
            ),
            "everything possible": (
                (True, True, True, True, True, True),
                "You say that everything is possible. Look at the table of GAT's scores in the example by hand: all "
                "its rows rank the keys in one order.",
            ),
            "nothing possible": (
                (False, False, False, False, False, False),
                "You say that nothing is possible: then no score would need a query at all.",
            ),
        },
    ),
    "06_update_all": Exercise(
        read_neighbours,
        _draw_values,
        {
            "edges the wrong way": WrongAnswer(
                lambda s, t, n, v, a_query, a_key: read_neighbours(t, s, n, v, a_query, a_key),
                "Your messages flow from targets to sources. `dgl.graph` takes the starts of the edges first.",
            ),
            "query and key exchanged": WrongAnswer(
                lambda s, t, n, v, a_query, a_key: read_neighbours(s, t, n, v, a_key, a_query),
                "The means are right. In the attention `a_query` meets the node at the start of the edge, and that one "
                "answers. Who asks is at its end.",
            ),
            "no LeakyReLU": WrongAnswer(
                _with_scores(_pair_scores),
                "The means are right. The scores are not bent: without a LeakyReLU the softmax takes the query out "
                "again.",
            ),
            "PyTorch's own slope": WrongAnswer(
                _with_scores(lambda *a: F.leaky_relu(_pair_scores(*a))),
                "The means are right. Your LeakyReLU leaks too little: PyTorch's own slope is not that of the paper.",
            ),
            "the same twice": WrongAnswer(
                _with_scores(lambda s, t, v, a_query, a_key: torch.zeros(len(t))),
                "Both results are the mean: the second must use the scores as weights.",
            ),
            "all edges compete": WrongAnswer(
                _all_edges_compete,
                "The means are right. Your softmax runs over all edges of the graph; it must run over those that end "
                "in the same node, as `edge_softmax` does.",
            ),
            "sum": WrongAnswer(
                _sums,
                "The attention is right, but the first result is a sum: a node with many neighbours is louder.",
            ),
            "exchanged": WrongAnswer(
                lambda *a: read_neighbours(*a)[::-1],
                "Both results are right and come in the wrong order: the means first.",
            ),
        },
    ),
    "06_edge_softmax": Exercise(
        softmax_per_target,
        _draw_edges,
        {
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
                "You subtract one maximum from all scores: nothing is infinite any more, but a node whose scores are "
                "all far below it divides zero by zero. Whose maximum would be safe?",
            ),
            "last one wins": WrongAnswer(
                _last_of_each,
                "Your sums hold one edge of each node instead of all: writing at repeated indices keeps the last, also "
                "with +=. The weights of a node sum to more than one.",
            ),
            "no exponential": WrongAnswer(
                lambda scores, sources, targets, n_nodes: _shares(scores, targets, n_nodes),
                "You divide the scores themselves by their sum: negative weights, and a division by nearly zero.",
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
    ),
    "06_dynamic_scores": Exercise(
        dynamic_scores,
        lambda: (torch.randn(7, 5), torch.randn(11, 5), torch.randn(5)),
        {
            "the bug": WrongAnswer(
                lambda query, keys, a: F.leaky_relu(_sums_of_pairs(query, keys) @ a, 0.2),
                "You have kept the bug: one number per pair is bent after the sum, and nothing can change the order of "
                "a row any more.",
            ),
            "no bend": WrongAnswer(
                lambda query, keys, a: _sums_of_pairs(query, keys) @ a,
                "There is no LeakyReLU at all: the query adds the same number to all scores of its row.",
            ),
            "bent twice": WrongAnswer(
                lambda query, keys, a: F.leaky_relu(dynamic_scores(query, keys, a), 0.2),
                "You bend twice. The order may now change, but negative scores are made five times as small once more.",
            ),
            "bent before they meet": WrongAnswer(
                lambda query, keys, a: _sums_of_pairs(F.leaky_relu(query, 0.2), F.leaky_relu(keys, 0.2)) @ a,
                "You bend query and key before they are added. Then the score is again a number for the query plus a "
                "number for the key.",
            ),
            "PyTorch's own slope": WrongAnswer(
                lambda query, keys, a: F.leaky_relu(_sums_of_pairs(query, keys)) @ a,
                "Your LeakyReLU leaks too little: PyTorch's own slope is not the one that is asked for.",
            ),
            "tanh": WrongAnswer(
                lambda query, keys, a: torch.tanh(_sums_of_pairs(query, keys)) @ a,
                "This is Bahdanau's score. It is dynamic too, but GATv2 bends with a LeakyReLU.",
            ),
            "queries and keys exchanged": WrongAnswer(
                lambda query, keys, a: dynamic_scores(keys, query, a),
                "Your table has a row for each key and a column for each query; it should be the other way round.",
            ),
            "dot product": WrongAnswer(
                lambda query, keys, a: query @ keys.T,
                "This is a dot product. It is dynamic as well, but here query and key are added and bent.",
            ),
            "a first": WrongAnswer(
                lambda query, keys, a: F.leaky_relu(_sums_of_pairs(query, keys) * a, 0.2).sum(-1),
                "You multiply by a before you bend. Where a number of a is negative, the bend is on the other side.",
            ),
        },
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
                _layers(_spread, lambda now, before, first, share: bool(now <= share * first), least=1),
                "You always take a layer before you look. With a share of 1 none is needed.",
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
                _layers(lambda rows: rows.std(0).max(), lambda now, before, first, share: bool(now <= share * first)),
                "Your spread is a standard deviation. It is the largest difference between two rows in any column.",
            ),
            "differences within a row": WrongAnswer(
                _layers(
                    lambda rows: (rows.amax(1) - rows.amin(1)).max(),
                    lambda now, before, first, share: bool(now <= share * first),
                ),
                "Your spread compares the numbers of one row with each other. Compare the rows, column by column.",
            ),
            "without a mask": WrongAnswer(
                lambda features, mask, share: layers_until_alike(features, torch.ones_like(mask), share),
                "After one layer everybody is alike: your nodes read all others. Did the mask reach `attend`?",
            ),
        },
    ),
    "06_good_advice": prediction(
        ("GAT", "MLP", "GAT"),
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
