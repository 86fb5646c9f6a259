"""The Mahalanobis distance from the mean of the training rows."""

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.utils.validation import check_is_fitted

from asd_tf.backends.base import NoveltyBackend


class LedoitWolfMahalanobis(NoveltyBackend):
    """Minus the Mahalanobis distance with the shrunk covariance of Ledoit and Wolf (2004).

    If all training rows are equal, their covariance is 0 and the Euclidean distance is used.

    Attributes:
        location_: [D] mean of the training rows.
        precision_: [D, D] inverse of their shrunk covariance.
    """

    def fit(self, X: np.ndarray, y: None = None) -> "LedoitWolfMahalanobis":
        """Estimates mean and covariance of the rows of `X` [n, D]."""
        rows = self._validated(X, fitting=True, dtype=np.float64)
        self.location_ = rows.mean(axis=0)
        if np.ptp(rows, axis=0).any():
            self.precision_ = LedoitWolf().fit(rows).precision_
        else:
            self.precision_ = np.eye(rows.shape[1])
        self._set_offset(rows)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] minus the distance of each row (not its square), at most 0."""
        check_is_fitted(self)
        away = self._validated(X, fitting=False, dtype=np.float64) - self.location_
        squares = np.sum(away @ self.precision_ * away, axis=1)
        return -np.sqrt(np.maximum(squares, 0))
