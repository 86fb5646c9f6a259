"""Folds of normal clips, and clips that are held out: what belongs together stays together."""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from asd_tf.data.groups import rows_of_groups
from asd_tf.data.sessions import CONTIGUOUS, are_recordings, natural_order, unit_names
from asd_tf.seeds import stable_seed

NEVER = -1
"""The fold of clips that are never held out."""


def fold_numbers(clips: pd.DataFrame, group_by: str | None, count: int) -> np.ndarray:
    """Divides the clips of each machine and section into folds.

    What belongs together is in one fold, see `unit_names`. Units are as many as folds or fewer:
    each is a fold. Else recordings are dealt out by domain, in an order that depends on their names
    alone; `contiguous` ones are cut into runs in the order of their names, by domain; sessions are
    distributed so that folds have about the same size and share of each domain.

    Args:
        clips: The clip table.
        group_by: See `unit_names`.
        count: Number of folds, 2 or more.

    Returns:
        [n] the fold of each clip, 0 to count - 1; `NEVER` in a group of one recording. A group of
        one session is divided as `contiguous`.
    """
    folds = np.full(len(clips), NEVER)
    for rows in rows_of_groups(clips).values():
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
    units = _Units(names, clips)
    if len(units.names) == 1:
        is_recording = clips["recording_id"].nunique() == 1
        return np.full(len(clips), NEVER) if is_recording else _blocks(clips, count)
    if len(units.names) <= count:
        return units.number
    if group_by == CONTIGUOUS:
        return _blocks(clips, count)
    if group_by is None:
        dealt = [unit for of in units.by_domain() for unit in units.shuffled(of, "fold")]
        folds = np.empty(len(dealt), int)
        folds[dealt] = np.arange(len(dealt)) % count
        return folds[units.number]
    return _grouped(clips, units, count)


def held_out_mask(clips: pd.DataFrame, group_by: str | None, share: float) -> np.ndarray:
    """Chooses a share of the recordings of each machine, section and domain.

    Args:
        clips: The clip table.
        group_by: See `unit_names`; what belongs together is held out together. `contiguous` holds
            out the last recordings in the order of names, else the names decide by a hash.
        share: Share of the recordings or sessions, above 0 and below 1. The number is rounded, and
            is at least one of two or more of a domain.

    Returns:
        [n] bool, true for held-out clips. A domain never loses all its clips.
    """
    mask = np.zeros(len(clips), bool)
    for rows in rows_of_groups(clips).values():
        mask[rows] = _held_out_of_group(clips.iloc[rows].reset_index(drop=True), group_by, share)
    return mask


class _Units:
    """What belongs together among the clips of a machine and section.

    Attributes:
        names: The names of the units, in the order of a reader.
        number: [n] the unit of each clip.
        domains: The domains of each unit; a missing domain counts as source.
    """

    def __init__(self, names: np.ndarray, clips: pd.DataFrame):
        self.names = sorted(set(names), key=natural_order)
        index = {name: position for position, name in enumerate(self.names)}
        self.number = np.array([index[name] for name in names])
        of_clips = clips["domain"].fillna("source").to_numpy(str)
        self.domains = [
            tuple(sorted(set(of_clips[self.number == unit]))) for unit in range(len(self.names))
        ]

    def by_domain(self) -> list[list[int]]:
        """Returns the units with the same domains, in the order of their names."""
        return [
            [unit for unit, of_unit in enumerate(self.domains) if of_unit == domains]
            for domains in sorted(set(self.domains))
        ]

    def shuffled(self, units: list[int], word: str) -> list[int]:
        """Returns units in an order that depends on their names alone."""
        return sorted(units, key=lambda unit: stable_seed(word, self.names[unit]))


def _blocks(clips: pd.DataFrame, count: int) -> np.ndarray:
    """Cuts the recordings of each domain into runs in the order of their names."""
    units = _Units(clips["recording_id"].to_numpy(object), clips)
    if len(units.names) <= count:
        return units.number
    folds = np.empty(len(units.names), int)
    for of_domain in units.by_domain():
        folds[of_domain] = np.arange(len(of_domain)) * count // len(of_domain)
    return folds[units.number]


def _grouped(clips: pd.DataFrame, units: _Units, count: int) -> np.ndarray:
    """Distributes sessions, of which there are more than folds."""
    domain = clips["domain"].fillna("source").to_numpy(str)
    if np.unique(domain, return_counts=True)[1].max() < count:
        domain = np.full(len(clips), "any")  # too few of each to stratify
    folds = np.full(len(clips), NEVER)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        # That a domain has fewer clips than there are folds.
        warnings.simplefilter("ignore", UserWarning)
        for fold, (_, held) in enumerate(splitter.split(domain, domain, units.number)):
            folds[held] = fold
    return folds


def _held_out_of_group(clips: pd.DataFrame, group_by: str | None, share: float) -> np.ndarray:
    units = _Units(unit_names(clips, group_by), clips)
    if len(units.names) == 1:  # one session, of several recordings perhaps
        group_by, units = CONTIGUOUS, _Units(unit_names(clips, CONTIGUOUS), clips)
    chosen: list[int] = []
    for of_domain in units.by_domain():
        count = min(max(round(share * len(of_domain)), 1), len(of_domain) - 1)
        order = of_domain[::-1]
        if group_by != CONTIGUOUS:
            order = units.shuffled(of_domain, "held out")
        chosen += order[:count]
    return np.isin(units.number, chosen or _one_to_spare(units))


def _one_to_spare(units: _Units) -> list[int]:
    """Returns a unit without which every domain still has clips, if there is one.

    It is needed where no two sessions have the same domains.
    """
    for unit in units.shuffled(list(range(len(units.names))), "held out"):
        others = {d for other, of in enumerate(units.domains) if other != unit for d in of}
        if set(units.domains[unit]) <= others:
            return [unit]
    return []
