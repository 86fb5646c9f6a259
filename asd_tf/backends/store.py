"""Fitted backends on disk, as skops files: data that name their types, never pickles."""

import os
import zipfile
from pathlib import Path

from sklearn.base import BaseEstimator

from asd_tf.errors import InputError
from asd_tf.files import atomic_path

# What a file may hold beyond what skops itself trusts (numpy arrays and scikit-learn estimators).
TRUSTED_TYPES = (
    "asd_tf.backends.as_score.AsScore",
    "asd_tf.backends.cosine.CentreCosine",
    "asd_tf.backends.cosine.KMeansCosine",
    "asd_tf.backends.cosine.NearestCosine",
    "asd_tf.backends.frame_mixture.FrameMixture",
    "asd_tf.backends.gaussian.CappedGaussianMixture",
    "asd_tf.backends.mahalanobis.LedoitWolfMahalanobis",
    "asd_tf.backends.neighbors.DensityNormalizedNearest",
    "asd_tf.backends.neighbors.KNearestCosine",
    "asd_tf.backends.one_class.NormalizedOneClassSVM",
    "asd_tf.backends.per_domain.PerDomain",
    "asd_tf.backends.posterior_distance.PosteriorDistance",
    "sklearn.tree._tree.Tree",  # of IsolationForest
)


def save_backend(path: str | os.PathLike, estimator: BaseEstimator) -> None:
    """Writes a fitted backend, whole or not at all.

    Raises:
        ValueError: If it holds a type that `load_backend` would refuse.
    """
    import skops.io  # it imports all of scikit-learn, a second that only this needs

    content = skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)
    foreign = _foreign_types(skops.io.get_untrusted_types(data=content))
    if foreign:
        raise ValueError(f"a backend cannot be saved with {', '.join(foreign)} in it")
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def load_backend(path: str | os.PathLike) -> BaseEstimator:
    """Reads a backend that `save_backend` wrote.

    Raises:
        InputError: If the file is missing or damaged, or holds types that no backend has.
    """
    import skops.io

    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such file: the detector is incomplete, copy it anew")
    try:
        foreign = _foreign_types(skops.io.get_untrusted_types(file=path))
        estimator = None if foreign else skops.io.load(path, trusted=list(TRUSTED_TYPES))
    except Exception as error:  # damage shows as almost anything: zip, JSON, numpy, missing keys
        raise InputError(
            f"{path}: not a readable backend ({type(error).__name__}): copy the detector anew"
        ) from error
    if foreign:
        raise InputError(f"{path}: refused, no backend holds the type {foreign[0]}")
    if not hasattr(estimator, "score_samples"):
        raise InputError(f"{path}: refused, a {type(estimator).__name__} is not a backend")
    return estimator


def _foreign_types(names: list[str]) -> list[str]:
    return sorted(set(names) - set(TRUSTED_TYPES))
