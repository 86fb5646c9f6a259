"""The fit of a member of `PerDomain` to its rows, and to synthetic ones if it gets some."""

from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GroupKFold

from asd_tf.backends.as_score import AsScore
from asd_tf.backends.base import NoveltyBackend, distinct_rows, unit_rows
from asd_tf.backends.fitting.fit_cache import memoized
from asd_tf.backends.fitting.smote import smote_rows
from asd_tf.errors import UsageError

# The domain of members that are fitted to all rows and to mixed ones.
MIXED = "all_and_mixed"

# Parameters that are capped at the number of distinct training rows.
COUNTS = ("n_clusters", "n_components", "n_neighbors")

# Folds of scores by fits without the clip, and the number of clips below which each is a fold.
FOLDS = 5
LEAVE_ONE_OUT_BELOW = 10


def rows_for(domain: str, X: np.ndarray) -> np.ndarray:
    """Returns the rows [n, D] as a member of a domain gets them, in fitting and scoring."""
    return unit_rows(X) if domain == MIXED else X


def with_mixed_rows(rows: np.ndarray, is_target: np.ndarray, random_state: int = 0) -> np.ndarray:
    """Appends the mean of each source row and a random target row: domain mixup.

    As in Wilkinghoff's code for DCASE 2022. A pure function of its arguments.

    Args:
        rows: [n, D], of length 1.
        is_target: [n] bool, the rows of the target domain; all others are of the source domain.
        random_state: Seed of the choice of target rows.

    Returns:
        [n + source rows, D], the given rows first; only these if a domain has no row. Mixed rows
        are shorter than 1, as published.
    """
    source, target = rows[~is_target], rows[is_target]
    if not len(target):
        return rows
    partners = np.random.default_rng(random_state).integers(len(target), size=len(source))
    return np.concatenate([rows, (source + target[partners]) / 2])


class MemberRows(NamedTuple):
    """The training rows of a member, and the synthetic ones that they get.

    Attributes:
        X: [n, D] the rows.
        is_target: [n] bool, the rows of the target domain.
        items: Number of rows up to which SMOTE adds some; 0 for none.
        mixes: Whether domain mixup adds some.
    """

    X: np.ndarray
    is_target: np.ndarray
    items: int = 0
    mixes: bool = False

    def part(self, indices: np.ndarray) -> "MemberRows":
        """Returns some of the rows."""
        return self._replace(X=self.X[indices], is_target=self.is_target[indices])

    def completed(self) -> np.ndarray:
        """Returns the rows, and the synthetic ones after them."""
        rows = with_mixed_rows(self.X, self.is_target) if self.mixes else self.X
        return smote_rows(rows, self.items)

    def labels(self, count: int) -> np.ndarray:
        """Returns the domains of `count` rows as numbers; synthetic rows are of a third."""
        return np.append(self.is_target.astype(int), np.full(count - len(self.X), 2))


@memoized
def fitted_member(estimator: BaseEstimator, rows: MemberRows) -> BaseEstimator:
    """Does the same as `_fit`, cached; the fits of folds are not cached."""
    return _fit(estimator, rows)


def _fit(estimator: BaseEstimator, rows: MemberRows) -> BaseEstimator:
    """Returns a clone of `estimator` fitted to the rows and synthetic ones, with capped counts."""
    estimator, X = clone(estimator), rows.X
    if isinstance(estimator, AsScore) and estimator.column is None and X.shape[1] != 1:
        raise UsageError(
            f"AsScore takes one feature, the score, not {X.shape[1]}: choose another estimator, "
            "or a column"
        )
    X = rows.completed()
    if isinstance(estimator, NoveltyBackend):
        return estimator.fit(X, rows.labels(len(X)) if estimator.uses_domains else None)
    params = estimator.get_params(deep=False)
    for key in [key for key in COUNTS if isinstance(params.get(key), int)]:
        distinct = distinct_rows(X, params[key] + 1)
        # A row is not a neighbor of itself.
        most = max(1, distinct - 1) if key == "n_neighbors" else distinct
        estimator.set_params(**{key: min(params[key], most)})
    # Several estimators of scikit-learn refuse a single row, but accept it twice.
    return estimator.fit(np.repeat(X, 2, axis=0) if len(X) == 1 else X)


@memoized
def out_of_fold_scores(
    estimator: BaseEstimator, rows: MemberRows, groups: np.ndarray
) -> np.ndarray:
    """Returns [n] the score of each row by a clone fitted without the row's group."""
    X = rows.X
    clips = len(np.unique(groups))
    if clips == 1:
        return np.asarray(_fit(estimator, rows).score_samples(X))
    folds = FOLDS if clips >= LEAVE_ONE_OUT_BELOW else clips
    scores = np.empty(len(X))
    for rest, held in GroupKFold(folds, shuffle=True, random_state=0).split(X, groups=groups):
        scores[held] = _fit(estimator, rows.part(rest)).score_samples(X[held])
    return scores
