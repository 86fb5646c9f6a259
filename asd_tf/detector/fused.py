"""A detector that fuses the scores of other detectors, its parts, by a rule."""

import functools
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group, groups_of
from asd_tf.data.windows import has_windows
from asd_tf.detector.base import Detector
from asd_tf.detector.writing import write_with_parts
from asd_tf.errors import InputError
from asd_tf.extraction.store import EmbeddingStore
from asd_tf.scoring.fusion import FittedFusion, Fusion
from asd_tf.scoring.p_values import fit_p_values
from asd_tf.scoring.scores import LazyMapping, Scores
from asd_tf.scoring.thresholds import thresholds_at, unsupported_line
from asd_tf.scoring.verdicts import Verdicts

MIN_COMMON_CLIPS = 20
"""Smallest number of normal clips with calibration scores of all parts."""

_KEY = ["machine", "section", "clip_id"]

_logger = logging.getLogger(__name__)


class FusedDetector(Detector, kind="fused"):
    """A detector whose parts are the detectors in its folder `parts/`."""

    _shared = ("parts", "_fusion")

    @functools.cached_property
    def parts(self) -> dict[str, Detector]:
        """The parts by name."""
        return {
            name: Detector.load(self.folder / "parts" / name) for name in self.manifest["parts"]
        }

    @functools.cached_property
    def _fusion(self) -> Callable[[np.ndarray, Iterable[Group]], np.ndarray]:
        fusion = Fusion.from_json(self.manifest["fusion"])
        return FittedFusion(fusion, _joined_calibration(self.parts), list(self.parts))

    def load_all(self) -> int:
        """See `Detector.load_all`; checks the calibration scores of the parts, too."""
        _joined_calibration(self.parts)
        return sum(part.load_all() for part in self.parts.values())

    def score_with_details(
        self,
        clips: pd.DataFrame,
        progress: Callable[[int], None] = lambda done: None,
        store: EmbeddingStore | None = None,
    ) -> Scores:
        """See `Detector.score_with_details`; each part has a store of its own."""
        shared = _SharedProgress(progress, len(self.parts))
        scores = {
            name: part.score_with_details(
                self.select_channel(part, clips),
                shared,
                None if store is None else store.part(name),
            )
            for name, part in self.parts.items()
        }
        return self.fuse(scores, clips)

    def fuse(self, parts: Mapping[str, Scores], clips: pd.DataFrame) -> Scores:
        """Fuses the scores that the parts returned for a clip table.

        Args:
            parts: Name to the scores of each part, in the order of the parts.
            clips: The clip table.
        """
        features = {
            f"{name}: {extractor}": functools.partial(scores.features.__getitem__, extractor)
            for name, scores in parts.items()
            for extractor in scores.features
        }
        fused = Scores(
            clip=self._fuse([scores.clip for scores in parts.values()], clips),
            items=self._fuse_items(list(parts.values()), clips),
            parts={name: scores.clip for name, scores in parts.items()},
            features=LazyMapping(features),
            transductive=lambda: self._transductive_scores(parts, clips),
            verdicts=Verdicts.of_parts([scores.verdicts for scores in parts.values()]),
        )
        return self.on_domain_scale(clips, fused)

    def _fuse(self, scores: Sequence[np.ndarray], clips: pd.DataFrame) -> np.ndarray:
        return self._fusion(np.stack(scores), groups_of(clips))

    def _transductive_scores(
        self, parts: Mapping[str, Scores], clips: pd.DataFrame
    ) -> np.ndarray | None:
        """Fuses the transductive scores of parts that have them with the scores of other parts."""
        transductive = [scores.transductive() for scores in parts.values()]
        if all(scores is None for scores in transductive):
            return None
        return self._fuse(
            [
                part.clip if scores is None else scores
                for part, scores in zip(parts.values(), transductive, strict=True)
            ],
            clips,
        )

    def _fuse_items(
        self, parts: Sequence[Scores], clips: pd.DataFrame
    ) -> list[np.ndarray | None] | None:
        """Fuses the scores of items of clips for which all parts have the same number of items."""
        if any(part.domain_scales for part in self.parts.values()):
            return None  # these have no scale, and the fusion was fitted to scores that have one
        items = [scores.items for scores in parts if scores.items is not None]
        if len(items) < len(parts):
            return None
        fused: list[np.ndarray | None] = []
        for group, by_part in zip(groups_of(clips), zip(*items, strict=True), strict=True):
            found = [scores for scores in by_part if scores is not None]
            if len(found) < len(parts) or len({scores.shape for scores in found}) > 1:
                fused.append(None)
            else:
                fused.append(self._fusion(np.stack(found)[:, np.newaxis], [group])[0])
        return fused

    def select_channel(self, part: Detector, clips: pd.DataFrame) -> pd.DataFrame:
        """Sets the channel to that of a part if the parts use different channels.

        If all parts use the same channel, that of the table is kept.
        """
        if len({part.channel for part in self.parts.values()}) == 1:
            return clips
        return clips.assign(channel=pd.array([part.channel] * len(clips), "Int64"))


class _SharedProgress:
    """Reports the progress of several parts as that of one: a clip scored by one of n is 1/n done.

    Fractions are carried over, so that `progress` is called with integers.
    """

    def __init__(self, progress: Callable[[int], None], parts: int):
        self._progress = progress
        self._parts = parts
        self._remainder = 0

    def __call__(self, done: int) -> None:
        whole, self._remainder = divmod(self._remainder + done, self._parts)
        self._progress(whole)


def write_fused_detector(
    folder: Path,
    parts: Mapping[str, Path],
    fusion: Fusion,
    false_alarms: float = 0.1,
    rule: str = "conformal",
    history: Sequence[Mapping[str, Any]] = (),
    more: Mapping[str, Any] | None = None,
) -> None:
    """Writes a fused detector; an error leaves no folder.

    Its groups are those that all parts know. Its thresholds are determined from the normal clips
    that have calibration scores of all parts.

    Args:
        folder: Folder to write.
        parts: Name to the folder of each part.
        fusion: The rule.
        false_alarms: Share of unseen normal clips that may raise an alarm, 1e-6 to 0.99.
        rule: See `PValues`.
        history: Entries of the manifest on what was made of it since its training.
        more: Further entries of the manifest, such as what the weights are from.

    Raises:
        ValueError: If the number of weights is not that of the parts, or a machine has none.
        InputError: If the parts have no group, or fewer than 20 calibration clips, in common.
    """
    fusion.check_parts(len(parts))
    detectors = {name: Detector.load(part) for name, part in parts.items()}
    groups = _common_groups(detectors)
    fusion.check_machines(machine for machine, _ in groups)
    joined = _joined_calibration(detectors)
    fitted = FittedFusion(fusion, joined, list(detectors))
    columns = ["machine", "section", "clip_id", "domain"]
    if has_windows(joined):
        columns.append("recording_id")
    calibration = joined[columns].assign(
        score=fitted(
            joined[list(detectors)].to_numpy().T,
            groups_of(joined),
        )
    )
    thresholds = thresholds_at(fit_p_values(calibration, groups, rule), false_alarms)
    if line := unsupported_line(thresholds):
        _logger.warning(line)
    description = {
        "kind": "fused",
        **shared_description(detectors),
        "calibration": {**_shared_calibration(detectors), "rule": rule},
        **({"history": list(history)} if history else {}),
        "fusion": fusion.to_json(),
        **(more or {}),
    }
    write_with_parts(folder, parts, calibration, description, thresholds)


def check_can_be_fused(folder: Path) -> None:
    """Checks that a detector has enough calibration clips for a fusion.

    Raises:
        InputError: If it has fewer than 20.
    """
    found = len(Detector.load(folder).calibration)
    if found < MIN_COMMON_CLIPS:
        raise InputError(
            f"{folder}: {found} normal clips calibrate it, and a fusion needs {MIN_COMMON_CLIPS}: "
            "train a single run, or hold out more (--set calibration.held_out=0.2)"
        )


def _common_groups(detectors: Mapping[str, Detector]) -> list[Group]:
    first, *others = detectors.values()
    groups = [g for g in first.thresholds if all(g in other.thresholds for other in others)]
    if not groups:
        names = ", ".join(str(detector.folder) for detector in detectors.values())
        raise InputError(f"{names} have no machine and section in common: they cannot be fused")
    return groups


def _joined_calibration(detectors: Mapping[str, Detector]) -> pd.DataFrame:
    """Joins the calibration scores of detectors on the clips; each detector has a column."""
    (first_name, first), *others = detectors.items()
    joined = first.calibration.rename(columns={"score": first_name})
    for name, detector in others:
        scores = detector.calibration[[*_KEY, "score"]].rename(columns={"score": name})
        joined = joined.merge(scores, on=_KEY, validate="one_to_one")
        if len(joined) < MIN_COMMON_CLIPS:
            raise InputError(
                f"{first.folder} and {detector.folder} have {len(joined)} calibration clips in "
                f"common, {MIN_COMMON_CLIPS} are needed: train them on the same clips"
            )
    return joined


def _shared_calibration(detectors: Mapping[str, Detector]) -> dict[str, Any]:
    """Returns how clips that calibrate were chosen, where that is the same in all parts."""
    methods = {part.manifest.get("calibration", {}).get("method") for part in detectors.values()}
    [method] = methods if len(methods) == 1 else [None]
    return {} if method is None else {"method": method}


def shared_description(detectors: Mapping[str, Detector]) -> dict[str, Any]:
    """Returns the entries of the manifests that are the same in all parts."""
    first, *others = [detector.manifest for detector in detectors.values()]
    keys = ("method", "recipe", "sample_rate", "samples", "channel", "channels", "recording")
    return {
        key: first[key]
        for key in keys
        if key in first and all(first[key] == other.get(key) for other in others)
    }
