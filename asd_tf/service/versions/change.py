"""What changes from a version of a detector to the next, and what it notes of that."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import asd_tf
from asd_tf.data.groups import Group
from asd_tf.detector import Detector
from asd_tf.detector.kept.windows import Windows

Recording = tuple[str, str, str]
"""Machine, section and recording_id."""


@dataclasses.dataclass(frozen=True)
class Change:
    """What a command does to the windows of a detector and of all its parts.

    Attributes:
        verb: Name of the command.
        notes: What the history says of it, beside verb, time and versions.
        normal: Folder of each single part to the normal windows that join, by group.
        confirmed: The same of windows that are confirmed to be anomalous.
        leaving: Recordings that are no longer normal ones.
        dismissed: Recordings that are no longer confirmed ones.
        sections: Machines and sections that leave, with all that is known of them.
        refit: Machines and sections that are fitted again though nothing in them changes.
    """

    verb: str
    notes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    normal: Mapping[Path, Mapping[Group, Windows]] = dataclasses.field(default_factory=dict)
    confirmed: Mapping[Path, Mapping[Group, Windows]] = dataclasses.field(default_factory=dict)
    leaving: frozenset[Recording] = frozenset()
    dismissed: frozenset[Recording] = frozenset()
    sections: frozenset[Group] = frozenset()
    refit: frozenset[Group] = frozenset()

    def groups(self, part: Path) -> set[Group]:
        """Returns the machines and sections of a single part whose normal windows change."""
        leaving = {recording[:2] for recording in self.leaving}
        return {*self.normal.get(part, {}), *leaving, *self.sections, *self.refit}


def history_with(detector: Detector, verb: str, notes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the history of a detector and, after it, what is made of it now."""
    entry = {
        "verb": verb,
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "asd_tf": asd_tf.__version__,
        "parent": detector.manifest["digest"],
        **notes,
    }
    return [*detector.manifest.get("history", []), entry]


def noted(windows: pd.DataFrame) -> list[dict[str, Any]]:
    """Returns what a history says of windows: for each group the counts, and the digests of clips.

    Args:
        windows: Columns machine, section, recording_id and digest of each.
    """
    return [
        {
            "machine": machine,
            "section": section,
            "recordings": int(of_group["recording_id"].nunique()),
            "windows": len(of_group),
            "clips": sorted(of_group["digest"].unique()),
        }
        for (machine, section), of_group in windows.groupby(["machine", "section"], sort=True)
    ]


def counted(notes: Iterable[Mapping[str, Any]]) -> str:
    """Returns what `noted` says in words, such as `fan 00: 3 recordings`."""
    return ", ".join(
        f"{of['machine']} {of['section']}: {of['recordings']} "
        f"recording{'' if of['recordings'] == 1 else 's'}"
        for of in notes
    )


def history_lines(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns a line for each entry of a history."""
    lines = []
    for entry in history:
        words = [
            f"{name} {counted(entry[name])}"
            for name in ("added", "removed", "confirmed")
            if entry.get(name)
        ]
        if "false_alarms" in entry:
            words.append(f"false alarms {entry['false_alarms']:g}")
        lines.append(f"{entry['time']} {entry['verb']}: {'; '.join(words)}")
    return lines
