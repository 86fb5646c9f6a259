"""The scorers of a machine and section, and the combination of their scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from asd_tf.backends.per_domain import RowLabels
from asd_tf.backends.saving.store import load_backend, save_backend
from asd_tf.errors import InputError
from asd_tf.scoring.scorers import Scorer, check_word
from asd_tf.scoring.scores import Scores

_SPEC = (
    "extractor", "fit_on", "score_on", "pool", "name", "weight", "offset", "columns", "weighting",
)  # fmt: skip
# Missing in detectors that were written before scorers had them.
_OPTIONAL = ("name", "weight", "offset", "columns", "weighting")
COMBINES: dict[str, Callable[..., np.ndarray]] = {
    "sum": np.sum,
    "mean": np.mean,
    "min": np.min,
    "max": np.max,
}


class GroupScorer:
    """The scorers of one group (machine, section), and the combination of their anomaly scores.

    Args:
        scorers: One or more scorers.
        combine: `sum`, `mean`, `min` or `max` of the scorers' anomaly scores. It has no effect on
            a single scorer.
    """

    def __init__(self, scorers: Sequence[Scorer], combine: str = "sum"):
        check_word("combine", combine, COMBINES)
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
                scorer = replace(scorer, weight=weight, weighting="matched")
            elif scorer.weight == "standardized":
                scorer = replace(scorer, weight=1 / std, offset=mean, weighting="standardized")
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

    def unfitted(self) -> "GroupScorer":
        """Returns what `fit` and `with_fitted_weights` began with: backends and words anew."""
        scorers = [
            scorer
            if scorer.weighting is None
            else replace(scorer, weight=scorer.weighting, offset=0.0, weighting=None)
            for scorer in self.clone().scorers
        ]
        return GroupScorer(scorers, self.combine)

    @property
    def has_fitted_weights(self) -> bool:
        """Whether a weight depends on the scores of all groups of the machine."""
        return any(scorer.weighting is not None for scorer in self.scorers)

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
                    "weighting": scorer.weighting,
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
