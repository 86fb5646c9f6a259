"""Backends: scikit-learn estimators that are fitted to features of normal clips."""

from asd_tf.backends.as_score import AsScore
from asd_tf.backends.base import NoveltyBackend
from asd_tf.backends.cosine import CenterCosine, KMeansCosine, NearestCosine
from asd_tf.backends.fitting.fit_cache import fit_cache
from asd_tf.backends.frame_mixture import FrameMixture
from asd_tf.backends.gaussian import CappedGaussianMixture
from asd_tf.backends.mahalanobis import LedoitWolfMahalanobis
from asd_tf.backends.neighbors import DensityNormalizedNearest, KNearestCosine
from asd_tf.backends.one_class import NormalizedOneClassSVM
from asd_tf.backends.per_domain import NoTrainingRowsError, PerDomain
from asd_tf.backends.posterior_distance import PosteriorDistance
from asd_tf.backends.principal_residual import PrincipalResidual
from asd_tf.backends.registry import ESTIMATORS, build_backend, own_types
from asd_tf.backends.saving.store import load_backend, save_backend
from asd_tf.backends.sub_bands import SubBandNearest
from asd_tf.backends.whitened import WhitenedNearest

__all__ = [
    "ESTIMATORS",
    "AsScore",
    "CappedGaussianMixture",
    "CenterCosine",
    "DensityNormalizedNearest",
    "FrameMixture",
    "KMeansCosine",
    "KNearestCosine",
    "LedoitWolfMahalanobis",
    "NearestCosine",
    "NoTrainingRowsError",
    "NormalizedOneClassSVM",
    "NoveltyBackend",
    "PerDomain",
    "PosteriorDistance",
    "PrincipalResidual",
    "SubBandNearest",
    "WhitenedNearest",
    "build_backend",
    "fit_cache",
    "load_backend",
    "own_types",
    "save_backend",
]
