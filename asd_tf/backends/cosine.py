"""Backends that compare directions: k-means centers and nearest neighbors under the cosine."""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.utils.validation import check_is_fitted

from asd_tf.backends.base import NoveltyBackend, distinct_rows, unit_rows

# Number of products in memory at a time: 32 MB in float64.
_PRODUCTS = 2**22


class KMeansCosine(NoveltyBackend):
    """Similarity to the nearest of some k-means centers of the normalized training rows.

    Training rows and queries are scaled to length 1. As in the published code of Wilkinghoff
    (ICASSP 2023), centers are not: the center of scattered rows is short and gives low scores.

    Args:
        n_clusters: Number of centers; capped at the number of distinct training rows.
        n_init: Number of runs of k-means, of which the best is used.
        random_state: Seed of k-means.
        normalize_centers: Whether centers are scaled to length 1, too, as in that code on 30
            September 2022.

    Attributes:
        cluster_centers_: [n_clusters_, D] the centers.
        n_clusters_: Number of centers used.
    """

    # For backends that were saved before there was the parameter.
    normalize_centers = False

    def __init__(
        self,
        n_clusters: int = 16,
        n_init: int = 10,
        random_state: int | None = 0,
        normalize_centers: bool = False,
    ):
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.random_state = random_state
        self.normalize_centers = normalize_centers

    def fit(self, X: np.ndarray, y: None = None) -> "KMeansCosine":
        """Finds the centers of the rows of `X` [n, D]."""
        rows = unit_rows(self._validated(X, fitting=True))
        self.n_clusters_ = min(self.n_clusters, distinct_rows(rows, self.n_clusters))
        kmeans = KMeans(self.n_clusters_, n_init=self.n_init, random_state=self.random_state)
        centers = kmeans.fit(rows).cluster_centers_
        self.cluster_centers_ = unit_rows(centers) if self.normalize_centers else centers
        self._set_offset(rows)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the largest dot product of each normalized row with a center, -1 to 1."""
        check_is_fitted(self)
        rows = unit_rows(self._validated(X, fitting=False))
        return largest_dot(rows, self.cluster_centers_)


class NearestCosine(NoveltyBackend):
    """Cosine similarity to the nearest training row.

    Every training row is its own nearest neighbor with score 1. The threshold of `predict` is set
    from these scores, so that it rejects all new rows: use the scores instead.

    Attributes:
        references_: [n, D] normalized training rows.
    """

    def fit(self, X: np.ndarray, y: None = None) -> "NearestCosine":
        """Keeps the rows of `X` [n, D]."""
        self.references_ = unit_rows(self._validated(X, fitting=True))
        self._set_offset(self.references_)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the largest cosine of each row with a training row, -1 to 1."""
        check_is_fitted(self)
        return largest_dot(unit_rows(self._validated(X, fitting=False)), self.references_)


class CenterCosine(NoveltyBackend):
    """Minus the cosine distance from the mean of the normalized training rows (GeCo, eq. 4).

    Attributes:
        center_: [1, D] the mean, scaled to length 1.
    """

    def fit(self, X: np.ndarray, y: None = None) -> "CenterCosine":
        """Takes the mean of the rows of `X` [n, D]."""
        rows = unit_rows(self._validated(X, fitting=True))
        self.center_ = unit_rows(rows.mean(axis=0, keepdims=True))
        self._set_offset(rows)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the cosine of each row with the mean, minus 1: -2 to 0."""
        check_is_fitted(self)
        return largest_dot(unit_rows(self._validated(X, fitting=False)), self.center_) - 1


def largest_dot(rows: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Returns [n] the largest dot product of rows [n, D] with references [m, D], chunk by chunk."""
    largest = np.empty(len(rows), rows.dtype)
    step = max(1, _PRODUCTS // len(references))
    for start in range(0, len(rows), step):
        chunk = rows[start : start + step]
        nearest = references[np.argmax(chunk @ references.T, axis=1)]
        # The rounding of a matrix product depends on the number of rows; that of a score must not.
        largest[start : start + step] = np.einsum("nd,nd->n", chunk, nearest)
    return largest
