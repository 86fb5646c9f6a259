"""Computes what a detector keeps of new recordings, for each of its parts."""

import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group, rows_of_groups
from asd_tf.data.health.measures import no_measures
from asd_tf.data.health.sensor import SILENT, TOO_SHORT
from asd_tf.data.sessions import kept_units
from asd_tf.detector import Detector, FusedDetector, SingleDetector
from asd_tf.detector.health import Judge
from asd_tf.detector.kept.windows import Windows, table_of
from asd_tf.errors import InputError
from asd_tf.extraction.features import ClipFeatures
from asd_tf.progress import progress_over
from asd_tf.scoring.verdicts import Verdicts, is_faulty
from asd_tf.service.versions.recordings import named_apart
from asd_tf.service.versions.sections import like_section

_logger = logging.getLogger(__name__)

Heard = Mapping[Path, Mapping[Group, Windows]]


@dataclasses.dataclass(frozen=True)
class _Part:
    """What a single part hears in windows.

    Attributes:
        detector: The part.
        clips: The clip table, with the sections in place of which new ones are.
        features: Extractor to the features of the windows.
        ok: [windows] bool, whether each could be read.
        measures: [windows, measures] of the waveforms.
        verdicts: Of the sensor and the state of the machine.
    """

    detector: SingleDetector
    clips: pd.DataFrame
    features: Mapping[str, ClipFeatures]
    ok: np.ndarray
    measures: np.ndarray
    verdicts: Verdicts


def hear(
    detector: Detector,
    windows: pd.DataFrame,
    is_normal: bool,
) -> tuple[pd.DataFrame, Heard]:
    """Computes the features of windows that join a detector.

    Left out, and counted in a line, are windows that cannot be read, silent ones and, if the
    recordings are normal ones, those of a machine that is off.

    Args:
        detector: The detector.
        windows: The clip table, with the column digest; the machine of every row is known, and a
            section may be new.
        is_normal: Whether they are of a healthy machine.

    Returns:
        The table of the windows that are used, with names that no other recording has, and folder
        of each single part to their features.

    Raises:
        InputError: If none is left, or a section cannot be new.
    """
    original, windows = windows, named_apart(windows, detector)
    single = list(_single(detector, windows))
    with progress_over(len(single) * len(windows), "embed") as progress:
        parts = [_listen(part, clips, progress) for part, clips in single]
    used = np.logical_and.reduce([_is_used(part, is_normal) for part in parts])
    _say_left_out(windows, used, parts)
    if not used.any():
        raise InputError("no recording is left: see the lines above")
    comments = windows["comment"].to_numpy(object) if "comment" in windows else ""
    table = table_of(windows).assign(
        comment=comments, machine=windows["machine"], section=windows["section"]
    )
    rows_of = {
        group: rows[used[rows]]
        for group, rows in rows_of_groups(windows).items()
        if used[rows].any()
    }
    # A date is looked for in a name as it was given.
    units = _Units(windows.assign(clip_id=original["clip_id"].to_numpy()))
    heard = {
        part.detector.folder: {
            group: _windows(part, units.in_table(table, part.detector), group, rows)
            for group, rows in rows_of.items()
        }
        for part in parts
    }
    return table[used].reset_index(drop=True), heard


class _Units:
    """What new windows belong to, by which folds are made; says once where they do not tell it.

    Args:
        clips: The clip table of the windows.
    """

    def __init__(self, clips: pd.DataFrame):
        self._clips = clips
        self._found: dict[str | None, np.ndarray] = {}

    def in_table(self, table: pd.DataFrame, detector: SingleDetector) -> pd.DataFrame:
        """Returns the table of the windows with the units by which a detector makes folds."""
        group_by = detector.manifest["features"].get("group_by")
        if group_by not in self._found:
            self._found[group_by], missing = kept_units(self._clips, group_by)
            recordings = self._clips["recording_id"]
            if missing.any():
                _logger.warning(
                    "%d of %d recordings do not say their %s (calibration.group_by), such as %s: "
                    "each of them is taken as one of its own, in the folds that calibrate",
                    recordings[missing].nunique(), recordings.nunique(), group_by,
                    recordings[missing].iloc[0],
                )  # fmt: skip
        return table.assign(unit=self._found[group_by])


def _single(
    detector: Detector, clips: pd.DataFrame
) -> Iterator[tuple[SingleDetector, pd.DataFrame]]:
    """Yields the single parts of a detector, and the windows as each of them reads them."""
    if isinstance(detector, SingleDetector):
        yield detector, clips
    elif isinstance(detector, FusedDetector):
        for part in detector.parts.values():
            yield from _single(part, detector.select_channel(part, clips))


def _listen(
    detector: SingleDetector, clips: pd.DataFrame, progress: Callable[[int], None]
) -> _Part:
    groups = zip(clips["machine"], clips["section"], strict=True)
    known = clips.assign(section=[like_section(detector, group)[1] for group in groups])
    measures = no_measures(len(clips))
    features, ok = detector.features(known, progress, measures=measures)
    verdicts = Judge(detector.manifest)(known, measures)
    return _Part(detector, known, features, ok, measures, verdicts)


def _is_used(part: _Part, is_normal: bool) -> np.ndarray:
    is_silent = np.isin(part.verdicts.sensor.astype(str), (SILENT, TOO_SHORT))
    return part.ok & ~is_silent & ~(part.verdicts.off & is_normal)


def _windows(part: _Part, table: pd.DataFrame, group: Group, rows: np.ndarray) -> Windows:
    scorer = part.detector.scorers[like_section(part.detector, group)]
    return Windows(
        table.iloc[rows].drop(columns=["machine", "section"]).reset_index(drop=True),
        {name: part.features[name][rows] for name in scorer.extractors},
        part.measures[rows],
    )


def _say_left_out(windows: pd.DataFrame, used: np.ndarray, parts: list[_Part]) -> None:
    """Says what is left out and why, and which sensors look faulty though they are not."""
    first, reasons = parts[0], Counter[str]()
    for row in np.flatnonzero(~used):
        bad = any(not part.ok[row] for part in parts)
        reasons["off" if first.verdicts.off[row] else "unreadable" if bad else "silent"] += 1
    if reasons:
        names = windows["recording_id"][~used].unique()
        _logger.warning(
            "%d of %d windows are left out (%s), such as %s", len(used) - used.sum(), len(used),
            ", ".join(f"{name} {count}" for name, count in sorted(reasons.items())), names[0],
        )  # fmt: skip
    faulty = used & np.asarray(is_faulty(first.verdicts.sensor), bool)
    if faulty.any():
        _logger.warning(
            "sensor: %d of %d windows are beyond the limits of the sensor, such as %s (%s): where "
            "that is no fault but how it is now, they widen the limits", faulty.sum(), used.sum(),
            windows["clip_id"].to_numpy()[faulty][0], first.verdicts.sensor[faulty][0],
        )  # fmt: skip
