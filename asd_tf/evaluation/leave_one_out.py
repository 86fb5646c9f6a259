"""AUC and partial AUC of all clips but one, for every clip at once.

A clip that is left out changes the ROC curve in a way that can be written down, so that sorting the
scores once is enough; computing each area anew takes as long for every single clip.
"""

import numpy as np
from numpy.typing import ArrayLike

from asd_tf.evaluation.metrics import MAX_FPR, mcclish


class _Curve:
    """A ROC curve in counts: a straight line for each group of clips that are tied.

    Attributes:
        group: [clips], the group of each clip; groups are in the order of falling scores.
        anomalous, normal: [groups], how many clips of each kind they have.
        y, x: [groups + 1], anomalous and normal clips that score above the start of a group.
    """

    def __init__(self, anomalous: np.ndarray, scores: np.ndarray):
        values, self.group = np.unique(-scores, return_inverse=True)
        self.anomalous = np.bincount(self.group[anomalous], minlength=len(values))
        self.normal = np.bincount(self.group[~anomalous], minlength=len(values))
        self.y = np.concatenate([[0], np.cumsum(self.anomalous)])
        self.x = np.concatenate([[0], np.cumsum(self.normal)])
        self.heights = (self.y[:-1] + self.y[1:]) / 2
        self.areas = np.concatenate([[0.0], np.cumsum(self.normal * self.heights)])

    def area_until(self, end: float) -> float:
        """Area below the curve from 0 to `end` normal clips."""
        start = np.searchsorted(self.x, end, side="right") - 1
        if start == len(self.normal):
            return self.areas[start]
        width = end - self.x[start]
        rise = self.anomalous[start] * width / self.normal[start]
        return self.areas[start] + width * (self.y[start] + rise / 2)


def leave_one_out_auc(labels: ArrayLike, scores: ArrayLike) -> np.ndarray:
    """Computes the AUC without each clip in turn.

    Args:
        labels: [clips], 0 normal and 1 anomalous.
        scores: [clips], finite; higher is more anomalous. A tie counts half.

    Returns:
        [clips], what `auc` gives without that clip: NaN where a class would be missing.
    """
    labels, scores = np.asarray(labels, bool), np.asarray(scores, np.float64)
    curve = _Curve(labels, scores)
    anomalies, normals = curve.y[-1], curve.x[-1]
    # A clip takes the pairs with it that it wins, seen from the anomalous clip.
    lost_anomalous = normals - curve.x[1:] + curve.normal / 2
    lost_normal = curve.heights
    wins = np.sum(curve.anomalous * lost_anomalous)
    lost = np.where(labels, lost_anomalous[curve.group], lost_normal[curve.group])
    pairs = np.where(labels, (anomalies - 1) * normals, anomalies * (normals - 1))
    return _divide(wins - lost, pairs)


def leave_one_out_partial_auc(
    labels: ArrayLike, scores: ArrayLike, max_fpr: float = MAX_FPR
) -> np.ndarray:
    """Computes the partial AUC without each clip in turn.

    Args:
        labels: [clips], 0 normal and 1 anomalous.
        scores: [clips], finite; higher is more anomalous.
        max_fpr: False positive rate where the area ends, above 0 and at most 1.

    Returns:
        [clips], what `partial_auc` gives without that clip: NaN where a class would be missing.
    """
    labels, scores = np.asarray(labels, bool), np.asarray(scores, np.float64)
    curve = _Curve(labels, scores)
    anomalies, normals = curve.y[-1], curve.x[-1]
    area = np.where(
        labels,
        _areas_without_anomalous(curve, max_fpr * normals)[curve.group],
        _areas_without_normal(curve, max_fpr * (normals - 1))[curve.group],
    )
    pairs = np.where(labels, (anomalies - 1) * normals, anomalies * (normals - 1))
    return mcclish(_divide(area, pairs), max_fpr)


def _areas_without_anomalous(curve: _Curve, end: float) -> np.ndarray:
    """Areas [groups] until `end` without an anomalous clip of each group.

    The curve stays as it is before the group and is one lower behind it; along the group the
    difference grows from 0 to 1.
    """
    along = np.clip(end - curve.x[:-1], 0, curve.normal)
    behind = np.maximum(end - curve.x[1:], 0)
    return curve.area_until(end) - _divide(along**2, 2 * curve.normal, otherwise=0) - behind


def _areas_without_normal(curve: _Curve, end: float) -> np.ndarray:
    """Areas [groups] until `end` without a normal clip of each group that has one.

    The curve stays as it is before the group, is as high but one shorter along the group, and moves
    one to the left behind it; so does its end.
    """
    if curve.x[-1] < 2:
        return np.full(len(curve.normal), np.nan)
    starts, ends = curve.x[:-1], curve.x[1:] - 1
    width = end - starts
    rise = _divide(curve.anomalous * width, curve.normal - 1, otherwise=0)
    inside = curve.areas[:-1] + width * (curve.y[:-1] + rise / 2)
    behind = curve.area_until(end + 1) - curve.heights
    return np.select([ends <= end, starts < end], [behind, inside], curve.area_until(end))


def _divide(values: np.ndarray, by: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    """Divides where the divisor is positive."""
    result = np.full(np.shape(values), float(otherwise))
    return np.divide(values, by, out=result, where=by > 0)
