"""The whitened nearest neighbor must follow its formula."""

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from asd_tf.backends.per_domain import PerDomain
from asd_tf.backends.whitened import WhitenedNearest


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def distances(rows, train, covariance):
    """Mahalanobis distances of rows to the nearest training row."""
    inverse = np.linalg.inv(covariance)
    away = rows[:, np.newaxis] - train
    return np.sqrt(np.einsum("ntd,de,nte->nt", away, inverse, away)).min(axis=1)


@pytest.mark.parametrize(("rows", "width"), [(40, 5), (12, 30)])
def test_the_distance_is_that_of_the_whole_covariance(rng, rows, width):
    """With fewer rows than features, too, distances must be those of the shrunk covariance."""
    train = rng.normal(size=(rows, width)) @ rng.normal(size=(width, width)) + 3
    test = rng.normal(size=(6, width))
    std = train.std(axis=0)
    covariance = ledoit_wolf(train / std)[0]
    np.testing.assert_allclose(
        WhitenedNearest().fit(train).score_samples(test),
        -distances(test / std, train / std, covariance),
    )


def test_domains_have_means_of_their_own(rng):
    """The distance of two domains must not count as a direction in which clips vary."""
    source, target = rng.normal(size=(40, 6)), rng.normal(size=(8, 6))
    target[:, 0] += 50
    train, domain = np.concatenate([source, target]), ["source"] * 40 + ["target"] * 8
    std = train.std(axis=0)
    centered = np.concatenate([source - source.mean(axis=0), target - target.mean(axis=0)]) / std
    covariance = ledoit_wolf(centered, assume_centered=True)[0]
    test = rng.normal(size=(5, 6))
    backend = PerDomain([("nearest", WhitenedNearest(), "all")]).fit(train, domain=domain)
    np.testing.assert_allclose(
        backend.score_samples(test), -distances(test / std, train / std, covariance)
    )


def test_two_rows_of_a_domain_have_no_mean_of_their_own(rng):
    """With less than 3 rows of a domain, its mean would be the rows themselves."""
    train = rng.normal(size=(20, 3))
    few = np.array(["source"] * 18 + ["target"] * 2)
    residuals = train - train.mean(axis=0)
    residuals[:18] = train[:18] - train[:18].mean(axis=0)
    std = train.std(axis=0)
    covariance = ledoit_wolf(residuals / std, assume_centered=True)[0]
    test = rng.normal(size=(5, 3))
    np.testing.assert_allclose(
        WhitenedNearest().fit(train, few).score_samples(test),
        -distances(test / std, train / std, covariance),
    )


def test_equalization_sets_how_far_scales_are_removed(rng):
    """1 must make scores independent of the scale of a feature, 0 must keep the scales."""
    train, test = rng.normal(size=(30, 4)), rng.normal(size=(5, 4))
    scales = np.array([1, 10, 0.1, 3])
    for equalization, factor in ((1.0, scales), (0.0, np.full(4, 7.0))):
        backend = WhitenedNearest(equalization)
        np.testing.assert_allclose(
            backend.fit(train).score_samples(test),
            backend.fit(train * factor).score_samples(test * factor),
        )


def test_constant_features_are_left_out(rng):
    """A feature that never varied has no scale, and must not decide the score."""
    train, test = rng.normal(size=(30, 4)), rng.normal(size=(5, 4))
    train[:, 2] = 5.0
    without = np.delete(train, 2, axis=1), np.delete(test, 2, axis=1)
    found = WhitenedNearest().fit(train).score_samples(test)
    expected = WhitenedNearest().fit(without[0]).score_samples(without[1])
    assert np.isfinite(found).all()
    assert np.corrcoef(found, expected)[0, 1] > 0.9


def test_equal_rows_and_a_single_row_can_be_fitted():
    """Without any variance, scores must be finite, and 0 for the training row."""
    for rows in (1, 3):
        backend = WhitenedNearest().fit([[1.0, 2.0]] * rows)
        found = backend.score_samples([[1.0, 2.0], [4.0, 6.0]])
        np.testing.assert_allclose(found, [0, -5])


def test_a_training_row_is_compared_with_the_others(rng):
    """The score of a training row must not be that of a perfect match with itself."""
    train = rng.normal(size=(30, 4))
    backend = WhitenedNearest().fit(train)
    scores = backend.score_samples(train)
    near = backend.score_samples(train + 1e-6)
    assert scores.max() < -0.05 < near.min()
