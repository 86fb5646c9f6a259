"""Whether the means of features have moved since training."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import stats

_ROUNDING = 1e-6


@dataclasses.dataclass(frozen=True)
class FeatureStatistics:
    """Mean and standard deviation of each feature of the normal clips of training.

    Attributes:
        mean: [D] means.
        std: [D] standard deviations; over items, where clips have several, which is at least that
            over clips.
    """

    mean: np.ndarray
    std: np.ndarray


class FeatureMoments:
    """Sums of the features of recordings, from which their means are compared; not the features.

    Args:
        reference: Those of training.
    """

    def __init__(self, reference: FeatureStatistics):
        self._reference = reference
        self._sum = np.zeros_like(reference.mean)
        self._square = np.zeros_like(reference.mean)
        self._count = 0

    def add(self, features: np.ndarray) -> None:
        """Adds the features [D] of a recording."""
        # About the mean of training: squares of large numbers would be rounded.
        away = np.asarray(features, np.float64) - self._reference.mean
        self._sum += away
        self._square += away**2
        self._count += 1

    def p_values(self, training: float) -> np.ndarray:
        """Returns [D] how probable it is that each mean is as far from that of training by chance.

        By Student's test of two means, but the variance is that of the sample where it is larger:
        either may miss the rare large values of a skewed feature, such as a rectified one, and has
        then far too small a variance.

        Args:
            training: Number of recordings that the statistics of training are from, above 1; the
                effective one where recordings have different weights.
        """
        n = self._count
        away = self._sum / n
        recent = np.maximum(self._square - n * away**2, 0) / (n - 1)
        variance = np.maximum(recent, self._reference.std**2 * training / (training - 1))
        error = np.sqrt(variance * (1 / n + 1 / training))
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * stats.t.sf(np.abs(away) / error, n + training - 2)
        # Features are float32: what is nearer differs by rounding, as those that are constant.
        same = np.abs(away) <= _ROUNDING * (1 + np.abs(self._reference.mean))
        return np.where(same, 1.0, np.where(error > 0, p, 0.0))


def moved(p_values: Sequence[np.ndarray], level: float) -> int:
    """Returns how many features have moved by more than chance explains.

    The share of false ones among them is at most the level, however features depend on each other
    (Benjamini and Yekutieli, 2001); where nothing has moved, none is found but with its
    probability.

    Args:
        p_values: Those of several groups of features.
        level: The level, 0 to 1.
    """
    p = np.concatenate(list(p_values))
    return int(np.sum(stats.false_discovery_control(p, method="by") <= level))
