"""The distance to the nearest training row in whitened space."""

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from asd_tf.arguments import check_probabilities
from asd_tf.backends.base import NoveltyBackend

# A group of rows has a mean of its own from this number on: that of fewer says too little.
_LEAST_ROWS_OF_A_MEAN = 3
# Below this share of the mean deviation a feature counts as constant.
_CONSTANT = 1e-6
# Divisor of such features: next to nothing is left of them, and it is a number that files may hold.
_LEFT_OUT = 1e300
# Whitened rows that are nearer differ by rounding.
_SAME = 1e-8
# Number of distances in memory at a time: 32 MB in float64.
_DISTANCES = 2**22


class WhitenedNearest(NoveltyBackend):
    """Minus the Euclidean distance to the nearest training row, in whitened space.

    Features are divided by their standard deviations, and whitened by the Ledoit-Wolf covariance of
    the training rows about the means of their domains. Of n rows, only n - 1 directions at most
    have a variance of their own; those are stored, and all others share the shrunk one, so that
    memory grows with n times D instead of D squared.

    Args:
        equalization: 1 divides each feature by its standard deviation, 0 all of them by the mean
            of these, and values between mix both (a geometric mean).

    Attributes:
        scale_: [D] the divisor of each feature; `_LEFT_OUT` for those that are constant.
        directions_: [r, D] orthonormal directions of the training rows about their means.
        gains_: [r] share of a row's part in each direction that whitening removes.
        unit_: Deviation in all other directions.
        references_: [n, D] whitened training rows.
    """

    uses_domains = True

    def __init__(self, equalization: float = 1.0):
        self.equalization = equalization

    def fit(self, X: np.ndarray, y: np.ndarray | None = None) -> "WhitenedNearest":
        """Whitens and keeps the rows of `X` [n, D].

        Args:
            X: [n, D] rows of normal clips.
            y: [n] domains; rows of one domain have a mean of their own, if there are at least 3 of
                them. None if all rows are of one.

        Raises:
            ValueError: If the equalization is not in [0, 1].
        """
        X = self._validated(X, fitting=True, dtype=np.float64)
        check_probabilities(equalization=self.equalization)
        self.scale_ = _scale(X, self.equalization)
        rows = X / self.scale_
        self._fit_covariance(rows - _means(rows, y))
        self.references_ = self._whitened(rows)
        self._set_offset(X)
        return self

    def _fit_covariance(self, residuals: np.ndarray) -> None:
        """Decomposes the shrunk covariance (1 - s) V diag(l) V' + s m I of rows about means."""
        shrinkage = ledoit_wolf_shrinkage(residuals, assume_centered=True) if residuals.any() else 1
        _, singular, directions = np.linalg.svd(residuals, full_matrices=False)
        variances = singular**2 / len(residuals)
        shared = shrinkage * variances.sum() / residuals.shape[1]
        if not shared > 0:  # All rows are equal, or nothing is shrunk: distances as they are.
            shared = variances[variances > 0].min() if variances.any() else 1.0
        used = variances > _CONSTANT * shared
        self.directions_ = directions[used]
        whole = (1 - shrinkage) * variances[used] + shared
        self.gains_ = 1 - np.sqrt(shared / whole)
        self.unit_ = float(np.sqrt(shared))

    def _whitened(self, rows: np.ndarray) -> np.ndarray:
        along = (rows @ self.directions_.T) * self.gains_
        return (rows - along @ self.directions_) / self.unit_

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] minus the distance of each row to the nearest training row, at most 0.

        A row that equals a training row is taken for that row, and compared with the others: what
        was learned can be judged by what else was learned.
        """
        check_is_fitted(self)
        X = self._validated(X, fitting=False, dtype=np.float64)
        rows = self._whitened(X / self.scale_)
        step = max(1, _DISTANCES // self.references_.size)
        return -np.concatenate(
            [self._distances(rows[start : start + step]) for start in range(0, len(rows), step)]
        )

    def _distances(self, rows: np.ndarray) -> np.ndarray:
        """Returns [n] the distance of each whitened row to the nearest reference but itself."""
        distances = np.linalg.norm(rows[:, np.newaxis] - self.references_, axis=-1)
        if len(self.references_) == 1:
            return distances[:, 0]
        nearest, next_nearest = np.partition(distances, 1, axis=1)[:, :2].T
        return np.where(nearest < _SAME, next_nearest, nearest)


def _scale(rows: np.ndarray, equalization: float) -> np.ndarray:
    """Returns [D] the divisor of each feature; `_LEFT_OUT` for those that are constant."""
    std = rows.std(axis=0)
    mean = std.mean()
    if not mean > 0:
        return np.ones(rows.shape[1])
    scale = std**equalization * mean ** (1 - equalization)
    return np.where(std > _CONSTANT * mean, scale, _LEFT_OUT)


def _means(rows: np.ndarray, domains: np.ndarray | None) -> np.ndarray:
    """Returns [n, D] the mean that belongs to each row."""
    means = np.repeat(rows.mean(axis=0, keepdims=True), len(rows), axis=0)
    if domains is None:
        return means
    domains = column_or_1d(domains)
    check_consistent_length(rows, domains)
    for domain in np.unique(domains):
        mask = domains == domain
        if mask.sum() >= _LEAST_ROWS_OF_A_MEAN:
            means[mask] = rows[mask].mean(axis=0)
    return means
