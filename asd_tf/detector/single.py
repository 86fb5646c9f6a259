"""A detector with extractors and, for each machine and section, backends of their features."""

import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Self

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group, groups_of, rows_of_groups
from asd_tf.data.health.measures import no_measures
from asd_tf.detector.base import Detector
from asd_tf.detector.health import Judge
from asd_tf.detector.kept.store import KeptWindows
from asd_tf.errors import InputError
from asd_tf.extraction.extractor import Extractor, Extractors
from asd_tf.extraction.features import ClipFeatures
from asd_tf.extraction.store import EmbeddingStore
from asd_tf.scoring.group_scorer import GroupScorer
from asd_tf.scoring.scores import LazyMapping, Scores

Features = Mapping[str, ClipFeatures]

FEATURES, FEEDBACK = "features", "feedback"
CONFIRMED = "confirmed.csv"
"""The folders of the windows that it is fitted to, and of confirmed anomalies."""


class SingleDetector(Detector, kind="single"):
    """A detector with one `GroupScorer` for each machine and section."""

    _shared = ("extractors", "scorers")

    @functools.cached_property
    def extractors(self) -> Extractors:
        """The extractors by name, loaded on access."""
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

    def with_scorers(self, scorers: Mapping[Group, GroupScorer]) -> Self:
        """Returns this detector with other scorers; networks, thresholds and scales are shared."""
        self.extractors  # noqa: B018 (loaded once, for both)
        other = copy.copy(self)
        other.scorers = dict(scorers)
        return other

    @functools.cached_property
    def section_ids(self) -> dict[Group, int]:
        """The number of each group (machine, section) that networks take as input."""
        return {
            (group["machine"], group["section"]): group["number"]
            for group in self.manifest["groups"]
            if "number" in group
        }

    @functools.cached_property
    def windows(self) -> KeptWindows | None:
        """The normal windows that are kept to fit it again; None in those of earlier formats."""
        return KeptWindows(self.folder / FEATURES) if "features" in self.manifest else None

    @functools.cached_property
    def confirmed(self) -> KeptWindows | None:
        """The windows that people have confirmed to be anomalous; None if there are none."""
        folder = self.folder / FEEDBACK
        return KeptWindows(folder, CONFIRMED) if folder.is_dir() else None

    def load_all(self) -> int:
        """See `Detector.load_all`; reads the windows that are kept, too."""
        self._check_kept()
        widths = {name: of.feature_shape[-1] for name, of in self.extractors.items()}
        scorers = [scorer for group in self.scorers.values() for scorer in group.scorers]
        for scorer in scorers:
            given = len(range(widths[scorer.extractor])[slice(*(scorer.columns or (None,)))])
            if scorer.backend.n_features_in_ != given:
                raise InputError(
                    f"{self.folder}: a backend takes {scorer.backend.n_features_in_} features, and "
                    f"{scorer.extractor} has {given} for it; take a fresh copy"
                )
        return len(widths) + len(scorers)

    def _check_kept(self) -> None:
        """Reads the kept windows, and checks that their features are those of the extractors."""
        for kept in filter(None, (self.windows, self.confirmed)):
            for group, windows in kept.items():
                scorer = self.scorers.get(group)
                needed = () if scorer is None else scorer.extractors
                shapes = {name: self.extractors[name].feature_shape for name in needed}
                found = {name: values.shape[1:] for name, values in windows.features.items()}
                if found != shapes:
                    raise InputError(
                        f"{self.folder}: keeps features {found} of {' '.join(group)}, and its "
                        f"extractors make {shapes}; take a fresh copy"
                    )

    def score_with_details(
        self,
        clips: pd.DataFrame,
        progress: Callable[[int], None] = lambda done: None,
        store: EmbeddingStore | None = None,
    ) -> Scores:
        """See `Detector.score_with_details`."""
        measures = no_measures(len(clips))
        scores = self.score_features(clips, *self.features(clips, progress, store, measures))
        return self.on_domain_scale(clips, scores.judged(self._judge(clips, measures)))

    def features(
        self,
        clips: pd.DataFrame,
        progress: Callable[[int], None] = lambda done: None,
        store: EmbeddingStore | None = None,
        measures: np.ndarray | None = None,
    ) -> tuple[dict[str, ClipFeatures], np.ndarray]:
        """Computes the features of clips by each extractor.

        An extractor is used for the clips of the groups that are scored by it. A clip may be in
        several rows, one for each section in which it is scored; all have the same features, unless
        the network takes the section as input.

        Args:
            clips: The clip table.
            progress: Called after each step with the number of clips that are newly done.
            store: Store from which the features of the split `test` are read, and to which they are
                written; None to compute all features.
            measures: Array [clips, measures] of NaN for the measures of the waveforms, which are
                measured with the first extractor of each clip; None not to measure them.

        Returns:
            Extractor to features, and ok [clips] bool: whether each clip could be read.
        """
        features, ok = {}, np.ones(len(clips), bool)
        groups, counted = groups_of(clips), np.zeros(len(clips), bool)
        for name in self.extractors:
            indices = np.flatnonzero([group in self._groups_of[name] for group in groups])
            if not len(indices):
                continue
            extractor = self.extractors[name]
            keys = ["clip_id", "machine", "section"] if extractor.needs_group else ["clip_id"]
            used = clips.iloc[indices]
            distinct = used.drop_duplicates(keys).reset_index(drop=True)
            number = used.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
            # A clip is counted once, even if several extractors are used for it.
            new_count = int(np.sum(~counted[indices]))
            report = progress if new_count == len(indices) else lambda done: None
            counted[indices] = True
            is_new = measures is not None and np.isnan(measures[indices]).any()
            measured = no_measures(len(distinct)) if is_new else None
            values, readable = self._extract(name, extractor, distinct, report, store, measured)
            if measures is not None and measured is not None:
                measures[indices] = measured[number]
            positions = np.full(len(clips), -1)
            positions[indices] = number
            features[name] = ClipFeatures(values, positions)
            ok[indices] &= readable[number]
        return features, ok

    def _extract(
        self,
        name: str,
        extractor: Extractor,
        clips: pd.DataFrame,
        progress: Callable[[int], None],
        store: EmbeddingStore | None,
        measures: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        rate, ids = self.manifest["sample_rate"], self.section_ids
        if store is None:
            return extractor.features(
                clips, rate, progress=progress, section_ids=ids, measures=measures
            )
        return store.features(name, extractor, clips, rate, progress, "test", ids, measures)

    @functools.cached_property
    def _judge(self) -> Judge:
        return Judge(self.manifest)

    @functools.cached_property
    def _groups_of(self) -> dict[str, set[Group]]:
        """The groups that are scored by the features of each extractor."""
        groups: dict[str, set[Group]] = {name: set() for name in self.manifest["extractors"]}
        for group in self.manifest["groups"]:
            for scorer in group["scoring"]["scorers"]:
                groups[scorer["extractor"]].add((group["machine"], group["section"]))
        return groups

    def score_features(self, clips: pd.DataFrame, features: Features, ok: np.ndarray) -> Scores:
        """Scores clips by their features.

        Args:
            clips: The clip table; the group of every row is known to the detector.
            features: Extractor to features of the clips.
            ok: [clips] bool, whether each clip could be read.
        """
        clip = np.full(len(clips), np.nan)
        parts: dict[str, np.ndarray] = {}
        items: list[np.ndarray | None] = [None] * len(clips)
        for scorer, indices, of_group, domain in self._groups(clips, features, ok):
            scores = scorer.score(of_group, domain)
            clip[indices] = scores.clip
            if scores.items is not None:
                for index, item_scores in zip(indices, scores.items, strict=True):
                    items[index] = item_scores
            for name, values in scores.parts.items():
                parts.setdefault(name, np.full(len(clips), np.nan))[indices] = values
        return Scores(
            clip,
            items,
            parts,
            LazyMapping({name: values.means for name, values in features.items()}),
            lambda: self._member_scores(clips, features, ok),
            lambda: self._transductive_scores(clips, features, ok),
        )

    def _groups(
        self, clips: pd.DataFrame, features: Features, ok: np.ndarray
    ) -> Iterator[tuple[GroupScorer, np.ndarray, dict[str, np.ndarray], np.ndarray]]:
        """Yields for each group its scorer, and the indices, features and domains of its clips."""
        domain, readable = clips["domain"].to_numpy(object), np.flatnonzero(ok)
        for group, positions in rows_of_groups(clips[ok]).items():
            scorer, indices = self.scorers[group], readable[positions]
            of_group = {name: features[name][indices] for name in scorer.extractors}
            yield scorer, indices, of_group, domain[indices]

    def _member_scores(
        self, clips: pd.DataFrame, features: Features, ok: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Computes `Scores.members` from the means over the items of each clip."""
        members: dict[str, np.ndarray] = {}
        for scorer, indices, of_group, _ in self._groups(clips, features, ok):
            if len(scorer.scorers) == 1:
                only = scorer.scorers[0]
                for name, values in only.member_scores(of_group[only.extractor]).items():
                    members.setdefault(name, np.full(len(clips), np.nan))[indices] = values
        return members

    def _transductive_scores(
        self, clips: pd.DataFrame, features: Features, ok: np.ndarray
    ) -> np.ndarray | None:
        """Computes `Scores.transductive`, standardized over the clips of each subset and group."""
        scorers = [scorer for group in self.scorers.values() for scorer in group.scorers]
        if not any(scorer.standardizes_distances for scorer in scorers):
            return None
        scores = np.full(len(clips), np.nan)
        for subset in clips["subset"].unique():
            mask = ok & (clips["subset"] == subset).to_numpy(bool)
            for scorer, indices, of_group, domain in self._groups(clips, features, mask):
                scores[indices] = scorer.standardized_over(of_group).score(of_group, domain).clip
        return scores
