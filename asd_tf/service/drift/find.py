"""Finds drift: reads recordings in the order of time, listens and judges."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.data.layouts.inputs import Inputs
from asd_tf.detector import Detector
from asd_tf.detector.reference import band_levels, recording_scores, statistics_windows
from asd_tf.errors import InputError, UsageError, printable
from asd_tf.service.drift.observed import Listener
from asd_tf.service.drift.verdict import Drift, judge

MODIFIED = "modified"
"""The order of the times at which files were last changed."""


def find_drift(
    detector: Detector,
    clips: pd.DataFrame,
    *,
    machine: str | None = None,
    section: str | None = None,
    level: float = 0.01,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[dict[Group, Drift], Listener]:
    """Compares recordings with what a detector knows of its training.

    Args:
        detector: The detector.
        clips: The clip table of the recordings, in the order of time.
        machine: The machine of all; None for those of the table.
        section: The section of all; None for those of the table.
        level: Probability in each group that recordings like those of training are called drifted,
            0.0001 to 0.5.
        progress: Called with the number of recordings that are newly done.

    Returns:
        What was found of each group of which there is a recording, and what was heard.

    Raises:
        InputError: If the detector knows none of the machines and sections.
    """
    listener = Listener(detector)
    listener.listen(clips, machine, section, progress)
    if not listener.groups:
        known = ", ".join(f"{m} {s}" for m, s in sorted(detector.thresholds))
        raise InputError(
            f"the detector knows the machine and section of no recording; it knows {known} (set "
            "--machine and --section)"
        )
    return judge_all(detector, listener, level), listener


def judge_all(detector: Detector, listener: Listener, level: float) -> dict[Group, Drift]:
    """Compares what was heard of each group with training; see `find_drift`."""
    table, levels = detector.calibration, band_levels(detector)
    calibration = recording_scores(table)
    training = effective_recordings(table, statistics_windows(detector))
    return {
        group: judge(
            seen,
            calibration.get(group, np.zeros(0)),
            training.get(group, 0.0),
            levels.get(group),
            level,
        )
        for group, seen in sorted(listener.groups.items())
    }


def effective_recordings(
    calibration: pd.DataFrame, trained: Mapping[Group, int]
) -> dict[Group, float]:
    """Returns how many recordings of equal length would tell as much of training, by group.

    What a detector stores of the features and levels of training is over windows, so that long
    recordings have more weight than short ones. With n windows of each, the means vary as those of
    (sum n)^2 / sum n^2 recordings (Kish, 1965). Those that calibrate may be others than those that
    were trained on, and more or fewer: recordings of training are taken to be as long as these.

    Args:
        calibration: `Detector.calibration`, a row for each window.
        trained: How many windows of training the stored statistics are of, by group.
    """
    windows = calibration[np.isfinite(calibration["score"])]
    counts = windows.groupby(["machine", "section", "recording_id"], sort=False).size()
    found: dict[Group, float] = {}
    for (machine, section), of in counts.groupby(["machine", "section"], sort=False):
        group = str(machine), str(section)
        total = of.sum()
        found[group] = float(total**2 / (of**2).sum() * trained.get(group, total) / total)
    return found


def in_order(inputs: Inputs, by: str | None) -> pd.DataFrame:
    """Returns the clip table of recordings in the order of time.

    Args:
        inputs: The recordings.
        by: Name of a column of the manifest with a number or a text that sorts, such as
            2026-11-30T08:00; `modified` for the times at which the files were last changed; None
            for the order in which they are named, files of a folder sorted by their names.

    Raises:
        InputError: If a recording has no such value.
    """
    clips = inputs.table()
    if by is None:
        return clips
    keys = pd.Series([_key(clip, by) for clip in clips.itertuples()], dtype=object)
    if keys.isna().all():
        names = sorted({name for of_clip in clips["attributes"] for name in of_clip})
        raise UsageError(
            f"--by={by}: no recording has it; columns of the manifest: {', '.join(names) or 'none'}"
        )
    if keys.isna().any():
        first = clips["clip_id"][keys.isna()].iloc[0]
        raise InputError(printable(f"{first}: has no '{by}', by which recordings are ordered"))
    numbers = pd.to_numeric(keys, errors="coerce")
    keys = numbers if numbers.notna().all() else keys.astype(str)
    return clips.iloc[np.argsort(keys.to_numpy(), kind="stable")].reset_index(drop=True)


def _key(clip, by: str) -> str | float | None:
    if by == MODIFIED:
        path = Path(clip.path)
        return path.stat().st_mtime if path.exists() else None
    return clip.attributes.get(by)
