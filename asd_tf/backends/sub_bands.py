"""The cosine distance to the nearest training row in each band of frequencies by itself."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from asd_tf.arguments import check_counts
from asd_tf.backends.base import NoveltyBackend, unit_rows
from asd_tf.backends.cosine import largest_dot


class SubBandNearest(NoveltyBackend):
    """Mean over sub-bands of the cosine similarity to the nearest training row in that band.

    BEAM (Saengthong and Shinozaki, arXiv 2603.13749): every band finds a neighbor of its own, and
    all bands count alike, whatever their energy. With one band it is `NearestCosine`.

    Args:
        bands: Number of bands, into which the features of a row are divided in their order; must
            divide the number of features.

    Attributes:
        references_: [bands, n, D / bands] training rows, of length 1 in each band.
    """

    def __init__(self, bands: int = 1):
        self.bands = bands

    def fit(self, X: np.ndarray, y: None = None) -> "SubBandNearest":
        """Keeps the rows of `X` [n, D].

        Raises:
            ValueError: If the bands are no positive integer that divides D.
        """
        X = self._validated(X, fitting=True)
        check_counts(bands=self.bands)
        if X.shape[1] % self.bands:
            raise ValueError(
                f"bands must divide the number of features, {X.shape[1]}, got {self.bands}"
            )
        self.references_ = self._by_band(X)
        self._set_offset(X)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the mean over bands of the largest cosine, -1 to 1."""
        check_is_fitted(self)
        bands = self._by_band(self._validated(X, fitting=False))
        pairs = zip(bands, self.references_, strict=True)
        return np.mean([largest_dot(rows, references) for rows, references in pairs], axis=0)

    def _by_band(self, X: np.ndarray) -> np.ndarray:
        return np.stack([unit_rows(part) for part in np.split(X, self.bands, axis=1)])
