"""The one place that knows of domains: a backend made of members, each for a domain or for all."""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GroupKFold
from sklearn.utils.validation import check_is_fitted

from asd_tf.backends.as_score import AsScore
from asd_tf.backends.base import NoveltyBackend, distinct_rows
from asd_tf.backends.fits import once
from asd_tf.backends.smote import smote_rows
from asd_tf.errors import InputError, UsageError

DOMAINS = ("source", "target", "all")
COMBINES = ("min", "sum", "known")
NORMALISES = ("none", "calibration")

# Parameters that count things of which there can be no more than distinct training rows.
_COUNTS = ("n_clusters", "n_components", "n_neighbors")
_FOLDS = 5
_LEAVE_ONE_OUT_BELOW = 10


class NoTrainingRowsError(InputError, ValueError):
    """None of the members has a training row of its domain."""


class PerDomain(NoveltyBackend):
    """Backends of the source domain, of the target domain or of both, and how their scores combine.

    Wilkinghoff's backend is `PerDomain([("centres", KMeansCosine(16), "all"), ("targets",
    NearestCosine(), "target")])`. Any estimator with `fit` and `score_samples` can be a member. Its
    number of clusters, components or neighbours is capped at the distinct rows it is given. A
    member without rows of its domain is left out; a single member is that member's score.

    Args:
        members: (name, estimator, `source`, `target` or `all`) of each; the names are unique.
        combine: Of the anomaly scores of the members, `min` takes the smallest and `sum` their sum.
            `known` takes that of a row's own domain (the smallest, where it has several members);
            where the domain is missing or has no member, it takes the score of the member that is
            smallest after standardising.
        normalise: `calibration` standardises the scores of each member by mean and standard
            deviation of out-of-fold scores of its training rows (5 folds; leave-one-out below 10
            clips), `none` leaves them as they are.
        oversample: Members of the target domain are fitted to so many rows, as a share of those of
            the source domain; what is missing lies between rows that are there (`smote_rows`). 0
            for none; 0.2 is common.

    Attributes:
        members_: (name, fitted estimator, domain) of the members in use.
        left_out_: Names of the members without a training row.
        mean_, sd_: [members] of the out-of-fold scores; None where nothing is standardised.
        rows_: Number of training rows of each member in use.
    """

    def __init__(
        self,
        members: Sequence[tuple[str, BaseEstimator, str]],
        combine: str = "min",
        normalise: str = "none",
        oversample: float = 0.0,
    ):
        self.members = members
        self.combine = combine
        self.normalise = normalise
        self.oversample = oversample

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns the arguments and, if `deep`, those of the members as `name__argument`."""
        params = super().get_params(deep=False)
        if deep:
            # Members that are no such list are reported by fit; set_params, which asks here, may
            # not fail on them.
            with contextlib.suppress(TypeError, ValueError, AttributeError):
                for name, estimator, _ in self.members:
                    params[name] = estimator
                    own = estimator.get_params()
                    params |= {f"{name}__{key}": value for key, value in own.items()}
        return params

    def fit(
        self,
        X: np.ndarray,
        y: None = None,
        domain: Sequence | None = None,
        groups: Sequence | None = None,
    ) -> "PerDomain":
        """Fits each member to the rows of its domain.

        Args:
            X: [n, D] features of normal clips.
            y: Not used.
            domain: [n] `source` or `target`; missing ones, or None for all, count as source.
            groups: [n] the clip of each row where a clip has several rows, so that no fold parts
                the rows of a clip; None where each row is a clip.

        Raises:
            NoTrainingRowsError: If there is no row of any member's domain.
            UsageError: If there are several features for `AsScore`.
            ValueError: If an argument or a domain is not one of its values.
        """
        self._check_arguments()
        X = self._validated(X, fitting=True)
        domain = _domains(domain, len(X)).fillna("source").to_numpy()
        groups = np.arange(len(X)) if groups is None else np.asarray(groups)
        rows = {name: np.isin(domain, _domains_of(which)) for name, _, which in self.members}
        used = [member for member in self.members if rows[member[0]].any()]
        if not used:
            wanted = " or ".join(sorted({which for *_, which in self.members}))
            raise NoTrainingRowsError(
                f"no member of the backend has training rows: its members are for {wanted}, "
                f"and none of the {len(X)} rows is of that domain"
            )
        wanted = round(self.oversample * np.sum(domain == "source"))
        items = {name: wanted if which == "target" else 0 for name, _, which in used}
        self.members_ = [
            (name, _fitted(e, X[rows[name]], items[name]), which) for name, e, which in used
        ]
        self.left_out_ = [name for name in rows if not rows[name].any()]
        self.rows_ = [int(rows[name].sum()) for name, *_ in used]
        self.mean_ = self.sd_ = None
        if len(used) > 1 and (self.normalise == "calibration" or self.combine == "known"):
            folds = [
                _out_of_fold(e, X[rows[name]], _numbered(groups[rows[name]]), items[name])
                for name, e, _ in used
            ]
            self.mean_ = np.array([scores.mean() for scores in folds])
            spreads = np.array([scores.std() for scores in folds])
            # A spread of nothing (one clip, or all alike) has no scale to divide by.
            self.sd_ = np.where(spreads > 1e-12, spreads, 1.0)
        self._set_offset(X)  # without domains, which predict has not either
        return self

    def score_samples(self, X: np.ndarray, domain: Sequence | None = None) -> np.ndarray:
        """Returns the normality of each row.

        Args:
            X: [n, D] features.
            domain: [n] `source`, `target` or missing; None where unknown. Only `known` uses it.

        Returns:
            [n] higher = more normal.
        """
        scores = np.stack(list(self.member_scores(X).values()), axis=1)
        if len(self.members_) == 1:
            return scores[:, 0]
        if self.combine == "known":
            return self._own_domain(scores, _domains(domain, len(scores)).to_numpy())
        if self.normalise == "calibration":
            scores = self._standardised(scores)
        # The smallest anomaly score is the largest normality.
        return scores.max(axis=1) if self.combine == "min" else scores.sum(axis=1)

    def member_scores(self, X: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the normality [n] of each row of `X` [n, D] by each member in use alone."""
        check_is_fitted(self)
        X = self._validated(X, fitting=False)
        return {
            name: np.asarray(estimator.score_samples(X), np.float64)
            for name, estimator, _ in self.members_
        }

    def describe(self) -> dict[str, Any]:
        """Returns what was fitted, as plain values: members, their rows, clusters and so on."""
        check_is_fitted(self)
        members = {}
        for (name, estimator, which), rows in zip(self.members_, self.rows_, strict=True):
            members[name] = {"estimator": type(estimator).__name__, "domain": which, "rows": rows}
            members[name] |= _counts(estimator)
        return {
            "combine": self.combine,
            "normalise": self.normalise,
            "members": members,
            "left_out": list(self.left_out_),
        }

    def _own_domain(self, scores: np.ndarray, domain: np.ndarray) -> np.ndarray:
        standardised = self._standardised(scores)
        if self.normalise == "calibration":
            scores = standardised
        # The fallback is a member's own score too, so that all rows of a group share one scale.
        known = scores[np.arange(len(scores)), standardised.argmax(axis=1)]
        for which in ("source", "target"):
            members = [i for i, (_, _, of) in enumerate(self.members_) if of == which]
            rows = domain == which
            if members:
                known[rows] = scores[rows][:, members].max(axis=1)
        return known

    def _standardised(self, scores: np.ndarray) -> np.ndarray:
        return (scores - self.mean_) / self.sd_

    def _check_arguments(self) -> None:
        names = [name for name, *_ in self.members]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"members need unique names, at least one: {names}")
        values = [("combine", self.combine, COMBINES), ("normalise", self.normalise, NORMALISES)]
        values += [(f"the domain of {name}", which, DOMAINS) for name, _, which in self.members]
        for argument, value, choices in values:
            if value not in choices:
                raise ValueError(f"{argument} is {value!r}: choose from {', '.join(choices)}")
        if not 0 <= self.oversample < np.inf:
            raise ValueError(f"oversample={self.oversample} is no share: use 0 or more")


def _domains(domain: Sequence | None, n: int) -> pd.Series:
    """Returns `domain` as [n] texts and None; any of pandas' kinds of missing is None."""
    values = pd.Series([None] * n if domain is None else list(domain), dtype=object)
    if len(values) != n or not values.dropna().isin(["source", "target"]).all():
        raise ValueError(f"domain must hold source, target or missing for each of {n} rows")
    return values.where(values.notna(), None)


def _domains_of(which: str) -> list[str]:
    return ["source", "target"] if which == "all" else [which]


def _numbered(groups: np.ndarray) -> np.ndarray:
    """Returns the groups by number, so that other rows make no difference to their names."""
    return np.unique(groups, return_inverse=True)[1]


@once
def _fitted(estimator: BaseEstimator, X: np.ndarray, items: int) -> BaseEstimator:
    """Does the same as `_fit`, once for equal arguments; the fits of folds are not kept."""
    return _fit(estimator, X, items)


def _fit(estimator: BaseEstimator, X: np.ndarray, items: int) -> BaseEstimator:
    """Returns a clone of `estimator` fitted to `X` [n, D], its counts capped.

    Where there are fewer than `items` rows, others between them are added.
    """
    estimator = clone(estimator)
    if isinstance(estimator, AsScore) and estimator.column is None and X.shape[1] != 1:
        raise UsageError(
            f"AsScore takes one feature, the score, not {X.shape[1]}: choose another estimator, "
            "or a column"
        )
    X = smote_rows(X, items)
    if isinstance(estimator, NoveltyBackend):
        return estimator.fit(X)
    params = estimator.get_params(deep=False)
    for key in [key for key in _COUNTS if isinstance(params.get(key), int)]:
        distinct = distinct_rows(X, params[key] + 1)
        # A row is no neighbour of itself.
        most = max(1, distinct - 1) if key == "n_neighbors" else distinct
        estimator.set_params(**{key: min(params[key], most)})
    # Several estimators of scikit-learn refuse a single row, none of them refuses it twice.
    return estimator.fit(np.repeat(X, 2, axis=0) if len(X) == 1 else X)


@once
def _out_of_fold(
    estimator: BaseEstimator, X: np.ndarray, groups: np.ndarray, items: int
) -> np.ndarray:
    """Returns [n] scores of each row by a clone that was fitted without the row's group."""
    clips = len(np.unique(groups))
    if clips == 1:
        return np.asarray(_fit(estimator, X, items).score_samples(X))
    folds = _FOLDS if clips >= _LEAVE_ONE_OUT_BELOW else clips
    scores = np.empty(len(X))
    for rest, held in GroupKFold(folds, shuffle=True, random_state=0).split(X, groups=groups):
        scores[held] = _fit(estimator, X[rest], items).score_samples(X[held])
    return scores


def _counts(estimator: BaseEstimator) -> dict[str, int]:
    """Returns the numbers of clusters, components and neighbours that a fitted estimator used."""
    params = estimator.get_params(deep=False)
    used = {key: getattr(estimator, f"{key}_", params[key]) for key in _COUNTS if key in params}
    return {key: int(value) for key, value in used.items() if value is not None}
