"""Thresholds: the anomaly score above which a clip is decided to be anomalous."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.scoring.p_values import PValues


@dataclass(frozen=True)
class Threshold:
    """The anomaly score above which a clip is decided to be anomalous, and how it was determined.

    Attributes:
        value: The threshold; None if the normal scores do not support the promise.
        rule: `conformal` or `gamma`, see `PValues`; `none` without a threshold; `draws` for
            recordings of several windows. Detectors of formats 2 and 3 have the quantile of a
            `gamma` distribution or the `empirical` one.
        n: Number of scores that it was determined from.
        scope: Origin of these scores: `group`, `machine` or `none`.
        false_alarms: The share of unseen normal clips that is promised to be above it, 0 to 1.
    """

    value: float | None
    rule: str
    n: int
    scope: str
    false_alarms: float

    def to_json(self) -> dict[str, Any]:
        """Returns the threshold as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Threshold":
        """Returns the threshold that `to_json` returned as `values`."""
        return cls(**values)


def threshold_at(p_values: PValues, false_alarms: float) -> Threshold:
    """Returns the threshold of a group for a share of false alarms.

    Args:
        p_values: Those of the group.
        false_alarms: The share of unseen normal clips that may be above it, 0 to 1.
    """
    value = p_values.threshold(false_alarms)
    if value is None:
        return Threshold(None, "none", p_values.n, "none", false_alarms)
    return Threshold(value, p_values.rule, p_values.n, p_values.scope, false_alarms)


def thresholds_at(p_values: Mapping[Group, PValues], false_alarms: float) -> dict[Group, Threshold]:
    """Returns the threshold of every group, see `threshold_at`."""
    return {group: threshold_at(of_group, false_alarms) for group, of_group in p_values.items()}


def too_few_lines(
    thresholds: Mapping[Group, Threshold], calibration: pd.DataFrame
) -> Iterator[str]:
    """Yields the lines on groups whose normal scores are too few for what is promised.

    Args:
        thresholds: The threshold of every group.
        calibration: The scores that they are from, see `few_recordings_lines`.
    """
    if line := unsupported_line(thresholds):
        yield line
    for false_alarms in {threshold.false_alarms for threshold in thresholds.values()}:
        yield from few_recordings_lines(calibration, false_alarms)


def unsupported_line(thresholds: Mapping[Group, Threshold]) -> str | None:
    """Returns a line on the groups without a threshold, as they have too few normal scores.

    Args:
        thresholds: The threshold of every group.

    Returns:
        The line, with what can be done; None if all have a threshold.
    """
    without = {group: of for group, of in thresholds.items() if of.value is None}
    if not without:
        return None
    (machine, section), fewest = min(without.items(), key=lambda item: item[1].n)
    others = f" and {len(without) - 1} more" if len(without) > 1 else ""
    if not fewest.n:
        return (
            f"{machine}, section {section}{others}: no threshold, as no normal score calibrates it"
        )
    possible = math.ceil(1000 / (fewest.n + 1)) / 10  # rounded up, so that it can be promised
    return (
        f"{machine}, section {section}{others}: no threshold, as {fewest.n} normal scores can "
        f"promise {possible:g} % of false alarms and not {100 * fewest.false_alarms:g} %; record "
        "more, let more calibrate (calibration.held_out, or "
        "calibration.method=cross_fit_network), or allow more (calibration.false_alarms, "
        "--false_alarms)"
    )


def few_recordings_lines(calibration: pd.DataFrame, false_alarms: float) -> Iterator[str]:
    """Yields a line on each group whose many normal windows are of few recordings.

    Windows of one recording are alike. Exchangeable are the recordings, of which a share of a needs
    1 / a - 1.

    Args:
        calibration: Columns machine, section, score and, where windows belong to recordings,
            recording_id.
        false_alarms: The share that is promised, 0 to 1.
    """
    if "recording_id" not in calibration:
        return
    for (machine, section), scores in calibration.groupby(["machine", "section"]):
        windows, recordings = len(scores), scores["recording_id"].nunique()
        if recordings == windows or (recordings + 1) * false_alarms >= 1:
            continue
        if recordings == 1:
            yield (
                f"{machine}, section {section}: all its normal windows are of one recording, so "
                "that none can be held out: it has no threshold of its own; record at least two"
            )
        else:
            yield (
                f"{machine}, section {section}: its {windows} normal windows are of {recordings} "
                f"recordings; what they say of {100 * false_alarms:g} % of others is an estimate, "
                f"and no promise: that takes {math.ceil(1 / false_alarms - 1)} recordings"
            )


def decide(scores: np.ndarray, threshold: Threshold) -> pd.api.extensions.ExtensionArray:
    """Decides for each score [n] whether it is above the threshold.

    Returns:
        [n] Int64: 1 if it is, else 0; missing if the score is NaN or there is no threshold.
    """
    scores = np.asarray(scores, np.float64)
    unknown = np.isnan(scores) | (threshold.value is None)
    limit = np.nan if threshold.value is None else threshold.value
    return pd.arrays.IntegerArray((scores > limit).astype(np.int64), unknown)
