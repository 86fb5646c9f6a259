"""The anomaly scores of clips, with the details that they are computed from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np

from asd_tf.scoring.verdicts import Verdicts

K = TypeVar("K")
V = TypeVar("V")


RAW_SCORE = "raw_score"
"""The column with the scores before they are compared with those of the predicted domain."""


def _not_transductive() -> np.ndarray | None:
    return None


@dataclass(frozen=True)
class Scores:
    """Anomaly scores of clips, higher = more anomalous, with their details.

    Details that need much memory or time are computed on access.

    Attributes:
        clip: [clips] float64, the score of each clip; NaN for clips without a score.
        items: For each clip [items] float64, the scores of its frames, crops or segments, which
            `clip` was pooled from; None for a clip without items, or if there are none at all.
        parts: If several scorers or detectors are combined, name to the scores [clips] of each,
            without weight or scale; else empty.
        features: Extractor to the features [clips, D], means over items.
        members: Computes the scores [clips] of each member of the backends by name, such as the
            member of each domain; empty if several scorers or detectors are combined.
        transductive: Computes the scores [clips] with the distances of `PosteriorDistance`
            standardized over these clips; None if there are no such distances.
        verdicts: Of the sensor, and whether the machine is off; None if nothing is known of them.
        raw: [clips] float64, the scores before they were put on the scale of their domain; None
            where they were not.
    """

    clip: np.ndarray
    items: Sequence[np.ndarray | None] | np.ndarray | None = None
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    features: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    members: Callable[[], Mapping[str, np.ndarray]] = field(default=dict, repr=False)
    transductive: Callable[[], np.ndarray | None] = field(default=_not_transductive, repr=False)
    verdicts: Verdicts | None = None
    raw: np.ndarray | None = None

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The other scores that a scored table shows: `raw_score`, if there is one, and parts."""
        return {**({} if self.raw is None else {RAW_SCORE: self.raw}), **self.parts}

    def spread(self, mask: np.ndarray) -> "Scores":
        """Returns the scores for a longer table of clips; other clips have NaN or None.

        Args:
            mask: [clips of that table] bool, true for the clips of these scores, in their order.
        """

        def spread(values: np.ndarray) -> np.ndarray:
            result = np.full((len(mask), *values.shape[1:]), np.nan, values.dtype)
            result[mask] = values
            return result

        def spread_all(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: spread(values) for name, values in arrays.items()}

        def spread_features(extractor: str) -> np.ndarray:
            return spread(self.features[extractor])

        def transductive() -> np.ndarray | None:
            values = self.transductive()
            return None if values is None else spread(values)

        items: list[np.ndarray | None] | None = None
        if self.items is not None:
            items = [None] * len(mask)
            for index, of_clip in zip(np.flatnonzero(mask), self.items, strict=True):
                items[index] = of_clip
        return replace(
            self,
            clip=spread(self.clip),
            items=items,
            parts=spread_all(self.parts),
            raw=None if self.raw is None else spread(self.raw),
            features=LazyMapping({name: partial(spread_features, name) for name in self.features}),
            members=lambda: spread_all(self.members()),
            transductive=transductive,
            verdicts=None if self.verdicts is None else self.verdicts.spread(mask),
        )

    def of(self, rows: np.ndarray) -> "Scores":
        """Returns the scores of some of the clips.

        Args:
            rows: [clips] bool, or indices of the clips.
        """
        indices = np.flatnonzero(rows) if rows.dtype == bool else rows

        def chosen(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: values[indices] for name, values in arrays.items()}

        def features(extractor: str) -> np.ndarray:
            return self.features[extractor][indices]

        def transductive() -> np.ndarray | None:
            values = self.transductive()
            return None if values is None else values[indices]

        return replace(
            self,
            clip=self.clip[indices],
            items=None if self.items is None else [self.items[index] for index in indices],
            parts=chosen(self.parts),
            raw=None if self.raw is None else self.raw[indices],
            features=LazyMapping({name: partial(features, name) for name in self.features}),
            members=lambda: chosen(self.members()),
            transductive=transductive,
            verdicts=None if self.verdicts is None else self.verdicts.of(indices),
        )

    def judged(self, verdicts: Verdicts) -> "Scores":
        """Returns the scores with verdicts; clips of a machine that is off have no score."""
        if not verdicts.off.any():
            return replace(self, verdicts=verdicts)
        return replace(
            self,
            clip=np.where(verdicts.off, np.nan, self.clip),
            parts={
                name: np.where(verdicts.off, np.nan, values) for name, values in self.parts.items()
            },
            verdicts=verdicts,
        )


class LazyMapping(Mapping[K, V]):
    """Values by name, computed on each access and not kept: together they may not fit in memory.

    Args:
        functions: Name to the function that computes the value.
    """

    def __init__(self, functions: Mapping[K, Callable[[], V]]):
        self._functions = dict(functions)

    def __getitem__(self, name: K) -> V:
        """Computes a value."""
        return self._functions[name]()

    def __iter__(self) -> Iterator[K]:
        """Iterates over the names."""
        return iter(self._functions)

    def __len__(self) -> int:
        """Returns the number of values."""
        return len(self._functions)
