"""Nearest neighbors, local density and bounded memories must follow their formulas."""

import tracemalloc

import numpy as np
import pytest

from asd_tf.backends import neighbors
from asd_tf.backends.memory_bank import bounded_bank, greedy_coreset
from asd_tf.backends.neighbors import DensityNormalizedNearest, KNearestCosine

BACKENDS = [KNearestCosine(3), DensityNormalizedNearest(3)]


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def distances(one, other):
    return np.linalg.norm(unit(one)[:, None] - unit(other)[None], axis=2)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 8)), rng.normal(size=(23, 8))


@pytest.mark.parametrize("k", [1, 3])
def test_the_mean_of_the_largest_cosines(rows, k, monkeypatch):
    """The nearest rows must be found in chunks too."""
    train, test = rows
    expected = np.sort(unit(test) @ unit(train).T, axis=1)[:, -k:].mean(axis=1)
    backend = KNearestCosine(k).fit(train)
    np.testing.assert_allclose(backend.score_samples(test), expected)
    monkeypatch.setattr(neighbors, "_PRODUCTS", 150)  # a few rows at a time
    np.testing.assert_allclose(backend.score_samples(100 * test), expected)


@pytest.mark.parametrize(("k", "density"), [(1, 4), (2, 3)])
def test_distances_in_units_of_the_local_density(rows, k, density):
    """Distances must be divided by the local density of the reference."""
    train, test = rows
    among = np.sort(distances(train, train), axis=1)[:, 1 : density + 1].mean(axis=1)
    expected = -np.sort(distances(test, train) / among, axis=1)[:, :k].mean(axis=1)
    backend = DensityNormalizedNearest(k, density).fit(train)
    np.testing.assert_allclose(backend.score_samples(test), expected)


def test_a_sparse_domain_is_judged_by_its_own_scale():
    """Sparse target rows must score like dense source rows."""
    rng = np.random.default_rng(1)
    dense, sparse = np.eye(12)[0], np.eye(12)[1]
    source = dense + 0.02 * rng.normal(size=(200, 12))
    target = sparse + 0.2 * rng.normal(size=(10, 12))
    new = np.stack([sparse + 0.2 * rng.normal(size=12), dense + 0.1 * rng.normal(size=12)])
    train = np.concatenate([source, target])
    plain, normalized = KNearestCosine(1).fit(train), DensityNormalizedNearest().fit(train)
    assert np.diff(plain.score_samples(new)) > 0
    assert np.diff(normalized.score_samples(new)) < 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_scores_do_not_depend_on_the_other_clips_of_a_batch(backend):
    """Scores must not depend on the batch size."""
    X = np.random.default_rng(4).normal(size=(200, 37)).astype(np.float32)
    backend.fit(X[:150])
    alone = [backend.score_samples(clip[None])[0] for clip in X]
    np.testing.assert_array_equal(backend.score_samples(X), alone)
    assert backend.references_.dtype == np.float32


def test_no_more_neighbors_than_distinct_clips():
    """Copies must count as one neighbor, and few rows must be enough."""
    rows = np.random.default_rng(1).normal(size=(2, 4))
    backend = KNearestCosine(16).fit(np.concatenate([rows, rows, 3 * rows]))
    assert backend.n_neighbors_ == 2


@pytest.mark.parametrize("backend", [KNearestCosine(1), DensityNormalizedNearest()])
def test_many_clips_are_compared_in_little_memory(backend, monkeypatch):
    """Memory must be bounded for large training sets."""
    monkeypatch.setattr(neighbors, "_PRODUCTS", 2**18)
    X = np.random.default_rng(5).normal(size=(3000, 16)).astype(np.float32)
    tracemalloc.start()
    backend.fit(X).score_samples(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000**2 * 4 / 3


def test_a_coreset_takes_the_row_farthest_from_those_taken():
    """A coreset must keep rare rows."""
    rng = np.random.default_rng(6)
    rows = unit(rng.normal(size=(80, 6)))
    taken = [int(np.argmin(np.linalg.norm(rows - rows.mean(axis=0), axis=1)))]
    for _ in range(9):
        gaps = np.linalg.norm(rows[:, None] - rows[taken][None], axis=2).min(axis=1)
        taken.append(int(np.argmax(gaps)))
    assert greedy_coreset(rows, 10).tolist() == taken
    lonely = unit(np.concatenate([1 + 0.01 * rng.normal(size=(99, 3)), [[-1.0, 0.0, 0.0]]]))
    assert 99 in greedy_coreset(lonely, 2)
    assert len(greedy_coreset(np.repeat(rows[:3], 20, axis=0), 10)) == 3


@pytest.mark.parametrize("bound", ["kmeans", "coreset"])
def test_a_bounded_memory_holds_no_more_and_the_same_each_time(bound):
    """A bounded memory must have its size, equal in each fit."""
    rows = unit(np.random.default_rng(7).normal(size=(100, 5)))
    bank = bounded_bank(rows, 12, bound, 0)
    assert bank.shape == (12, 5)
    np.testing.assert_allclose(np.linalg.norm(bank, axis=1), 1)
    np.testing.assert_array_equal(bank, bounded_bank(rows, 12, bound, 0))
    assert bounded_bank(rows, 100, bound, 0) is rows
    assert bounded_bank(rows, None, bound, 0) is rows
    for backend in (KNearestCosine, DensityNormalizedNearest):
        assert len(backend(max_items=12, bound=bound).fit(rows).references_) == 12


@pytest.mark.parametrize(
    "backend",
    [KNearestCosine(0), KNearestCosine(max_items=0), KNearestCosine(bound="half"),
     DensityNormalizedNearest(density_neighbors=0)],
)  # fmt: skip
def test_values_that_mean_nothing_are_refused(backend):
    """Arguments out of range must be refused at fit."""
    with pytest.raises(ValueError, match=r" must be .* got "):
        backend.fit(np.eye(4))


def test_a_neighborhood_ends_where_it_leaves_its_cluster():
    """The density of a cluster of three must not depend on how far away the next cluster is."""

    def densities(gap, percentile):
        angles = np.concatenate([[0.0, 0.01, 0.02], gap + np.array([0.0, 0.01, 0.02, 0.03])])
        rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        backend = DensityNormalizedNearest(density_neighbors=4, exit_percentile=percentile)
        return backend.fit(rows).densities_[:3]

    assert (densities(1.0, None) > 1.5 * densities(0.5, None)).all()
    np.testing.assert_allclose(densities(1.0, 70.0), densities(0.5, 70.0), rtol=1e-3)
    with pytest.raises(ValueError, match=r"^exit_percentile must "):
        densities(1.0, 101.0)
