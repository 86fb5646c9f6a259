"""A detector of detectors: the scores of its parts, put together by a rule."""

import functools
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.calibration import fit_thresholds
from asd_tf.detector.base import Detector, Group, Items
from asd_tf.detector.examination import Examination, FeatureStore, Lazily
from asd_tf.detector.folder import write_manifest
from asd_tf.detector.fusion import FittedFusion, Fusion
from asd_tf.errors import InputError
from asd_tf.files import atomic_path, write_csv

# Fewer normal clips that all parts have scored tell nothing about the fused scores.
_FEWEST_COMMON = 20

_KEY = ["machine", "section", "clip_id"]


class FusedDetector(Detector, kind="fused"):
    """Detectors under `parts/`, whose anomaly scores are fused by a rule."""

    @functools.cached_property
    def parts(self) -> dict[str, Detector]:
        """The detectors by name."""
        return {
            name: Detector.load(self.folder / "parts" / name) for name in self.manifest["parts"]
        }

    @functools.cached_property
    def _fusion(self) -> FittedFusion:
        fusion = Fusion.from_json(self.manifest["fusion"])
        return FittedFusion(fusion, _joined_calibration(self.parts), list(self.parts))

    def anomaly_scores(
        self, clips: pd.DataFrame, progress: Callable[[int], None] = lambda done: None
    ) -> tuple[np.ndarray, Items]:
        """See `Detector.anomaly_scores`; the evidence is fused where all parts have it alike."""
        shared = _SharedProgress(progress, len(self.parts))
        results = [
            part.anomaly_scores(self._heard_by(part, clips), shared) for part in self.parts.values()
        ]
        scores, items = zip(*results, strict=True)
        return self.fuse(np.stack(scores), clips), self._fused_items(items, clips)

    def examine(
        self,
        clips: pd.DataFrame,
        progress: Callable[[int], None] = lambda done: None,
        store: FeatureStore | None = None,
    ) -> Examination:
        """See `Detector.examine`; each part has its own part of the store."""
        shared = _SharedProgress(progress, len(self.parts))
        found = {
            name: part.examine(
                self._heard_by(part, clips), shared, None if store is None else store.part(name)
            )
            for name, part in self.parts.items()
        }
        parts = {name: one.scores for name, one in found.items()}
        features = {
            f"{name}: {extractor}": functools.partial(one.features.__getitem__, extractor)
            for name, one in found.items()
            for extractor in one.features
        }
        return Examination(
            self.fuse(np.stack(list(parts.values())), clips),
            self._fused_items([one.items for one in found.values()], clips),
            parts,
            Lazily(features),
            dict,
            lambda: self._refitted(found, clips),
        )

    def _refitted(self, found: Mapping[str, Examination], clips: pd.DataFrame) -> np.ndarray | None:
        """Fuses the refitted scores of the parts that have some with the scores of the others."""
        again = [one.refitted() for one in found.values()]
        if all(scores is None for scores in again):
            return None
        scores = [
            one.scores if refitted is None else refitted
            for one, refitted in zip(found.values(), again, strict=True)
        ]
        return self.fuse(np.stack(scores), clips)

    def _fused_items(self, of_parts: Sequence[Items], clips: pd.DataFrame) -> Items:
        """Fuses the evidence of those clips of which all parts have it alike."""
        group_of = clips.drop_duplicates("clip_id").set_index("clip_id")[["machine", "section"]]
        items = {}
        for clip_id in of_parts[0]:
            evidence = [one.get(clip_id) for one in of_parts]
            if len({None if one is None else one.shape for one in evidence}) == 1:
                group = [tuple(group_of.loc[clip_id])]
                items[clip_id] = self._fusion(np.stack(evidence)[:, np.newaxis], group)[0]
        return items

    def _heard_by(self, part: Detector, clips: pd.DataFrame) -> pd.DataFrame:
        """Gives each part its own channel where they differ, as near and far microphones do."""
        if len({part.channel for part in self.parts.values()}) == 1:
            return clips
        return clips.assign(channel=pd.array([part.channel] * len(clips), "Int64"))

    def fuse(self, scores: np.ndarray, clips: pd.DataFrame) -> np.ndarray:
        """Fuses the scores [parts, clips] that the parts gave to a clip table."""
        return self._fusion(scores, zip(clips["machine"], clips["section"], strict=True))


class _SharedProgress:
    """Counts a clip when all parts are done with as many, so that no part seems to stand still."""

    def __init__(self, progress: Callable[[int], None], parts: int):
        self._progress = progress
        self._parts = parts
        self._rest = 0

    def __call__(self, done: int) -> None:
        whole, self._rest = divmod(self._rest + done, self._parts)
        self._progress(whole)


def write_fused_detector(
    folder: Path, parts: Mapping[str, Path], fusion: Fusion, quantile: float = 0.9
) -> None:
    """Writes a fused detector, whole or not at all.

    It knows the groups that all its parts know. Its thresholds come from the calibration scores
    that they have in common.

    Args:
        folder: Where it goes.
        parts: Name to the folder of a detector.
        fusion: The rule.
        quantile: Of normal scores, at which a clip is called anomalous.

    Raises:
        UsageError: If there are weights for another number of parts.
        InputError: If the parts have no group, or fewer than 20 calibration clips, in common.
    """
    fusion.check_parts(len(parts))
    detectors = {name: Detector.load(part) for name, part in parts.items()}
    groups = _common_groups(detectors)
    joined = _joined_calibration(detectors)
    fitted = FittedFusion(fusion, joined, list(detectors))
    calibration = joined[["machine", "section", "clip_id", "domain"]].assign(
        score=fitted(
            joined[list(detectors)].to_numpy().T,
            zip(joined["machine"], joined["section"], strict=True),
        )
    )
    thresholds = fit_thresholds(calibration, groups, quantile)
    with atomic_path(folder) as temporary:
        for name, part in parts.items():
            shutil.copytree(part, temporary / "parts" / name)
        write_csv(temporary / "calibration" / "scores.csv", calibration)
        write_manifest(
            temporary,
            {
                "kind": "fused",
                **_shared_description(detectors),
                "fusion": fusion.to_json(),
                "parts": list(parts),
                "groups": [
                    {
                        "machine": group[0],
                        "section": group[1],
                        "threshold": thresholds[group].to_json(),
                    }
                    for group in groups
                ],
            },
        )


def check_can_be_fused(folder: Path) -> None:
    """Checks that a detector has as many calibration clips as a fusion needs.

    Raises:
        InputError: If it has fewer.
    """
    found = len(Detector.load(folder).calibration)
    if found < _FEWEST_COMMON:
        raise InputError(
            f"{folder}: {found} normal clips calibrate it, and a fusion needs {_FEWEST_COMMON}: "
            "train a single run, or hold out more (--set calibration.held_out=0.2)"
        )


def _common_groups(detectors: Mapping[str, Detector]) -> list[Group]:
    first, *others = detectors.values()
    groups = [g for g in first.thresholds if all(g in other.thresholds for other in others)]
    if not groups:
        names = ", ".join(str(detector.folder) for detector in detectors.values())
        raise InputError(f"{names} have no machine and section in common: nothing can be fused")
    return groups


def _joined_calibration(detectors: Mapping[str, Detector]) -> pd.DataFrame:
    """Joins the calibration scores of detectors on the clip: a column for each of them."""
    (first_name, first), *others = detectors.items()
    joined = first.calibration.rename(columns={"score": first_name})
    for name, detector in others:
        there = detector.calibration[[*_KEY, "score"]].rename(columns={"score": name})
        joined = joined.merge(there, on=_KEY, validate="one_to_one")
        if len(joined) < _FEWEST_COMMON:
            raise InputError(
                f"{first.folder} and {detector.folder} have {len(joined)} calibration clips in "
                f"common, {_FEWEST_COMMON} are needed: train them on the same clips"
            )
    return joined


def _shared_description(detectors: Mapping[str, Detector]) -> dict[str, Any]:
    """Returns what all parts say of themselves alike."""
    first, *others = [detector.manifest for detector in detectors.values()]
    keys = ("method", "recipe", "sample_rate", "samples", "channel")
    return {
        key: first[key]
        for key in keys
        if key in first and all(first[key] == other.get(key) for other in others)
    }
