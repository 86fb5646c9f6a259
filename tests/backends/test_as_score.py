"""The backend of networks whose output is the anomaly score."""

import numpy as np
import pytest

from asd_tf.backends.as_score import AsScore
from asd_tf.backends.per_domain import PerDomain
from asd_tf.errors import UsageError


def test_the_feature_is_the_anomaly_score():
    """The normality must be minus the score."""
    backend = AsScore().fit([[1.0], [2.0]])
    np.testing.assert_array_equal(backend.score_samples([[0.5], [7.0]]), [-0.5, -7.0])


def test_a_column_can_be_named_among_several():
    """The chosen column must be the score."""
    X = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(AsScore(column=2).fit(X).score_samples(X), -X[:, 2])
    members = [("own", AsScore(column=1), "all")]
    np.testing.assert_array_equal(PerDomain(members).fit(X).score_samples(X), -X[:, 1])
    with pytest.raises(UsageError, match="or a column"):
        PerDomain([("own", AsScore(), "all")]).fit(X)
