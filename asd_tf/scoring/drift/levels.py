"""Whether the levels of frequency bands have moved since training."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import stats

LEAST_DB = 1.0
"""Changes of less than this are not told: no one would find their cause."""

# A gain moves most bands alike; some move by chance, as those with a tone.
_TOGETHER_DB = 3.0
_MOST_BANDS = 0.75


@dataclasses.dataclass(frozen=True)
class LevelShift:
    """The change of the median level of each band.

    Attributes:
        bands_db: [bands] change of each, in dB, from the lowest band to the highest.
        p: How probable so large a change of any band is where nothing has changed; 1 if all changes
            are smaller than `LEAST_DB`.
    """

    bands_db: np.ndarray
    p: float

    @classmethod
    def of(cls, levels: np.ndarray, training_db: Sequence[float], training: float) -> "LevelShift":
        """Compares the levels of recent recordings with the medians of training.

        Of training the medians alone are known. How many recent levels are below such a median has
        the same distribution, whatever that of the levels is: a beta-binomial one, whose
        parameters are half the numbers of training recordings (Mathisen's test, 1943).

        Args:
            levels: [n, bands] levels in dB of full scale, at least 1 recording.
            training_db: [bands] medians of training.
            training: Number of recordings that these are of; the effective one where recordings
                have different weights.
        """
        change = np.median(levels, axis=0) - np.asarray(training_db)
        below = np.sum(levels < training_db, axis=0)
        half = (training + 1) / 2
        chance = stats.betabinom(len(levels), half, half)
        p = 2 * np.minimum(chance.cdf(below), chance.sf(below - 1))
        p = np.where(np.abs(change) >= LEAST_DB, p, 1.0)
        return cls(change, float(min(p.min() * len(p), 1.0)))

    @property
    def gain_db(self) -> float | None:
        """The change that most bands have in common; None if they have none."""
        middle = float(np.median(self.bands_db))
        together = np.mean(np.abs(self.bands_db - middle) <= _TOGETHER_DB) >= _MOST_BANDS
        return middle if together and abs(middle) >= LEAST_DB else None
