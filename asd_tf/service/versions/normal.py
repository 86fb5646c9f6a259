"""`add` and `remove`: normal recordings that join a detector, or leave it."""

import fnmatch
import logging
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from asd_tf.data.fingerprints import NONE
from asd_tf.data.groups import Group
from asd_tf.data.layouts.inputs import Inputs
from asd_tf.detector import Detector
from asd_tf.detector.kept.windows import CALIBRATE, digests_of
from asd_tf.detector.parts import single_parts
from asd_tf.errors import InputError, UsageError
from asd_tf.service.versions.change import Change, noted
from asd_tf.service.versions.fitted_again import check_keeps
from asd_tf.service.versions.hearing import hear
from asd_tf.service.versions.recordings import (
    kept_tables,
    known_windows,
    named_recordings,
    without,
    without_copies,
)
from asd_tf.service.versions.write import kept_windows

_logger = logging.getLogger(__name__)

_KEY = ["machine", "section"]


def added(
    detector: Detector,
    paths: Iterable[str | Path],
    *,
    machine: str | None = None,
    section: str | None = None,
    domain: str | None = None,
) -> Change:
    """Returns the change in which normal recordings join a detector.

    Args:
        detector: The detector.
        paths: Files, folders and manifests.
        machine: See `named_recordings`.
        section: See `named_recordings`.
        domain: See `named_recordings`.

    Raises:
        InputError: If the detector keeps no features, or no new recording can join.
    """
    check_keeps(detector)
    clips = named_recordings(detector, paths, machine, section, domain)
    windows = new_normal(detector, known_windows(detector, clips))
    if windows.empty:
        raise InputError(f"{detector.folder}: no recording is new, so that there is nothing to add")
    table, heard = hear(detector, windows, True)
    say_new_sections(detector, table)
    return Change("add", {"added": noted(table)}, normal=heard)


def new_normal(detector: Detector, windows: pd.DataFrame) -> pd.DataFrame:
    """Returns the windows that are neither there nor confirmed anomalies, each recording once."""
    normal, confirmed = kept_tables(detector), kept_tables(detector, confirmed=True)
    windows = without(windows, normal, "normal recordings that are there")
    return without_copies(without(windows, confirmed, "confirmed anomalies"))


def say_new_sections(detector: Detector, table: pd.DataFrame) -> None:
    """Says in a line of each new section what it means that no network was trained on it."""
    for machine, section in sorted(set(zip(table["machine"], table["section"], strict=True))):
        if (machine, section) not in detector.thresholds:
            _logger.warning(
                "%s %s is a new section: no network was trained on it, so that features may tell "
                "less of it; judge it on labeled data (asd-detector evaluate), or train again",
                machine, section,
            )  # fmt: skip


def removed(
    detector: Detector,
    clips: str | None = None,
    *,
    machine: str | None = None,
    section: str | None = None,
) -> Change:
    """Returns the change in which normal recordings, or a whole section, leave a detector.

    Args:
        detector: The detector.
        clips: An audio file or a folder, whose contents are looked for; a table (.csv) with the
            column clip_id; or a pattern of names such as `*2026-11*`. None if a section leaves.
        machine: Only recordings of this machine.
        section: Only recordings of this section; without `clips`, the section that leaves.

    Raises:
        UsageError: If neither clips nor a section is given, or a machine and section would be left
            with none.
        InputError: If none is there.
    """
    check_keeps(detector)
    if clips is None:
        return _without_section(detector, machine, section)
    table = _all_recordings(detector)
    for name, value in (("machine", machine), ("section", section)):
        if value is not None:
            table = table[table[name] == value]
    leaving = table[_matches(table, clips, detector)]
    if leaving.empty:
        raise InputError(f"--clips={clips}: no normal recording of {detector.folder} matches")
    check_left(detector, leaving)
    return Change("remove", {"removed": noted(leaving)}, leaving=recordings_of(leaving))


def check_left(detector: Detector, leaving: pd.DataFrame) -> None:
    """Checks that backends have a normal recording left in each machine and section of each part.

    Recordings that only calibrate do not count: nothing is fitted to them.

    Args:
        detector: The detector.
        leaving: Columns machine, section and recording_id of the recordings that leave.

    Raises:
        UsageError: If none would be left.
    """
    gone = recordings_of(leaving)
    for part in single_parts(detector).values():
        table = kept_windows(part).table
        left = recordings_of(table[table["use"] != CALIBRATE]) - gone
        for group in sorted({recording[:2] for recording in gone}):
            if group in part.thresholds and group not in {recording[:2] for recording in left}:
                machine, section = group
                only = any(recording[:2] == group for recording in recordings_of(table) - gone)
                raise UsageError(
                    f"{machine} {section}: no normal recording would be left"
                    f"{' to fit to, only such that calibrate' if only else ''}; "
                    f"`asd-detector remove --section={section} --machine={machine}` without "
                    "--clips removes the section"
                )


def recordings_of(table: pd.DataFrame) -> frozenset[tuple[str, str, str]]:
    """Returns machine, section and name of the recordings of a table of windows."""
    return frozenset(zip(*(table[name] for name in (*_KEY, "recording_id")), strict=True))


def _without_section(detector: Detector, machine: str | None, section: str | None) -> Change:
    if section is None:
        raise UsageError("name what leaves: --clips=FILE_OR_PATTERN, or --section=NAME")
    found: list[Group] = [
        group
        for group in detector.thresholds
        if group[1] == section and machine in (None, group[0])
    ]
    if not found:
        known = ", ".join(f"{m} {s}" for m, s in detector.thresholds)
        raise InputError(f"--section={section}: is not known; known are {known}")
    if len(found) > 1:
        raise UsageError(
            f"--section={section}: {len(found)} machines have it; choose one with --machine"
        )
    if len(detector.thresholds) == 1:
        raise InputError(f"--section={section}: is the only one, and a detector needs one")
    table = _all_recordings(detector)
    table = table[(table["machine"] == found[0][0]) & (table["section"] == section)]
    return Change("remove", {"removed": noted(table)}, sections=frozenset(found))


def _all_recordings(detector: Detector) -> pd.DataFrame:
    """Returns the kept normal windows, and those that only have a calibration score."""
    kept = kept_tables(detector)
    tables = [part.calibration for part in single_parts(detector).values()]
    others = pd.concat(tables, ignore_index=True).assign(digest="")
    return pd.concat([kept, others], ignore_index=True).drop_duplicates([*_KEY, "clip_id"])


def _matches(table: pd.DataFrame, clips: str, detector: Detector) -> pd.Series:
    """Returns where a table of windows is of recordings that the user names."""
    path, names = Path(clips), table["recording_id"]
    if not path.exists():
        return names.map(lambda name: fnmatch.fnmatchcase(name, clips)).astype(bool)
    if path.suffix.lower() == ".csv" and path.is_file():
        return names.isin(_names_in(path))
    files = Inputs([path], detector.channel).table()
    windows = pd.concat(list(detector.batches(files)), ignore_index=True)
    return table["digest"].isin(set(digests_of(windows)) - {NONE})


def _names_in(path: Path) -> set[str]:
    try:
        return set(pd.read_csv(path, dtype=str, keep_default_na=False)["clip_id"])
    except (ValueError, KeyError):
        raise InputError(f"--clips={path}: is no table with the column clip_id") from None
