"""The Mahalanobis backend must follow its formula."""

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from asd_tf.backends.mahalanobis import LedoitWolfMahalanobis


def test_scores_are_minus_the_distance_not_its_square():
    """Scores must be minus the distance with the shrunk covariance."""
    rng = np.random.default_rng(0)
    train = rng.normal(size=(40, 5)) @ rng.normal(size=(5, 5)) + 3
    test = rng.normal(size=(6, 5))
    inverse = np.linalg.inv(ledoit_wolf(train)[0])
    expected = [-np.sqrt((x - train.mean(0)) @ inverse @ (x - train.mean(0))) for x in test]
    np.testing.assert_allclose(LedoitWolfMahalanobis().fit(train).score_samples(test), expected)


def test_equal_clips_leave_the_euclidean_distance():
    """With a single row the distance must be Euclidean."""
    backend = LedoitWolfMahalanobis().fit([[1.0, 2.0]] * 3)
    assert backend.score_samples([[4.0, 6.0]]) == pytest.approx(-5)
