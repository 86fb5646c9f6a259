"""Backends by name, and how a recipe becomes a backend.

To add a backend of our own, write its file and add its class to `OWN_ESTIMATORS`; an estimator of
scikit-learn goes to `SKLEARN_ESTIMATORS`.
"""

from collections.abc import Mapping
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import SGDOneClassSVM
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from asd_tf.backends.as_score import AsScore
from asd_tf.backends.cosine import CenterCosine, KMeansCosine, NearestCosine
from asd_tf.backends.frame_mixture import FrameMixture
from asd_tf.backends.gaussian import CappedGaussianMixture
from asd_tf.backends.mahalanobis import LedoitWolfMahalanobis
from asd_tf.backends.neighbors import DensityNormalizedNearest, KNearestCosine
from asd_tf.backends.one_class import NormalizedOneClassSVM
from asd_tf.backends.per_domain import COMBINES, DOMAINS, NORMALIZATIONS, PerDomain
from asd_tf.backends.posterior_distance import PosteriorDistance
from asd_tf.backends.principal_residual import PrincipalResidual
from asd_tf.backends.sub_bands import SubBandNearest
from asd_tf.backends.whitened import WhitenedNearest
from asd_tf.config import check_choice
from asd_tf.errors import UsageError

OWN_ESTIMATORS: tuple[type[BaseEstimator], ...] = (
    AsScore,
    CappedGaussianMixture,
    CenterCosine,
    DensityNormalizedNearest,
    FrameMixture,
    KMeansCosine,
    KNearestCosine,
    LedoitWolfMahalanobis,
    NearestCosine,
    NormalizedOneClassSVM,
    PosteriorDistance,
    PrincipalResidual,
    SubBandNearest,
    WhitenedNearest,
)
SKLEARN_ESTIMATORS: tuple[type[BaseEstimator], ...] = (
    BayesianGaussianMixture,
    EllipticEnvelope,
    GaussianMixture,
    IsolationForest,
    LocalOutlierFactor,
    OneClassSVM,
    SGDOneClassSVM,
)

# Name to estimator of all members that a recipe can have.
ESTIMATORS: dict[str, type[BaseEstimator]] = {
    estimator.__name__: estimator
    for estimator in sorted(OWN_ESTIMATORS + SKLEARN_ESTIMATORS, key=lambda cls: cls.__name__)
}

# Parameters that a recipe cannot change. Without `novelty` new clips cannot be scored. The other
# search algorithms find the same neighbors, but a backend saved with them holds untrusted types.
_FIXED = {"LocalOutlierFactor": {"novelty": True, "algorithm": "brute"}}


def own_types() -> tuple[str, ...]:
    """Returns the full names of the types of this package that a saved backend may hold."""
    types = (*OWN_ESTIMATORS, PerDomain)
    return tuple(sorted(f"{cls.__module__}.{cls.__qualname__}" for cls in types))


def build_backend(config: Mapping[str, Any]) -> PerDomain:
    """Builds an unfitted backend.

    Args:
        config: `combine` (default `min`), `normalize` (default `none`) and `oversample` (default 0)
            of `PerDomain`, and `members`: for each name its `estimator`, `domain` (default `all`)
            and `params` (default none). Members are sorted by name, since a recipe has no order.
            Seeds are 0 unless the recipe sets them.

    Returns:
        The backend.

    Raises:
        UsageError: If a key, a name, a parameter or a value is unknown.
    """
    _check_keys("backend", config, ("combine", "members", "normalize", "oversample"))
    combine, normalize = config.get("combine", "min"), config.get("normalize", "none")
    check_choice("backend.combine", str(combine), COMBINES)
    check_choice("backend.normalize", str(normalize), NORMALIZATIONS)
    members = config.get("members")
    if not members:
        raise UsageError("backend.members is empty: name at least one, with its estimator")
    built = [(name, *_member(f"backend.members.{name}", members[name])) for name in sorted(members)]
    oversample = config.get("oversample", 0.0)
    return PerDomain(built, combine=combine, normalize=normalize, oversample=oversample)


def _member(where: str, config: Mapping[str, Any]) -> tuple[BaseEstimator, str]:
    _check_keys(where, config, ("domain", "estimator", "params"))
    domain = config.get("domain", "all")
    check_choice(f"{where}.domain", str(domain), DOMAINS)
    estimator = str(config.get("estimator"))
    return _estimator(where, estimator, config.get("params") or {}), domain


def _estimator(where: str, name: str, params: Mapping[str, Any]) -> BaseEstimator:
    check_choice(f"{where}.estimator", name, ESTIMATORS)
    estimator = ESTIMATORS[name]()
    fixed = _FIXED.get(name, {})
    known = sorted(set(estimator.get_params()) - set(fixed))
    _check_keys(f"{where}.params", params, known)
    seed = {"random_state": 0} if "random_state" in known else {}
    return estimator.set_params(**seed | fixed | {key: params[key] for key in params})


def _check_keys(where: str, config: Mapping[str, Any], known: tuple[str, ...] | list[str]) -> None:
    for key in config:
        check_choice(f"key of {where}", key, known)
