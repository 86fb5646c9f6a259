"""The numbers that everything else is made of: AUC, partial AUC and means."""

import sys

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


def mcclish(area: ArrayLike, max_fpr: float) -> np.ndarray:
    """Standardises areas below a ROC curve up to `max_fpr`: chance becomes 0.5, the best 1."""
    chance = max_fpr**2 / 2
    return 0.5 * (1 + (np.asarray(area) - chance) / (max_fpr - chance))


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
    values = np.asarray(values, np.float64).ravel()
    return float(weighted_mean("harmonic", values, ~np.isnan(values)))


def weighted_mean(kind: str, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted means over the last axis.

    Args:
        kind: `arithmetic`, or `harmonic`: of values of at least the machine epsilon.
        values: [..., n], at least 0; what they are does not matter where the weight is 0.
        weights: [..., n] or [n], at least 0.

    Returns:
        [...], NaN where there is no weight.
    """
    # What has no weight is replaced, since NaN times 0 is NaN.
    values = np.where(weights > 0, values, 1.0)
    with np.errstate(invalid="ignore"):
        if kind == "arithmetic":
            return np.sum(weights * values, axis=-1) / np.sum(weights, axis=-1)
        reciprocals = 1 / np.maximum(values, sys.float_info.epsilon)
        return np.sum(weights, axis=-1) / np.sum(weights * reciprocals, axis=-1)
