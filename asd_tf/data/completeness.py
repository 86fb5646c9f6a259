"""Checks a data folder: counts clips, compares with official counts, finds unreadable files."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from asd_tf.config import check_choice
from asd_tf.data.clips import SUBSETS
from asd_tf.data.decoding.inspection import inspect_clips
from asd_tf.data.layouts.detection import is_simulated
from asd_tf.data.layouts.editions import EDITIONS, Edition
from asd_tf.data.layouts.official_counts import official_counts
from asd_tf.data.layouts.readers import read_clips

_CHUNK = 256
_GROUP = ["subset", "machine", "section"]

# The columns of the table, and which clips each counts.
_KINDS = {
    "train_source": lambda clips: clips["split"].eq("train") & clips["domain"].eq("source"),
    "train_target": lambda clips: clips["split"].eq("train") & clips["domain"].eq("target"),
    "train_other": lambda clips: clips["split"].eq("train") & clips["domain"].isna(),
    "test_normal": lambda clips: clips["split"].eq("test") & clips["label"].eq(0),
    "test_anomalous": lambda clips: clips["split"].eq("test") & clips["label"].eq(1),
    "test_unlabeled": lambda clips: clips["split"].eq("test") & clips["label"].isna(),
    "supplemental": lambda clips: clips["split"].eq("supplemental"),
}


@dataclasses.dataclass(frozen=True)
class CompletenessReport:
    """What a data folder holds, and what is wrong with it.

    Attributes:
        dataset: Name of the layout.
        counts: A row for each subset, machine and section, with the number of clips of each kind.
        missing: subset, machine, section (missing: all sections together), kind, clips (found) and
            official, where fewer are found than there are officially.
        surplus: The same, where more are found.
        bad: clip_id and reason of each clip that cannot be read.
    """

    dataset: str
    counts: pd.DataFrame
    missing: pd.DataFrame
    surplus: pd.DataFrame
    bad: pd.DataFrame

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing and every clip can be read."""
        return self.missing.empty and self.bad.empty


def check_data(
    data_dir: str | Path,
    dataset: str | None = None,
    subsets: Sequence[str] = SUBSETS,
    machines: Sequence[str] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CompletenessReport:
    """Counts the clips of a data folder and decodes every one.

    Args:
        data_dir: The folder.
        dataset: Name of the layout; None to detect it by the file names.
        subsets: The subsets to check, of dev and eval.
        machines: The machines to check; all if empty.
        progress: Called with the number of clips that were read, and of all clips.

    Raises:
        InputError: If the folder is missing or holds no clip.
        UsageError: If there is no such layout or machine.
    """
    clips, dataset = read_clips(data_dir, dataset)
    # Simulated machines are made in the layout of 2022, with counts of their own.
    edition = None if is_simulated(data_dir) else EDITIONS.get(dataset)
    official = [] if edition is None else [*edition.machines["dev"], *edition.machines["eval"]]
    for machine in machines:
        check_choice("machine", machine, dict.fromkeys([*clips["machine"].dropna(), *official]))
    clips = clips[clips["subset"].isin(subsets)]
    if machines:
        clips = clips[clips["machine"].isin(machines)]
    clips = clips.reset_index(drop=True)
    counts = count_clips(clips)
    compared = compare_with_official(counts, edition, subsets, machines)
    return CompletenessReport(
        dataset,
        counts,
        missing=compared[compared["clips"] < compared["official"]].reset_index(drop=True),
        surplus=compared[compared["clips"] > compared["official"]].reset_index(drop=True),
        bad=_unreadable(clips, progress),
    )


def count_clips(clips: pd.DataFrame) -> pd.DataFrame:
    """Counts clips by subset, machine and section.

    Returns:
        subset, machine, section, train_source, train_target, train_other (of unknown domain),
        test_normal, test_anomalous, test_unlabeled, supplemental.
    """
    kinds = pd.DataFrame({kind: is_kind(clips).fillna(False) for kind, is_kind in _KINDS.items()})
    groups = pd.concat([clips[_GROUP].fillna(""), kinds.astype(int)], axis=1)
    return groups.groupby(_GROUP, as_index=False).sum()


def compare_with_official(
    counts: pd.DataFrame,
    edition: Edition | None,
    subsets: Sequence[str] = SUBSETS,
    machines: Sequence[str] = (),
) -> pd.DataFrame:
    """Puts counts beside the official ones, where those are published.

    Args:
        counts: The table of `count_clips`.
        edition: The edition to compare with; None for data without official counts.
        subsets: The subsets to compare.
        machines: The machines to compare; all if empty.

    Returns:
        subset, machine, section (missing: all sections together), kind, clips, official.
    """
    if edition is None:
        return pd.DataFrame(columns=[*_GROUP, "kind", "clips", "official"])
    official = official_counts(edition).rename(columns={"clips": "official"})
    official = official[official["subset"].isin(subsets)]
    if machines:
        official = official[official["machine"].isin(machines)]
    tests = counts[["test_normal", "test_anomalous", "test_unlabeled"]].sum(axis=1)
    of_sections = counts.assign(test=tests).melt(_GROUP, var_name="kind", value_name="clips")
    of_sections = of_sections.set_index([*_GROUP, "kind"])["clips"]
    of_machines = of_sections.groupby(["subset", "machine", "kind"]).sum()
    found = [
        of_machines.get((row.subset, row.machine, row.kind), 0)
        if pd.isna(row.section)
        else of_sections.get((row.subset, row.machine, row.section, row.kind), 0)
        for row in official.itertuples(index=False)
    ]
    return official.assign(clips=found)[[*_GROUP, "kind", "clips", "official"]]


def _unreadable(clips: pd.DataFrame, progress: Callable[[int, int], None]) -> pd.DataFrame:
    reports = [pd.DataFrame({"clip_id": [], "reason": []}, dtype="str")]
    for start in range(0, len(clips), _CHUNK):
        report = inspect_clips(clips[start : start + _CHUNK], thorough=True)
        reports.append(report.loc[~report["ok"].astype(bool), ["clip_id", "reason"]])
        progress(min(start + _CHUNK, len(clips)), len(clips))
    return pd.concat(reports, ignore_index=True)
