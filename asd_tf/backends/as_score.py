"""The backend of a network whose output is the anomaly score."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from asd_tf.backends.base import NoveltyBackend


class AsScore(NoveltyBackend):
    """Uses one feature as the anomaly score; the normality is its negative.

    Args:
        column: Index of the feature. None for the only one: the contract of scikit-learn requires
            that several features are accepted, of which the first is used, but `PerDomain` refuses
            them.
    """

    def __init__(self, column: int | None = None):
        self.column = column

    def fit(self, X: np.ndarray, y: None = None) -> "AsScore":
        """Sets the threshold of `predict` from the scores `X` [n, D]."""
        self._set_offset(self._validated(X, fitting=True))
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] minus the anomaly score of each row."""
        check_is_fitted(self, "n_features_in_")
        return -self._validated(X, fitting=False)[:, self.column or 0]
