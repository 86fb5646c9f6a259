"""Thresholds: the anomaly score above which a clip is decided to be anomalous."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from asd_tf.data.groups import Group

# Smallest number of scores to which a gamma distribution is fitted.
_MIN_GAMMA_SCORES = 20


@dataclass(frozen=True)
class Threshold:
    """The anomaly score above which a clip is decided to be anomalous, and how it was determined.

    Attributes:
        value: The threshold; None if there were too few scores.
        rule: `gamma` or `empirical` quantile, or `none`; `draws` for recordings of several windows.
        n: Number of scores that it was determined from.
        scope: Origin of these scores: `group`, `machine` or `none`.
        quantile: The quantile of the scores, 0 to 1.
    """

    value: float | None
    rule: str
    n: int
    scope: str
    quantile: float

    def to_json(self) -> dict[str, Any]:
        """Returns the threshold as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Threshold":
        """Returns the threshold that `to_json` returned as `values`."""
        return cls(**values)


def fit_threshold(
    group_scores: np.ndarray, machine_scores: np.ndarray, quantile: float = 0.9
) -> Threshold:
    """Determines the threshold of a group from the scores of its normal clips of both domains.

    It is the quantile of a gamma distribution, as in the DCASE baselines. The distribution is
    fitted to the scores of the group if there are at least 20, else to those of its machine. If
    these are fewer than 20 too, or the fit fails, it is the empirical quantile. With fewer than 2
    scores there is no threshold.

    Args:
        group_scores: [n] scores of the group's normal clips; those that are not finite are left
            out.
        machine_scores: [m] scores of all groups of the machine, this one included.
        quantile: Share of the normal clips that is to be below the threshold, 0 to 1.
    """
    scores, scope = scores_to_judge_by(group_scores, machine_scores)
    if len(scores) < 2:
        return Threshold(None, "none", len(scores), "none", quantile)
    value = _gamma_quantile(scores, quantile) if len(scores) >= _MIN_GAMMA_SCORES else None
    if value is not None:
        return Threshold(value, "gamma", len(scores), scope, quantile)
    value = float(np.quantile(scores, quantile))
    return Threshold(value, "empirical", len(scores), scope, quantile)


def scores_to_judge_by(
    group_scores: np.ndarray, machine_scores: np.ndarray
) -> tuple[np.ndarray, str]:
    """Returns the finite scores of a group if there are at least 20, else those of its machine.

    Args:
        group_scores: [n] scores of the group's normal clips.
        machine_scores: [m] scores of all groups of the machine, this one included.

    Returns:
        The scores, and their origin: `group` or `machine`.
    """
    group, machine = _finite(group_scores), _finite(machine_scores)
    # If this is the only group of the machine, the scores of both are the same.
    own = len(group) >= _MIN_GAMMA_SCORES or len(machine) <= len(group)
    return (group, "group") if own else (machine, "machine")


def fit_thresholds(
    calibration: pd.DataFrame, groups: Sequence[Group], quantile: float = 0.9
) -> dict[Group, Threshold]:
    """Determines the threshold of every group, see `fit_threshold`.

    Args:
        calibration: Columns machine, section and score; a row for each normal clip.
        groups: (machine, section) of each group.
        quantile: Share of the normal clips that is to be below the threshold, 0 to 1.
    """
    thresholds = {}
    for machine, section in groups:
        of_machine = calibration[calibration["machine"] == machine]
        of_group = of_machine.loc[of_machine["section"] == section, "score"]
        thresholds[machine, section] = fit_threshold(of_group, of_machine["score"], quantile)
    return thresholds


def decide(scores: np.ndarray, threshold: Threshold) -> pd.api.extensions.ExtensionArray:
    """Decides for each score [n] whether it is above the threshold.

    Returns:
        [n] Int64: 1 if it is, else 0; missing if the score is NaN or there is no threshold.
    """
    scores = np.asarray(scores, np.float64)
    unknown = np.isnan(scores) | (threshold.value is None)
    limit = np.nan if threshold.value is None else threshold.value
    return pd.arrays.IntegerArray((scores > limit).astype(np.int64), unknown)


def _gamma_quantile(scores: np.ndarray, quantile: float) -> float | None:
    """Returns the quantile of the fitted gamma distribution, or None if the fit fails."""
    span = np.ptp(scores)
    if span <= 1e-12 * np.abs(scores).max():
        return None
    # scipy's optimizer has absolute tolerances: scores of another scale than 1 are fitted badly.
    mean, std = scores.mean(), scores.std()
    try:
        shape, loc, scale = stats.gamma.fit((scores - mean) / std)
        value = float(stats.gamma.ppf(quantile, shape, loc, scale) * std + mean)
    except (ValueError, RuntimeError):  # scipy's FitError is a RuntimeError
        return None
    # Outside of this range, or if it is NaN, the optimizer has diverged.
    return value if scores.min() - span <= value <= scores.max() + span else None


def _finite(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, np.float64)
    return scores[np.isfinite(scores)]
