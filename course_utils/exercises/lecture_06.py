"""Lecture 06: graph attention: what is asked, our answers, and the mistakes that are known."""

from collections import Counter
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import masked_softmax
from course_utils.exercises import weighing
from course_utils.exercises.exercise import Answer, Exercise, WrongAnswer, primes, single_slips, truth_table


def graph_attention_weights(
    features: Float[Tensor, "n_nodes d_in"],
    W: Float[Tensor, "d_in d_head"],
    a: Float[Tensor, "2*d_head"],
    mask: Bool[Tensor, "n_nodes n_nodes"],
) -> Float[Tensor, "n_nodes n_nodes"]:
    """Give each node's weights over its neighbours: softmax of LeakyReLU(aᵀ[W h_i ‖ W h_j])."""
    return masked_softmax(F.leaky_relu(_pair_scores(features, W, a), 0.2), mask)


def _pair_scores(features: Tensor, W: Tensor, a: Tensor) -> Tensor:
    a_query, a_key = a.chunk(2)
    hidden = features @ W
    return (hidden @ a_query)[:, None] + (hidden @ a_key)[None, :]


def _draw_graph(with_isolated: bool = False, scale: float = 1.0) -> tuple:
    """Draw a graph in which each node has a neighbour and a node that is none, unless some are isolated."""
    n_nodes, d_in, d_head = primes(3)
    mask = torch.rand(n_nodes, n_nodes) < 0.5
    seen = torch.randint(n_nodes, (n_nodes, 1))
    mask = mask.scatter(1, seen, True).scatter(1, (seen + 1) % n_nodes, False)
    if with_isolated:
        mask[[0, -1]] = False
    W = torch.randn(d_in, d_head) / d_in**0.5
    return torch.randn(n_nodes, d_in), W, 1.5 * scale * torch.randn(2 * d_head) / d_head**0.5, mask


def _weights_by(pair: Answer, bend: Answer, weigh: Answer) -> Answer:
    """Weigh by pairs of halves, what bends them and a softmax of one's choice."""

    def weights(features: Tensor, W: Tensor, a: Tensor, mask: Tensor) -> Tensor:
        return weigh(bend(pair(features, W, a)), mask)

    return weights


def _halves(features: Tensor, W: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    a_query, a_key = a.chunk(2)
    return (features @ W @ a_query)[:, None], (features @ W @ a_key)[None]


def _leaky(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)


def _interleaved_halves(features: Tensor, W: Tensor, a: Tensor) -> Tensor:
    hidden = features @ W
    return (hidden @ a[::2])[:, None] + (hidden @ a[1::2])[None]


def _gatv2(features: Tensor, W: Tensor, a: Tensor, mask: Tensor) -> Tensor:
    hidden = features @ W
    a_query, a_key = a.chunk(2)
    return masked_softmax((_leaky(hidden) @ a_query)[:, None] + (_leaky(hidden) @ a_key)[None], mask)


def _gatv2_sum(half: int) -> Answer:
    def weights(features: Tensor, W: Tensor, a: Tensor, mask: Tensor) -> Tensor:
        hidden = features @ W
        return masked_softmax(_leaky(hidden[:, None] + hidden[None]) @ a.chunk(2)[half], mask)

    return weights


def _of_neighbours() -> dict[str, tuple[Answer, str]]:
    """Give the slips of masks, without those that a LeakyReLU among the scores makes the same as another."""
    slips = weighing.of_masks("a neighbour", "what is no neighbour")
    del slips["scores by ReLU"], slips["absolute scores"]
    weigh, _ = slips["equal weights"]
    slips["equal weights"] = (
        weigh,
        "All neighbours of a node get equal weights: the neighbour's score takes no part (the second half of a is "
        "missing, "
        "or there are no scores at all).",
    )
    return slips


_GRAPH_SLOTS = (
    (
        lambda h, W, a: sum(_halves(h, W, a)),
        {
            "halves exchanged": (
                lambda h, W, a: sum(_halves(h, W, torch.cat(a.chunk(2)[::-1]))),
                "The halves of a are exchanged: the first meets the node that asks, the second its neighbour.",
            ),
            "answers alone": (
                lambda h, W, a: 0 * _halves(h, W, a)[0] + _halves(h, W, a)[1],
                "Who asks has no influence on your weights: the first half of a is missing, or each half is bent by "
                "itself "
                "(LeakyReLU of each, then the sum) and the softmax takes it out again. The LeakyReLU acts on the sum.",
            ),
            "both along the neighbours": (
                lambda h, W, a: (_halves(h, W, a)[0].T + _halves(h, W, a)[1]).expand(len(h), -1),
                "Both numbers are taken from the neighbour: that of the node that asks belongs in a column, one per "
                "row.",
            ),
            "product of the halves": (
                lambda h, W, a: _halves(h, W, a)[0] * _halves(h, W, a)[1],
                "You multiply the two numbers of a pair; they are added.",
            ),
            "difference of the halves": (
                lambda h, W, a: _halves(h, W, a)[0] - _halves(h, W, a)[1],
                "You subtract the two numbers of a pair; they are added.",
            ),
            "first half twice": (
                lambda h, W, a: sum(_halves(h, W, a.chunk(2)[0].repeat(2))),
                "The first half of a is used for both ends of an edge; the second meets the neighbour.",
            ),
            "second half twice": (
                lambda h, W, a: sum(_halves(h, W, a.chunk(2)[1].repeat(2))),
                "The second half of a is used for both ends of an edge; the first meets the node that asks.",
            ),
            "interleaved": (
                _interleaved_halves,
                "You deal a out in turn (a[::2] and a[1::2]); its halves follow one another: cut it in the middle.",
            ),
            "dot product": (
                lambda h, W, a: (h @ W) @ (h @ W).T,
                "This is the dot product of the nodes; a takes no part. GAT's score is additive.",
            ),
            "projection squashed": (
                lambda h, W, a: ((h @ W).tanh() @ a.chunk(2)[0])[:, None] + ((h @ W).tanh() @ a.chunk(2)[1])[None],
                "You put a tanh around W h; a meets it as it is.",
            ),
            "both directions added": (
                lambda h, W, a: (sum(_halves(h, W, a)) + sum(part.T for part in _halves(h, W, a))) / 2,
                "You average the scores of both directions: who asks and who answers are no longer told apart.",
            ),
            "scaled": (
                lambda h, W, a: sum(_halves(h, W, a)) / W.shape[1] ** 0.5,
                "You divide by √d_head: GAT's score has no scale.",
            ),
        },
    ),
    (
        _leaky,
        {
            "no LeakyReLU": (
                lambda e: e,
                "No LeakyReLU bends the scores before the softmax (behind it, one does nothing): the query then adds "
                "the "
                "same to all its neighbours, and the softmax takes that out.",
            ),
            "ReLU": (
                F.relu,
                "This is ReLU: all negative scores become equal and pass no gradient. The leak keeps their order.",
            ),
            "PyTorch's own slope": (
                F.leaky_relu,
                "Your LeakyReLU leaks too little: PyTorch's own slope is not that of the paper.",
            ),
            "slope 0.1": (lambda e: F.leaky_relu(e, 0.1), "Your LeakyReLU has slope 0.1; another is asked for."),
            "slope 0.02": (lambda e: F.leaky_relu(e, 0.02), "Your LeakyReLU has slope 0.02; another is asked for."),
            "slope 0.3": (lambda e: F.leaky_relu(e, 0.3), "Your LeakyReLU has slope 0.3; another is asked for."),
            "slope 0.5": (lambda e: F.leaky_relu(e, 0.5), "Your LeakyReLU has slope 0.5; another is asked for."),
            "slope 2": (lambda e: F.leaky_relu(e, 2.0), "The slope of your LeakyReLU makes negative scores larger."),
            "slope on the wrong side": (
                lambda e: torch.where(e > 0, 0.2 * e, e),
                "Your LeakyReLU has its slope on the wrong side: it is the negative scores that are made small.",
            ),
            "slope of the wrong sign": (
                lambda e: F.leaky_relu(e, -0.2),
                "The slope of your LeakyReLU has the wrong sign.",
            ),
            "bent twice": (
                lambda e: _leaky(_leaky(e)),
                "There are two LeakyReLU in a row: negative scores shrink twice.",
            ),
            "absolute value": (torch.abs, "An absolute value stands where the LeakyReLU belongs."),
            "tanh": (torch.tanh, "A tanh stands where the LeakyReLU belongs."),
            "ELU": (F.elu, "An ELU stands where the LeakyReLU belongs."),
            "GELU": (F.gelu, "A GELU stands where the LeakyReLU belongs."),
            "sigmoid": (torch.sigmoid, "A sigmoid stands where the LeakyReLU belongs."),
            "exponential": (torch.exp, "You take an exponential of the scores; the softmax does that itself."),
        },
    ),
    (
        masked_softmax,
        {
            **_of_neighbours(),
            **weighing.of_rows(nothing="the node without neighbours"),
            "mask transposed": (
                lambda s, m: masked_softmax(s, m.T),
                "The mask is transposed: nodes attend to those they point to, not to those that point to them.",
            ),
            "softmax over the wrong nodes": (
                weighing.along(0),
                "The columns sum to one instead of the rows (the wrong axis): normalise over the neighbours of the "
                "node "
                "that asks.",
            ),
            "over the whole graph": (
                weighing.at_once,
                "The softmax runs over all pairs of the graph at once; each node's weights must sum to one.",
            ),
            "self-loops added": (
                lambda s, m: masked_softmax(s, m | torch.eye(len(m), dtype=torch.bool)),
                "You let each node attend to itself as well; only the mask says who may attend to whom.",
            ),
            "self-loops removed": (
                lambda s, m: masked_softmax(s, m & ~torch.eye(len(m), dtype=torch.bool)),
                "You leave out each node itself; only the mask says who may attend to whom.",
            ),
            "both directions": (
                lambda s, m: masked_softmax(s, m | m.T),
                "You let an edge count in both directions; the mask says who may attend to whom.",
            ),
            "transposed result": (
                lambda s, m: masked_softmax(s, m).T,
                "Your weights are transposed: a row belongs to the node that asks.",
            ),
        },
    ),
)


def with_self_loops(
    sources: Int[Tensor, "n_edges"], targets: Int[Tensor, "n_edges"], n_nodes: int
) -> tuple[Int[Tensor, "more"], Int[Tensor, "more"]]:
    """Give every node exactly one edge to itself and leave all other edges as they are."""
    others = sources != targets
    loops = torch.arange(n_nodes)
    return torch.cat([sources[others], loops]), torch.cat([targets[others], loops])


def _draw_loops() -> tuple:
    """Make edges with a loop that is there twice, a double edge, and two nodes, the last among them, without edges."""
    n_nodes = primes(1, (7, 11, 13))[0]
    n_edges = primes(1, (17, 19, 23))[0]
    ends = torch.randint(n_nodes - 2, (2, n_edges))
    ends[ends == 3] = 4
    ends[:, 0] = 2
    ends[0, 1], ends[1, 1] = 1, 4
    ends = torch.cat([ends, ends[:, :2]], dim=1)[:, torch.randperm(n_edges + 2)]
    return ends[0], ends[1], n_nodes


def _no_edges() -> tuple:
    return torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long), 3


def _loops_alone() -> tuple:
    return torch.tensor([0, 2, 2, 1, 0]), torch.tensor([0, 2, 2, 1, 0]), 5


def _is_list(result: Any) -> bool:
    return isinstance(result, list | tuple)


def _edges_fault(result: Any, sources: Tensor, targets: Tensor, n_nodes: int) -> str | None:
    """Compare edges in any order; name the loops or the edges that are wrong."""
    if isinstance(result, Tensor) and result.dim() == 2 and len(result) == 2:
        result = tuple(result)  # one tensor of two rows can be unpacked like two
    if not _is_list(result) or len(result) != 2 or not all(isinstance(ends, Tensor) for ends in result):
        return "Return two tensors: the sources and the targets of the new edges."
    sources_found, targets_found = result
    whole = not any(ends.is_floating_point() or ends.dtype == torch.bool for ends in result)
    if sources_found.shape != targets_found.shape or sources_found.dim() != 1 or not whole:
        return "Sources and targets are two rows of whole numbers, as many of the one as of the other."
    if any(len(ends) and not 0 <= ends.min() <= ends.max() < n_nodes for ends in result):
        return f"An edge begins or ends outside the graph: its nodes are 0 … {n_nodes - 1}."
    sources_found, targets_found = sources_found.long(), targets_found.long()
    found = torch.zeros(n_nodes, n_nodes, dtype=torch.long)
    found.index_put_((sources_found, targets_found), torch.ones_like(sources_found), accumulate=True)
    wanted = torch.zeros(n_nodes, n_nodes, dtype=torch.long)
    sources, targets = with_self_loops(sources, targets, n_nodes)
    wanted.index_put_((sources, targets), torch.ones_like(sources), accumulate=True)
    loops = found.diagonal()
    if (loops != 1).any():
        node = int((loops != 1).nonzero()[0])
        return f"Node {node} of {n_nodes} has {int(loops[node])} edges to itself; every node needs exactly one."
    if not torch.equal(found, wanted):
        source, target = (found != wanted).nonzero()[0].tolist()
        return (
            f"The loops are right, but the edge {source} → {target} was given {int(wanted[source, target])} times, and "
            f"you return it {int(found[source, target])} times."
        )
    return None


def _loops_of_known_nodes(sources: Tensor, targets: Tensor, n_nodes: int) -> tuple:
    known = torch.cat([sources, targets]).unique()
    return torch.cat([sources, known]), torch.cat([targets, known])


def _loops_again(sources: Tensor, targets: Tensor, n_nodes: int) -> tuple:
    loops = torch.arange(n_nodes)
    return torch.cat([sources, loops]), torch.cat([targets, loops])


def _loops_up_to_the_highest(sources: Tensor, targets: Tensor, n_nodes: int) -> tuple:
    return with_self_loops(sources, targets, int(torch.cat([sources, targets]).max()) + 1)


def _without_loops(sources: Tensor, targets: Tensor, n_nodes: int) -> tuple:
    others = sources != targets
    return sources[others], targets[others]


def _loops_for_the_isolated(sources: Tensor, targets: Tensor, n_nodes: int) -> tuple:
    nodes = torch.arange(n_nodes)
    isolated = nodes[~torch.isin(nodes, targets)]
    return torch.cat([sources, isolated]), torch.cat([targets, isolated])


def _each_edge_once(sources: Tensor, targets: Tensor, n_nodes: int) -> tuple:
    return tuple(torch.stack(with_self_loops(sources, targets, n_nodes)).unique(dim=1))


def _both_directions(sources: Tensor, targets: Tensor, n_nodes: int) -> tuple:
    return with_self_loops(torch.cat([sources, targets]), torch.cat([targets, sources]), n_nodes)


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


def last_layer(
    context: Float[Tensor, "n_nodes n_heads n_classes"],
    own: Float[Tensor, "n_nodes n_classes"],
    bias: Float[Tensor, "n_classes"],
) -> Float[Tensor, "n_nodes n_classes"]:
    """Average the heads of each node; add the node's own part and the bias."""
    return context.mean(dim=1) + own + bias


def _draw_last() -> tuple:
    n_nodes, n_heads, n_classes = primes(3)
    return torch.randn(n_nodes, n_heads, n_classes) + 0.5, torch.randn(n_nodes, n_classes), torch.randn(n_classes)


NO_NEIGHBOURS = "A neighbourhood is empty: an isolated node gets zeros, and nothing else does so for all features."
SAME_NEIGHBOURS = "Both neighbourhoods are the same: a graph knows no order among its edges."


def _as_number(text: Any) -> int | None:
    """Read a whole number, also from a tensor or another library's scalar."""
    if isinstance(text, Tensor):
        text = text.item() if text.numel() == 1 else None
    if isinstance(text, bool) or not isinstance(text, int | float) or text != int(text):
        return None
    return int(text)


def _neighbourhoods_fault(result: Any, n_documents: int) -> str | None:
    """Say why two neighbourhoods are the same, or name a document whose share of them differs."""
    if _is_list(result):
        result = [texts.tolist() if isinstance(texts, Tensor) and texts.dim() == 1 else texts for texts in result]
    if not _is_list(result) or len(result) != 2 or not all(map(_is_list, result)):
        return "Return two lists of whole numbers, one for each node."
    numbers = [[_as_number(text) for text in texts] for texts in result]
    if any(text is None for texts in numbers for text in texts):
        return f"Use the numbers 0 … {n_documents - 1} alone, as whole numbers."
    first, second = Counter(numbers[0]), Counter(numbers[1])
    if not first or not second:
        return NO_NEIGHBOURS
    if not all(text in range(n_documents) for text in [*first, *second]):
        return f"Use the numbers 0 … {n_documents - 1} alone."
    if first == second:
        return SAME_NEIGHBOURS
    for document in range(n_documents):
        if first[document] * second.total() != second[document] * first.total():
            return (
                f"Text {document} is {first[document]} of {first.total()} neighbours in the first and "
                f"{second[document]} of {second.total()} in the second; a mean over the neighbours already tells "
                "them apart."
            )
    return None


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
    "06_graph_attention": Exercise(
        graph_attention_weights,
        _draw_graph,
        {
            **single_slips(_weights_by, _GRAPH_SLOTS),
            "GATv2's order": WrongAnswer(
                _gatv2,
                "The LeakyReLU acts on W h before a does: that is nearer to GATv2. In GAT a comes first, then the "
                "LeakyReLU.",
            ),
            "GATv2, first half": WrongAnswer(
                _gatv2_sum(0),
                "This is GATv2, aᵀ LeakyReLU(W h_i + W h_j), with half of a. In GAT a comes first, then the LeakyReLU.",
            ),
            "GATv2, second half": WrongAnswer(
                _gatv2_sum(1),
                "This is GATv2's order, aᵀ LeakyReLU(W h_i + W h_j), with the second half of a. In GAT a comes first.",
            ),
        },
        hard={
            "where a node has no neighbours": lambda: _draw_graph(with_isolated=True),
            "where scores are large": lambda: _draw_graph(with_isolated=True, scale=5.0),
        },
        slots=_GRAPH_SLOTS,
        assemble=_weights_by,
    ),
    "06_self_loops": Exercise(
        with_self_loops,
        _draw_loops,
        {
            "the bug": WrongAnswer(
                _loops_of_known_nodes,
                "You have kept both mistakes: a node without any edge gets no loop, and one that had a loop has two "
                "now.",
            ),
            "loops twice": WrongAnswer(
                _loops_again,
                "Every node has a loop now, but those that had one before have more, and the softmax counts each: such "
                "a node listens to itself too much.",
            ),
            "the edges know the nodes": WrongAnswer(
                _loops_up_to_the_highest,
                "You count the nodes by the highest number among the edges; isolated nodes at the end are forgotten.",
            ),
            "loops only removed": WrongAnswer(
                _without_loops,
                "There are no loops left at all: nobody reads their own words, and isolated nodes read nothing.",
            ),
            "isolated nodes only": WrongAnswer(
                _loops_for_the_isolated,
                "Only nodes that nobody points to get a loop; but the others must not forget their own words either.",
            ),
            "each edge once": WrongAnswer(
                _each_edge_once,
                "You have merged double edges. Two references count twice; only loops were to be tidied.",
            ),
            "both directions": WrongAnswer(
                _both_directions,
                "You have added all edges in the other direction as well. Only loops were asked for.",
            ),
            "unchanged": WrongAnswer(
                lambda sources, targets, n_nodes: (
                    torch.cat([sources, torch.arange(n_nodes)])[: len(sources)],
                    torch.cat([targets, torch.arange(n_nodes)])[: len(targets)],
                ),
                "These are the edges as they were: no loop is added, and none is removed.",
            ),
            "loops alone": WrongAnswer(
                lambda sources, targets, n_nodes: (torch.arange(n_nodes), torch.arange(n_nodes)),
                "These are the loops alone: the other edges are lost.",
            ),
            "one node too few": WrongAnswer(
                lambda sources, targets, n_nodes: with_self_loops(sources, targets, n_nodes - 1),
                "The last node gets no loop: you count one node too few (off by one).",
            ),
            "loops from 1": WrongAnswer(
                lambda sources, targets, n_nodes: tuple(
                    torch.cat([ends[sources != targets], torch.arange(1, n_nodes)]) for ends in (sources, targets)
                ),
                "Node 0 gets no loop: nodes are numbered from 0 (off by one).",
            ),
            "only loops kept": WrongAnswer(
                lambda sources, targets, n_nodes: (sources[sources == targets], targets[sources == targets]),
                "You keep the loops and drop all other edges: the comparison is the wrong way round (inverted).",
            ),
            "exchanged": WrongAnswer(
                lambda sources, targets, n_nodes: with_self_loops(targets, sources, n_nodes),
                "Sources and targets are exchanged: a loop looks the same either way, the other edges do not.",
            ),
        },
        fault=_edges_fault,
        hard={
            "where there are no edges at all": _no_edges,
            "where all edges are loops": _loops_alone,
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
    "06_last_layer": Exercise(
        last_layer,
        _draw_last,
        {
            "ELU behind": WrongAnswer(
                lambda *a: F.elu(last_layer(*a)),
                "An ELU is applied to the result: this is the last layer, and its scores are returned as they are.",
            ),
            "log_softmax behind": WrongAnswer(
                lambda *a: last_layer(*a).log_softmax(-1),
                "A log_softmax is applied to the result. The loss wants the scores before the softmax.",
            ),
            "own part multiplied": WrongAnswer(
                lambda context, own, bias: context.mean(dim=1) * own + bias,
                "You multiply by the node's own part; it is added.",
            ),
            "own part subtracted": WrongAnswer(
                lambda context, own, bias: context.mean(dim=1) - own + bias,
                "You subtract the node's own part; it is added.",
            ),
            "bias subtracted": WrongAnswer(
                lambda context, own, bias: context.mean(dim=1) + own - bias,
                "You subtract the bias; it is added.",
            ),
            "bias multiplied": WrongAnswer(
                lambda context, own, bias: (context.mean(dim=1) + own) * bias,
                "You multiply by the bias; it is added.",
            ),
            "everything averaged": WrongAnswer(
                lambda context, own, bias: (context.mean(dim=1) + own + bias) / 2,
                "You take the mean of context and own part, or halve their sum: they are added.",
            ),
            "bias inside the mean, divided": WrongAnswer(
                lambda context, own, bias: context.mean(dim=1) + own + bias / context.shape[1],
                "The bias is divided by the number of heads too; it has no heads.",
            ),
            "all divided": WrongAnswer(
                lambda context, own, bias: (context.sum(dim=1) + own + bias) / context.shape[1],
                "Own part and bias are divided by the number of heads too; only the heads are averaged.",
            ),
            "bias for each head": WrongAnswer(
                lambda context, own, bias: context.mean(dim=1) + own + bias * context.shape[1],
                "The bias is added once for each head; it belongs to the output, once.",
            ),
            "own part for each head": WrongAnswer(
                lambda context, own, bias: context.mean(dim=1) + own * context.shape[1] + bias,
                "The own part is added once for each head; it belongs to the output, once.",
            ),
            "last head": WrongAnswer(
                lambda context, own, bias: context[:, -1] + own + bias,
                "Only the last head is used; the others are computed and thrown away.",
            ),
            "median head": WrongAnswer(
                lambda context, own, bias: context.median(dim=1).values + own + bias,
                "You take the median of the heads; their mean is asked for.",
            ),
            "weakest head": WrongAnswer(
                lambda context, own, bias: context.amin(dim=1) + own + bias,
                "You take the smallest head in each place (min); the heads are averaged.",
            ),
            "one too few": WrongAnswer(
                lambda context, own, bias: context.sum(dim=1) / (context.shape[1] - 1) + own + bias,
                "You divide by one fewer than there are heads (off by one).",
            ),
            "divided by the classes": WrongAnswer(
                lambda context, own, bias: context.sum(dim=1) / context.shape[2] + own + bias,
                "You divide by the number of classes (the wrong axis); divide by the number of heads.",
            ),
            "divided by the nodes": WrongAnswer(
                lambda context, own, bias: context.sum(dim=1) / context.shape[0] + own + bias,
                "You divide by the number of nodes (the wrong axis); divide by the number of heads.",
            ),
            "no heads": WrongAnswer(
                lambda context, own, bias: own + bias,
                "The heads are missing: no node hears its neighbours.",
            ),
            "heads left": WrongAnswer(
                lambda context, own, bias: context + own[:, None] + bias,
                "The axis of the heads is still there: average over it.",
            ),
            "mean of everything": WrongAnswer(
                lambda context, own, bias: context.mean() + own + bias,
                "You have kept the bug: one number for the whole graph is added everywhere, and no node hears its "
                "neighbours.",
            ),
            "mean over nodes": WrongAnswer(
                lambda context, own, bias: context.mean(dim=(0, 1)) + own + bias,
                "You average over the nodes as well: every node hears the same. It fits because a row broadcasts.",
            ),
            "mean over classes": WrongAnswer(
                lambda context, own, bias: context.mean(dim=(1, 2), keepdim=True)[..., 0] + own + bias,
                "You average over the classes as well: what a node hears is the same for every class, and the softmax "
                "over the classes takes it out again.",
            ),
            "sum": WrongAnswer(
                lambda context, own, bias: context.sum(dim=1) + own + bias,
                "This is the sum of the heads: more heads would drown the node's own part.",
            ),
            "first head": WrongAnswer(
                lambda context, own, bias: context[:, 0] + own + bias,
                "Only the first head is used; the others are computed and thrown away.",
            ),
            "strongest head": WrongAnswer(
                lambda context, own, bias: context.amax(dim=1) + own + bias,
                "You take the largest head in each place; the heads are averaged.",
            ),
            "no own part": WrongAnswer(
                lambda context, own, bias: context.mean(dim=1) + bias,
                "The node's own part is missing.",
            ),
            "no bias": WrongAnswer(
                lambda context, own, bias: context.mean(dim=1) + own,
                "The bias is missing.",
            ),
            "own part divided": WrongAnswer(
                lambda context, own, bias: context.mean(dim=1) + own / context.shape[1] + bias,
                "The node's own part is divided by the number of heads too; it has no heads.",
            ),
            "probabilities": WrongAnswer(
                lambda *a: last_layer(*a).softmax(-1),
                "These are probabilities. The loss wants the scores before the softmax.",
            ),
        },
        hard={"where there is one head": lambda: (torch.randn(5, 1, 3), torch.randn(5, 3), torch.randn(3))},
    ),
    "06_same_for_attention": Exercise(
        lambda n_documents: ([0, 1], [0, 0, 1, 1]),
        lambda: (int(torch.randint(3, 8, ())),),
        {
            "the same": WrongAnswer(lambda n_documents: ([0, 1], [0, 1]), SAME_NEIGHBOURS),
            "another order": WrongAnswer(
                lambda n_documents: ([0, 1], [1, 0]),
                "These are the same neighbours in another order: no graph network can tell them apart, nor should it.",
            ),
            "one more": WrongAnswer(
                lambda n_documents: ([0, 1], [0, 1, 2]),
                "A further text takes weight from the others and brings a value of its own; with f = 0 already the "
                "mean is another one.",
            ),
            "one twice": WrongAnswer(
                lambda n_documents: ([0, 1], [0, 1, 1]),
                "Both copies of the text get the same weight, but together twice as much, and the other one gets less.",
            ),
            "same number": WrongAnswer(
                lambda n_documents: ([0, 1], [0, 2]),
                "The number of neighbours is the same, the texts are not. Think the other way round.",
            ),
            "other texts": WrongAnswer(
                lambda n_documents: ([0, 0], [1, 1]),
                "Each node averages copies of one text, and gets that text; but the two texts differ.",
            ),
            "proportions exchanged": WrongAnswer(
                lambda n_documents: ([0, 0, 1], [0, 1, 1]),
                "The texts are the same and so is the number of neighbours, but not the share of each text.",
            ),
            "nobody": WrongAnswer(lambda n_documents: ([], [0]), NO_NEIGHBOURS),
        },
        fault=_neighbourhoods_fault,
    ),
}
