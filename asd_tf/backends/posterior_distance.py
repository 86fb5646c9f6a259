"""The anomaly score of the binary classifier (Kuroyanagi et al., DCASE 2021, eq. 7)."""

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from asd_tf.backends.base import FLOATS, NoveltyBackend


class PosteriorDistance(NoveltyBackend):
    """Weighs how unlikely a clip is to be normal against how far it is from the normal ones.

    Rows are pairs (1 - p, d), one for each network, as `DDCSADScores` gives them. The anomaly
    score is gamma (1 - p) + (1 - gamma) d', where d' is d in standard deviations from its mean. The
    paper takes both over all evaluation clips, which a detector does not have; here they are those
    of the clips that it is fitted to, all of them normal.

    Args:
        gamma: Share of 1 - p, 0 to 1, which the paper leaves open.
        pair: Which pair counts, from 0; the others do not.
        least_spread: The standard deviation counts as at least this share of the mean, since a few
            clips, or clips that the network was trained on, lie closer together than others will.

    Attributes:
        mean_, sd_: Of d; `sd_` is 1 where d never varies.
    """

    def __init__(self, gamma: float = 0.5, pair: int = 0, least_spread: float = 0.0):
        self.gamma = gamma
        self.pair = pair
        self.least_spread = least_spread

    def fit(self, X: np.ndarray, y: None = None) -> "PosteriorDistance":
        """Takes mean and standard deviation of the distances in `X` [n, 2 x pairs].

        Raises:
            ValueError: If `gamma` is not in 0..1, or there is no such pair.
        """
        if not 0 <= self.gamma <= 1:
            raise ValueError(f"gamma is {self.gamma}: use a share from 0 to 1")
        if min(self.pair, self.least_spread) < 0:
            raise ValueError(
                f"pair is {self.pair} and least_spread {self.least_spread}: use values from 0 on"
            )
        rows = validate_data(self, X, dtype=FLOATS, ensure_min_features=2 * self.pair + 2)
        distances = rows[:, 2 * self.pair + 1].astype(np.float64)
        self.mean_ = float(distances.mean())
        spread = max(float(distances.std()), self.least_spread * abs(self.mean_))
        self.sd_ = spread if spread > 1e-9 * abs(self.mean_) else 1.0
        self._set_offset(rows)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] minus the anomaly score of each row."""
        check_is_fitted(self)
        rows = self._validated(X, fitting=False).astype(np.float64)
        unlikely, distances = rows[:, 2 * self.pair], rows[:, 2 * self.pair + 1]
        standardised = (distances - self.mean_) / self.sd_
        return -(self.gamma * unlikely + (1 - self.gamma) * standardised)
