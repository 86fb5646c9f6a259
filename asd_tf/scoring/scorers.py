"""From the features of clips to anomaly scores: backends, pooling over items, and combination.

This is the only module that changes the sign: a backend returns how normal a clip is, a scorer how
anomalous it is.
"""

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from sklearn.base import clone

from asd_tf.backends.per_domain import PerDomain, RowLabels
from asd_tf.backends.posterior_distance import PosteriorDistance
from asd_tf.config import choice_problem
from asd_tf.scoring.pooling import Pool, checked_pool, pool_items
from asd_tf.scoring.scores import Scores

LEVELS = ("items", "mean")
# A factor, or how `GroupScorer.with_fitted_weights` is to find it.
Word = Literal["matched", "standardized"]
Weight = float | Word


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
        weighting: The word that its weight was before it was fitted; None if it was a number.
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
    weighting: Word | None = None

    def __post_init__(self) -> None:
        """Checks the arguments.

        Raises:
            ValueError: If a value is unknown, with the nearest known value.
        """
        check_word("fit_on", self.fit_on, LEVELS)
        check_word("score_on", self.score_on, LEVELS)
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


def check_word(name: str, value: Any, choices: Iterable[str]) -> None:
    """Checks that a value is one of the choices.

    Raises:
        ValueError: If it is not, with the nearest choice.
    """
    problem = choice_problem(name, str(value), choices)
    if problem:
        raise ValueError(problem)


def _clip_vectors(features: np.ndarray) -> np.ndarray:
    """Returns [n, D]: the features of clips, or the mean over their items."""
    return features.mean(axis=1) if features.ndim == 3 else features
