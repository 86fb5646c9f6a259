"""A one-class support vector machine on normalized embeddings."""

import numpy as np
from sklearn.svm import OneClassSVM
from sklearn.utils.validation import check_is_fitted

from asd_tf.backends.base import NoveltyBackend, unit_rows


class NormalizedOneClassSVM(NoveltyBackend):
    """Signed distance to the hyperplane of a one-class SVM of the normalized training rows.

    Args:
        kernel: Kernel of `sklearn.svm.OneClassSVM`.
        gamma: Coefficient of the kernel: `scale`, `auto` or a number.
        nu: Upper bound of the share of training rows beyond the hyperplane, in (0, 1].

    Attributes:
        machine_: The fitted `sklearn.svm.OneClassSVM`.
    """

    def __init__(self, kernel: str = "rbf", gamma: str | float = "scale", nu: float = 0.5):
        self.kernel = kernel
        self.gamma = gamma
        self.nu = nu

    def fit(self, X: np.ndarray, y: None = None) -> "NormalizedOneClassSVM":
        """Fits the hyperplane to the rows of `X` [n, D]."""
        rows = unit_rows(self._validated(X, fitting=True, dtype=np.float64))
        self.machine_ = OneClassSVM(kernel=self.kernel, gamma=self.gamma, nu=self.nu).fit(rows)
        self._set_offset(rows)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the distance of each normalized row, negative beyond the hyperplane."""
        check_is_fitted(self)
        rows = unit_rows(self._validated(X, fitting=False, dtype=np.float64))
        return self.machine_.decision_function(rows)
