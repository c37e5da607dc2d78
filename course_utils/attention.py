"""One function, `attend`, and the scores and masks that turn it into every model of the course.

``A(q, K, V) = Σ_i softmax(f(K, q))_i V_i``: choose the score ``f``, where query, keys and values come from, and who may
look at whom; the rest never changes.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

Score = Callable[[Tensor, Tensor], Tensor]


def masked_softmax(
    scores: Shaped[Tensor, "*batch q_len k_len"],
    mask: Shaped[Tensor, "..."] | None = None,
) -> Float[Tensor, "*batch q_len k_len"]:
    """Turn scores into weights, giving exactly zero to keys outside the mask.

    Parameters
    ----------
    scores
        One real number per (query, key) pair. −∞ and +∞ count as the lowest and the largest finite number: a key that
        scores +∞ takes all the weight, and keys that all score −∞ share it evenly.
    mask
        Boolean, True where the query may attend to the key; broadcasts against ``scores``.

    Returns
    -------
    Rows that sum to one, except rows whose mask is False everywhere: those are all zero, so a padded sentence or an
    isolated node contributes nothing, and its gradient is zero rather than NaN. A score that is NaN makes its row NaN
    where the mask is True; where it is False nothing is read, and no gradient comes back.

    Raises
    ------
    ValueError
        If the scores are not floating-point numbers, or the mask is not boolean or does not broadcast.
    """
    _check_floating("scores", scores)
    if not _all_finite(scores):  # clamp keeps a copy of the scores for its gradient, which finite ones do without
        scores = scores.clamp(torch.finfo(scores.dtype).min, torch.finfo(scores.dtype).max)
    if mask is None:
        return scores.softmax(dim=-1)
    _check_boolean(mask)
    if not _broadcasts(mask, tuple(scores.shape)):
        raise ValueError(
            f"masked_softmax: the mask has shape {tuple(mask.shape)}, which does not broadcast to that of the scores, "
            f"{tuple(scores.shape)}."
        )
    # in a row where nothing is allowed every score becomes 0, since a softmax of nothing but −∞ is NaN
    hidden = torch.where(mask.any(dim=-1, keepdim=True), -torch.inf, 0.0).to(scores.dtype)
    weights = torch.where(mask, scores, hidden).softmax(dim=-1)
    return torch.where(mask, weights, 0.0)


def attend(
    query: Shaped[Tensor, "*batch q_len d_query"],
    keys: Shaped[Tensor, "*batch k_len d_key"],
    values: Shaped[Tensor, "*batch k_len d_value"],
    score: Score,
    mask: Shaped[Tensor, "..."] | None = None,
    need_weights: bool = True,
) -> tuple[Float[Tensor, "*batch q_len d_value"], Float[Tensor, "*batch q_len k_len"] | None]:
    """Average the values, each weighted by how well its key answers the query.

    Parameters
    ----------
    query
        What is asked, one vector per position that asks. All three are floating-point numbers of one dtype.
    keys
        What each candidate is compared by.
    values
        What each candidate contributes.
    score
        ``score(keys, query)`` gives one real number per (query, key) pair, shape ``(*batch, q_len, k_len)``: the ``f``
        of the equation. What it may give beside finite numbers, `masked_softmax` says.
    mask
        True where the query may attend to the key, as in ``F.scaled_dot_product_attention``;
        ``nn.MultiheadAttention`` means the opposite by ``key_padding_mask``. Boolean, with all axes of
        ``(*batch, q_len, k_len)``, each of that size or of size 1; or ``(1, q_len, k_len)``, one mask for the whole
        batch. An axis is never guessed: (batch, k_len) would pass for (q_len, k_len) where both sizes agree.
    need_weights
        False where only the context is wanted: the weights are then None, and `scaled_dot_score` is left to
        ``F.scaled_dot_product_attention``, which never builds the whole table of weights.

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
        If query, keys, values, scores or mask do not fit together in shape, dtype or device, or the mask is not
        boolean.

    Notes
    -----
    What a mask hides from a query reaches neither its context nor any gradient, even where it is NaN or infinite. A
    query that does see NaN or infinity gets what comes of it, and passes no gradient back if there is a mask. The mask
    hides keys and values; a *query* that may look at something is asked, also one in the padding. Hide both with
    ``real[:, :, None] & real[:, None, :]``. (One thing is left to the score: where it is finite and its derivative is
    not, as that of a square root at 0, the gradient is NaN, hidden or not.)
    """
    _check_inputs(query, keys, values)
    if mask is not None:
        _check_mask(mask, query, keys)
    if not need_weights and score is scaled_dot_score and _far_from_overflow(query, keys, values):
        if mask is not None and _is_causal(mask):  # half of the table is then never computed
            return F.scaled_dot_product_attention(query, keys, values, is_causal=True), None
        return F.scaled_dot_product_attention(query, keys, values, attn_mask=mask), None
    scores = score(keys, query)
    _check_scores(scores, query, keys)
    if mask is not None and _hides_what_is_not_finite(mask, query, keys, values, scores):
        context, weights = _attend_row_by_row(query, keys, values, score, mask)
    else:
        weights = masked_softmax(scores, mask)
        context = weights @ values
    return context, weights if need_weights else None


# Masks: True means "may attend". Each is made on the device of what it is made from.


def padding_mask(lengths: Int[Tensor, "batch"], k_len: int) -> Bool[Tensor, "batch 1 k_len"]:
    """Let every query see the first ``lengths[b]`` keys of its sequence and none of the padding after them.

    Raises
    ------
    ValueError
        If a length is negative or larger than ``k_len``.
    """
    return (torch.arange(k_len, device=lengths.device) < _fitting(lengths, k_len)[:, None])[:, None, :]


def last_position_mask(lengths: Int[Tensor, "batch"], k_len: int) -> Bool[Tensor, "batch 1 k_len"]:
    """Let every query see the last real position alone: with f = 0 this is the classic fixed vector.

    Raises
    ------
    ValueError
        If a length is negative or larger than ``k_len``.
    """
    return (torch.arange(k_len, device=lengths.device) == _fitting(lengths, k_len)[:, None] - 1)[:, None, :]


def _fitting(lengths: Tensor, k_len: int) -> Tensor:
    if not lengths.is_meta and lengths.numel() and not 0 <= lengths.min() <= lengths.max() <= k_len:
        raise ValueError(
            f"A mask over k_len = {k_len} keys needs lengths from 0 to {k_len}, got {lengths.min()} to {lengths.max()}."
        )
    return lengths


def causal_mask(length: int, device: torch.device | str | None = None) -> Bool[Tensor, "length length"]:
    """Let position i see positions 0 … i, so that no output depends on the future.

    ``causal_mask(length, x.device)[None]`` is the same for every sequence of a batch ``x``.

    Raises
    ------
    ValueError
        If the length is below 1.
    """
    _check_length("causal_mask", length)
    return torch.ones(length, length, dtype=torch.bool, device=device).tril()


def window_mask(length: int, radius: int, device: torch.device | str | None = None) -> Bool[Tensor, "length length"]:
    """Let position i see positions i − radius … i + radius: the receptive field of one convolution.

    Raises
    ------
    ValueError
        If the length is below 1 or the radius negative.
    """
    _check_length("window_mask", length)
    if radius < 0:
        raise ValueError(f"window_mask: the radius must be 0 or more, got {radius}; 0 shows a position itself alone.")
    position = torch.arange(length, device=device)
    return (position[:, None] - position[None, :]).abs() <= radius


def _check_length(function: str, length: int) -> None:
    if length < 1:
        raise ValueError(f"{function}: the length must be 1 or more, got {length}.")


def edge_mask(
    sources: Int[Tensor, "n_edges"], targets: Int[Tensor, "n_edges"], n_nodes: int
) -> Bool[Tensor, "n_nodes n_nodes"]:
    """Let each node see the nodes that point to it: ``mask[target, source]`` is the adjacency matrix.

    Raises
    ------
    ValueError
        If a node is not one of 0 … n_nodes − 1, or the two ends are not equally many.
    """
    if sources.shape != targets.shape:
        raise ValueError(f"edge_mask: each edge has a source and a target, got {len(sources)} and {len(targets)}.")
    for name, nodes in {"sources": sources, "targets": targets}.items():
        if not nodes.is_meta and nodes.numel() and not 0 <= nodes.min() <= nodes.max() < n_nodes:
            raise ValueError(
                f"edge_mask: {name} must name nodes from 0 to {n_nodes - 1}, got {nodes.min()} to {nodes.max()}."
            )
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

    Raises
    ------
    ValueError
        If their widths differ.

    References
    ----------
    Luong, Pham & Manning (2015), section 3.1, "dot".
    """
    if query.shape[-1] != keys.shape[-1]:
        raise ValueError(
            f"dot_score: query and keys need the same width, got {query.shape[-1]} and {keys.shape[-1]}; project "
            "one of them, as GeneralScore does."
        )
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

    ``query`` is that vector, shape ``(d_attention,)``: pass ``score.queries(batch)`` as the query of `attend`, so that
    what is asked stays visible in the call.

    References
    ----------
    Yang et al. (2016), Hierarchical Attention Networks, equations 5–7.
    """

    def __init__(self, d_key: int, d_attention: int):
        super().__init__()
        self.project_keys = nn.Linear(d_key, d_attention)
        self.query = nn.Parameter(torch.empty(d_attention).uniform_(-0.1, 0.1))

    def queries(self, batch: int) -> Float[Tensor, "batch 1 d_attention"]:
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

    def __init__(self, d_head: int, n_heads: int):
        super().__init__()
        self.a_query = nn.Parameter(nn.init.xavier_normal_(torch.empty(n_heads, d_head)))
        self.a_key = nn.Parameter(nn.init.xavier_normal_(torch.empty(n_heads, d_head)))
        self.activation = nn.LeakyReLU(0.2)

    def forward(
        self,
        keys: Float[Tensor, "*batch n_heads k_len d_head"],
        query: Float[Tensor, "*batch n_heads q_len d_head"],
    ) -> Float[Tensor, "*batch n_heads q_len k_len"]:
        query_part = (query * self.a_query[:, None, :]).sum(dim=-1)
        key_part = (keys * self.a_key[:, None, :]).sum(dim=-1)
        return self.activation(query_part.unsqueeze(-1) + key_part.unsqueeze(-2))


# What `attend` does where a mask hides something that is not a finite number.


def _hides_what_is_not_finite(mask: Tensor, query: Tensor, keys: Tensor, values: Tensor, scores: Tensor) -> bool:
    """Say whether a weight of zero may be too little, since 0 · ∞ and 0 · NaN are NaN."""
    vectors = (query, keys, values)
    return mask.numel() > 0 and not (
        _all_finite(*vectors, scores) or _all_finite(*vectors, torch.where(mask, 0.0, scores.detach()))
    )


def _all_finite(*tensors: Tensor) -> bool:
    # a sum is finite only if each of its terms is, and takes a fiftieth of the time of asking each
    sums = [t.detach().sum(dtype=torch.promote_types(t.dtype, torch.float32)) for t in tensors]
    total = torch.stack(sums).sum()
    return total.is_meta or bool(total.isfinite())  # the meta device has shapes and no numbers


def _far_from_overflow(query: Tensor, keys: Tensor, values: Tensor) -> bool:
    """Say whether no product of query and key, and no gradient of one, comes near the largest number."""
    if query.is_meta or not (query.numel() and keys.numel() and values.numel()):
        return False
    ends = [end for t in (query, keys, values) for end in t.detach().aminmax()]  # no copy, as abs() would make
    most = torch.stack(ends).double().abs().amax()
    return bool(most**2 * keys.shape[-1] < torch.finfo(query.dtype).max)  # False for NaN, too


def _is_causal(mask: Tensor) -> bool:
    """Say whether this is one `causal_mask` for all: as many True as it has, and all of them on its side."""
    length = mask.shape[-1]
    if mask.numel() != length * mask.shape[-2] or length != mask.shape[-2]:
        return False
    expected = length * (length + 1) // 2
    return int(mask.sum()) == expected and int(mask.tril().sum()) == expected


def _attend_row_by_row(
    query: Tensor, keys: Tensor, values: Tensor, score: Score, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Attend where something is not finite: each row of the mask is given nothing but what it shows.

    A row that is shown something not finite is computed apart from the gradient, into which it would bring NaN.
    """
    finite_keys = (keys.isfinite().all(dim=-1) & values.isfinite().all(dim=-1))[..., None]  # (*batch, k_len, 1)
    finite_query = query.isfinite().all(dim=-1, keepdim=True)
    answers = []
    for i in range(mask.shape[-2]):
        asks = slice(None) if mask.shape[-2] == 1 else slice(i, i + 1)  # one row of the mask may be for all queries
        shown = mask[..., i, :, None].expand(finite_keys.shape)
        some = shown.any(dim=-2, keepdim=True)
        with torch.no_grad():
            plain = _attend_with_one_row(query, keys, values, score, shown, asks, some, some)
        finite = torch.cat(plain, dim=-1).isfinite().all(dim=-1, keepdim=True)
        use_query = some & (finite_keys | ~shown).all(dim=-2, keepdim=True) & finite_query[..., asks, :] & finite
        use_keys = use_query.any(dim=-2, keepdim=True)
        clean = _attend_with_one_row(query, keys, values, score, shown, asks, use_keys, use_query)
        answers.append([torch.where(use_query | ~some, *both) for both in zip(clean, plain, strict=True)])
    context, weights = (torch.cat(part, dim=-2) for part in zip(*answers, strict=True))
    return context, weights


def _attend_with_one_row(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    score: Score,
    shown: Tensor,
    asks: slice,
    use_keys: Tensor,
    use_query: Tensor,
) -> tuple[Tensor, Tensor]:
    """Attend with the queries ``asks`` to the keys that are ``shown``, (*batch, k_len, 1).

    To the score, a hidden key looks like the first that is shown, and every query like the one that asks: whatever a
    score does with them, it does with the pairs that count. Ones stand in for what is not to be used.
    """
    first = keys.take_along_dim(shown.int().argmax(dim=-2, keepdim=True), dim=-2)
    keys = torch.where(use_keys, torch.where(shown, keys, first), 1.0)
    values = torch.where(use_keys & shown, values, 0.0)
    query = torch.where(use_query, query[..., asks, :], 1.0).expand_as(query)
    weights = masked_softmax(score(keys, query)[..., asks, :], shown.mT)
    return weights @ values, weights


# What does not fit is refused in one sentence, before torch would broadcast it or fail deep inside.


def _check_floating(name: str, tensor: Any) -> None:
    if not isinstance(tensor, Tensor):
        raise ValueError(f"attend: {name} must be a tensor, got {type(tensor).__name__}; use torch.as_tensor({name}).")
    if not tensor.is_floating_point():
        raise ValueError(
            f"attend: {name} must hold floating-point numbers, got {_name(tensor.dtype)}; write {name}.float()."
        )


def _check_inputs(query: Any, keys: Any, values: Any) -> None:
    named = {"query": query, "keys": keys, "values": values}
    for name, tensor in named.items():
        _check_floating(name, tensor)
        if tensor.ndim < 2:
            raise ValueError(
                f"attend: {name} must have shape (*batch, length, width), got {tuple(tensor.shape)}; add the missing "
                f"axes with {name}[None]."
            )
    if not query.shape[:-2] == keys.shape[:-2] == values.shape[:-2] or keys.shape[-2] != values.shape[-2]:
        shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in named.items())
        raise ValueError(
            f"attend: query, keys and values must have the same batch axes, and there must be one value per key; got "
            f"{shapes}. Repeat what all share with expand."
        )
    if not query.device == keys.device == values.device:
        devices = ", ".join(f"{name} on {tensor.device}" for name, tensor in named.items())
        raise ValueError(f"attend: all must be on one device, got {devices}; move them with .to(query.device).")
    same_dtype = query.dtype == keys.dtype == values.dtype
    if not same_dtype and not torch.is_autocast_enabled(query.device.type):  # autocast casts them itself
        dtypes = ", ".join(f"{name} in {_name(tensor.dtype)}" for name, tensor in named.items())
        raise ValueError(f"attend: all must have one dtype, got {dtypes}; convert them with .to(query.dtype).")


def _check_scores(scores: Any, query: Tensor, keys: Tensor) -> None:
    _check_floating("score(keys, query)", scores)
    batch, expected = tuple(query.shape[:-2]), (query.shape[-2], keys.shape[-2])
    if scores.shape != (*batch, *expected):
        raise ValueError(
            f"attend: score(keys, query) must end in (q_len, k_len) = {expected} after the batch axes {batch}, but "
            f"gave {tuple(scores.shape)}; check the order of its arguments and that each key is scored against each "
            "query."
        )


def _check_boolean(mask: Any) -> None:
    got = _name(mask.dtype) if isinstance(mask, Tensor) else type(mask).__name__
    if got != "bool":
        raise ValueError(
            f"attend: the mask must be a boolean tensor, True where the query may attend to the key, got {got}; write "
            "mask.bool() if 1 means may attend, or mask == 0 if the mask was made to be added to the scores."
        )


def _check_mask(mask: Any, query: Tensor, keys: Tensor) -> None:
    _check_boolean(mask)
    if mask.device != query.device:
        raise ValueError(
            f"attend: the mask is on {mask.device} and the query on {query.device}; make it there, as in "
            "causal_mask(length, query.device)."
        )
    pairs = (*query.shape[:-1], keys.shape[-2])
    if not (mask.ndim == len(pairs) or mask.shape[:-2] == (1,)) or not _broadcasts(mask, pairs):
        raise ValueError(
            f"attend: the mask has shape {tuple(mask.shape)}, but needs all axes of (*batch, q_len, k_len) = {pairs}, "
            "each of that size or 1; write mask[None] for one mask (q_len, k_len) that the whole batch shares, and "
            "mask[:, None, :] for a padding mask (batch, k_len)."
        )


def _broadcasts(mask: Tensor, pairs: tuple[int, ...]) -> bool:
    backwards = zip(reversed(mask.shape), reversed(pairs), strict=False)
    return mask.ndim <= len(pairs) and all(size in (1, wanted) for size, wanted in backwards)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
