"""Lecture 06: graph attention: what is asked, our answers, and the mistakes that are known."""

from collections import Counter
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import masked_softmax
from course_utils.exercises.exercise import Exercise, WrongAnswer, prediction


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


def _draw_graph() -> tuple:
    mask = torch.rand(7, 7) < 0.4
    mask[:, 1] = True
    mask[4] = False
    return torch.randn(7, 5), torch.randn(5, 3) / 2, torch.randn(6), mask


def with_self_loops(
    sources: Int[Tensor, "n_edges"], targets: Int[Tensor, "n_edges"], n_nodes: int
) -> tuple[Int[Tensor, "more"], Int[Tensor, "more"]]:
    """Give every node exactly one edge to itself and leave all other edges as they are."""
    others = sources != targets
    loops = torch.arange(n_nodes)
    return torch.cat([sources[others], loops]), torch.cat([targets[others], loops])


def _draw_loops() -> tuple:
    """Make edges with a loop that is there twice, a double edge, and two nodes, the last among them, without edges."""
    ends = torch.randint(7, (2, 17))
    ends[ends == 3] = 4
    ends[:, 0] = 5
    ends[0, 1], ends[1, 1] = 2, 6
    ends = torch.cat([ends, ends[:, :2]], dim=1)[:, torch.randperm(19)]
    return ends[0], ends[1], 11


def _is_list(result: Any) -> bool:
    return isinstance(result, list | tuple)


def _edges_fault(result: Any, sources: Tensor, targets: Tensor, n_nodes: int) -> str | None:
    """Compare edges in any order; name the loops or the edges that are wrong."""
    if not _is_list(result) or len(result) != 2 or not all(isinstance(ends, Tensor) for ends in result):
        return "Return two tensors: the sources and the targets of the new edges."
    sources_found, targets_found = result
    if sources_found.shape != targets_found.shape or sources_found.dim() != 1 or sources_found.is_floating_point():
        return "Sources and targets are two rows of whole numbers, as many of the one as of the other."
    if any(len(ends) and not 0 <= ends.min() <= ends.max() < n_nodes for ends in result):
        return f"An edge begins or ends outside the graph: its nodes are 0 … {n_nodes - 1}."
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


def last_layer(
    context: Float[Tensor, "n_nodes n_heads n_classes"],
    own: Float[Tensor, "n_nodes n_classes"],
    bias: Float[Tensor, "n_classes"],
) -> Float[Tensor, "n_nodes n_classes"]:
    """Average the heads of each node; add the node's own part and the bias."""
    return context.mean(dim=1) + own + bias


NO_NEIGHBOURS = "A neighbourhood is empty: an isolated node gets zeros, and nothing else does so for all features."
SAME_NEIGHBOURS = "Both neighbourhoods are the same: a graph knows no order among its edges."


def _neighbourhoods_fault(result: Any, n_documents: int) -> str | None:
    """Say why two neighbourhoods are the same, or name a document whose share of them differs."""
    if not _is_list(result) or len(result) != 2 or not all(map(_is_list, result)):
        return "Return two lists of whole numbers, one for each node."
    first, second = Counter(result[0]), Counter(result[1])
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
    "06_graph_attention": Exercise(
        graph_attention_weights,
        _draw_graph,
        {
            "no LeakyReLU": WrongAnswer(
                lambda h, W, a, mask: masked_softmax(_pair_scores(h, W, a), mask),
                "There is no LeakyReLU: the query adds the same to all its neighbours, and the softmax takes that out.",
            ),
            "halves exchanged": WrongAnswer(
                lambda h, W, a, mask: graph_attention_weights(h, W, torch.cat(a.chunk(2)[::-1]), mask),
                "The halves of a are exchanged: the first meets the node that asks, the second its neighbour.",
            ),
            "mask transposed": WrongAnswer(
                lambda h, W, a, mask: graph_attention_weights(h, W, a, mask.T),
                "The mask is transposed: nodes attend to those they point to, not to those that point to them.",
            ),
            "ReLU": WrongAnswer(
                lambda h, W, a, mask: masked_softmax(F.relu(_pair_scores(h, W, a)), mask),
                "This is ReLU: all negative scores become equal and pass no gradient. The leak keeps their order.",
            ),
            "softmax over the wrong nodes": WrongAnswer(
                lambda h, W, a, mask: masked_softmax(F.leaky_relu(_pair_scores(h, W, a), 0.2).T, mask.T).T,
                "The columns sum to one instead of the rows: normalise over the neighbours of the node that asks.",
            ),
            "all nodes": WrongAnswer(
                lambda h, W, a, mask: F.leaky_relu(_pair_scores(h, W, a), 0.2).softmax(-1),
                "Every node attends to every node: the edges are not used.",
            ),
            "mask after the softmax": WrongAnswer(
                lambda h, W, a, mask: F.leaky_relu(_pair_scores(h, W, a), 0.2).softmax(-1) * mask,
                "You mask after the softmax: nodes that are no neighbours still take their share of the sum.",
            ),
            "PyTorch's own slope": WrongAnswer(
                lambda h, W, a, mask: masked_softmax(F.leaky_relu(_pair_scores(h, W, a)), mask),
                "Your LeakyReLU leaks too little: PyTorch's own slope is not that of the paper.",
            ),
        },
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
            "exchanged": WrongAnswer(
                lambda sources, targets, n_nodes: with_self_loops(targets, sources, n_nodes),
                "Sources and targets are exchanged: a loop looks the same either way, the other edges do not.",
            ),
        },
        fault=_edges_fault,
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
    "06_last_layer": Exercise(
        last_layer,
        lambda: (torch.randn(7, 3, 5) + 0.5, torch.randn(7, 5), torch.randn(5)),
        {
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
