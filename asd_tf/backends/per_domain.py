"""The only backend that uses domains: a combination of members, each for one domain or for all."""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from asd_tf.arguments import check_choices
from asd_tf.backends.base import NoveltyBackend
from asd_tf.backends.fitting.member_fits import (
    COUNTS,
    MIXED,
    MemberRows,
    fitted_member,
    out_of_fold_scores,
    rows_for,
)
from asd_tf.errors import InputError

DOMAINS = ("source", "target", "all", MIXED)
COMBINES = ("min", "sum", "known", "blind")
NORMALIZATIONS = ("none", "calibration")

# One value for each row, such as its domain; values may be missing.
RowLabels = Sequence[Any] | np.ndarray


class NoTrainingRowsError(InputError, ValueError):
    """None of the members has a training row of its domain."""


class PerDomain(NoveltyBackend):
    """Combines the scores of backends of the source domain, of the target domain or of both.

    Wilkinghoff's backend is `PerDomain([("centers", KMeansCosine(16), "all"), ("targets",
    NearestCosine(), "target")])`. Any estimator with `fit` and `score_samples` can be a member. Its
    number of clusters, components or neighbors is capped at the number of its distinct training
    rows. A member without training rows of its domain is left out. With a single member the score
    is that of the member.

    Args:
        members: (name, estimator, domain) of each member; names are unique, the domain is `source`,
            `target`, `all`, or `all_and_mixed` for all rows and domain mixup of them, see
            `with_mixed_rows`; the rows of such a member are scaled to length 1.
        combine: Combination of the members' anomaly scores: `min` is the smallest, `sum` the sum.
            `known` is the score of the member of the row's own domain, the smallest if there are
            several; if the domain is missing or has no member, it is the score of the member with
            the smallest standardized score. `blind` is that score for all rows, whatever their
            domain.
        normalize: `calibration` standardizes the scores of each member by mean and standard
            deviation of out-of-fold scores of its training rows (5 folds; leave-one-out below 10
            clips); `none` does not change them.
        oversample: Members of the target domain are fitted to at least this number of rows, as a
            share of the rows of the source domain; missing rows are synthetic, see `smote_rows`. 0
            for none; 0.2 is common.

    Attributes:
        members_: (name, fitted estimator, domain) of the members in use.
        left_out_: Names of the members without a training row.
        mean_: [members] means of the out-of-fold scores; None if scores are not standardized.
        std_: [members] their standard deviations; None if scores are not standardized.
        rows_: Number of training rows of each member in use.
    """

    def __init__(
        self,
        members: Sequence[tuple[str, BaseEstimator, str]],
        combine: str = "min",
        normalize: str = "none",
        oversample: float = 0.0,
    ):
        self.members = members
        self.combine = combine
        self.normalize = normalize
        self.oversample = oversample

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns the arguments and, if `deep`, those of the members as `name__argument`."""
        params = super().get_params(deep=False)
        if deep:
            # Malformed members are reported by fit; set_params, which calls this, must not fail.
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
        domain: RowLabels | None = None,
        groups: RowLabels | None = None,
    ) -> "PerDomain":
        """Fits each member to the rows of its domain.

        Args:
            X: [n, D] features of normal clips.
            y: Ignored.
            domain: [n] `source`, `target` or missing, which counts as source; None for all missing.
            groups: [n] the clip of each row, if clips have several rows: folds keep the rows of a
                clip together. None if each row is a clip.

        Raises:
            NoTrainingRowsError: If no member has a training row of its domain.
            UsageError: If there are several features for `AsScore`.
            ValueError: If an argument or a domain is out of range.
        """
        self._check_arguments()
        X = self._validated(X, fitting=True)
        domains = _domains(domain, len(X)).fillna("source").to_numpy()
        clips = np.arange(len(X)) if groups is None else np.asarray(groups)
        masks = {name: np.isin(domains, _domains_of(own)) for name, _, own in self.members}
        used = [member for member in self.members if masks[member[0]].any()]
        if not used:
            wanted = " or ".join(sorted({own for *_, own in self.members}))
            raise NoTrainingRowsError(
                f"no member of the backend has training rows: its members are for {wanted}, "
                f"and none of the {len(X)} rows is of that domain"
            )
        target_rows = round(self.oversample * np.sum(domains == "source"))
        rows = {
            name: MemberRows(
                rows_for(own, X[masks[name]]),
                domains[masks[name]] == "target",
                items=target_rows if own == "target" else 0,
                mixes=own == MIXED,
            )
            for name, _, own in used
        }
        self.members_ = [(name, fitted_member(e, rows[name]), own) for name, e, own in used]
        self.left_out_ = [name for name in masks if not masks[name].any()]
        self.rows_ = [int(masks[name].sum()) for name, *_ in used]
        self.mean_ = self.std_ = None
        standardizes = self.normalize == "calibration" or self.combine in ("known", "blind")
        if len(used) > 1 and standardizes:
            folds = [
                out_of_fold_scores(e, rows[name], _numbered(clips[masks[name]]))
                for name, e, _ in used
            ]
            self.mean_ = np.array([scores.mean() for scores in folds])
            std = np.array([scores.std() for scores in folds])
            # The standard deviation of one clip, or of equal scores, is 0 and not used.
            self.std_ = np.where(std > 1e-12, std, 1.0)
        self._set_offset(X)  # without domains, which predict does not have either
        return self

    def score_samples(self, X: np.ndarray, domain: RowLabels | None = None) -> np.ndarray:
        """Returns the normality of each row.

        Args:
            X: [n, D] features.
            domain: [n] `source`, `target` or missing; None for all missing. Used by `known` only.

        Returns:
            [n], higher = more normal.
        """
        scores = np.stack(list(self.member_scores(X).values()), axis=1)
        if len(self.members_) == 1:
            return scores[:, 0]
        if self.combine in ("known", "blind"):
            domains = _domains(domain if self.combine == "known" else None, len(scores))
            return self._own_domain(scores, domains.to_numpy())
        if self.normalize == "calibration":
            scores = self._standardized(scores)
        # The smallest anomaly score is the largest normality.
        return scores.max(axis=1) if self.combine == "min" else scores.sum(axis=1)

    def member_scores(self, X: np.ndarray) -> dict[str, np.ndarray]:
        """Returns for each member in use the normality [n] of the rows of `X` [n, D]."""
        check_is_fitted(self)
        X = self._validated(X, fitting=False)
        return {
            name: np.asarray(estimator.score_samples(rows_for(domain, X)), np.float64)
            for name, estimator, domain in self.members_
        }

    def describe(self) -> dict[str, Any]:
        """Returns a summary in plain values: members, their rows, clusters and so on."""
        check_is_fitted(self)
        members = {}
        for (name, estimator, domain), rows in zip(self.members_, self.rows_, strict=True):
            members[name] = {"estimator": type(estimator).__name__, "domain": domain, "rows": rows}
            members[name] |= _counts(estimator)
        return {
            "combine": self.combine,
            "normalize": self.normalize,
            "members": members,
            "left_out": list(self.left_out_),
        }

    def _own_domain(self, scores: np.ndarray, domain: np.ndarray) -> np.ndarray:
        standardized = self._standardized(scores)
        if self.normalize == "calibration":
            scores = standardized
        # The fallback is the score of a member too, so that all rows of a group share one scale.
        known = scores[np.arange(len(scores)), standardized.argmax(axis=1)]
        for name in ("source", "target"):
            members = [i for i, (_, _, own) in enumerate(self.members_) if own == name]
            mask = domain == name
            if members:
                known[mask] = scores[mask][:, members].max(axis=1)
        return known

    def _standardized(self, scores: np.ndarray) -> np.ndarray:
        return (scores - self.mean_) / self.std_

    def _check_arguments(self) -> None:
        names = [name for name, *_ in self.members]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"members must be one or more with unique names, got {names}")
        check_choices(COMBINES, combine=self.combine)
        check_choices(NORMALIZATIONS, normalize=self.normalize)
        check_choices(DOMAINS, **{f"domain of member {name}": own for name, _, own in self.members})
        if not 0 <= self.oversample < np.inf:
            raise ValueError(f"oversample must be finite and at least 0, got {self.oversample}")


def _domains(domain: RowLabels | None, n: int) -> pd.Series:
    """Returns `domain` as [n] strings, with None for all missing values of pandas."""
    values = pd.Series([None] * n if domain is None else list(domain), dtype=object)
    if len(values) != n or not values.dropna().isin(["source", "target"]).all():
        raise ValueError(f"domain must hold source, target or missing for each of {n} rows")
    return values.where(values.notna(), None)


def _domains_of(domain: str) -> list[str]:
    return ["source", "target"] if domain.startswith("all") else [domain]


def _numbered(groups: np.ndarray) -> np.ndarray:
    """Returns the groups as numbers, so that the cache does not depend on their names."""
    return np.unique(groups, return_inverse=True)[1]


def _counts(estimator: BaseEstimator) -> dict[str, int]:
    """Returns the numbers of clusters, components and neighbors of a fitted estimator."""
    params = estimator.get_params(deep=False)
    used = {key: getattr(estimator, f"{key}_", params[key]) for key in COUNTS if key in params}
    return {key: int(value) for key, value in used.items() if value is not None}
