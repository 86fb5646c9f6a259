"""The limits of sensors and states that a training sets, and the measures that they are from."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group, groups_of
from asd_tf.data.health.clips import measure_clips, write_measures
from asd_tf.data.health.sensor import OK, SensorLimits
from asd_tf.data.health.state import AUTO, LEFT_OUT
from asd_tf.detector.health import limits_of
from asd_tf.run.run import Run

_logger = logging.getLogger(__name__)


def training_limits(
    run: Run, measures: np.ndarray, indices_of: Mapping[Group, np.ndarray]
) -> dict[Group, dict[str, Any]]:
    """Returns the entries of each group in the manifest, and writes `health/train.csv` of the run.

    Args:
        run: The run.
        measures: [clips, measures] of the training clips; NaN for clips that are not used.
        indices_of: Group to the training clips that are used.
    """
    clips = run.train_clips
    write_measures(run.folder / "health" / "train.csv", clips, measures)
    off = _measures_of_off(run) if run.config.data.get("state") == AUTO else {}
    limits = {
        group: limits_of(
            measures[indices],
            clips["domain"].iloc[indices].fillna("").to_numpy(object),
            off.get(group),
        )
        for group, indices in indices_of.items()
    }
    _log_faulty(clips, measures, indices_of, limits)
    return limits


def state_description(run: Run) -> dict[str, Any]:
    """Returns the entry of the manifest that names the attribute with the state of the machine."""
    column = run.config.data.get("state")
    return {} if column in (None, AUTO) else {"state_column": column}


def _measures_of_off(run: Run) -> dict[Group, np.ndarray]:
    """Measures the windows that were left out, since the machine was off, by group."""
    is_off = [of_clip.get(LEFT_OUT) is not None for of_clip in run.clips["attributes"]]
    clips = run.clips[is_off].reset_index(drop=True)
    measures = measure_clips(clips, run.samples, run.config.data.sample_rate)
    groups = pd.Series(groups_of(clips), dtype=object)
    return {group: measures[groups == group] for group in set(groups)}


def _log_faulty(
    clips: pd.DataFrame,
    measures: np.ndarray,
    indices_of: Mapping[Group, np.ndarray],
    limits: Mapping[Group, Mapping[str, Any]],
) -> None:
    """Says how many training windows are beyond the limits that most of them set."""
    for (machine, section), indices in indices_of.items():
        entry = limits[machine, section].get("sensor")
        if entry is None:
            continue
        verdicts = SensorLimits.from_json(entry).verdicts(measures[indices])
        is_faulty = np.array([verdict not in (OK, None) for verdict in verdicts], bool)
        if is_faulty.any():
            first = int(np.flatnonzero(is_faulty)[0])
            _logger.warning(
                "sensor: %s, section %s: %d of %d training windows look like faults of the sensor, "
                "such as %s (%s): leave them out if they are", machine, section,
                int(is_faulty.sum()), len(indices), clips["clip_id"].iloc[indices[first]],
                verdicts[first],
            )  # fmt: skip
