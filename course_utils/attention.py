"""One function, `attend`, and the scores and masks that turn it into every model of the course.

``A(q, K, V) = Σ_i softmax(f(K, q))_i V_i``: choose the score ``f``, where query, keys and values come from, and who may
look at whom; the rest never changes.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

Score = Callable[[Tensor, Tensor], Tensor]


def masked_softmax(
    scores: Float[Tensor, "*batch q_len k_len"],
    mask: Bool[Tensor, "..."] | None = None,
) -> Float[Tensor, "*batch q_len k_len"]:
    """Turn scores into weights, giving exactly zero to keys outside the mask.

    Parameters
    ----------
    scores
        One real number per (query, key) pair.
    mask
        True where the query may attend to the key; broadcasts against ``scores``.

    Returns
    -------
    Rows that sum to one, except rows whose mask is False everywhere: those are all zero, so a padded sentence or an
    isolated node contributes nothing, and its gradient is zero rather than NaN.
    """
    if mask is None:
        return scores.softmax(dim=-1)
    lowest = torch.finfo(scores.dtype).min
    return scores.masked_fill(~mask, lowest).softmax(dim=-1) * mask


def attend(
    query: Float[Tensor, "*batch q_len d_query"],
    keys: Float[Tensor, "*batch k_len d_key"],
    values: Float[Tensor, "*batch k_len d_value"],
    score: Score,
    mask: Bool[Tensor, "..."] | None = None,
) -> tuple[Float[Tensor, "*batch q_len d_value"], Float[Tensor, "*batch q_len k_len"]]:
    """Average the values, each weighted by how well its key answers the query.

    Parameters
    ----------
    query
        What is asked, one vector per position that asks.
    keys
        What each candidate is compared by.
    values
        What each candidate contributes.
    score
        ``score(keys, query)`` gives one real number per (query, key) pair, shape ``(*batch, q_len, k_len)``: the ``f``
        of the equation.
    mask
        True where the query may attend to the key, as in ``F.scaled_dot_product_attention``; broadcasts against
        ``(*batch, q_len, k_len)``. ``nn.MultiheadAttention`` means the opposite by ``key_padding_mask``.

    Returns
    -------
    context
        The weighted average of the values, one vector per query.
    weights
        What the average was weighted by: zero outside the mask, each row summing to one, or to zero where nothing may
        be attended to.

    Raises
    ------
    ValueError
        If the score's shape is not one number per (query, key) pair, or the mask does not fit it.
    """
    scores = score(keys, query)
    expected = (query.shape[-2], keys.shape[-2])
    if scores.shape[-2:] != expected:
        raise ValueError(
            f"attend: score(keys, query) must end in (q_len, k_len) = {expected}, but gave {tuple(scores.shape)}; "
            "check the order of its arguments and that it scores each key against each query."
        )
    if mask is not None:
        _check_mask(mask, scores)
    weights = masked_softmax(scores, mask)
    return weights @ values, weights


def _check_mask(mask: Tensor, scores: Tensor) -> None:
    try:
        fits = torch.broadcast_shapes(mask.shape, scores.shape) == scores.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(
            f"attend: the mask has shape {tuple(mask.shape)}, which does not broadcast to (*batch, q_len, k_len) = "
            f"{tuple(scores.shape)}; a padding mask over keys needs shape (batch, 1, k_len)."
        )


# Masks: True means "may attend".


def padding_mask(lengths: Int[Tensor, "batch"], k_len: int) -> Bool[Tensor, "batch 1 k_len"]:
    """Let every query see the first ``lengths[b]`` keys of its sequence and none of the padding after them."""
    return (torch.arange(k_len, device=lengths.device) < lengths[:, None])[:, None, :]


def last_position_mask(lengths: Int[Tensor, "batch"], k_len: int) -> Bool[Tensor, "batch 1 k_len"]:
    """Let every query see the last real position alone: with f = 0 this is the classic fixed vector."""
    return (torch.arange(k_len, device=lengths.device) == lengths[:, None] - 1)[:, None, :]


def causal_mask(length: int) -> Bool[Tensor, "length length"]:
    """Let position i see positions 0 … i, so that no output depends on the future."""
    return torch.ones(length, length, dtype=torch.bool).tril()


def window_mask(length: int, radius: int) -> Bool[Tensor, "length length"]:
    """Let position i see positions i − radius … i + radius: the receptive field of one convolution."""
    position = torch.arange(length)
    return (position[:, None] - position[None, :]).abs() <= radius


def edge_mask(
    sources: Int[Tensor, "n_edges"], targets: Int[Tensor, "n_edges"], n_nodes: int
) -> Bool[Tensor, "n_nodes n_nodes"]:
    """Let each node see the nodes that point to it: ``mask[target, source]`` is the adjacency matrix."""
    mask = torch.zeros(n_nodes, n_nodes, dtype=torch.bool, device=sources.device)
    mask[targets, sources] = True
    return mask


# Scores: f(keys, query), one number per (query, key) pair.


def zero_score(
    keys: Float[Tensor, "*batch k_len d_key"], query: Float[Tensor, "*batch q_len d_query"]
) -> Float[Tensor, "*batch q_len k_len"]:
    """Score every key 0: the weights are uniform over the mask, and `attend` is mean pooling."""
    return query.new_zeros(*query.shape[:-1], keys.shape[-2])


def dot_score(
    keys: Float[Tensor, "*batch k_len d_key"], query: Float[Tensor, "*batch q_len d_key"]
) -> Float[Tensor, "*batch q_len k_len"]:
    """Score a key by its inner product with the query.

    References
    ----------
    Luong, Pham & Manning (2015), section 3.1, "dot".
    """
    return query @ keys.transpose(-2, -1)


def scaled_dot_score(
    keys: Float[Tensor, "*batch k_len d_key"], query: Float[Tensor, "*batch q_len d_key"]
) -> Float[Tensor, "*batch q_len k_len"]:
    """Score by the inner product divided by √d_k, which keeps its variance near one as d_k grows.

    References
    ----------
    Vaswani et al. (2017), section 3.2.1, equation 1.
    """
    return dot_score(keys, query) / keys.shape[-1] ** 0.5


class GeneralScore(nn.Module):
    """Score by ``qᵀ W k``: an inner product in which query and key may differ in width.

    References
    ----------
    Luong, Pham & Manning (2015), section 3.1, "general".
    """

    def __init__(self, d_query: int, d_key: int):
        super().__init__()
        self.project_keys = nn.Linear(d_key, d_query, bias=False)

    def forward(
        self, keys: Float[Tensor, "*batch k_len d_key"], query: Float[Tensor, "*batch q_len d_query"]
    ) -> Float[Tensor, "*batch q_len k_len"]:
        return dot_score(self.project_keys(keys), query)


class AdditiveScore(nn.Module):
    """Score by ``vᵀ tanh(W q + U k)``: a small network that reads the query and the key together.

    Parameters
    ----------
    d_query, d_attention
        Width of the query, and of the hidden layer of the small network.
    d_key
        Width of a key; ``None`` says that the keys come already projected to ``d_attention``: U k does not depend on
        the query, so a decoder computes it once per sentence instead of once per step.

    References
    ----------
    Bahdanau, Cho & Bengio (2015), appendix A.1.2.
    """

    def __init__(self, d_query: int, d_key: int | None, d_attention: int):
        super().__init__()
        self.project_query = nn.Linear(d_query, d_attention, bias=False)
        self.project_keys = nn.Identity() if d_key is None else nn.Linear(d_key, d_attention, bias=False)
        self.reduce = nn.Linear(d_attention, 1, bias=False)

    def forward(
        self, keys: Float[Tensor, "*batch k_len d_key"], query: Float[Tensor, "*batch q_len d_query"]
    ) -> Float[Tensor, "*batch q_len k_len"]:
        query_part = self.project_query(query).unsqueeze(-2)
        key_part = self.project_keys(keys).unsqueeze(-3)
        return self.reduce(torch.tanh(query_part + key_part)).squeeze(-1)


class ConcatScore(nn.Module):
    """Score by ``vᵀ tanh(W [q ‖ k])``: Luong's name for the additive score.

    Notes
    -----
    Written as the paper does, on the concatenation. Splitting W into its query half and its key half gives
    `AdditiveScore`, number for number.

    References
    ----------
    Luong, Pham & Manning (2015), section 3.1, "concat".
    """

    def __init__(self, d_query: int, d_key: int, d_attention: int):
        super().__init__()
        self.project = nn.Linear(d_query + d_key, d_attention, bias=False)
        self.reduce = nn.Linear(d_attention, 1, bias=False)

    def forward(
        self, keys: Float[Tensor, "*batch k_len d_key"], query: Float[Tensor, "*batch q_len d_query"]
    ) -> Float[Tensor, "*batch q_len k_len"]:
        q_len, k_len = query.shape[-2], keys.shape[-2]
        pairs = torch.cat(
            [
                query.unsqueeze(-2).expand(*query.shape[:-1], k_len, -1),
                keys.unsqueeze(-3).expand(*keys.shape[:-2], q_len, *keys.shape[-2:]),
            ],
            dim=-1,
        )
        return self.reduce(torch.tanh(self.project(pairs))).squeeze(-1)


class ContextScore(nn.Module):
    """Score by ``uᵀ tanh(W k + b)``: the query is a learned vector u, the same for every document.

    ``query`` is that vector, shape ``(d_attention,)``: pass ``score.context(batch)`` as the query of `attend`, so that
    what is asked stays visible in the call.

    References
    ----------
    Yang et al. (2016), Hierarchical Attention Networks, equations 5–7.
    """

    def __init__(self, d_key: int, d_attention: int):
        super().__init__()
        self.project_keys = nn.Linear(d_key, d_attention)
        self.query = nn.Parameter(torch.empty(d_attention).uniform_(-0.1, 0.1))

    def context(self, batch: int) -> Float[Tensor, "batch 1 d_attention"]:
        """Give the learned query once per document of the batch."""
        return self.query.expand(batch, 1, -1)

    def forward(
        self, keys: Float[Tensor, "*batch k_len d_key"], query: Float[Tensor, "*batch q_len d_attention"]
    ) -> Float[Tensor, "*batch q_len k_len"]:
        return dot_score(torch.tanh(self.project_keys(keys)), query)


class GraphScore(nn.Module):
    """Score by ``LeakyReLU(aᵀ [q ‖ k])``, each head with its own vector a.

    Query and keys are the projected features W h, laid out ``(*batch, n_heads, n_nodes, d_head)``.

    Notes
    -----
    Cutting a into the half that meets the query and the half that meets the key turns the concatenation into a sum:
    ``aᵀ[q ‖ k] = a_qᵀ q + a_kᵀ k``. It is Bahdanau's additive score with the non-linearity moved outside.

    References
    ----------
    Veličković et al. (2018), Graph Attention Networks, equations 1 and 3.
    """

    def __init__(self, d_head: int, n_heads: int, negative_slope: float = 0.2):
        super().__init__()
        self.a_query = nn.Parameter(nn.init.xavier_normal_(torch.empty(n_heads, d_head)))
        self.a_key = nn.Parameter(nn.init.xavier_normal_(torch.empty(n_heads, d_head)))
        self.activation = nn.LeakyReLU(negative_slope)

    def forward(
        self,
        keys: Float[Tensor, "*batch n_heads k_len d_head"],
        query: Float[Tensor, "*batch n_heads q_len d_head"],
    ) -> Float[Tensor, "*batch n_heads q_len k_len"]:
        query_part = (query * self.a_query[:, None, :]).sum(dim=-1)
        key_part = (keys * self.a_key[:, None, :]).sum(dim=-1)
        return self.activation(query_part.unsqueeze(-1) + key_part.unsqueeze(-2))
