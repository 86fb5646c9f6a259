"""Which training recordings belong together: they are on the same side of every split.

Recordings of a session share weather, load and the place of the microphone. A backend or a network
that has learned from one of them finds the others more normal than those of another day.
"""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from asd_tf.data.clips import DTYPES
from asd_tf.data.groups import Group, rows_of_groups
from asd_tf.data.part_names import file_of
from asd_tf.errors import UsageError, printable

RECORDING, CONTIGUOUS, DATE, PATH = "recording_id", "contiguous", "date", "path"

CANDIDATES = ("session", RECORDING, PATH, DATE)
"""What recordings are grouped by where nothing is chosen, the most specific first."""

LEAST_UNITS = 3
"""Sessions of a machine and section without which folds do not follow them by themselves."""

_COLUMNS = frozenset(DTYPES) - {"clip_id", "attributes", "split", "label"}

# 2026-11-30, 2026_11_30 or 20261130, which a time of day may follow.
_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?(?!\d)"
)


def unit_names(clips: pd.DataFrame, group_by: str | None) -> np.ndarray:
    """Returns the name of what each clip belongs to; clips with one name stay together.

    Args:
        clips: The clip table; windows of a recording have one recording_id.
        group_by: An attribute or a column of the table; `date` for the last date in the clip_id;
            `contiguous` or None for the recording.

    Returns:
        [n] texts, equal for all windows of a recording.

    Raises:
        UsageError: If a clip has no such value.
    """
    recordings = clips["recording_id"].to_numpy(object)
    if group_by in (None, CONTIGUOUS):
        return recordings
    values = _values(clips, str(group_by))
    if values.isna().all():
        names = sorted({name for of_clip in clips["attributes"] for name in of_clip})
        raise UsageError(
            f"calibration.group_by={group_by}: no training clip has it; their attributes are "
            f"{', '.join(names) or 'none'}"
        )
    if values.isna().any():
        clip = clips["clip_id"].to_numpy()[values.isna().to_numpy().argmax()]
        raise UsageError(printable(f"calibration.group_by={group_by}: {clip} has none"))
    return values.groupby(recordings).transform("first").to_numpy(object)


def kept_units(clips: pd.DataFrame, group_by: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns what each clip belongs to, as a detector keeps it, and which clips do not say it.

    The names are those of `unit_names`, but that of a file is without its folder: detectors tell
    nothing of the machine that they were trained on. A clip that has no such value belongs to its
    recording.

    Args:
        clips: See `unit_names`.
        group_by: See `unit_names`.

    Returns:
        [n] texts, equal for all windows of a recording, and [n] bool.
    """
    recordings = clips["recording_id"].to_numpy(object)
    missing = np.zeros(len(clips), bool)
    if group_by in (None, CONTIGUOUS):
        return recordings, missing
    if group_by == PATH and not _has_attribute(clips, PATH):
        return np.array([file_of(name) for name in recordings], object), missing
    values = _values(clips, str(group_by)).groupby(recordings).transform("first")
    missing = values.isna().to_numpy()
    return values.where(~missing, recordings).to_numpy(object), missing


def are_recordings(clips: pd.DataFrame, group_by: str | None) -> bool:
    """Returns whether what belongs together is no more than the windows of a recording."""
    return group_by is None or (group_by == RECORDING and not _has_attribute(clips, RECORDING))


def are_sessions(clips: pd.DataFrame, group_by: str | None) -> bool:
    """Returns whether what belongs together is more than a recording, and has a name."""
    return group_by != CONTIGUOUS and not are_recordings(clips, group_by)


def natural_order(name: str) -> list[str | int]:
    """Returns a key that sorts names as a reader does: day2 before day10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def choose_grouping(clips: pd.DataFrame, is_edition: bool) -> tuple[str | None, list[str]]:
    """Chooses what folds follow where the recipe leaves it open.

    Args:
        clips: The clip table of the training clips.
        is_edition: Whether they are an edition of DCASE, whose folds are those of recordings.

    Returns:
        The most specific of `CANDIDATES` with three or more values in each machine and section,
        and no value that has all recordings of one of two domains; else `contiguous`. None for an
        edition. And the lines that say what was chosen, and why.
    """
    if is_edition:
        return None, []
    lines: list[str] = []
    for name in CANDIDATES:
        if not _is_named(clips, name):
            continue
        missing = int(_values(clips, name).isna().sum())
        if missing:
            lines.append(f"{name}: {missing} of {len(clips)} training clips have none: not used")
            continue
        counts = _unit_counts(clips, name)
        group, fewest = min(counts.items(), key=lambda item: item[1])
        lone = list(lone_domain_lines(clips, name))
        if fewest >= LEAST_UNITS and lone:
            lines.append(
                f"{lone[0]}: folds do not follow it; --set calibration.group_by={name} makes them"
            )
            continue
        if fewest >= LEAST_UNITS:
            lines.append(
                f"folds follow {name} (calibration.group_by): {fewest} in {_named(group)}, the "
                "fewest"
            )
            return name, lines
        lines.extend(one_session_lines(clips, name))
        lines.append(
            f"{name}: {fewest} in {_named(group)}, fewer than {LEAST_UNITS}: folds do not follow "
            f"it; --set calibration.group_by={name} makes them"
        )
    lines.append("folds are contiguous in the order of names (calibration.group_by=contiguous)")
    return CONTIGUOUS, lines


def one_session_lines(clips: pd.DataFrame, group_by: str | None) -> Iterator[str]:
    """Yields a line on each machine and section whose training clips are all of one session."""
    if not are_sessions(clips, group_by):
        return
    for group, count in _unit_counts(clips, group_by).items():
        if count == 1:
            yield (
                f"{_named(group)}: all training clips are of one {group_by}: what its threshold "
                "promises holds for that one alone"
            )


def lone_domain_lines(clips: pd.DataFrame, group_by: str | None) -> Iterator[str]:
    """Yields a line if folds may take all recordings of a domain from a network or a backend.

    That is so where a session has all of them, and the machine and section has others, too. A
    domain of one recording does not count, as any fold with it takes it all.
    """
    if not are_sessions(clips, group_by):
        return
    units = unit_names(clips, group_by)
    found = []
    for (machine, section), rows in rows_of_groups(clips).items():
        of_group = clips.iloc[rows].assign(unit=units[rows])
        domains = of_group["domain"].fillna("source")
        if min(domains.nunique(), of_group["unit"].nunique()) < 2:
            continue
        for domain, of_domain in of_group.groupby(domains):
            if of_domain["unit"].nunique() == 1 < of_domain["recording_id"].nunique():
                found.append((machine, section, domain, of_domain["unit"].iloc[0]))
    if found:
        machine, section, domain, unit = found[0]
        more = f", and {len(found) - 1} more such domains" if found[1:] else ""
        yield (
            f"{group_by}: {printable(unit)} has all {domain} clips of {machine}, section "
            f"{section}{more}: without it a network or backend hears none of the domain"
        )


def _unit_counts(clips: pd.DataFrame, group_by: str | None) -> dict[Group, int]:
    names = unit_names(clips, group_by)
    return {group: len(set(names[rows])) for group, rows in rows_of_groups(clips).items()}


def _is_named(clips: pd.DataFrame, name: str) -> bool:
    """Returns whether the data say by themselves that recordings share a value."""
    if name == PATH:  # several parts of a file, in a manifest
        return bool(clips["path"].nunique() < clips["recording_id"].nunique())
    if name == DATE:
        return bool(_values(clips, name).notna().all())
    return _has_attribute(clips, name)


def _has_attribute(clips: pd.DataFrame, name: str) -> bool:
    return any(name in of_clip for of_clip in clips["attributes"])


def _values(clips: pd.DataFrame, name: str) -> pd.Series:
    """Returns [n] the value of each clip as a text, or None."""
    if _has_attribute(clips, name):
        found = [of_clip.get(name) for of_clip in clips["attributes"]]
    elif name == DATE:
        found = [_date_in(clip) for clip in clips["clip_id"]]
    elif name in _COLUMNS:
        found = [None if pd.isna(value) else value for value in clips[name]]
    else:
        found = [None] * len(clips)
    texts = [None if value is None else str(value) for value in found]
    return pd.Series(texts, dtype=object)


def _date_in(name: str) -> str | None:
    dates = _DATE.findall(name)
    return "-".join(dates[-1]) if dates else None


def _named(group: Group) -> str:
    return f"{group[0]}, section {group[1]}"
