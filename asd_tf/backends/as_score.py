"""The backend of a network that gives the anomaly score itself."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from asd_tf.backends.base import NoveltyBackend


class AsScore(NoveltyBackend):
    """Takes a feature for the score: the anomaly score of each row, sign turned.

    Args:
        column: Which feature. None for the only one; as scikit-learn asks of an estimator, more are
            no error here (the first one counts), but `PerDomain` refuses them.
    """

    def __init__(self, column: int | None = None):
        self.column = column

    def fit(self, X: np.ndarray, y: None = None) -> "AsScore":
        """Learns nothing of the scores `X` [n, D] but where `predict` draws its line."""
        self._set_offset(self._validated(X, fitting=True))
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] minus the anomaly score of each row."""
        check_is_fitted(self, "n_features_in_")
        return -self._validated(X, fitting=False)[:, self.column or 0]
