"""Every backend of ours must be a complete scikit-learn novelty detector."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator

from asd_tf.backends.as_score import AsScore
from asd_tf.backends.base import distinct_rows, unit_rows
from asd_tf.backends.cosine import CenterCosine, KMeansCosine, NearestCosine
from asd_tf.backends.frame_mixture import FrameMixture
from asd_tf.backends.gaussian import CappedGaussianMixture
from asd_tf.backends.mahalanobis import LedoitWolfMahalanobis
from asd_tf.backends.neighbors import DensityNormalizedNearest, KNearestCosine
from asd_tf.backends.one_class import NormalizedOneClassSVM
from asd_tf.backends.per_domain import PerDomain
from asd_tf.backends.posterior_distance import PosteriorDistance
from asd_tf.backends.principal_residual import PrincipalResidual
from asd_tf.backends.sub_bands import SubBandNearest
from asd_tf.backends.whitened import WhitenedNearest

MEMBERS = [("nearest", NearestCosine(), "all"), ("spread", LedoitWolfMahalanobis(), "source")]
BACKENDS = [
    AsScore(),
    CappedGaussianMixture(2),
    CappedGaussianMixture(2, density="best_component"),
    CenterCosine(),
    DensityNormalizedNearest(2, max_items=15),
    DensityNormalizedNearest(2, max_items=15, exit_percentile=90.0),
    FrameMixture(2),
    KMeansCosine(4, n_init=1),
    KNearestCosine(3),
    KNearestCosine(max_items=10, bound="kmeans"),
    LedoitWolfMahalanobis(),
    NearestCosine(),
    NormalizedOneClassSVM(),
    PosteriorDistance(),
    PrincipalResidual(0.9),
    SubBandNearest(),
    WhitenedNearest(),
    WhitenedNearest(0.5),
    PerDomain(MEMBERS),
    PerDomain(MEMBERS, combine="sum", normalize="calibration"),
    PerDomain(MEMBERS, combine="known", oversample=0.2),
]
# They take features for scores: the larger, the less normal.
SCORES = (AsScore, PosteriorDistance)
IDS = [f"{type(backend).__name__}-{index}" for index, backend in enumerate(BACKENDS)]


@pytest.mark.parametrize("backend", BACKENDS, ids=IDS)
def test_passes_the_checks_of_scikit_learn(backend):
    """Backends must pass scikit-learn's own checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        check_estimator(backend)


@pytest.mark.parametrize("backend", BACKENDS, ids=IDS)
def test_clips_far_from_training_are_less_normal(backend, rng):
    """Normal rows must score higher than anomalous ones."""
    near = 5 + rng.normal(size=(60, 3))
    far = -5 + rng.normal(size=(20, 3))
    train, test = (-near, -far) if isinstance(backend, SCORES) else (near, far)
    backend = clone(backend).fit(train if isinstance(backend, AsScore) else train[:40])
    assert backend.score_samples(test).max() < backend.score_samples(train[40:]).min()
    assert np.all(backend.predict(test) == -1)


@pytest.mark.parametrize("backend", BACKENDS, ids=IDS)
def test_works_on_one_clip_and_on_copies_of_one_clip(backend, rng):
    """A single row, or copies of one, must be enough for a fit."""
    clip, other = rng.normal(size=(1, 3)), rng.normal(size=(1, 3))
    for train in (clip, np.repeat(clip, 12, axis=0)):
        fitted = clone(backend).fit(train)
        own, new = fitted.score_samples(np.concatenate([clip, other]))
        assert np.isfinite([own, new]).all()
        assert isinstance(backend, SCORES) or own > new


def test_a_tenth_of_the_training_clips_lies_below_the_line_of_predict(rng):
    """`predict` must reject about a tenth of the training rows."""
    X = rng.normal(size=(500, 4))
    assert np.mean(LedoitWolfMahalanobis().fit(X).predict(X) == -1) == pytest.approx(0.1, abs=0.01)


def test_unit_rows_have_length_one_and_zeros_stay():
    """Rows must be scaled to length 1, except rows of zeros."""
    unit = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(unit, [[0.6, 0.8], [0.0, 0.0]])


def test_distinct_rows_stops_at_the_limit_and_ignores_rounding():
    """Copies of a row must count as one row, up to rounding."""
    rows = np.array([[1.0, 0.0], [1.0 + 1e-9, -0.0], [0.0, 1.0], [0.5, 0.5]])
    assert distinct_rows(rows, 10) == distinct_rows(1e-9 * rows, 10) == 3
    assert distinct_rows(np.zeros((4, 2)), 10) == 1
    assert distinct_rows(rows, 2) == 2


@pytest.fixture
def rng():
    return np.random.default_rng(7)
