"""What a detector says of test clips, and what that is made of."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

# Clips whose items stand in memory at a time while their means are taken.
_CHUNK = 256


class FeatureStore(Protocol):
    """Where features are kept; see `EmbeddingStore`."""

    def features(self, *arguments, **named) -> tuple[np.ndarray, np.ndarray]:
        """Looks features up, or computes them."""

    def part(self, name: str) -> "FeatureStore":
        """Returns the store of a part of a fused detector."""


@dataclass(frozen=True)
class ClipFeatures:
    """The features of those clips of a table that an extractor sees.

    Attributes:
        values: [seen, ...], possibly on disk.
        places: [clips] where in `values` those of a clip stand, -1 for clips that are not seen;
            rows of the same clip share them.
    """

    values: np.ndarray
    places: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Reads the features [n, ...] of the clips in `rows` [n].

        Raises:
            KeyError: If one of them is not seen.
        """
        places = self.places[rows]
        if np.any(places < 0):
            raise KeyError("the features of a clip are asked for that its extractor did not see")
        return self.values[places]

    def means(self) -> np.ndarray:
        """Computes [clips, D] float32: the mean over items, NaN for clips that are not seen."""
        means = np.full((len(self.places), self.values.shape[-1]), np.nan, np.float32)
        seen = np.flatnonzero(self.places >= 0)
        for start in range(0, len(seen), _CHUNK):
            rows = seen[start : start + _CHUNK]
            vectors = self[rows].reshape(len(rows), -1, self.values.shape[-1])
            # The sum of float16 or float32 items would round.
            means[rows] = vectors.mean(axis=1, dtype=np.float64)
        return means


class Lazily(Mapping[str, np.ndarray]):
    """Arrays by name, each computed anew when it is asked for: many may not fit in memory.

    Args:
        makers: Name to what computes the array.
    """

    def __init__(self, makers: Mapping[str, Callable[[], np.ndarray]]):
        self._makers = dict(makers)

    def __getitem__(self, name: str) -> np.ndarray:
        """Computes an array."""
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        """Iterates over the names."""
        return iter(self._makers)

    def __len__(self) -> int:
        """Counts the names."""
        return len(self._makers)


class Examination(NamedTuple):
    """Scores of test clips, and what they are made of; NaN where there is none.

    Attributes:
        scores: [clips] anomaly scores.
        items: Clip to its evidence, of those that have any.
        parts: Where a detector has several scorers or parts, the name of each to its own scores
            [clips], without weight or scale.
        features: Extractor to the features [clips, D], means over items.
        members: Computes the scores [clips] of each member of the backends by name, such as one for
            each domain; nothing for a detector of several scorers or parts.
        refitted: Computes the scores [clips] that there would be if the distances of
            `PosteriorDistance` were standardised over the test clips; None where there are none.
    """

    scores: np.ndarray
    items: dict[str, np.ndarray]
    parts: dict[str, np.ndarray]
    features: Mapping[str, np.ndarray]
    members: Callable[[], dict[str, np.ndarray]]
    refitted: Callable[[], np.ndarray | None]
