"""Folds of normal clips, and clips that are held out: what belongs together stays together."""

import warnings
from collections import Counter

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from asd_tf.data.groups import Group, rows_of_groups
from asd_tf.data.sessions import (
    CONTIGUOUS,
    are_recordings,
    are_sessions,
    natural_order,
    unit_names,
)
from asd_tf.seeds import stable_seed

NEVER = -1
"""The fold of clips that are never held out."""


def fold_numbers(clips: pd.DataFrame, group_by: str | None, count: int) -> np.ndarray:
    """Divides the clips of each machine and section into folds.

    What belongs together is in one fold, see `unit_names`. Units are as many as folds or fewer:
    each is a fold. Else recordings are dealt out by domain, in an order that depends on their names
    alone; `contiguous` ones are cut into runs in the order of their names, by domain; sessions are
    distributed so that folds have about the same size and share of each section and domain.

    Sessions are those of a machine: one that several sections share is in one fold of all of them.
    A section whose clips would all be in one fold is divided by itself, see `divided_alone`.

    Args:
        clips: The clip table.
        group_by: See `unit_names`.
        count: Number of folds, 2 or more.

    Returns:
        [n] the fold of each clip, 0 to count - 1; `NEVER` in a group of one recording. A group of
        one session is divided as `contiguous`.
    """
    folds = _folds_of_machines(clips, group_by, count)
    for rows in rows_of_groups(clips).values():
        if len(set(folds[rows])) == 1:
            of_group = clips.iloc[rows].reset_index(drop=True)
            grouping = None if are_recordings(of_group, group_by) else group_by
            names = unit_names(of_group, group_by)
            folds[rows] = fold_numbers_of_units(of_group, names, grouping, count)
    return folds


def fold_numbers_of_units(
    clips: pd.DataFrame, names: np.ndarray, group_by: str | None, count: int
) -> np.ndarray:
    """Divides the clips of a machine and section into folds, see `fold_numbers`.

    Args:
        clips: Columns recording_id and domain.
        names: [n] the name of what each clip belongs to.
        group_by: Which names these are; None for those of recordings.
        count: Number of folds, 2 or more.
    """
    clips = clips.assign(section="")
    units = _Units(names, clips)
    if len(units.names) == 1:
        is_recording = clips["recording_id"].nunique() == 1
        return np.full(len(clips), NEVER) if is_recording else _blocks(clips, count)
    if group_by not in (None, CONTIGUOUS):
        return _of_sessions(clips, units, count)
    if len(units.names) <= count:
        return units.number
    if group_by == CONTIGUOUS:
        return _blocks(clips, count)
    dealt = [unit for of in units.of_section("") for unit in units.shuffled(of, "fold")]
    folds = np.empty(len(dealt), int)
    folds[dealt] = np.arange(len(dealt)) % count
    return folds[units.number]


def divided_alone(clips: pd.DataFrame, group_by: str | None, count: int) -> list[Group]:
    """Returns the groups of two sessions or more that are all in one fold of their machine.

    Their folds are those of their own sessions, which other sections have in other folds.

    Args:
        clips: The clip table.
        group_by: See `unit_names`.
        count: Number of folds, 2 or more.
    """
    if not are_sessions(clips, group_by):
        return []
    folds, names = _folds_of_machines(clips, group_by, count), unit_names(clips, group_by)
    return [
        group
        for group, rows in rows_of_groups(clips).items()
        if len(set(folds[rows])) == 1 < len(set(names[rows]))
    ]


def held_out_mask(clips: pd.DataFrame, group_by: str | None, share: float) -> np.ndarray:
    """Chooses a share of the recordings of each machine, section and domain.

    Args:
        clips: The clip table.
        group_by: See `unit_names`; what belongs together is held out together. `contiguous` holds
            out the last recordings in the order of names, else the names decide by a hash.
            Sessions are held out of all sections of a machine, but for a section of one session,
            which is divided as `contiguous`.
        share: Share of the recordings or sessions, above 0 and below 1. The number is rounded, and
            is at least one of two or more of a domain.

    Returns:
        [n] bool, true for held-out clips. A domain of a section never loses all its clips.
    """
    mask = np.zeros(len(clips), bool)
    has_sessions = are_sessions(clips, group_by)
    if has_sessions:
        for rows in _rows_of_machines(clips):
            mask[rows] = _held_out(clips.iloc[rows].reset_index(drop=True), group_by, share)
    for rows in rows_of_groups(clips).values():
        of_group = clips.iloc[rows].reset_index(drop=True)
        if not has_sessions:
            mask[rows] = _held_out(of_group, group_by, share)
        elif len(set(unit_names(of_group, group_by))) == 1:
            mask[rows] = _held_out(of_group, CONTIGUOUS, share)
    return mask


class _Units:
    """What belongs together among the clips of a machine, or of a section of it.

    Attributes:
        names: The names of the units, in the order of a reader.
        number: [n] the unit of each clip.
        parts: The section and domain of the clips of each unit; a missing domain counts as source.
    """

    def __init__(self, names: np.ndarray, clips: pd.DataFrame):
        self.names = sorted(set(names), key=natural_order)
        index = {name: position for position, name in enumerate(self.names)}
        self.number = np.array([index[name] for name in names])
        of_units: list[set[tuple[str, str]]] = [set() for _ in self.names]
        for unit, part in zip(self.number, _parts(clips), strict=True):
            of_units[unit].add(part)
        self.parts = [tuple(sorted(of_unit)) for of_unit in of_units]

    @property
    def sections(self) -> list[str]:
        """The sections."""
        return sorted({section for parts in self.parts for section, _ in parts})

    def of_section(self, section: str) -> list[list[int]]:
        """Returns the units with the same domains in a section, in the order of their names."""
        domains = [tuple(d for of, d in parts if of == section) for parts in self.parts]
        return [
            [unit for unit, of_unit in enumerate(domains) if of_unit == alike]
            for alike in sorted(set(domains) - {()})
        ]

    def shuffled(self, units: list[int], word: str) -> list[int]:
        """Returns units in an order that depends on their names alone."""
        return sorted(units, key=lambda unit: stable_seed(word, self.names[unit]))


def _parts(clips: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(clips["section"], clips["domain"].fillna("source"), strict=True))


def _rows_of_machines(clips: pd.DataFrame) -> list[np.ndarray]:
    return [
        np.flatnonzero(clips["machine"] == machine) for machine in sorted(set(clips["machine"]))
    ]


def _folds_of_machines(clips: pd.DataFrame, group_by: str | None, count: int) -> np.ndarray:
    """Distributes the sessions of each machine; no others: their clips are in no fold."""
    folds = np.full(len(clips), NEVER)
    if are_sessions(clips, group_by):
        for rows in _rows_of_machines(clips):
            of_machine = clips.iloc[rows].reset_index(drop=True)
            units = _Units(unit_names(of_machine, group_by), of_machine)
            folds[rows] = _of_sessions(of_machine, units, count)
    return folds


def _blocks(clips: pd.DataFrame, count: int) -> np.ndarray:
    """Cuts the recordings of each domain into runs in the order of their names."""
    units = _Units(clips["recording_id"].to_numpy(object), clips)
    if len(units.names) <= count:
        return units.number
    folds = np.empty(len(units.names), int)
    for of_domain in units.of_section(""):
        folds[of_domain] = np.arange(len(of_domain)) * count // len(of_domain)
    return folds[units.number]


def _of_sessions(clips: pd.DataFrame, units: _Units, count: int) -> np.ndarray:
    """Distributes sessions; few are each a fold."""
    if len(units.names) <= count:
        return units.number
    part = np.array([" ".join(part) for part in _parts(clips)])
    if np.unique(part, return_counts=True)[1].max() < count:
        part = np.full(len(clips), "any")  # too few of each to stratify
    folds = np.full(len(clips), NEVER)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        # That a domain has fewer clips than there are folds.
        warnings.simplefilter("ignore", UserWarning)
        for fold, (_, held) in enumerate(splitter.split(part, part, units.number)):
            folds[held] = fold
    return folds


def _held_out(clips: pd.DataFrame, group_by: str | None, share: float) -> np.ndarray:
    units = _Units(unit_names(clips, group_by), clips)
    chosen: set[int] = set()
    for section in units.sections:
        of_section = units.of_section(section)
        for alike in of_section:
            order = alike[::-1]
            if group_by != CONTIGUOUS:
                order = units.shuffled(alike, "held out")
            count = min(max(round(share * len(alike)), 1), len(alike) - 1)
            _choose(units, order, count, chosen)
        # Where no two sessions have the same domains, one is held out if it can be spared.
        every = [unit for alike in of_section for unit in alike]
        _choose(units, units.shuffled(every, "held out"), 1, chosen)
    return np.isin(units.number, list(chosen))


def _choose(units: _Units, order: list[int], count: int, chosen: set[int]) -> None:
    """Adds the first units until so many of these are chosen; no part may lose all its units."""
    left = Counter(
        part for unit, parts in enumerate(units.parts) if unit not in chosen for part in parts
    )
    missing = count - len(chosen & set(order))
    for unit in order:
        parts = units.parts[unit]
        if missing > 0 and unit not in chosen and all(left[part] > 1 for part in parts):
            chosen.add(unit)
            left.subtract(parts)
            missing -= 1
