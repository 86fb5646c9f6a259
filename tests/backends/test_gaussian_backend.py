"""The capped Gaussian mixture must follow its formulas."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from asd_tf.backends.gaussian import CappedGaussianMixture


def test_scores_are_log_likelihoods_of_normalized_rows():
    """Scores must be log-likelihoods of normalized rows."""
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(80, 3)), rng.normal(size=(10, 3))
    covariance = np.cov(unit(train).T, bias=True) + 1e-3 * np.eye(3)
    expected = multivariate_normal(unit(train).mean(axis=0), covariance).logpdf(unit(test))
    backend = CappedGaussianMixture(1).fit(train)
    np.testing.assert_allclose(backend.score_samples(test), expected)


def test_one_clip_gives_a_gaussian_of_the_floor():
    """A single row must be enough for a fit."""
    backend = CappedGaussianMixture().fit([[2.0, 0.0]])
    density = multivariate_normal([1, 0], 1e-3 * np.eye(2))
    assert backend.n_components_ == 1
    assert backend.score_samples([[0.0, 3.0]]) == pytest.approx(density.logpdf([0, 1]))


def test_no_more_components_than_distinct_clips():
    """The number of components must be capped at the distinct rows."""
    rows = np.random.default_rng(1).normal(size=(10, 4))
    backend = CappedGaussianMixture(16).fit(np.concatenate([rows, 2 * rows]))
    assert backend.n_components_ == 10
    assert np.isfinite(backend.score_samples(rows)).all()
    assert CappedGaussianMixture(3).fit(rows).n_components_ == 3


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_densities_are_those_of_scikit_learn(covariance_type):
    """Densities must be right for each type of covariance."""
    rng = np.random.default_rng(2)
    rows, new = rng.normal(size=(60, 4)), rng.normal(size=(9, 4))
    backend = CappedGaussianMixture(3, covariance_type=covariance_type).fit(rows)
    mixture = GaussianMixture(
        3, covariance_type=covariance_type, reg_covar=1e-3, random_state=0
    ).fit(unit(rows))
    np.testing.assert_allclose(backend.score_samples(new), mixture.score_samples(unit(new)))
    covariances = {
        "full": lambda values: values,
        "tied": lambda values: [values] * 3,
        "diag": lambda values: map(np.diag, values),
        "spherical": lambda values: (value * np.eye(4) for value in values),
    }[covariance_type](mixture.covariances_)
    densities = np.stack(
        [
            multivariate_normal(mean, covariance).logpdf(unit(new))
            for mean, covariance in zip(mixture.means_, covariances, strict=True)
        ]
    )
    for density, expected in (
        ("best_component", densities.max(axis=0)),
        ("worst_component", densities.min(axis=0)),
    ):
        backend.set_params(density=density).fit(rows)
        np.testing.assert_allclose(backend.score_samples(new), expected)


def test_the_mixture_starts_at_given_means():
    """Initial means must set the components, by direction only."""
    directions = unit(np.array([[1.0, 0.2, 0.0], [-1.0, 0.1, 0.0], [0.0, 0.0, 1.0]]))
    rng = np.random.default_rng(3)
    rows = np.concatenate([5 * way + 0.01 * rng.normal(size=(20, 3)) for way in directions])
    backend = CappedGaussianMixture(99, means_init=7 * directions[[2, 0, 1]]).fit(rows)
    np.testing.assert_allclose(backend.means_, directions[[2, 0, 1]], atol=0.01)


def test_of_too_many_means_the_nearest_stay():
    """With three clips and 32 centers, components must lie where the clips are."""
    rows = unit(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]))
    means = unit(np.array([[-1.0, 0.0], [1.0, 0.05], [0.0, -1.0], [0.1, 1.0], [0.7, 0.2]]))
    backend = CappedGaussianMixture(means_init=means).fit(rows)
    assert backend.n_components_ == 3
    assert backend.means_.min() > -0.1
    alone = CappedGaussianMixture(means_init=means).fit(rows[:1])
    np.testing.assert_allclose(alone.means_, rows[:1])


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
