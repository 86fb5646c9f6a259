"""Whether recent scores are distributed as those of normal recordings."""

import dataclasses

import numpy as np
from scipy import stats

from asd_tf.scoring.p_values import PValues

LOW = 0.1
"""Of recordings like those of training, this share has a p-value of at most as much."""


@dataclasses.dataclass(frozen=True)
class ScoreShift:
    """The p-values of recent scores, compared with the uniform ones that normal recordings have.

    Attributes:
        p_values: [n] the conformal p-value of each recording, see `PValues`.
        share_low: Share of them of at most `LOW`.
        distance: Largest difference of the distribution functions, 0 to 1 (Kolmogorov-Smirnov).
        p: How probable such a distance is where nothing has changed.
    """

    p_values: np.ndarray
    share_low: float
    distance: float
    p: float

    @classmethod
    def between(cls, recent: np.ndarray, calibration: np.ndarray) -> "ScoreShift":
        """Compares recent scores with those of normal recordings.

        The p-values are uniform up to the chance in the calibration scores, of which there are
        often fewer than recent ones. The test is therefore that of two samples; its distance is
        that of the p-values from uniform.

        Args:
            recent: [n] finite scores, at least 1.
            calibration: [m] finite scores of normal recordings, at least 1.
        """
        p_values = PValues(calibration)(recent)
        test = stats.ks_2samp(recent, calibration)
        low = float(np.mean(p_values <= LOW))
        return cls(p_values, low, float(test.statistic), float(test.pvalue))

    @property
    def is_higher(self) -> bool:
        """Whether recent scores are higher than those of training, by their middle."""
        return bool(np.median(self.p_values) < 0.5)
