"""Whether the levels of frequency bands have moved since training."""

import dataclasses
from collections.abc import Sequence

import numpy as np

LEAST_DB = 1.0
"""Changes of less than this are not told: no one would find their cause."""

_DRAWS = 2000
# More recordings make the bootstrap slow, and the error of a median small enough.
_MOST = 400
# A gain moves most bands alike; some move by chance, as those with a tone.
_TOGETHER_DB = 3.0
_MOST_BANDS = 0.75


@dataclasses.dataclass(frozen=True)
class LevelShift:
    """The change of the median level of each band.

    Attributes:
        bands_db: [bands] change of each, in dB, from the lowest band to the highest.
        p: How probable so large a change of any band is where nothing has changed.
    """

    bands_db: np.ndarray
    p: float

    @classmethod
    def of(cls, levels: np.ndarray, training_db: Sequence[float], training: int) -> "LevelShift":
        """Compares the levels of recent recordings with the medians of training.

        How much medians vary is drawn from the recent recordings, since of training the medians
        alone are known.

        Args:
            levels: [n, bands] levels in dB of full scale, at least 2 recordings.
            training_db: [bands] medians of training.
            training: Number of recordings that these are of.
        """
        change = np.median(levels, axis=0) - np.asarray(training_db)
        rng = np.random.default_rng(0)
        drawn = _medians(levels, len(levels), rng) - _medians(levels, training, rng)
        scale = np.maximum(drawn.std(axis=0), 1e-3)
        largest = np.max(np.abs(drawn) / scale, axis=1)
        found = np.max(np.abs(change) / scale)
        return cls(change, float((1 + np.sum(largest >= found)) / (_DRAWS + 1)))

    @property
    def is_audible(self) -> bool:
        """Whether a band has moved by more than `LEAST_DB`."""
        return bool(np.abs(self.bands_db).max() >= LEAST_DB)

    @property
    def gain_db(self) -> float | None:
        """The change that most bands have in common; None if they have none."""
        middle = float(np.median(self.bands_db))
        together = np.mean(np.abs(self.bands_db - middle) <= _TOGETHER_DB) >= _MOST_BANDS
        return middle if together and abs(middle) >= LEAST_DB else None


def _medians(levels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns [draws, bands] the medians of recordings that are drawn with replacement."""
    drawn = rng.integers(len(levels), size=(_DRAWS, min(count, _MOST)))
    return np.stack([np.median(band[drawn], axis=1) for band in levels.T], axis=1)
