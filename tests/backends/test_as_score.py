"""The backend of networks that give the score themselves."""

import numpy as np
import pytest

from asd_tf.backends.as_score import AsScore
from asd_tf.backends.per_domain import PerDomain
from asd_tf.errors import UsageError


def test_the_feature_is_the_anomaly_score():
    """An autoencoder's error comes out with the wrong sign or changed."""
    backend = AsScore().fit([[1.0], [2.0]])
    np.testing.assert_array_equal(backend.score_samples([[0.5], [7.0]]), [-0.5, -7.0])


def test_a_column_can_be_named_among_several():
    """The score of another class, or of another domain, is taken for that of the clip."""
    X = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(AsScore(column=2).fit(X).score_samples(X), -X[:, 2])
    members = [("own", AsScore(column=1), "all")]
    np.testing.assert_array_equal(PerDomain(members).fit(X).score_samples(X), -X[:, 1])
    with pytest.raises(UsageError, match="or a column"):
        PerDomain([("own", AsScore(), "all")]).fit(X)
