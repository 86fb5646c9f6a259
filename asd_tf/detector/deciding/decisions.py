"""From scores to the scored table: p-value, threshold, decision, status and sensor of clips."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.data.health.sensor import SILENT, TOO_SHORT
from asd_tf.data.health.state import OFF
from asd_tf.scoring.p_values import PValues
from asd_tf.scoring.scores import Scores
from asd_tf.scoring.thresholds import Threshold, decide
from asd_tf.scoring.verdicts import Verdicts

SCORED_COLUMNS = (
    "clip_id", "path", "machine", "section", "domain", "split", "label", "subset",
    "score", "p_value", "threshold", "decision", "status", "sensor",
)  # fmt: skip


def decided(
    clips: pd.DataFrame,
    scores: Scores,
    known: np.ndarray,
    p_values_of: Callable[[Group, int], PValues | None],
    threshold_of: Callable[[Group, int], Threshold | None],
) -> pd.DataFrame:
    """Returns the clip table with columns score, p_value, threshold, decision, status and sensor.

    Args:
        clips: The clip table; if it has the column `windows`, that is the number of windows that
            each score was pooled from.
        scores: Their scores.
        known: [clips] bool, whether the detector knows the group of each.
        p_values_of: Returns the p-values of a group, for a number of windows.
        threshold_of: Returns the threshold of a group, for a number of windows.
    """
    verdicts = scores.verdicts
    sensor = np.full(len(clips), None, object) if verdicts is None else verdicts.sensor
    status = np.where(known, _status_of(scores.clip, verdicts), "unknown_group")
    table = clips.assign(
        score=scores.clip, p_value=np.nan, threshold=np.nan, status=status, sensor=sensor
    )
    table["decision"] = pd.array([pd.NA] * len(table), dtype="Int64")
    keys = ["machine", "section", *(["windows"] if "windows" in table else [])]
    for key, indices in table.groupby(keys).groups.items():
        group, windows = key[:2], key[2] if len(key) > 2 else 1
        p_values, threshold = p_values_of(group, windows), threshold_of(group, windows)
        if p_values is not None:
            table.loc[indices, "p_value"] = p_values(table.loc[indices, "score"])
        if threshold is not None and threshold.value is not None:
            table.loc[indices, "threshold"] = threshold.value
            table.loc[indices, "decision"] = decide(table.loc[indices, "score"], threshold)
    return table


def scores_in(table: pd.DataFrame, items: list[np.ndarray | None]) -> Scores:
    """Returns the scores and verdicts that `decided` wrote into a table, with items of clips."""
    off = table["status"].eq(OFF).to_numpy(bool)
    verdicts = Verdicts(table["sensor"].to_numpy(object), off)
    return Scores(table["score"].to_numpy(), items, verdicts=verdicts)


def _status_of(scores: np.ndarray, verdicts: Verdicts | None) -> np.ndarray:
    status = np.where(np.isnan(scores), "bad_file", "ok").astype(object)
    if verdicts is not None:
        for name in (SILENT, TOO_SHORT):
            status[(verdicts.sensor == name) & ~np.isnan(scores)] = name
        status[verdicts.off] = OFF
    return status
