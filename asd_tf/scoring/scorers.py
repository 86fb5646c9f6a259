"""From the features of clips to anomaly scores: backends, pooling over items, and combination.

This is the only module that changes the sign: a backend returns how normal a clip is, a scorer how
anomalous it is.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from sklearn.base import clone

from asd_tf.backends.per_domain import PerDomain, RowLabels
from asd_tf.backends.posterior_distance import PosteriorDistance
from asd_tf.backends.saving.store import load_backend, save_backend
from asd_tf.config import choice_problem
from asd_tf.errors import InputError
from asd_tf.scoring.pooling import Pool, checked_pool, pool_items
from asd_tf.scoring.scores import Scores

LEVELS = ("items", "mean")
# A factor, or how `GroupScorer.with_fitted_weights` is to find it.
Weight = float | Literal["matched", "standardized"]
_SPEC = ("extractor", "fit_on", "score_on", "pool", "name", "weight", "offset", "columns")
# Missing in detectors that were written before scorers had them.
_OPTIONAL = ("name", "weight", "offset", "columns")
COMBINES: dict[str, Callable[..., np.ndarray]] = {
    "sum": np.sum,
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
}


@dataclass(frozen=True)
class Scorer:
    """Scores the features of one extractor by a backend, and pools the scores of items.

    Features are [n, D], one vector per clip, or [n, items, D] for frames, crops or segments.
    `fit_on`, `score_on` and `pool` have no effect on features without items.

    Attributes:
        extractor: Name of the extractor whose features are scored.
        backend: The backend, fitted by `fit`.
        fit_on: `mean` fits the backend to the mean of each clip's items, `items` to all items.
        score_on: `mean` scores the mean of each clip's items, `items` scores every item.
        pool: Pooling of the scores of items to that of their clip: `mean`, `max`, `median` or
            {"softmax": {"alpha": a, "trim": t}}, see `asd_tf.scoring.pooling.softmax_pool`.
        name: Name of its score if a group has several; by default the name of the extractor.
        weight: Factor of its score before the combination with those of other scorers; `matched`
            or `standardized` if `GroupScorer.with_fitted_weights` is to set it.
        offset: Subtracted from its score before the factor.
        columns: First of the D features that are used, and the one after the last; None for all.
    """

    extractor: str
    backend: PerDomain
    fit_on: str = "mean"
    score_on: str = "mean"
    pool: Pool = "mean"
    name: str = ""
    weight: Weight = 1.0
    offset: float = 0.0
    columns: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Checks the arguments.

        Raises:
            ValueError: If a value is unknown, with the nearest known value.
        """
        _check("fit_on", self.fit_on, LEVELS)
        _check("score_on", self.score_on, LEVELS)
        object.__setattr__(self, "pool", checked_pool(self.pool))
        if not self.name:
            object.__setattr__(self, "name", self.extractor)
        if self.columns is not None:
            object.__setattr__(self, "columns", tuple(self.columns))

    def fit(self, features: np.ndarray, domain: RowLabels | None = None) -> "Scorer":
        """Fits the backend to features of normal clips.

        Args:
            features: [n, D] or [n, items, D].
            domain: [n] `source`, `target` or missing, which counts as source; None for all missing.
        """
        features = self._used(features)
        domains = [None] * len(features) if domain is None else list(domain)
        if features.ndim == 3 and self.fit_on == "items":
            clips = np.repeat(np.arange(len(features)), features.shape[1])
            rows = self._rows_to_fit(features)
            self.backend.fit(rows, domain=[domains[clip] for clip in clips], groups=clips)
        else:
            self.backend.fit(self._rows_to_fit(features), domain=domains)
        return self

    @property
    def standardizes_distances(self) -> bool:
        """Whether all members of the fitted backend are `PosteriorDistance`."""
        return all(isinstance(member, PosteriorDistance) for _, member, _ in self.backend.members_)

    def standardized_over(self, features: np.ndarray) -> "Scorer":
        """Returns a copy of the scorer whose distances are standardized over the given clips.

        Args:
            features: [n, D] or [n, items, D] features of clips of both domains. Every member of the
                backend is fitted to all of them, whatever its domain. The combination of the
                members does not change.
        """
        backend, rows = copy.copy(self.backend), self._rows_to_fit(self._used(features))
        backend.members_ = [
            (name, clone(member).fit(rows), domain) for name, member, domain in backend.members_
        ]
        return replace(self, backend=backend)

    def _used(self, features: np.ndarray) -> np.ndarray:
        return features if self.columns is None else features[..., slice(*self.columns)]

    def _rows_to_fit(self, features: np.ndarray) -> np.ndarray:
        if features.ndim == 3 and self.fit_on == "items":
            return features.reshape(-1, features.shape[2])
        return _clip_vectors(features)

    def score(self, features: np.ndarray, domain: RowLabels | None = None) -> Scores:
        """Scores clips.

        Args:
            features: [n, D] or [n, items, D].
            domain: [n] `source`, `target` or missing; None for all missing.

        Returns:
            The scores of the clips and, if items were scored, those of the items.
        """
        features = self._used(features)
        if features.ndim == 2 or self.score_on == "mean":
            return Scores(-self.backend.score_samples(_clip_vectors(features), domain=domain))
        clips, items, width = features.shape
        if domain is not None:
            domain = [of_clip for of_clip in domain for _ in range(items)]
        rows = features.reshape(-1, width)
        scores = -self.backend.score_samples(rows, domain=domain).reshape(clips, items)
        return Scores(pool_items(scores, self.pool), scores)

    def member_scores(self, features: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the anomaly scores [n] of each member of the backend.

        Args:
            features: [n, D], or [n, items, D], of which the mean over items is scored.
        """
        normalities = self.backend.member_scores(_clip_vectors(self._used(features)))
        return {name: -values for name, values in normalities.items()}


class GroupScorer:
    """The scorers of one group (machine, section), and the combination of their anomaly scores.

    Args:
        scorers: One or more scorers.
        combine: `sum`, `mean`, `min` or `max` of the scorers' anomaly scores. It has no effect on
            a single scorer.
    """

    def __init__(self, scorers: Sequence[Scorer], combine: str = "sum"):
        _check("combine", combine, COMBINES)
        if not scorers:
            raise ValueError("a group needs at least one scorer")
        self.scorers = list(scorers)
        self.combine = combine

    def fit(
        self, features_by_extractor: Mapping[str, np.ndarray], domain: RowLabels | None = None
    ) -> "GroupScorer":
        """Fits every scorer to its extractor's features, [n, D] or [n, items, D]."""
        for scorer in self.scorers:
            scorer.fit(features_by_extractor[scorer.extractor], domain)
        return self

    def score(
        self, features_by_extractor: Mapping[str, np.ndarray], domain: RowLabels | None = None
    ) -> Scores:
        """Scores clips, and their items if all scorers have the same number of them."""
        return self.combined(self.parts(features_by_extractor, domain))

    def parts(
        self, features_by_extractor: Mapping[str, np.ndarray], domain: RowLabels | None = None
    ) -> list[Scores]:
        """Returns the scores of clips by each scorer alone, without its weight."""
        return [s.score(features_by_extractor[s.extractor], domain) for s in self.scorers]

    def combined(self, parts: Sequence[Scores]) -> Scores:
        """Combines the scores that `parts` returned."""
        clip = self.combined_clips(np.stack([part.clip for part in parts], axis=1))
        names = [scorer.name for scorer in self.scorers]
        alone = {name: part.clip for name, part in zip(names, parts, strict=True)}
        return Scores(clip, self._combined_items(parts), alone if len(alone) > 1 else {})

    def _combined_items(self, parts: Sequence[Scores]) -> np.ndarray | None:
        """Returns the combined scores of items; None if scorers have different numbers of items."""
        items = [np.asarray(part.items) for part in parts if part.items is not None]
        if len(items) < len(parts) or len({values.shape for values in items}) > 1:
            return None
        return self.combined_clips(np.stack(items, axis=-1))

    def combined_clips(self, scores: np.ndarray) -> np.ndarray:
        """Combines the scores [..., scorers] of each scorer alone; returns [...]."""
        weights = [scorer.weight for scorer in self.scorers]
        offsets = [scorer.offset for scorer in self.scorers]
        return COMBINES[self.combine]((scores - offsets) * weights, axis=-1)

    def with_fitted_weights(
        self, matched: Sequence[float], scales: Sequence[tuple[float, float]]
    ) -> "GroupScorer":
        """Returns a copy with a number for each weight that is a word; fits are kept.

        Args:
            matched: [scorers] a weight for each scorer, for those whose weight is `matched`; see
                `matching_weights`.
            scales: [scorers] mean and standard deviation of the scores of each scorer on normal
                clips, for those whose weight is `standardized`; see `score_scales`.
        """
        scorers = []
        for scorer, weight, (mean, std) in zip(self.scorers, matched, scales, strict=True):
            if scorer.weight == "matched":
                scorer = replace(scorer, weight=weight)
            elif scorer.weight == "standardized":
                scorer = replace(scorer, weight=1 / std, offset=mean)
            scorers.append(scorer)
        return GroupScorer(scorers, self.combine)

    @property
    def extractors(self) -> set[str]:
        """The names of the extractors whose features are scored."""
        return {scorer.extractor for scorer in self.scorers}

    def standardized_over(self, features_by_extractor: Mapping[str, np.ndarray]) -> "GroupScorer":
        """Returns a copy whose scorers of distances are standardized over the given clips.

        Args:
            features_by_extractor: See `Scorer.standardized_over`.
        """
        scorers = [
            scorer.standardized_over(features_by_extractor[scorer.extractor])
            if scorer.standardizes_distances
            else scorer
            for scorer in self.scorers
        ]
        return GroupScorer(scorers, self.combine)

    def clone(self) -> "GroupScorer":
        """Returns an unfitted copy."""
        scorers = [replace(scorer, backend=clone(scorer.backend)) for scorer in self.scorers]
        return GroupScorer(scorers, self.combine)

    def spec(self) -> dict[str, Any]:
        """Returns a description in plain values: what `load` needs, and what was fitted."""
        return {
            "combine": self.combine,
            "scorers": [
                {
                    "extractor": scorer.extractor,
                    "fit_on": scorer.fit_on,
                    "score_on": scorer.score_on,
                    "pool": scorer.pool,
                    "name": scorer.name,
                    "weight": scorer.weight,
                    "offset": scorer.offset,
                    "columns": None if scorer.columns is None else list(scorer.columns),
                    "backend": scorer.backend.describe(),
                }
                for scorer in self.scorers
            ],
        }

    def save(self, folder: Path) -> None:
        """Writes the fitted backends as 0.skops, 1.skops, ... into `folder`."""
        for index, scorer in enumerate(self.scorers):
            save_backend(Path(folder) / f"{index}.skops", scorer.backend)

    @classmethod
    def load(cls, folder: Path, spec: Mapping[str, Any]) -> "GroupScorer":
        """Loads the scorers of a group.

        Args:
            folder: The folder that `save` wrote.
            spec: What `spec` returned then.

        Raises:
            InputError: If a backend is missing, damaged or of a foreign type, or the spec is
                incomplete.
        """
        try:
            arguments = [
                {key: scorer[key] for key in _SPEC if key in scorer or key not in _OPTIONAL}
                for scorer in spec["scorers"]
            ]
            combine = spec["combine"]
        except (KeyError, TypeError) as error:
            raise InputError(
                f"{folder}: the description of its scorers is damaged ({error}): "
                "copy the detector again"
            ) from error
        scorers = [
            Scorer(backend=load_backend(Path(folder) / f"{index}.skops"), **values)
            for index, values in enumerate(arguments)
        ]
        return cls(scorers, combine)


def _check(name: str, value: Any, choices: Iterable[str]) -> None:
    problem = choice_problem(name, str(value), choices)
    if problem:
        raise ValueError(problem)


def _clip_vectors(features: np.ndarray) -> np.ndarray:
    """Returns [n, D]: the features of clips, or the mean over their items."""
    return features.mean(axis=1) if features.ndim == 3 else features
