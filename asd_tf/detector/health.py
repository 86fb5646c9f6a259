"""What a detector says of the sensor and of the state of the machine, by limits in its manifest."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.decoding.inspection import inspect_clips
from asd_tf.data.groups import Group, rows_of_groups
from asd_tf.data.health.sensor import (
    SILENT,
    TOO_SHORT,
    SensorLimits,
    verdicts_without_limits,
)
from asd_tf.data.health.state import OFF, OffState, says_off
from asd_tf.scoring.verdicts import Verdicts, is_faulty

# A clip of fewer seconds is too short, unless the windows of the detector are hardly longer.
_SHORTEST_S = 0.05
_SHORTEST_SHARE = 0.5

_logger = logging.getLogger(__name__)


def limits_of(
    measures: np.ndarray, domains: np.ndarray, off: np.ndarray | None = None
) -> dict[str, Any]:
    """Returns the entries of a group in the manifest.

    Args:
        measures: [windows, measures] of its training windows.
        domains: [windows] their domains.
        off: [windows, measures] of windows that were left out, since the machine was off; None if
            that was not looked for.

    Returns:
        `sensor`, if a window is measured, and `off`, if the machine was.
    """
    sensor = SensorLimits.fit(measures, domains)
    state = None if off is None else OffState.between(off, measures)
    entries = {"sensor": sensor, "off": state}
    return {name: value.to_json() for name, value in entries.items() if value is not None}


class Judge:
    """Judges the windows of a detector.

    Args:
        manifest: The content of its `detector.json`.
    """

    def __init__(self, manifest: Mapping[str, Any]):
        self._column = manifest.get("state_column")
        self._sensors: dict[Group, SensorLimits] = {}
        self._states: dict[Group, OffState] = {}
        for group in manifest["groups"]:
            name = (group["machine"], group["section"])
            if "sensor" in group:
                self._sensors[name] = SensorLimits.from_json(group["sensor"])
            if "off" in group:
                self._states[name] = OffState.from_json(group["off"])
        window = manifest["samples"] / manifest["sample_rate"] if "samples" in manifest else 1.0
        self._shortest = min(_SHORTEST_S, _SHORTEST_SHARE * window)

    def __call__(self, clips: pd.DataFrame, measures: np.ndarray) -> Verdicts:
        """Judges windows.

        Args:
            clips: The clip table.
            measures: [clips, measures]; NaN for clips that could not be read.
        """
        sensor = verdicts_without_limits(measures)
        off = np.zeros(len(clips), bool)
        for group, rows in rows_of_groups(clips).items():
            if group in self._sensors:
                sensor[rows] = self._sensors[group].verdicts(measures[rows])
            if group in self._states:
                off[rows] = self._states[group].is_off(measures[rows])
        if self._column is not None:
            off |= says_off(clips, self._column)
        is_short = inspect_clips(clips)["seconds"].lt(self._shortest).to_numpy(bool)
        sensor[is_short] = TOO_SHORT
        # The limits are those of a machine that runs.
        sensor[off & (sensor != SILENT)] = None
        return Verdicts(sensor, off, measures)


class Tally:
    """Counts windows of machines that are off, and faults of the sensor, for a line of each.

    Args:
        per: `window` to count the faults of windows, else those of recordings.
    """

    def __init__(self, per: str):
        self._noun = "windows" if per == "window" else "recordings"
        self._windows = self._off = self._rows = 0
        self._reasons: dict[str, int] = {}

    def add(self, windows: pd.DataFrame, rows: pd.DataFrame) -> None:
        """Counts the rows of two scored tables, of windows and of what is decided on."""
        self._windows += len(windows)
        self._off += int(windows["status"].eq(OFF).sum())
        self.add_sensors(rows["sensor"])

    def add_sensors(self, sensors: Iterable[str | None]) -> None:
        """Counts what was decided on, by what its column sensor says."""
        found = np.array(list(sensors), object)
        self._rows += len(found)
        for reasons in found[is_faulty(found)]:
            self._reasons[reasons] = self._reasons.get(reasons, 0) + 1

    def log(self) -> None:
        """Logs what there is to say."""
        if self._off:
            _logger.info(
                "state: %d of %d windows are of machines that are off, and not scored",
                self._off, self._windows,
            )  # fmt: skip
        if self._reasons:
            named = ", ".join(f"{name} {count}" for name, count in sorted(self._reasons.items()))
            _logger.warning(
                "sensor: %d of %d %s are no anomalies but faults of the sensor: %s",
                sum(self._reasons.values()), self._rows, self._noun, named,
            )  # fmt: skip
