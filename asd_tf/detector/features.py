"""Features of clips, as extractors compute them and scorers ask for them."""

import dataclasses

import numpy as np

# Clips whose items are read at a time.
_CHUNK = 64


@dataclasses.dataclass(frozen=True)
class ClipFeatures:
    """Features of those clips of a table that an extractor saw.

    Attributes:
        values: [m, D] or [m, items, D], in memory or on disk; NaN for a clip that cannot be read.
        rows: [n] numbers of these clips in the table, in rising order.
        places: [n] where the features of each stand in `values`: rows of the same clip share them.
    """

    values: np.ndarray
    rows: np.ndarray
    places: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Returns, in memory, the features of the clips of some numbers, which are all there.

        Raises:
            KeyError: If the extractor did not see one of them.
        """
        found = np.searchsorted(self.rows, rows)
        if not np.array_equal(self.rows[np.minimum(found, len(self.rows) - 1)], rows):
            raise KeyError("features of other clips were asked for than were computed")
        return np.asarray(self.values[self.places[found]])

    def clip_means(self, clips: int) -> np.ndarray:
        """Returns the mean over the items of each clip [clips, D], NaN for those not seen."""
        of_values = np.empty((len(self.values), self.values.shape[-1]))
        for start in range(0, len(self.values), _CHUNK):
            some = self.values[start : start + _CHUNK]
            # The sum of float32 items would round.
            flat = some.reshape(len(some), -1, some.shape[-1]).mean(axis=1, dtype=np.float64)
            of_values[start : start + _CHUNK] = flat
        means = np.full((clips, self.values.shape[-1]), np.nan)
        means[self.rows] = of_values[self.places]
        return means
