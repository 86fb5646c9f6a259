"""Base class of the backends: scikit-learn's contract of a novelty detector."""

from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.preprocessing import normalize
from sklearn.utils.validation import validate_data

# Features keep their precision where a backend stores them: float32 takes half the memory.
FLOATS = (np.float64, np.float32)
# At most this many training rows, evenly spaced, are scored to set the offset.
_OFFSET_ROWS = 1000
_OFFSET_QUANTILE = 0.1


class NoveltyBackend(OutlierMixin, BaseEstimator):
    """Base of the backends: subclasses define `fit` and `score_samples`.

    `score_samples` has scikit-learn's sign (higher = more normal). `fit` ends with a call of
    `_set_offset`, which sets the threshold of `predict` such that a tenth of the training rows are
    below it. scikit-learn's contract requires that threshold; a detector uses its calibrated
    thresholds instead.

    Attributes:
        uses_domains: Whether `fit` takes the domain of each row as its second argument.
        offset_: Normality below which `predict` returns -1.
    """

    uses_domains: ClassVar[bool] = False

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] the normality of each row minus `offset_`; negative for anomalous rows."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Returns [n] integers: +1 for normal rows, -1 for anomalous rows."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def _validated(self, X: np.ndarray, fitting: bool, dtype=FLOATS) -> np.ndarray:
        return validate_data(self, X, dtype=dtype, reset=fitting)

    def _set_offset(self, X: np.ndarray) -> None:
        some = np.linspace(0, len(X) - 1, min(len(X), _OFFSET_ROWS)).astype(int)
        self.offset_ = _offset_of(self.score_samples(X[some]))


def unit_rows(X: np.ndarray) -> np.ndarray:
    """Returns the rows of `X` [n, D] scaled to length 1; rows of zeros do not change."""
    return normalize(X, norm="l2")


def distinct_rows(X: np.ndarray, limit: int) -> int:
    """Counts the distinct rows of `X` [n, D], up to `limit`.

    Rows are rounded to a millionth of the largest value, so that rows that differed only in length
    before they were normalized count as equal.
    """
    largest = np.abs(X).max() or 1.0
    seen = set()
    for row in X:
        seen.add((np.round(row / largest, 6) + 0.0).tobytes())  # + 0.0: minus zero is zero
        if len(seen) == limit:
            break
    return len(seen)


def _offset_of(scores: np.ndarray) -> float:
    """Returns the normality below which a tenth of `scores` [n] lie, but at least one of them.

    If all scores are equal, none lies below. (A nearest neighbor search gives all of its training
    rows the score 1, up to rounding.)
    """
    above_least = scores[scores > scores.min()]
    quantile = np.quantile(scores, _OFFSET_QUANTILE)
    return float(max(quantile, above_least.min()) if len(above_least) else quantile)
