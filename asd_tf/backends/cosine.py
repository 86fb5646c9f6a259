"""Backends that compare directions: k-means centres and nearest neighbours under the cosine."""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.utils.validation import check_is_fitted

from asd_tf.backends.base import NoveltyBackend, distinct_rows, unit_rows

# Products that stand in memory at once: 32 MB in float64.
_PRODUCTS = 2**22


class KMeansCosine(NoveltyBackend):
    """Similarity to the nearest of some k-means centres of the normalised training rows.

    As in the published code of Wilkinghoff (ICASSP 2023): rows and queries are scaled to length
    one, the centres are not, so that a centre of scattered rows, being short, gives low scores.

    Args:
        n_clusters: Number of centres; at most one for each distinct training row.
        n_init: Number of starts of k-means, of which the best is kept.
        random_state: Seed of the starts.

    Attributes:
        cluster_centers_: [n_clusters_, D] centres.
        n_clusters_: Number of centres used.
    """

    def __init__(self, n_clusters: int = 16, n_init: int = 10, random_state: int | None = 0):
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: None = None) -> "KMeansCosine":
        """Finds the centres of the rows of `X` [n, D]."""
        rows = unit_rows(self._validated(X, fitting=True))
        self.n_clusters_ = min(self.n_clusters, distinct_rows(rows, self.n_clusters))
        kmeans = KMeans(self.n_clusters_, n_init=self.n_init, random_state=self.random_state)
        self.cluster_centers_ = kmeans.fit(rows).cluster_centers_
        self._set_offset(rows)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the largest dot product of each normalised row with a centre, -1 to 1."""
        check_is_fitted(self)
        rows = unit_rows(self._validated(X, fitting=False))
        return _largest_dot(rows, self.cluster_centers_)


class NearestCosine(NoveltyBackend):
    """Cosine similarity to the nearest training row.

    Every training row is its own nearest neighbour and scores 1, so `predict`, which draws its line
    by them, accepts nothing new: use the scores.

    Attributes:
        references_: [n, D] normalised training rows.
    """

    def fit(self, X: np.ndarray, y: None = None) -> "NearestCosine":
        """Keeps the rows of `X` [n, D]."""
        self.references_ = unit_rows(self._validated(X, fitting=True))
        self._set_offset(self.references_)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the largest cosine of each row with a training row, -1 to 1."""
        check_is_fitted(self)
        return _largest_dot(unit_rows(self._validated(X, fitting=False)), self.references_)


class CentreCosine(NoveltyBackend):
    """Minus the cosine distance from the mean of the normalised training rows (GeCo, eq. 4).

    Attributes:
        center_: [1, D] the mean, of length one.
    """

    def fit(self, X: np.ndarray, y: None = None) -> "CentreCosine":
        """Takes the mean of the rows of `X` [n, D]."""
        rows = unit_rows(self._validated(X, fitting=True))
        self.center_ = unit_rows(rows.mean(axis=0, keepdims=True))
        self._set_offset(rows)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the cosine of each row with the mean, less one: -2 to 0."""
        check_is_fitted(self)
        return _largest_dot(unit_rows(self._validated(X, fitting=False)), self.center_) - 1


def _largest_dot(rows: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Returns [n] the largest dot product of rows [n, D] with references [m, D], chunk by chunk."""
    largest = np.empty(len(rows), rows.dtype)
    step = max(1, _PRODUCTS // len(references))
    for start in range(0, len(rows), step):
        chunk = rows[start : start + step]
        nearest = references[np.argmax(chunk @ references.T, axis=1)]
        # A matrix product rounds otherwise for each number of rows; a score must not.
        largest[start : start + step] = np.einsum("nd,nd->n", chunk, nearest)
    return largest
