"""Nearest neighbor backends with cosine similarity and an optional bound on the kept rows."""

from collections.abc import Callable

import numpy as np
from sklearn.utils.validation import check_is_fitted

from asd_tf.arguments import check_counts
from asd_tf.backends.base import NoveltyBackend, distinct_rows, unit_rows
from asd_tf.backends.memory_bank import bounded_bank

# Number of products in memory at a time: 32 MB in float64.
_PRODUCTS = 2**22
# Lower bound of densities: smaller distances are differences by rounding.
_SMALLEST_DENSITY_DISTANCE = 1e-6


class KNearestCosine(NoveltyBackend):
    """Mean cosine similarity to the k nearest training rows; k = 1 in Zheng 2024.

    Args:
        n_neighbors: k; capped at the number of distinct rows.
        max_items: Largest number of rows kept of the training rows; None for all.
        bound: `kmeans` or `coreset`: how the kept rows are chosen, see `bounded_bank`.
        random_state: Seed of k-means.

    Attributes:
        references_: [items, D] normalized training rows, or rows that represent them.
        n_neighbors_: k as used.
    """

    def __init__(
        self,
        n_neighbors: int = 1,
        max_items: int | None = None,
        bound: str = "coreset",
        random_state: int | None = 0,
    ):
        self.n_neighbors = n_neighbors
        self.max_items = max_items
        self.bound = bound
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: None = None) -> "KNearestCosine":
        """Keeps the rows of `X` [n, D], or rows that represent them.

        Raises:
            ValueError: If an argument is out of range.
        """
        rows = unit_rows(self._validated(X, fitting=True))
        check_counts(n_neighbors=self.n_neighbors)
        self.references_ = bounded_bank(rows, self.max_items, self.bound, self.random_state)
        self.n_neighbors_ = min(self.n_neighbors, distinct_rows(self.references_, self.n_neighbors))
        self._set_offset(rows)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the mean of the `n_neighbors_` largest cosines of each row, -1 to 1."""
        check_is_fitted(self)
        rows = unit_rows(self._validated(X, fitting=False))
        nearest = nearest_items(rows, self.references_, self.n_neighbors_)
        # The rounding of a matrix product depends on the number of rows; that of a score must not.
        return _by_chunk(
            rows, nearest, lambda row, items: np.einsum("nd,nkd->nk", row, items), self.references_
        ).mean(axis=1)


class DensityNormalizedNearest(NoveltyBackend):
    """Minus the distance to the nearest training rows, normalized by their local density.

    Local density normalization (Wilkinghoff et al., "Keeping the balance: anomaly score calculation
    for domain generalization", ICASSP 2025): the Euclidean distance of a query x to a training row
    y, both of length 1, is divided by the mean distance of y to its K nearest other training rows;
    the score is minus the mean of the k smallest quotients. The few rows of a target domain, which
    are sparse, thus have their own scale without domain labels.

    Args:
        n_neighbors: k; capped at the number of rows kept.
        density_neighbors: K; capped at the number of other rows kept.
        exit_percentile: The neighborhood of y ends where it leaves y's cluster (cluster exits;
            Wilkinghoff et al., arXiv 2602.18777): before the first neighbor whose distance exceeds
            that of the one before by more than this percentile, 0 to 100, of all such steps. None
            for neighborhoods of K.
        max_items: Largest number of rows kept of the training rows; None for all.
        bound: `kmeans` or `coreset`: how the kept rows are chosen, see `bounded_bank`.
        random_state: Seed of k-means.

    Attributes:
        references_: [items, D] normalized training rows, or rows that represent them.
        densities_: [items] their mean distances to neighbors; 1 for a single row.
        n_neighbors_: k as used.
    """

    # For backends that were saved before there was the parameter.
    exit_percentile = None

    def __init__(
        self,
        n_neighbors: int = 1,
        density_neighbors: int = 4,
        max_items: int | None = None,
        bound: str = "coreset",
        random_state: int | None = 0,
        exit_percentile: float | None = None,
    ):
        self.n_neighbors = n_neighbors
        self.density_neighbors = density_neighbors
        self.exit_percentile = exit_percentile
        self.max_items = max_items
        self.bound = bound
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: None = None) -> "DensityNormalizedNearest":
        """Keeps the rows of `X` [n, D], or rows that represent them, and their local densities.

        Raises:
            ValueError: If an argument is out of range.
        """
        rows = unit_rows(self._validated(X, fitting=True))
        check_counts(n_neighbors=self.n_neighbors, density_neighbors=self.density_neighbors)
        if self.exit_percentile is not None and not 0 <= self.exit_percentile <= 100:
            raise ValueError(f"exit_percentile must be in [0, 100], got {self.exit_percentile}")
        self.references_ = bounded_bank(rows, self.max_items, self.bound, self.random_state)
        self.densities_ = self._densities()
        self.n_neighbors_ = min(self.n_neighbors, distinct_rows(self.references_, self.n_neighbors))
        self._set_offset(rows)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] minus the mean of the `n_neighbors_` smallest quotients, at most 0."""
        check_is_fitted(self)
        rows = unit_rows(self._validated(X, fitting=False))
        nearest = nearest_items(rows, self.references_, self.n_neighbors_, self.densities_)
        distances = _by_chunk(rows, nearest, _distances, self.references_)
        return -(distances / self.densities_[nearest]).mean(axis=1)

    def _densities(self) -> np.ndarray:
        rows = self.references_
        others = min(self.density_neighbors, len(rows) - 1)
        if not others:
            return np.ones(1, rows.dtype)
        nearest = nearest_items(rows, rows, others + 1)
        distances = np.sort(_by_chunk(rows, nearest, _distances, rows), axis=1)
        # The smallest distance is that of a row to itself or to a copy.
        distances = distances[:, 1:]
        if self.exit_percentile is None or others == 1:
            means = distances.mean(axis=1)
        else:
            means = _means_before_exits(distances, self.exit_percentile)
        return np.maximum(means, _SMALLEST_DENSITY_DISTANCE)


def _means_before_exits(distances: np.ndarray, percentile: float) -> np.ndarray:
    """Returns [n] means of sorted distances [n, K] before the first step above a percentile."""
    steps = np.diff(distances, axis=1)
    inside = np.ones(distances.shape, bool)
    inside[:, 1:] = np.logical_and.accumulate(steps <= np.percentile(steps, percentile), axis=1)
    return distances.mean(axis=1, where=inside)


def nearest_items(
    rows: np.ndarray, references: np.ndarray, k: int, units: np.ndarray | None = None
) -> np.ndarray:
    """Returns [n, k] indices of the references that are nearest to each row, chunk by chunk.

    Args:
        rows: [n, D] of length 1 or 0.
        references: [m, D] of length 1 or 0.
        k: Number of references per row, at most m.
        units: [m] divisors of the Euclidean distances to the references; None to compare cosines.
    """
    nearest = np.empty([len(rows), k], np.intp)
    step = max(1, _PRODUCTS // len(references))
    lengths = np.einsum("nd,nd->n", references, references)
    for start in range(0, len(rows), step):
        chunk = rows[start : start + step]
        remoteness = chunk @ references.T
        if units is None:
            np.negative(remoteness, out=remoteness)
        else:
            squares = np.einsum("nd,nd->n", chunk, chunk)[:, np.newaxis] + lengths
            remoteness = np.sqrt(np.maximum(squares - 2 * remoteness, 0)) / units
        nearest[start : start + step] = _smallest(remoteness, k)
    return nearest


def _smallest(values: np.ndarray, k: int) -> np.ndarray:
    """Returns [n, k] indices of the smallest values of each row [n, m]."""
    if k == 1:
        return np.argmin(values, axis=1)[:, np.newaxis]
    return np.argpartition(values, k - 1, axis=1)[:, :k]


def _by_chunk(rows: np.ndarray, nearest: np.ndarray, measure: Callable, references: np.ndarray):
    """Returns [n, k] a measure between each row and its nearest references, chunk by chunk."""
    step = max(1, _PRODUCTS // (nearest.shape[1] * rows.shape[1]))
    parts = [
        measure(rows[start : start + step], references[nearest[start : start + step]])
        for start in range(0, len(rows), step)
    ]
    return np.concatenate(parts)


def _distances(rows: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Returns [n, k] Euclidean distances of rows [n, D] and items [n, k, D]."""
    difference = rows[:, np.newaxis] - items
    return np.sqrt(np.einsum("nkd,nkd->nk", difference, difference))
