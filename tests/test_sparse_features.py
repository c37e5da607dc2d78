"""Sparse features: the product, its gradient and dropout are those of the dense matrix."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_sparse

from course_utils.data.sparse_features import SparseFeatures, SparseProduct, drop, project
from course_utils.training import set_seed


@pytest.fixture
def matrix():
    """Two of the 23 rows hold nothing."""
    features = random_sparse(23, 11, 0.3, format="csr", dtype=np.float32, rng=np.random.default_rng(0))
    features.data[features.indptr[3] : features.indptr[5]] = 0
    features.eliminate_zeros()
    return features


def test_the_product_and_its_gradient_are_those_of_the_dense_matrix(matrix):
    sparse, dense = SparseFeatures(matrix), torch.from_numpy(matrix.toarray())
    W = torch.randn(11, 5, requires_grad=True)
    found, expected = SparseProduct.apply(sparse.values, W, sparse), dense @ W
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(expected)
    (slope,) = torch.autograd.grad((found * direction).sum(), W)
    torch.testing.assert_close(slope, torch.autograd.grad((expected * direction).sum(), W)[0])


def test_dropout_on_stored_values_with_the_same_draws_is_dropout_on_the_dense_matrix(matrix):
    sparse, dense = SparseFeatures(matrix), torch.from_numpy(matrix.toarray())
    drawn = (torch.rand_like(dense) >= 0.6) / 0.4
    W = torch.randn(11, 5, requires_grad=True)
    rows = torch.from_numpy(matrix.tocoo().row).long()
    found = SparseProduct.apply(sparse.values * drawn[rows, sparse.columns.long()], W, sparse)
    expected = (dense * drawn) @ W
    torch.testing.assert_close(found, expected)
    slopes = [torch.autograd.grad(way.square().sum(), W)[0] for way in (found, expected)]
    torch.testing.assert_close(*slopes)


def test_project_reads_sparse_and_dense_features_alike(matrix):
    W = torch.randn(11, 5)
    dense = project(torch.from_numpy(matrix.toarray()), W)
    torch.testing.assert_close(project(SparseFeatures(matrix), W), dense)


def test_project_drops_in_training_only():
    features = SparseFeatures(csr_matrix(np.ones((1, 100_003), dtype=np.float32)))
    W = torch.ones(100_003, 1)
    set_seed(0)
    assert project(features, W, 0.6).item() == 100_003
    assert project(features, W, 0.6, training=True).item() == pytest.approx(100_003, rel=0.02)
    assert project(features, W, 0.6, training=True).item() != 100_003


def test_dropout_drops_and_scales_at_its_rate_in_training_and_does_nothing_else():
    values = torch.rand(100_003) + 1
    before = values.clone()
    set_seed(0)
    after = drop(values, 0.6, training=True)
    kept = after != 0
    torch.testing.assert_close(after[kept], before[kept] / 0.4)
    assert kept.float().mean().item() == pytest.approx(0.4, abs=0.01)
    assert torch.equal(values, before)
    assert torch.equal(drop(values, 0.6, training=False), before)
