"""Lecture 06: graph attention: what is asked, our answers, and the mistakes that are known."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import masked_softmax
from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, prediction, primes, truth_table


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
    n_nodes, d_model = primes(1, (5, 7, 11))[0], primes(1, (3, 13))[0]
    mask = torch.eye(n_nodes).bool()
    for first, second in [*((i, (i + 1) % n_nodes) for i in range(n_nodes)), (0, 3)]:
        mask[first, second] = mask[second, first] = True
    share = (1.0, 0.3, 0.1, 0.01)[int(torch.randint(4, ()))]
    return torch.randn(n_nodes, d_model), mask, share


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


def _draw_pairs() -> tuple:
    q_len, k_len, d_model = primes(3)
    return torch.randn(q_len, d_model), torch.randn(k_len, d_model), torch.randn(d_model)


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
            "sigmoid": WrongAnswer(
                lambda scores, sources, targets, n: _shares(scores.sigmoid(), targets, n),
                "A sigmoid stands in place of the exponential.",
            ),
            "equal weights": WrongAnswer(
                lambda scores, sources, targets, n: _shares(torch.ones_like(scores), targets, n),
                "All edges of a node get equal weights: the scores take no part.",
            ),
            "per pair of nodes": WrongAnswer(
                lambda scores, sources, targets, n: softmax_per_target(scores, sources, sources * n + targets, n * n),
                "You normalise over the edges between the same two nodes; normalise over all edges with one target.",
            ),
            "best edge alone": WrongAnswer(
                lambda scores, sources, targets, n: (scores == _highest(scores, targets, n)).to(scores.dtype),
                "The best edge of each node gets all the weight (argmax); a softmax gives each its share.",
            ),
            "sign": WrongAnswer(
                lambda scores, *a: softmax_per_target(-scores, *a),
                "The sign of the scores is wrong: the lowest score gets the most weight.",
            ),
            "maximum per edge": WrongAnswer(
                _normalised_by(lambda s, sources, t, n: s.amax(1, keepdim=True), lambda sources, t: t),
                "You subtract the maximum over the heads of each edge; that changes the weights. Subtract what is "
                "the same "
                "for all edges of a node.",
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
        hard={
            "where some nodes have scores near 300 and others near −300": lambda: _draw_edges(300.0),
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
