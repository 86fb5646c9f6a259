"""The distance to the subspace of the principal components of the training rows."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from asd_tf.arguments import check_probabilities
from asd_tf.backends.base import NoveltyBackend


class PrincipalResidual(NoveltyBackend):
    """Minus the distance of a row to the principal subspace of the training rows.

    One of the backends that Zhou and Wang compare (arXiv 2606.19269). What the training rows do
    not have in common, however little it varies, is what counts.

    Args:
        variance: Share of the variance of the training rows that the subspace has at least, 0 to 1.

    Attributes:
        location_: [D] mean of the training rows.
        directions_: [r, D] orthonormal directions of the subspace.
    """

    def __init__(self, variance: float = 0.95):
        self.variance = variance

    def fit(self, X: np.ndarray, y: None = None) -> "PrincipalResidual":
        """Finds the subspace of the rows of `X` [n, D].

        Raises:
            ValueError: If the share is not in [0, 1].
        """
        X = self._validated(X, fitting=True, dtype=np.float64)
        check_probabilities(variance=self.variance)
        self.location_ = X.mean(axis=0)
        _, singular, directions = np.linalg.svd(X - self.location_, full_matrices=False)
        explained = np.cumsum(singular**2)
        # Directions without variance, of which rounding leaves some, are of no subspace.
        used = int(np.searchsorted(explained, self.variance * explained[-1] * (1 - 1e-12)))
        self.directions_ = directions[: used + 1 if explained[-1] > 0 else 0]
        self._set_offset(X)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] minus the distance of each row to the subspace, at most 0."""
        check_is_fitted(self)
        rows = self._validated(X, fitting=False, dtype=np.float64) - self.location_
        return -np.linalg.norm(rows - (rows @ self.directions_.T) @ self.directions_, axis=1)
