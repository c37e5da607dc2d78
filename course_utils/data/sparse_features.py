"""A feature matrix that is nearly all zeros: only its stored values are kept, multiplied and dropped.

A row of ``features @ W`` is a weighted sum of a few rows of W, which is what ``embedding_bag`` computes. The gradient
of W is the same kind of product with rows and columns exchanged, so the stored values are sorted once each way; PyTorch
would look for the second order in each step.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F


class SparseFeatures:
    """The stored values of a matrix by row, and the order that sorts them by column.

    Attributes
    ----------
    shape
        (n_nodes, n_features).
    values, columns, row_starts
        As in scipy's CSR form, as tensors.
    order, rows, column_starts
        ``values[order]`` are sorted by column; ``rows`` are theirs.
    """

    def __init__(self, matrix: csr_matrix):
        self.shape = matrix.shape
        self.values, self.columns, self.row_starts = map(torch.from_numpy, (matrix.data, matrix.indices, matrix.indptr))
        numbered = csr_matrix((np.arange(matrix.nnz), matrix.indices, matrix.indptr), matrix.shape).tocsc()
        self.order, self.rows, self.column_starts = map(
            torch.from_numpy, (numbered.data, numbered.indices, numbered.indptr)
        )


class SparseProduct(torch.autograd.Function):
    """``features @ W``, and its gradient with respect to W: ``SparseProduct.apply(values, W, features)``.

    ``values`` are those of ``features``, or what dropout left of them.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, W: Tensor, features: SparseFeatures) -> Tensor:
        """Add up rows of W, weighted, one bag for each node."""
        ctx.save_for_backward(values)
        ctx.features = features
        return _add_rows(values, features.columns, features.row_starts, W)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        """Add up rows of the gradient, weighted, one bag for each feature."""
        (values,), features = ctx.saved_tensors, ctx.features
        by_column = values[features.order]
        return None, _add_rows(by_column, features.rows, features.column_starts, gradient.contiguous()), None


def _add_rows(values: Tensor, which: Tensor, starts: Tensor, table: Tensor) -> Tensor:
    return F.embedding_bag(which, table, starts, mode="sum", per_sample_weights=values, include_last_offset=True)


def drop(values: Float[Tensor, "*shape"], rate: float, training: bool) -> Float[Tensor, "*shape"]:
    """Set each value to zero with probability ``rate`` and scale up the others, in training only.

    This is ``F.dropout``, with one uniform number drawn per value.
    """
    if not training:
        return values
    kept = torch.rand_like(values) >= rate
    return values * kept / (1 - rate)


def project(
    features: SparseFeatures | Float[Tensor, "n_nodes n_features"],
    W: Float[Tensor, "n_features d_out"],
    dropout: float = 0.0,
    training: bool = False,
) -> Float[Tensor, "n_nodes d_out"]:
    """Give ``features @ W`` with dropout on the features, whether they are sparse or dense.

    A stored zero stays zero whatever is drawn for it, so it is enough to draw for the stored values.
    """
    if isinstance(features, SparseFeatures):
        return SparseProduct.apply(drop(features.values, dropout, training), W, features)
    return drop(features, dropout, training) @ W
