"""A detector of extractors and, for each machine and section, backends on their features."""

import functools
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asd_tf.calibration import Threshold
from asd_tf.detector.base import Detector, Group, Items
from asd_tf.detector.examination import ClipFeatures, Examination, FeatureStore, Lazily
from asd_tf.detector.extractor import Extractors
from asd_tf.detector.folder import write_manifest
from asd_tf.files import atomic_path, write_csv, write_json
from asd_tf.scoring import GroupScorer

Features = Mapping[str, ClipFeatures]


class FeatureScores(NamedTuple):
    """Anomaly scores of clips, and what they are made of.

    Attributes:
        clip: [clips], NaN where a clip could not be read.
        items: Clip to its evidence, of those that have any.
        parts: Where groups have several scorers, the name of each to its own scores [clips],
            without its weight.
    """

    clip: np.ndarray
    items: Items
    parts: dict[str, np.ndarray]


class SingleDetector(Detector, kind="single"):
    """Extractors, and one `GroupScorer` for each machine and section."""

    @functools.cached_property
    def extractors(self) -> Extractors:
        """The extractors by name, loaded when they are asked for."""
        folder = self.folder / "extractors"
        return Extractors({name: folder / name for name in self.manifest["extractors"]})

    @functools.cached_property
    def scorers(self) -> dict[Group, GroupScorer]:
        """The scorer of each group (machine, section)."""
        return {
            (group["machine"], group["section"]): GroupScorer.load(
                self.folder / "backends" / group["folder"], group["scoring"]
            )
            for group in self.manifest["groups"]
        }

    def anomaly_scores(
        self, clips: pd.DataFrame, progress: Callable[[int], None] = lambda done: None
    ) -> tuple[np.ndarray, Items]:
        """See `Detector.anomaly_scores`."""
        features, ok = self.features(clips, progress)
        scored = self.score_features(clips, features, ok)
        return scored.clip, scored.items

    def examine(
        self,
        clips: pd.DataFrame,
        progress: Callable[[int], None] = lambda done: None,
        store: FeatureStore | None = None,
    ) -> Examination:
        """See `Detector.examine`."""
        look_up = None if store is None else functools.partial(store.features, split="test")
        features, ok = self.features(clips, progress, look_up)
        scored = self.score_features(clips, features, ok)
        return Examination(
            scored.clip,
            scored.items,
            scored.parts,
            Lazily({name: values.means for name, values in features.items()}),
            lambda: self.member_scores(clips, features, ok),
            lambda: self._scores_over_test_clips(clips, features, ok),
        )

    def features(
        self,
        clips: pd.DataFrame,
        progress: Callable[[int], None] = lambda done: None,
        store: Callable[..., tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> tuple[dict[str, ClipFeatures], np.ndarray]:
        """Computes the features of clips by each extractor, and whether they could be read.

        An extractor sees the clips of the groups that it scores. A clip may stand in several rows,
        one for each section that it is tried in; its features are the same in each, unless a
        network is told the section.

        Args:
            clips: The clip table.
            progress: Told the number of clips after each step.
            store: Called with name, extractor, clips, sample rate, progress and numbers to look
                features up or compute them; None to compute them.
        """
        features, ok = {}, np.ones(len(clips), bool)
        sample_rate = self.manifest["sample_rate"]
        groups = list(zip(clips["machine"], clips["section"], strict=True))
        told = np.zeros(len(clips), bool)
        for name in self.extractors:
            rows = np.flatnonzero([group in self._groups_of[name] for group in groups])
            if not len(rows):
                continue
            extractor = self.extractors[name]
            keys = ["clip_id", "machine", "section"] if extractor.needs_group else ["clip_id"]
            numbers = clips.iloc[rows].groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
            part = clips.iloc[rows].drop_duplicates(keys).reset_index(drop=True)
            # A clip that several extractors see is one clip done.
            news = int(np.sum(~told[rows]))
            tell = progress if news == len(rows) else lambda done: None
            told[rows] = True
            compute = functools.partial(store, name, extractor) if store else extractor.features
            values, readable = compute(part, sample_rate, progress=tell, numbers=self.numbers)
            places = np.full(len(clips), -1)
            places[rows] = numbers
            features[name] = ClipFeatures(values, places)
            ok[rows] &= readable[numbers]
        return features, ok

    @functools.cached_property
    def numbers(self) -> dict[Group, int]:
        """The number by which networks know each group (machine, section) that has one."""
        return {
            (group["machine"], group["section"]): group["number"]
            for group in self.manifest["groups"]
            if "number" in group
        }

    @functools.cached_property
    def _groups_of(self) -> dict[str, set[Group]]:
        """The groups that each extractor scores."""
        groups: dict[str, set[Group]] = {name: set() for name in self.manifest["extractors"]}
        for group in self.manifest["groups"]:
            for scorer in group["scoring"]["scorers"]:
                groups[scorer["extractor"]].add((group["machine"], group["section"]))
        return groups

    def score_features(
        self, clips: pd.DataFrame, features: Features, ok: np.ndarray
    ) -> FeatureScores:
        """Scores clips whose features are there.

        Args:
            clips: The clip table; every row is of a group of the detector.
            features: Extractor to features of the clips.
            ok: Which clips [clips] could be read.
        """
        scores, items, parts = np.full(len(clips), np.nan), {}, {}
        domain = clips["domain"].to_numpy(object)
        ids = clips["clip_id"].to_numpy(str)
        for group, rows in clips[ok].groupby(["machine", "section"], sort=False).groups.items():
            rows = rows.to_numpy()
            scorer = self.scorers[group]
            used = {one.extractor for one in scorer.scorers}
            alone = scorer.parts({name: features[name][rows] for name in used}, domain[rows])
            result = scorer.combined(alone)
            scores[rows] = result.clip
            if result.items is not None:
                items.update(zip(ids[rows], result.items, strict=True))
            for one, part in zip(scorer.scorers, alone, strict=True):
                parts.setdefault(one.name, np.full(len(clips), np.nan))[rows] = part.clip
        return FeatureScores(scores, items, parts if len(parts) > 1 else {})

    def member_scores(
        self, clips: pd.DataFrame, features: Features, ok: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Scores clips by each member of the backends, such as one for each domain.

        Args:
            clips: As of `score_features`, like those that follow.
            features: Extractor to features of the clips.
            ok: Which clips [clips] could be read.

        Returns:
            Name of a member to the anomaly scores [clips] of its clips' means over items, NaN where
            a clip has none; nothing for a group of several scorers.
        """
        members: dict[str, np.ndarray] = {}
        for group, rows in clips[ok].groupby(["machine", "section"], sort=False).groups.items():
            scorers, rows = self.scorers[group].scorers, rows.to_numpy()
            if len(scorers) == 1:
                found = scorers[0].member_scores(features[scorers[0].extractor][rows])
                for name, values in found.items():
                    members.setdefault(name, np.full(len(clips), np.nan))[rows] = values
        return members

    def _scores_over_test_clips(
        self, clips: pd.DataFrame, features: Features, ok: np.ndarray
    ) -> np.ndarray | None:
        """Computes `Examination.refitted`; the clips of a subset are taken together."""
        scorers = [one for scorer in self.scorers.values() for one in scorer.scorers]
        if not any(one.standardises_distances for one in scorers):
            return None
        scores, domain = np.full(len(clips), np.nan), clips["domain"].to_numpy(object)
        keys = ["subset", "machine", "section"]
        for (_, *group), rows in clips[ok].groupby(keys, sort=False).groups.items():
            rows, scorer = rows.to_numpy(), self.scorers[tuple(group)]
            of_group = {one.extractor: features[one.extractor][rows] for one in scorer.scorers}
            scores[rows] = scorer.standardised_over(of_group).score(of_group, domain[rows]).clip
        return scores


def write_detector(
    folder: Path,
    description: Mapping[str, Any],
    extractors: Mapping[str, Path],
    scorers: Mapping[Group, GroupScorer],
    thresholds: Mapping[Group, Threshold],
    calibration: pd.DataFrame,
    statistics: Mapping[str, Any],
    numbers: Mapping[Group, int] | None = None,
) -> None:
    """Writes a detector, whole or not at all.

    Args:
        folder: Where it goes.
        description: What it says of itself: method, recipe, sample_rate and more.
        extractors: Name to SavedModel.
        scorers: Group to its fitted scorer.
        thresholds: Group to its threshold.
        calibration: Columns machine, section, clip_id, domain, score.
        statistics: Of the features of normal clips, per group.
        numbers: Group to the number by which networks know it, where they need one.
    """
    with atomic_path(folder) as temporary:
        for name, extractor in extractors.items():
            shutil.copytree(extractor, temporary / "extractors" / name)
        groups = []
        for index, (group, scorer) in enumerate(scorers.items()):
            # Machine names are the user's, so that they are no names of folders.
            place = f"{index:03d}"
            scorer.save(temporary / "backends" / place)
            groups.append(
                {
                    "machine": group[0],
                    "section": group[1],
                    "folder": place,
                    "scoring": scorer.spec(),
                    "threshold": thresholds[group].to_json(),
                    **({} if numbers is None else {"number": int(numbers[group])}),
                }
            )
        write_csv(temporary / "calibration" / "scores.csv", calibration)
        write_json(temporary / "calibration" / "statistics.json", statistics)
        write_manifest(
            temporary,
            {"kind": "single", **description, "extractors": list(extractors), "groups": groups},
        )
