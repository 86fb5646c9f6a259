"""AUC and partial AUC without each clip in turn, for all clips at once.

How the ROC curve changes when a clip is left out has a closed form, so that the scores are sorted
only once instead of once per clip.
"""

import numpy as np
from numpy.typing import ArrayLike

from asd_tf.evaluation.metrics import MAX_FPR, mcclish


class _Curve:
    """A ROC curve in counts of clips: one straight segment for each distinct score.

    Attributes:
        segment: [clips], the segment of each clip; segments are ordered by falling score.
        anomalous: [segments], number of anomalous clips in each segment.
        normal: [segments], number of normal clips in each segment.
        y: [segments + 1], number of anomalous clips before each segment, and of all.
        x: [segments + 1], number of normal clips before each segment, and of all.
        heights: [segments], mean height of each segment, in anomalous clips.
        areas: [segments + 1], area below the curve before each segment, and of all.
    """

    def __init__(self, anomalous: np.ndarray, scores: np.ndarray):
        values, self.segment = np.unique(-scores, return_inverse=True)
        self.anomalous = np.bincount(self.segment[anomalous], minlength=len(values))
        self.normal = np.bincount(self.segment[~anomalous], minlength=len(values))
        self.y = np.concatenate([[0], np.cumsum(self.anomalous)])
        self.x = np.concatenate([[0], np.cumsum(self.normal)])
        self.heights = (self.y[:-1] + self.y[1:]) / 2
        self.areas = np.concatenate([[0.0], np.cumsum(self.normal * self.heights)])

    def area_until(self, end: float) -> float:
        """Returns the area below the curve from 0 to `end` normal clips."""
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
        [clips], the `auc` of all other clips; NaN where they lack a class.
    """
    labels, scores = np.asarray(labels, bool), np.asarray(scores, np.float64)
    curve = _Curve(labels, scores)
    anomalies, normals = curve.y[-1], curve.x[-1]
    # The AUC is the share of (anomalous, normal) pairs that the anomalous clip wins; leaving out a
    # clip removes its pairs, and from the wins those that the anomalous clip of the pair won.
    lost_anomalous = normals - curve.x[1:] + curve.normal / 2
    lost_normal = curve.heights
    wins = np.sum(curve.anomalous * lost_anomalous)
    lost = np.where(labels, lost_anomalous[curve.segment], lost_normal[curve.segment])
    pairs = np.where(labels, (anomalies - 1) * normals, anomalies * (normals - 1))
    return _divide(wins - lost, pairs)


def leave_one_out_partial_auc(
    labels: ArrayLike, scores: ArrayLike, max_fpr: float = MAX_FPR
) -> np.ndarray:
    """Computes the partial AUC without each clip in turn.

    Args:
        labels: [clips], 0 normal and 1 anomalous.
        scores: [clips], finite; higher is more anomalous.
        max_fpr: False positive rate up to which the area is taken, above 0 and at most 1.

    Returns:
        [clips], the `partial_auc` of all other clips; NaN where they lack a class.
    """
    labels, scores = np.asarray(labels, bool), np.asarray(scores, np.float64)
    curve = _Curve(labels, scores)
    anomalies, normals = curve.y[-1], curve.x[-1]
    area = np.where(
        labels,
        _areas_without_anomalous(curve, max_fpr * normals)[curve.segment],
        _areas_without_normal(curve, max_fpr * (normals - 1))[curve.segment],
    )
    pairs = np.where(labels, (anomalies - 1) * normals, anomalies * (normals - 1))
    return mcclish(_divide(area, pairs), max_fpr)


def _areas_without_anomalous(curve: _Curve, end: float) -> np.ndarray:
    """Returns the areas [segments] up to `end` without one anomalous clip of each segment.

    The curve does not change before the segment and is one lower after it; along the segment the
    difference grows linearly from 0 to 1.
    """
    along = np.clip(end - curve.x[:-1], 0, curve.normal)
    after = np.maximum(end - curve.x[1:], 0)
    return curve.area_until(end) - _divide(along**2, 2 * curve.normal, otherwise=0) - after


def _areas_without_normal(curve: _Curve, end: float) -> np.ndarray:
    """Returns the areas [segments] up to `end` without one normal clip of each segment.

    The curve does not change before the segment, rises by as much over one clip less along it, and
    moves left by one clip after it. Entries of segments without normal clips mean nothing.
    """
    if curve.x[-1] < 2:
        return np.full(len(curve.normal), np.nan)
    starts, ends = curve.x[:-1], curve.x[1:] - 1
    width = end - starts
    rise = _divide(curve.anomalous * width, curve.normal - 1, otherwise=0)
    inside = curve.areas[:-1] + width * (curve.y[:-1] + rise / 2)
    after = curve.area_until(end + 1) - curve.heights
    return np.select([ends <= end, starts < end], [after, inside], curve.area_until(end))


def _divide(values: np.ndarray, by: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    """Divides where the divisor is positive, and returns `otherwise` elsewhere."""
    result = np.full(np.shape(values), float(otherwise))
    return np.divide(values, by, out=result, where=by > 0)
