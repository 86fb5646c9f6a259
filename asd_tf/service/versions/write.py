"""Writes a new version of a detector whose normal or confirmed windows have changed."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.data.windows import has_windows
from asd_tf.detector import CrossFitDetector, Detector, FusedDetector, SingleDetector
from asd_tf.detector.anew.deciding import deciding_of
from asd_tf.detector.fitting import Fitted, fit_groups, scores_by_units
from asd_tf.detector.fused import write_fused_detector
from asd_tf.detector.health import limits_of
from asd_tf.detector.kept.store import KeptWindows
from asd_tf.detector.kept.windows import Windows
from asd_tf.detector.sealing.manifest import WRITTEN_ANEW
from asd_tf.detector.writing import write_detector
from asd_tf.errors import InputError
from asd_tf.files import read_json, work_folder
from asd_tf.scoring.domains import POOLED
from asd_tf.scoring.fusion import Fusion
from asd_tf.scoring.group_scorer import GroupScorer
from asd_tf.scoring.p_values import fit_p_values
from asd_tf.scoring.scores import LazyMapping
from asd_tf.scoring.thresholds import thresholds_at
from asd_tf.service.versions.change import Change, history_with
from asd_tf.service.versions.sections import like_section

_OF_FOLDER = (*WRITTEN_ANEW, "kind", "extractors", "groups", "features")

# What a fused detector says of its weights, which stay.
_OF_WEIGHTS = ("pseudo_fault_auc",)


def kept_windows(detector: SingleDetector) -> KeptWindows:
    """Returns the normal windows of a detector.

    Raises:
        InputError: If it keeps none.
    """
    if detector.windows is None:
        raise InputError(
            f"{detector.folder}: keeps no features of its normal recordings (format "
            f"{detector.manifest['format_version']}), so that it cannot be fitted again: train it "
            "with this version; --reuse of its run, or --init_from, saves the training of networks"
        )
    return detector.windows


def write_version(detector: Detector, change: Change, target: Path) -> None:
    """Writes the next version of a detector; an error leaves no folder.

    Args:
        detector: The detector, which keeps its normal windows.
        change: What changes; it leaves a window in each machine and section that remains.
        target: The folder to write.
    """
    if isinstance(detector, SingleDetector):
        _write_single(detector, change, target)
        return
    if not isinstance(detector, FusedDetector) or isinstance(detector, CrossFitDetector):
        raise InputError(
            f"{detector.folder}: a detector of the kind {detector.kind} has no versions"
        )
    with work_folder(target) as work:
        for name, part in detector.parts.items():
            write_version(part, change, work / name)
        write_fused_detector(
            target,
            {name: work / name for name in detector.parts},
            Fusion.from_json(detector.manifest["fusion"]),
            deciding_of(detector).false_alarms,
            deciding_of(detector).rule,
            history_with(detector, change.verb, change.notes),
            {name: detector.manifest[name] for name in _OF_WEIGHTS if name in detector.manifest},
        )


def _write_single(detector: SingleDetector, change: Change, target: Path) -> None:
    kept = kept_windows(detector)
    groups = [group for group in detector.thresholds if group not in change.sections]
    groups += [g for g in change.normal.get(detector.folder, {}) if g not in detector.thresholds]
    scorers = {group: _scorer(detector, group) for group in groups}
    touched = _touched(change.groups(detector.folder), scorers)
    windows = LazyMapping(
        {
            group: functools.partial(_windows, kept, detector.folder, change, group)
            for group in groups
        }
    )
    seed = detector.manifest["features"]["seed"]
    group_by = detector.manifest["features"].get("group_by")

    def cross_fit(scorer: GroupScorer, of_group: Windows) -> np.ndarray:
        return scores_by_units(scorer, of_group, group_by, seed)

    unfitted = {group: scorers[group].unfitted() for group in groups if group in touched}
    domains = detector.manifest.get("calibration", {}).get("domains", POOLED)
    fitted = None
    if unfitted:
        fitted = fit_groups(unfitted, windows, seed, domains, lambda group: cross_fit)
    calibration = _calibration(detector, groups, fitted)
    deciding = deciding_of(detector)
    p_values = fit_p_values(calibration, groups, deciding.rule)
    description = {k: v for k, v in detector.manifest.items() if k not in _OF_FOLDER}
    description["history"] = history_with(detector, change.verb, change.notes)
    folder = detector.folder / "extractors"
    write_detector(
        target,
        description,
        {name: folder / name for name in detector.manifest["extractors"]},
        {**scorers, **({} if fitted is None else fitted.scorers)},
        thresholds_at(p_values, deciding.false_alarms),
        calibration,
        _statistics(detector, groups, fitted),
        detector.section_ids or None,
        {group: _entries(detector, group, windows, fitted) for group in groups},
        windows,
        seed,
        _confirmed(detector, change),
        group_by,
    )


def _scorer(detector: SingleDetector, group: Group) -> GroupScorer:
    return detector.scorers[like_section(detector, group)]


def _touched(changed: set[Group], scorers: Mapping[Group, GroupScorer]) -> set[Group]:
    """Returns the groups to fit: also those whose weights depend on the scores of others."""
    machines = {machine for machine, _ in changed}
    return {
        group
        for group, scorer in scorers.items()
        if group in changed or (scorer.has_fitted_weights and group[0] in machines)
    }


def _windows(kept: KeptWindows, folder: Path, change: Change, group: Group) -> Windows:
    """Returns the normal windows of a group in the new version of the detector of a folder."""
    joining = change.normal.get(folder, {}).get(group)
    if group not in kept:
        assert joining is not None
        return joining
    windows = _without(kept[group], group, change.leaving)
    return windows if joining is None else windows.and_(joining)


def _without(windows: Windows, group: Group, recordings: frozenset) -> Windows:
    names = {name for machine, section, name in recordings if (machine, section) == group}
    if not names:
        return windows
    return windows.at(~windows.table["recording_id"].isin(names).to_numpy(bool))


def _confirmed(detector: SingleDetector, change: Change) -> dict[Group, Windows]:
    """Returns the confirmed windows of the new version by group."""
    found = {
        group: _without(windows, group, change.dismissed)
        for group, windows in (detector.confirmed or {}).items()
        if group not in change.sections
    }
    for group, windows in change.confirmed.get(detector.folder, {}).items():
        found[group] = found[group].and_(windows) if group in found else windows
    return found if any(map(len, found.values())) else {}


def _calibration(
    detector: SingleDetector, groups: list[Group], fitted: Fitted | None
) -> pd.DataFrame:
    """Returns the calibration scores: new ones of what was fitted, else those that it has."""
    tables = dict(iter(detector.calibration.groupby(["machine", "section"], sort=False)))
    if fitted is not None:
        new = fitted.calibration
        if "recording_id" not in new:
            new = new.assign(recording_id=new["clip_id"])
        of_new = dict(iter(new.groupby(["machine", "section"], sort=False)))
        tables |= {group: of_new.get(group, new.iloc[:0]) for group in fitted.scorers}
    table = pd.concat([tables[group] for group in groups if group in tables], ignore_index=True)
    columns = ["machine", "section", "clip_id", "domain"]
    if has_windows(table):
        columns.append("recording_id")
    return table[[*columns, "score"]]


def _statistics(
    detector: SingleDetector, groups: list[Group], fitted: Fitted | None
) -> list[dict[str, Any]]:
    entries = read_json(detector.folder / "calibration" / "statistics.json")
    new = [] if fitted is None else fitted.statistics
    of_group = {(entry["machine"], entry["section"]): entry for entry in [*entries, *new]}
    return [of_group[group] for group in groups]


def _entries(
    detector: SingleDetector, group: Group, windows: Mapping[Group, Windows], fitted: Fitted | None
) -> dict[str, Any]:
    """Returns the entries `sensor`, `off` and `domains`; those of training say what is off."""
    stored = next(
        (
            {name: entry[name] for name in ("sensor", "off", "domains") if name in entry}
            for entry in detector.manifest["groups"]
            if (entry["machine"], entry["section"]) == group
        ),
        {},
    )
    if fitted is None or group not in fitted.scorers:
        return stored
    stored.pop("domains", None)
    of_group = windows[group]
    domains = of_group.table["domain"].fillna("").to_numpy(object)
    measured = np.isfinite(of_group.measures).any()
    limits = limits_of(of_group.measures, domains) if measured else {}
    return {**stored, **limits, **fitted.entries.get(group, {})}
