"""The numbers that everything else is made of: AUC, partial AUC and means."""

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import sklearn
from numpy.typing import ArrayLike
from sklearn.metrics import roc_auc_score

MAX_FPR = 0.1
"""Upper end of the false positive rates of the partial AUC in every DCASE edition."""


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: how often an anomalous clip scores above a normal one.

    Args:
        labels: [clips], 0 normal and 1 anomalous.
        scores: [clips], finite; higher is more anomalous. A tie counts half.

    Returns:
        A value in 0..1, or NaN where one of the classes is missing.
    """
    return _area(labels, scores, None)


def partial_auc(labels: ArrayLike, scores: ArrayLike, max_fpr: float = MAX_FPR) -> float:
    """Area under the start of the ROC curve, standardised after McClish: chance is 0.5.

    Args:
        labels: [clips], 0 normal and 1 anomalous.
        scores: [clips], finite; higher is more anomalous.
        max_fpr: False positive rate where the area ends, above 0 and at most 1.

    Returns:
        A value in 0..1, or NaN where one of the classes is missing.
    """
    return _area(labels, scores, max_fpr)


def _area(labels: ArrayLike, scores: ArrayLike, max_fpr: float | None) -> float:
    labels = np.asarray(labels, bool)
    if labels.all() or not labels.any():
        return float("nan")
    # The checks of parameters take longer than the area of a section's 200 clips.
    with sklearn.config_context(skip_parameter_validation=True):
        return float(roc_auc_score(labels, np.asarray(scores, np.float64), max_fpr=max_fpr))


def harmonic_mean(values: ArrayLike) -> float:
    """Harmonic mean of the values that exist, each at least the machine epsilon.

    The floor is that of the official evaluators: one AUC of zero gives a tiny mean, not an error.

    Args:
        values: Numbers of any shape, at least 0; NaN where a term does not exist.

    Returns:
        The mean, or NaN where no value exists.
    """
    values = np.asarray(values, np.float64)
    exist = ~np.isnan(values)
    return float(_harmonic(values, exist)) if exist.any() else float("nan")


def _harmonic(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    reciprocals = 1 / np.maximum(_existing(values, weights), sys.float_info.epsilon)
    return _total(weights) / _total(weights * reciprocals)


def _arithmetic(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return _total(weights * _existing(values, weights)) / _total(weights)


def _existing(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Replaces what has no weight, since NaN times 0 is NaN."""
    return np.where(weights > 0, values, 1.0)


def _total(values: np.ndarray) -> np.ndarray:
    return np.sum(values, axis=(-2, -1)[-min(values.ndim, 2) :])


MEANS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = MappingProxyType(
    {"arithmetic": _arithmetic, "harmonic": _harmonic}
)
