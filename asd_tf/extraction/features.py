"""Features of the clips of a table, in memory or in a memory map."""

from dataclasses import dataclass

import numpy as np

# Number of clips whose items are in memory at a time when their means are computed.
_CHUNK = 256


@dataclass(frozen=True)
class ClipFeatures:
    """The features of the clips of a table for which an extractor is used.

    Attributes:
        values: [extracted clips, ...] features, possibly a memory map.
        positions: [clips] index in `values` of the features of each clip; -1 for clips without
            features. Rows of the same clip have the same position.
    """

    values: np.ndarray
    positions: np.ndarray

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        """Returns the features [n, ...] of the clips at `indices` [n].

        Raises:
            KeyError: If one of these clips has no features.
        """
        positions = self.positions[indices]
        if np.any(positions < 0):
            raise KeyError("one of the clips has no features: its extractor was not used for it")
        return self.values[positions]

    def means(self) -> np.ndarray:
        """Returns [clips, D] float32, the means over items; NaN for clips without features."""
        means = np.full((len(self.positions), self.values.shape[-1]), np.nan, np.float32)
        extracted = np.flatnonzero(self.positions >= 0)
        for start in range(0, len(extracted), _CHUNK):
            indices = extracted[start : start + _CHUNK]
            vectors = self[indices].reshape(len(indices), -1, self.values.shape[-1])
            # Sums in float16 or float32 would have rounding errors.
            means[indices] = vectors.mean(axis=1, dtype=np.float64)
        return means
