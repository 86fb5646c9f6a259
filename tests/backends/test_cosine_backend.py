"""The cosine backends must follow their formulas."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from asd_tf.backends import cosine
from asd_tf.backends.cosine import CenterCosine, KMeansCosine, NearestCosine


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def test_kmeans_scores_are_dot_products_with_centers_of_norm_below_one():
    """Rows must be normalized and centers must not, as published."""
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(200, 6)), rng.normal(size=(30, 6))
    centers = KMeans(16, n_init=10, random_state=0).fit(unit(train)).cluster_centers_
    assert np.linalg.norm(centers, axis=1).max() < 0.999
    backend = KMeansCosine().fit(train)
    np.testing.assert_allclose(backend.score_samples(test), (unit(test) @ centers.T).max(axis=1))
    assert backend.n_clusters_ == 16


def test_centers_can_be_of_length_one():
    """With normalized centers the score must be a cosine."""
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(200, 6)), rng.normal(size=(30, 6))
    plain, normalized = KMeansCosine().fit(train), KMeansCosine(normalize_centers=True).fit(train)
    centers = unit(plain.cluster_centers_)
    np.testing.assert_allclose(normalized.cluster_centers_, centers)
    np.testing.assert_allclose(normalized.score_samples(test), (unit(test) @ centers.T).max(axis=1))


def test_no_more_clusters_than_distinct_clips():
    """The number of clusters must be capped at the distinct rows."""
    rows = np.random.default_rng(1).normal(size=(5, 4))
    backend = KMeansCosine(16).fit(np.concatenate([rows, rows, 3 * rows]))
    assert backend.n_clusters_ == 5
    assert backend.cluster_centers_.shape == (5, 4)
    np.testing.assert_allclose(backend.score_samples(0.1 * rows), 1)


def test_nearest_is_the_largest_cosine_whatever_the_chunk(monkeypatch):
    """All references must be compared, by direction only."""
    rng = np.random.default_rng(2)
    train, test = rng.normal(size=(50, 8)), rng.normal(size=(23, 8))
    expected = (unit(test) @ unit(train).T).max(axis=1)
    backend = NearestCosine().fit(train)
    np.testing.assert_allclose(backend.score_samples(test), expected)
    monkeypatch.setattr(cosine, "_PRODUCTS", 150)  # three rows at a time
    np.testing.assert_allclose(backend.score_samples(100 * test), expected)


@pytest.mark.parametrize("backend", [KMeansCosine(3), NearestCosine()])
def test_silent_clips_score_zero_and_single_precision_stays(backend):
    """Rows of zeros must have scores, and references must keep float32."""
    train = np.random.default_rng(3).normal(size=(20, 4)).astype(np.float32)
    backend.fit(train)
    assert backend.score_samples(np.zeros((1, 4))) == [0]
    kept = backend.cluster_centers_ if isinstance(backend, KMeansCosine) else backend.references_
    assert kept.dtype == np.float32


@pytest.mark.parametrize("backend", [KMeansCosine(3), NearestCosine()])
def test_scores_do_not_depend_on_the_other_clips_of_a_batch(backend):
    """Scores must not depend on the batch size."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(200, 37)).astype(np.float32)
    backend.fit(X)
    alone = [backend.score_samples(clip[None])[0] for clip in X]
    np.testing.assert_array_equal(backend.score_samples(X), alone)


def test_the_center_is_the_mean_direction():
    """Scores must be GeCo's cosine distance to the mean of normalized rows."""
    rng = np.random.default_rng(5)
    train, test = rng.normal(size=(40, 6)) + 1, rng.normal(size=(10, 6))
    scaled = train * rng.uniform(0.1, 10, size=(40, 1))
    center = unit(unit(train).mean(axis=0, keepdims=True))[0]
    backend = CenterCosine().fit(scaled)
    np.testing.assert_allclose(backend.score_samples(test), unit(test) @ center - 1, atol=1e-12)
