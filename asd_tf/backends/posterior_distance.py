"""The anomaly score of the binary classifier (Kuroyanagi et al., DCASE 2021, eq. 7)."""

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from asd_tf.arguments import check_at_least, check_probabilities
from asd_tf.backends.base import FLOATS, NoveltyBackend


class PosteriorDistance(NoveltyBackend):
    """Weighted sum of the probability of being anomalous and the distance to the normal centroid.

    A row holds pairs (1 - p, d), one per network, see `DDCSADScores`. The anomaly score is
    gamma (1 - p) + (1 - gamma) d', where d' is the standardized d. In the paper, mean and standard
    deviation of d are those of all evaluation clips, which a detector does not have; here they are
    those of the training rows, which are all normal.

    Args:
        gamma: Weight of 1 - p, in [0, 1]; not stated in the paper.
        pair: Index of the pair to use, from 0; the others are ignored.
        min_relative_std: Lower bound of the standard deviation of d, as a share of its mean, at
            least 0. The distances of a few clips, or of clips that the network was trained on, vary
            less than those of other clips.

    Attributes:
        mean_: Mean of d.
        std_: Standard deviation of d; 1 if d is constant.
    """

    def __init__(self, gamma: float = 0.5, pair: int = 0, min_relative_std: float = 0.0):
        self.gamma = gamma
        self.pair = pair
        self.min_relative_std = min_relative_std

    def fit(self, X: np.ndarray, y: None = None) -> "PosteriorDistance":
        """Takes mean and standard deviation of the distances in `X` [n, 2 x pairs].

        Raises:
            ValueError: If an argument is out of range.
        """
        check_probabilities(gamma=self.gamma)
        check_at_least(0, pair=self.pair, min_relative_std=self.min_relative_std)
        rows = validate_data(self, X, dtype=FLOATS, ensure_min_features=2 * self.pair + 2)
        distances = rows[:, 2 * self.pair + 1].astype(np.float64)
        self.mean_ = float(distances.mean())
        std = max(float(distances.std()), self.min_relative_std * abs(self.mean_))
        self.std_ = std if std > 1e-9 * abs(self.mean_) else 1.0
        self._set_offset(rows)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] minus the anomaly score of each row."""
        check_is_fitted(self)
        rows = self._validated(X, fitting=False).astype(np.float64)
        anomalous, distances = rows[:, 2 * self.pair], rows[:, 2 * self.pair + 1]
        standardized = (distances - self.mean_) / self.std_
        return -(self.gamma * anomalous + (1 - self.gamma) * standardized)
