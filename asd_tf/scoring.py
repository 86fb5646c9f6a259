"""From the features of clips to anomaly scores: backends, pooling over items, and their sum.

Here, and nowhere else, the sign turns: backends say how normal a clip is, scores how anomalous.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from asd_tf.backends.per_domain import PerDomain
from asd_tf.backends.posterior_distance import PosteriorDistance
from asd_tf.backends.store import load_backend, save_backend
from asd_tf.config import check_choice
from asd_tf.errors import InputError, UsageError

_LEVELS = ("items", "mean")
_POOLS = {"mean": np.mean, "max": np.max, "median": np.median}
_SPEC = ("extractor", "fit_on", "score_on", "pool", "name", "weight")
# What detectors of before scorers had weights do not say.
_OPTIONAL = ("name", "weight")
_COMBINES = {"sum": np.sum, "mean": np.mean, "min": np.min, "max": np.max}


@dataclass(frozen=True)
class ItemScores:
    """Anomaly scores, higher = more anomalous.

    Attributes:
        clip: [n] float64, one score a clip.
        items: [n, items] float64, the evidence that `clip` was pooled from; None without any.
    """

    clip: np.ndarray
    items: np.ndarray | None = None


@dataclass(frozen=True)
class Scorer:
    """One extractor's features, the backend that judges them, and how items become a clip.

    Features are [n, D], one vector a clip, or [n, items, D] for frames, crops or segments; for the
    former the levels and the pool do not matter.

    Attributes:
        extractor: Name of the extractor whose features are scored.
        backend: The backend, fitted by `fit`.
        fit_on: `mean` fits the backend to the mean of each clip's items, `items` to all items.
        score_on: `mean` scores the mean of a clip's items, `items` each of them.
        pool: How the scores of items become that of their clip: `mean`, `max`, `median` or
            {"softmax": {"alpha": a, "trim": t}}, see `softmax_pool`.
        name: What its score is called where a group has several; by default that of the extractor.
        weight: What its score is multiplied by before it is combined with those of others.
    """

    extractor: str
    backend: PerDomain
    fit_on: str = "mean"
    score_on: str = "mean"
    pool: str | Mapping[str, Any] = "mean"
    name: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuses unknown values.

        Raises:
            UsageError: With the nearest known value.
        """
        check_choice("fit_on", str(self.fit_on), _LEVELS)
        check_choice("score_on", str(self.score_on), _LEVELS)
        if isinstance(self.pool, str):
            check_choice("pool", self.pool, [*_POOLS, "softmax"])
        if not isinstance(self.pool, str) or self.pool == "softmax":
            object.__setattr__(self, "pool", {"softmax": _softmax_arguments(self.pool)})
        if not self.name:
            object.__setattr__(self, "name", self.extractor)

    def fit(self, features: np.ndarray, domain: Sequence | None = None) -> "Scorer":
        """Fits the backend to features of normal clips; a missing domain counts as source."""
        domain = [None] * len(features) if domain is None else list(domain)
        if features.ndim == 3 and self.fit_on == "items":
            clips = np.repeat(np.arange(len(features)), features.shape[1])
            rows = self._rows_to_fit(features)
            self.backend.fit(rows, domain=[domain[clip] for clip in clips], groups=clips)
        else:
            self.backend.fit(self._rows_to_fit(features), domain=domain)
        return self

    @property
    def standardises_distances(self) -> bool:
        """Whether all members of the backend, which is fitted, are `PosteriorDistance`."""
        return all(isinstance(one, PosteriorDistance) for _, one, _ in self.backend.members_)

    def standardised_over(self, features: np.ndarray) -> "Scorer":
        """Returns the scorer with its distances standardised over other clips, of both domains.

        Args:
            features: [n, D] or [n, items, D] features of clips. Every member of the backend is
                fitted to all of them, whatever its domain; how members combine stays as it is.
        """
        backend, rows = copy.copy(self.backend), self._rows_to_fit(features)
        backend.members_ = [
            (name, clone(member).fit(rows), which) for name, member, which in backend.members_
        ]
        return replace(self, backend=backend)

    def _rows_to_fit(self, features: np.ndarray) -> np.ndarray:
        if features.ndim == 3 and self.fit_on == "items":
            return features.reshape(-1, features.shape[2])
        return _clip_vectors(features)

    def score(self, features: np.ndarray, domain: Sequence | None = None) -> ItemScores:
        """Scores clips; `domain` is that of each, where it is known."""
        if features.ndim == 2 or self.score_on == "mean":
            return ItemScores(-self.backend.score_samples(_clip_vectors(features), domain=domain))
        clips, items, width = features.shape
        if domain is not None:
            domain = [which for which in domain for _ in range(items)]
        rows = features.reshape(-1, width)
        scores = -self.backend.score_samples(rows, domain=domain).reshape(clips, items)
        return ItemScores(self._pooled(scores), scores)

    def member_scores(self, features: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the anomaly scores [n] of each member of the backend, of the means of clips."""
        normalities = self.backend.member_scores(_clip_vectors(features))
        return {name: -values for name, values in normalities.items()}

    def _pooled(self, scores: np.ndarray) -> np.ndarray:
        if isinstance(self.pool, str):
            return _POOLS[self.pool](scores, axis=1)
        return softmax_pool(scores, **self.pool["softmax"])


def softmax_pool(scores: np.ndarray, alpha: float, trim: float) -> np.ndarray:
    """Pools items by a mean that leans to the anomalous ones, after dropping outliers.

    Kuroyanagi et al. (DCASE 2021), eq. 3, without its factor 1/T', which is the same for all clips.

    Args:
        scores: [n, items] anomaly scores.
        alpha: 0 gives the mean, large values the maximum of what is left.
        trim: Share of the items that is dropped at each end, 0 to below 0.5, rounded down.

    Returns:
        [n] scores.
    """
    dropped = int(trim * scores.shape[1])
    kept = np.sort(scores, axis=1)[:, dropped : scores.shape[1] - dropped]
    weights = np.exp(alpha * kept - np.max(alpha * kept, axis=1, keepdims=True))
    return np.sum(kept * weights, axis=1) / np.sum(weights, axis=1)


class GroupScorer:
    """The scorers of one group (machine, section) and how their anomaly scores combine.

    Args:
        scorers: At least one; one alone is itself.
        combine: `sum`, `mean`, `min` or `max` of the scorers' anomaly scores.
    """

    def __init__(self, scorers: Sequence[Scorer], combine: str = "sum"):
        check_choice("combine", str(combine), _COMBINES)
        if not scorers:
            raise UsageError("a group needs at least one scorer")
        self.scorers = list(scorers)
        self.combine = combine

    def fit(
        self, features_by_extractor: Mapping[str, np.ndarray], domain: Sequence | None = None
    ) -> "GroupScorer":
        """Fits every scorer to its extractor's features, [n, D] or [n, items, D]."""
        for scorer in self.scorers:
            scorer.fit(features_by_extractor[scorer.extractor], domain)
        return self

    def score(
        self, features_by_extractor: Mapping[str, np.ndarray], domain: Sequence | None = None
    ) -> ItemScores:
        """Scores clips; the items are combined too where all scorers have as many of them."""
        return self.combined(self.parts(features_by_extractor, domain))

    def parts(
        self, features_by_extractor: Mapping[str, np.ndarray], domain: Sequence | None = None
    ) -> list[ItemScores]:
        """Scores clips by each scorer alone, without its weight."""
        return [s.score(features_by_extractor[s.extractor], domain) for s in self.scorers]

    def combined(self, parts: Sequence[ItemScores]) -> ItemScores:
        """Combines what `parts` gave."""
        clip = self.combined_clips(np.stack([part.clip for part in parts], axis=1))
        items = [part.items for part in parts]
        if len({None if one is None else one.shape for one in items}) > 1 or items[0] is None:
            return ItemScores(clip)
        return ItemScores(clip, self.combined_clips(np.stack(items, axis=-1)))

    def combined_clips(self, scores: np.ndarray) -> np.ndarray:
        """Combines the scores [..., scorers] of each scorer alone to [...]."""
        weights = [scorer.weight for scorer in self.scorers]
        return _COMBINES[self.combine](scores * weights, axis=-1)

    def with_weights(self, weights: Sequence[float]) -> "GroupScorer":
        """Returns the same scorers, fitted as they are, with other weights."""
        scorers = [
            replace(scorer, weight=weight)
            for scorer, weight in zip(self.scorers, weights, strict=True)
        ]
        return GroupScorer(scorers, self.combine)

    def standardised_over(self, features_by_extractor: Mapping[str, np.ndarray]) -> "GroupScorer":
        """Returns the scorers, those of distances as `Scorer.standardised_over` gives them."""
        scorers = [
            scorer.standardised_over(features_by_extractor[scorer.extractor])
            if scorer.standardises_distances
            else scorer
            for scorer in self.scorers
        ]
        return GroupScorer(scorers, self.combine)

    def clone(self) -> "GroupScorer":
        """Returns the same scorers, unfitted."""
        scorers = [replace(scorer, backend=clone(scorer.backend)) for scorer in self.scorers]
        return GroupScorer(scorers, self.combine)

    def spec(self) -> dict[str, Any]:
        """Returns, as plain JSON, what `load` needs beside the backends, and what was fitted."""
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
        """Reads what `save` wrote, with the `spec` of then.

        Raises:
            InputError: If a backend is missing, damaged or foreign, or the spec is incomplete.
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
                "copy the detector anew"
            ) from error
        scorers = [
            Scorer(backend=load_backend(Path(folder) / f"{index}.skops"), **values)
            for index, values in enumerate(arguments)
        ]
        return cls(scorers, combine)


def _clip_vectors(features: np.ndarray) -> np.ndarray:
    """Returns [n, D]: the features of clips, or the mean over their items."""
    return features.mean(axis=1) if features.ndim == 3 else features


def _softmax_arguments(pool: Any) -> dict[str, float]:
    try:
        values = {key: float(pool["softmax"][key]) for key in ("alpha", "trim")}
    except (KeyError, TypeError, ValueError):
        values = {}
    if not values or not 0 <= values["trim"] < 0.5:
        raise UsageError(
            f"pool={pool}: write mean, max, median or "
            '{"softmax": {"alpha": number, "trim": 0 to below 0.5}}'
        )
    return values
