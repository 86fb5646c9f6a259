"""Writes the folder of a detector, of its own backends or with parts: whole or not at all."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.detector.kept.store import keep_windows, write_windows
from asd_tf.detector.kept.windows import Windows
from asd_tf.detector.sealing.manifest import write_manifest
from asd_tf.detector.single import CONFIRMED, FEATURES, FEEDBACK
from asd_tf.files import atomic_path, write_csv, write_json
from asd_tf.scoring.group_scorer import GroupScorer
from asd_tf.scoring.thresholds import Threshold


def write_detector(
    folder: Path,
    description: Mapping[str, Any],
    extractors: Mapping[str, Path],
    scorers: Mapping[Group, GroupScorer],
    thresholds: Mapping[Group, Threshold],
    calibration: pd.DataFrame,
    statistics: Sequence[Mapping[str, Any]],
    section_ids: Mapping[Group, int] | None = None,
    entries: Mapping[Group, Mapping[str, Any]] | None = None,
    windows: Mapping[Group, Windows] | None = None,
    seed: int = 0,
    confirmed: Mapping[Group, Windows] | None = None,
    group_by: str | None = None,
) -> None:
    """Writes a detector; an error leaves no folder.

    Args:
        folder: Folder to write.
        description: Entries of the manifest: method, recipe, sample_rate, samples, channel and
            calibration.
        extractors: Name to SavedModel.
        scorers: Group to its fitted scorer.
        thresholds: Group to its threshold.
        calibration: Columns machine, section, clip_id, domain, score.
        statistics: For each group, the statistics of the features of its normal clips.
        section_ids: Group to the number that networks take as input; None if no network needs it.
        entries: Group to other entries of it: `sensor` and `off`, see `limits_of`, and `domains`,
            see `DomainScale`; None without any.
        windows: Group to its normal windows, which are looked up one group at a time; None to keep
            none.
        seed: Seed of the folds that they were calibrated in.
        confirmed: Group to windows that people have confirmed to be anomalous; None without any.
        group_by: What the units of windows are, see `unit_names`; None for recordings.
    """
    with atomic_path(folder) as temporary:
        for name, extractor in extractors.items():
            shutil.copytree(extractor, temporary / "extractors" / name)
        groups = []
        for index, (group, scorer) in enumerate(scorers.items()):
            # Users choose the names of machines, which may be invalid as names of folders.
            backends = f"{index:03d}"
            scorer.save(temporary / "backends" / backends)
            groups.append(
                {
                    "machine": group[0],
                    "section": group[1],
                    "folder": backends,
                    "scoring": scorer.spec(),
                    "threshold": thresholds[group].to_json(),
                    **({} if entries is None else entries.get(group, {})),
                    **({} if section_ids is None else {"number": int(section_ids[group])}),
                }
            )
        write_csv(temporary / "calibration" / "scores.csv", calibration)
        write_json(temporary / "calibration" / "statistics.json", statistics)
        kept = {}
        if windows is not None:
            kept = keep_windows(temporary / FEATURES, windows, seed, group_by)
        if confirmed:
            write_windows(temporary / FEEDBACK, confirmed, CONFIRMED)
        write_manifest(
            temporary,
            {
                "kind": "single",
                **description,
                **kept,
                "extractors": list(extractors),
                "groups": groups,
            },
        )


def write_with_parts(
    folder: Path,
    parts: Mapping[str, Path],
    calibration: pd.DataFrame,
    description: Mapping[str, Any],
    thresholds: Mapping[Group, Threshold],
    entries: Mapping[Group, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """Writes a detector that holds others whole; an error leaves no folder.

    Args:
        folder: Folder to write.
        parts: Name to the folder of each part.
        calibration: Columns machine, section, clip_id, domain, score and, where windows belong to
            recordings, recording_id.
        description: Entries of the manifest beside parts and groups.
        thresholds: Group to its threshold.
        entries: Group to other entries of it in the manifest.
    """
    with atomic_path(folder) as temporary:
        for name, part in parts.items():
            shutil.copytree(part, temporary / "parts" / name)
        write_csv(temporary / "calibration" / "scores.csv", calibration)
        groups = [
            {
                "machine": machine,
                "section": section,
                "threshold": threshold.to_json(),
                **entries.get((machine, section), {}),
            }
            for (machine, section), threshold in thresholds.items()
        ]
        write_manifest(temporary, {**description, "parts": list(parts), "groups": groups})
