"""The one-class SVM must work for a few clips."""

import numpy as np
from sklearn.svm import OneClassSVM

from asd_tf.backends.one_class import NormalizedOneClassSVM


def test_scores_are_signed_distances_of_normalized_rows():
    """Only directions may matter, and scores must be signed distances."""
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(3, 5)) + 2, rng.normal(size=(6, 5))
    backend = NormalizedOneClassSVM(nu=0.3, gamma=0.7).fit(train)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (train, test)]
    expected = OneClassSVM(nu=0.3, gamma=0.7).fit(unit[0]).decision_function(unit[1])
    np.testing.assert_allclose(backend.score_samples(test), expected)
    np.testing.assert_allclose(backend.score_samples(9 * test), expected)
