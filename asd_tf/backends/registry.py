"""Backends by name: from the plain values of a recipe to an estimator."""

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
from asd_tf.backends.cosine import CentreCosine, KMeansCosine, NearestCosine
from asd_tf.backends.frame_mixture import FrameMixture
from asd_tf.backends.gaussian import CappedGaussianMixture
from asd_tf.backends.mahalanobis import LedoitWolfMahalanobis
from asd_tf.backends.neighbors import DensityNormalizedNearest, KNearestCosine
from asd_tf.backends.one_class import NormalizedOneClassSVM
from asd_tf.backends.per_domain import COMBINES, DOMAINS, NORMALISES, PerDomain
from asd_tf.backends.posterior_distance import PosteriorDistance
from asd_tf.config import check_choice
from asd_tf.errors import UsageError

ESTIMATORS: dict[str, type[BaseEstimator]] = {
    estimator.__name__: estimator
    for estimator in (
        AsScore,
        BayesianGaussianMixture,
        CappedGaussianMixture,
        CentreCosine,
        DensityNormalizedNearest,
        EllipticEnvelope,
        FrameMixture,
        GaussianMixture,
        IsolationForest,
        KMeansCosine,
        KNearestCosine,
        LedoitWolfMahalanobis,
        LocalOutlierFactor,
        NearestCosine,
        NormalizedOneClassSVM,
        OneClassSVM,
        PosteriorDistance,
        SGDOneClassSVM,
    )
}

# Not for a recipe to change: novelty scores new clips, and the other searches (which find the same
# neighbours) leave types in a saved backend that are not trusted.
_FIXED = {"LocalOutlierFactor": {"novelty": True, "algorithm": "brute"}}


def build_backend(config: Mapping[str, Any]) -> PerDomain:
    """Builds an unfitted backend.

    Args:
        config: `combine` (default `min`), `normalise` (default `none`) and `oversample` (default 0)
            as of `PerDomain`, and `members`: the name of each with its `estimator`, `domain`
            (default `all`) and `params` (default none). The members are taken in the order of their
            names, since a recipe has no other. Seeds are 0 unless a recipe sets them.

    Returns:
        The backend.

    Raises:
        UsageError: If a key, a name, a parameter or a value is not known.
    """
    _check_keys("backend", config, ("combine", "members", "normalise", "oversample"))
    combine, normalise = config.get("combine", "min"), config.get("normalise", "none")
    check_choice("backend.combine", str(combine), COMBINES)
    check_choice("backend.normalise", str(normalise), NORMALISES)
    members = config.get("members")
    if not members:
        raise UsageError("backend.members is empty: name at least one, with its estimator")
    built = [(name, *_member(f"backend.members.{name}", members[name])) for name in sorted(members)]
    oversample = config.get("oversample", 0.0)
    return PerDomain(built, combine=combine, normalise=normalise, oversample=oversample)


def _member(where: str, config: Mapping[str, Any]) -> tuple[BaseEstimator, str]:
    _check_keys(where, config, ("domain", "estimator", "params"))
    domain = config.get("domain", "all")
    check_choice(f"{where}.domain", str(domain), DOMAINS)
    return _estimator(where, config.get("estimator"), config.get("params") or {}), domain


def _estimator(where: str, name: str | None, params: Mapping[str, Any]) -> BaseEstimator:
    check_choice(f"{where}.estimator", str(name), ESTIMATORS)
    estimator = ESTIMATORS[name]()
    fixed = _FIXED.get(name, {})
    known = sorted(set(estimator.get_params()) - set(fixed))
    _check_keys(f"{where}.params", params, known)
    seed = {"random_state": 0} if "random_state" in known else {}
    return estimator.set_params(**seed | fixed | {key: params[key] for key in params})


def _check_keys(where: str, config: Mapping[str, Any], known: tuple[str, ...] | list[str]) -> None:
    for key in config:
        check_choice(f"key of {where}", key, known)
