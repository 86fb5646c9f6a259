"""AUC, partial AUC, and weighted arithmetic and harmonic means."""

import sys

import numpy as np
import sklearn
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid
from sklearn.metrics import roc_curve

MAX_FPR = 0.1
"""False positive rate up to which every DCASE edition takes the partial AUC."""


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the probability that an anomalous clip scores above a normal one.

    Args:
        labels: [clips], 0 normal and 1 anomalous.
        scores: [clips], finite; higher is more anomalous. A tie counts half.

    Returns:
        A value in 0..1, or NaN where one of the classes is missing.
    """
    return _area(labels, scores, 1.0)


def partial_auc(labels: ArrayLike, scores: ArrayLike, max_fpr: float = MAX_FPR) -> float:
    """Area under the start of the ROC curve, standardized after McClish so that chance is 0.5.

    Args:
        labels: [clips], 0 normal and 1 anomalous.
        scores: [clips], finite; higher is more anomalous.
        max_fpr: False positive rate up to which the area is taken, above 0 and at most 1.

    Returns:
        A value in 0..1, or NaN where one of the classes is missing.
    """
    return _area(labels, scores, max_fpr)


def mcclish(area: ArrayLike, max_fpr: float) -> np.ndarray:
    """Standardizes areas below ROC curves up to `max_fpr`: chance becomes 0.5 and perfect 1."""
    chance = max_fpr**2 / 2
    return 0.5 * (1 + (np.asarray(area) - chance) / (max_fpr - chance))


def _area(labels: ArrayLike, scores: ArrayLike, max_fpr: float) -> float:
    labels = np.asarray(labels, bool)
    if labels.all() or not labels.any():
        return float("nan")
    # `roc_auc_score` gives the same numbers, but its checks take five times as long as the curve of
    # a section's 200 clips.
    with sklearn.config_context(skip_parameter_validation=True):
        fpr, tpr, _ = roc_curve(labels, np.asarray(scores, np.float64))
    if max_fpr == 1:
        return float(trapezoid(tpr, fpr))
    end = np.searchsorted(fpr, max_fpr, side="right")
    tpr = np.append(tpr[:end], np.interp(max_fpr, fpr, tpr))
    fpr = np.append(fpr[:end], max_fpr)
    return float(mcclish(trapezoid(tpr, fpr), max_fpr))


def harmonic_mean(values: ArrayLike) -> float:
    """Harmonic mean of the values that are not NaN, with the floor of `weighted_mean`.

    Args:
        values: Numbers of any shape, at least 0; NaN where a term does not exist.

    Returns:
        The mean, or NaN if all values are NaN.
    """
    values = np.asarray(values, np.float64).ravel()
    return float(weighted_mean("harmonic", values, ~np.isnan(values)))


def weighted_mean(kind: str, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted means over the last axis.

    Args:
        kind: `arithmetic` or `harmonic`. As in the official evaluators, the harmonic mean raises
            values to the machine epsilon at least, so that a zero gives a tiny mean, not an error.
        values: [..., n], at least 0; values of weight 0 are ignored, even NaN.
        weights: [..., n] or [n], at least 0.

    Returns:
        [...], NaN where all weights are 0.
    """
    # Ignored values are replaced, since NaN times 0 is NaN.
    values = np.where(weights > 0, values, 1.0)
    with np.errstate(invalid="ignore"):
        if kind == "arithmetic":
            return np.sum(weights * values, axis=-1) / np.sum(weights, axis=-1)
        reciprocals = 1 / np.maximum(values, sys.float_info.epsilon)
        return np.sum(weights, axis=-1) / np.sum(weights * reciprocals, axis=-1)
