"""One scale for the scores of both domains, though the domain of a new clip is not known.

A shift of speed, load or place raises the scores of healthy clips. One threshold for both domains
then raises too many false alarms in the target domain, of which training has few clips. Here a
clip's domain is predicted from the levels of fine frequency bands, and its score is compared with
those of normal clips of that domain: location from these, spread shrunk to the source domain's.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import special, stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from asd_tf.data.health.fine_levels import FINE_BANDS

POOLED, PREDICTED = "pooled", "predicted"

DOMAINS = (POOLED, PREDICTED)
"""Choices of `calibration.domains`: scores as they are, or on the scale of the predicted domain."""

MIN_RECORDINGS = 3
"""With fewer recordings of a domain, the location of its scores is not known."""

# Weight, in clips, of the spread of the source domain in that of the target domain.
_PRIOR_CLIPS = 10
_FOLDS = 5
_MOST_LEFT_OUT = 30
# With a lower share of right predictions, mean of both domains, both domains are considered.
_LEAST_ACCURACY = 0.85
# Below this share, the survival function of a t distribution is followed by its power law.
_LEAST_SHARE = 1e-200


@dataclass(frozen=True)
class DomainScale:
    """The scale of a group: how normal scores of each domain are distributed.

    A score becomes z where a standard normal variable exceeds z as often as normal scores of the
    clip's domain exceed the score, by Student's distribution of a further score. It increases with
    the score within a domain. Where the prediction of the domain is poor, the share is the mean of
    those in both domains.

    Attributes:
        is_log: Whether logarithms of scores are compared, as all calibration scores are positive.
        least: The smallest score; lower ones are compared as this, if logarithms are.
        mean: Of normal scores of the source and the target domain.
        spread: Their standard deviation, larger where few clips tell the mean.
        freedom: The degrees of freedom.
        accuracy: Cross-validated share of right predictions, mean of both domains.
        coefficients: [levels] of the fine levels of a clip; the target domain is predicted where
            their sum and the intercept are positive.
        intercept: See there.
    """

    is_log: bool
    least: float
    mean: tuple[float, float]
    spread: tuple[float, float]
    freedom: tuple[float, float]
    accuracy: float
    coefficients: tuple[float, ...]
    intercept: float

    @classmethod
    def fit(
        cls,
        scores: np.ndarray,
        is_target: np.ndarray,
        levels: np.ndarray,
        recordings: np.ndarray,
        seed: int,
        of_machine: np.ndarray,
    ) -> "tuple[DomainScale, np.ndarray] | None":
        """Fits the scale to normal clips of a group.

        With fewer than `MIN_RECORDINGS` recordings of a domain, or where fine levels are not known,
        both domains have one scale. With so few in all, or equal scores, it is that of the machine,
        so that all groups of a machine have scores on a scale, or none.

        Args:
            scores: [n] their scores by a detector that was not fitted to them; NaN for none.
            is_target: [n] bool, their domain.
            levels: [n, levels] see `fine_levels`.
            recordings: [n] the recording of each, or what else belongs together.
            seed: Seed of the folds that tell how well the domain is predicted.
            of_machine: [m] scores of all groups of the machine.

        Returns:
            The scale, and the scores [n] on it, where each clip is compared with the others, and
            its domain is predicted without it. None if the scores of the machine give no scale.
        """
        has_score = np.isfinite(scores)
        names, target = recordings[has_score], is_target[has_score]
        values = np.asarray(scores, np.float64)[has_score]
        apart = min(_counts(names, target)) >= MIN_RECORDINGS
        apart = apart and bool(np.isfinite(levels[has_score]).all())
        target = target & apart
        source = values[~target]
        if len(np.unique(names)) < MIN_RECORDINGS or not len(source) or not np.ptp(source) > 0:
            scale = cls._of_machine(of_machine)
            return None if scale is None else (scale, scale(scores, levels))
        x, least, is_log = _logarithms(values)
        moments, predicted = _moments(x, target, _counts(names, target)), target
        told: tuple[float, tuple[float, ...], float] = (1.0, (0.0,) * levels.shape[1], -1.0)
        if apart:
            told, predicted = _told(levels[has_score].astype(np.float64), target, names, seed)
        scale = cls(is_log, least, *moments, *told)
        found = np.full(len(scores), np.nan)
        found[has_score] = scale._without_themselves(x, target, names, predicted)
        return scale, found

    @classmethod
    def _of_machine(cls, scores: np.ndarray) -> "DomainScale | None":
        """Returns the scale of a group that says too little, from the scores of its machine."""
        finite = np.asarray(scores, np.float64)[np.isfinite(scores)]
        if len(finite) < MIN_RECORDINGS or not np.ptp(finite) > 0:
            return None
        x, least, is_log = _logarithms(finite)
        moments = _moments(x, np.zeros(len(x), bool), (len(x), 0))
        return cls(is_log, least, *moments, 1.0, (0.0,) * FINE_BANDS, -1.0)

    def __call__(self, scores: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Returns the scores of clips on the scale.

        Args:
            scores: [n] scores.
            levels: [n, levels] see `fine_levels`; where they are not known, both domains are
                considered.

        Returns:
            [n] float64; NaN where the score is NaN.
        """
        scores = np.asarray(scores, np.float64)
        x = np.log(np.maximum(scores, self.least)) if self.is_log else scores
        margin = levels.astype(np.float64) @ np.array(self.coefficients) + self.intercept
        is_known = np.isfinite(margin) & self.is_predictable
        found = np.full(len(x), np.nan)
        some = ~np.isnan(x)
        shares = [_log_share(x[some], *self._of(domain)) for domain in (0, 1)]
        found[some] = _joined(shares, margin[some] > 0, is_known[some])
        return found

    @property
    def tells_domains(self) -> bool:
        """Whether each domain has a scale of its own."""
        return any(self.coefficients)

    @property
    def is_predictable(self) -> bool:
        """Whether the domain of a clip is predicted well enough to rely on it."""
        return self.accuracy >= _LEAST_ACCURACY

    def _of(self, domain: int) -> tuple[float, float, float]:
        return self.mean[domain], self.spread[domain], self.freedom[domain]

    def _without_themselves(
        self, x: np.ndarray, target: np.ndarray, names: np.ndarray, predicted: np.ndarray
    ) -> np.ndarray:
        """Returns the calibration scores [n], each on the scale that other recordings give."""
        known = np.full(len(x), self.is_predictable)
        found = _joined([_log_share(x, *self._of(domain)) for domain in (0, 1)], predicted, known)
        for domain in (False, True):
            of_domain = np.unique(names[target == domain])
            if len(of_domain) > _MOST_LEFT_OUT:  # one of many tells nothing of the others
                continue
            for name in of_domain:
                own, counts = names == name, _counts(names[names != name], target[names != name])
                if not np.ptp(x[~own & ~target]) > 0:  # without a spread nothing is compared
                    continue
                moments = zip(*_moments(x[~own], target[~own], counts), strict=True)
                shares = [_log_share(x[own], *of_rest) for of_rest in moments]
                found[own] = _joined(shares, predicted[own], known[own])
        return found

    def to_json(self) -> dict[str, Any]:
        """Returns the scale as plain values."""
        values = asdict(self)
        return {name: list(x) if isinstance(x, tuple) else x for name, x in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DomainScale":
        """Returns the scale that `to_json` returned as `values`."""
        given: dict[str, Any] = {
            name: tuple(x) if isinstance(x, list) else x for name, x in values.items()
        }
        return cls(**given)


def _counts(recordings: np.ndarray, target: np.ndarray) -> tuple[int, int]:
    """Returns the number of recordings of the source and the target domain."""
    return len(np.unique(recordings[~target])), len(np.unique(recordings[target]))


def _logarithms(scores: np.ndarray) -> tuple[np.ndarray, float, bool]:
    """Returns what is compared, the smallest score, and whether logarithms are compared."""
    if not len(scores) or scores.min() <= 0:
        return scores, 0.0, False
    return np.log(scores), float(scores.min() / 1000), True


def _told(
    levels: np.ndarray, target: np.ndarray, recordings: np.ndarray, seed: int
) -> tuple[tuple[float, tuple[float, ...], float], np.ndarray]:
    """Returns accuracy, coefficients and intercept, and what is predicted of each clip [n]."""
    std = levels.std(axis=0)
    scaled = levels / np.where(std > 0, std, 1.0)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])
    folds = min(*_counts(recordings, target), _FOLDS)
    splits = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    predicted = cross_val_predict(model, scaled, target, groups=recordings, cv=splits)
    model.fit(scaled, target)
    coefficients = model.coef_[0] / np.where(std > 0, std, 1.0)
    accuracy = float(balanced_accuracy_score(target, predicted))
    told = (accuracy, tuple(coefficients.tolist()), float(model.intercept_[0]))
    return told, predicted.astype(bool)


Moments = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


def _moments(x: np.ndarray, target: np.ndarray, counts: tuple[int, int]) -> Moments:
    """Returns mean, spread and degrees of freedom of the scores of source and target.

    The number of recordings counts, since windows of one are alike. Without target clips both have
    the scale of the source domain. The variance of the target domain is shrunk to that of the
    source domain, as if that had been seen in `_PRIOR_CLIPS` clips.
    """
    of_source, of_target = x[~target], x[target]
    location, variance = float(of_source.mean()), of_source.var(ddof=1)
    freedom = counts[0] - 1
    spread = float(np.sqrt(variance * (1 + 1 / counts[0])))
    if not counts[1]:
        return (location, location), (spread, spread), (float(freedom), float(freedom))
    shrunk_freedom = _PRIOR_CLIPS + counts[1] - 1
    own = (counts[1] - 1) * of_target.var(ddof=1) if counts[1] > 1 else 0.0
    shrunk = (_PRIOR_CLIPS * variance + own) / shrunk_freedom
    return (
        (location, float(of_target.mean())),
        (spread, float(np.sqrt(shrunk * (1 + 1 / counts[1])))),
        (float(freedom), float(shrunk_freedom)),
    )


def _log_share(x: np.ndarray, mean: float, spread: float, freedom: float) -> np.ndarray:
    """Returns the logarithm of the share of normal clips that score higher."""
    z = (x - mean) / spread
    start = stats.t.isf(_LEAST_SHARE, freedom)
    beyond = np.log(_LEAST_SHARE) - freedom * np.log(np.maximum(z, start) / start)
    return np.where(z < start, stats.t.logsf(np.minimum(z, start), freedom), beyond)


def _joined(shares: list[np.ndarray], predicted: np.ndarray, is_known: np.ndarray) -> np.ndarray:
    """Returns the z of the predicted domain's share, or of the mean share where none is known."""
    of_predicted = np.where(predicted, shares[1], shares[0])
    of_both = np.logaddexp(shares[0], shares[1]) - np.log(2)
    return -special.ndtri_exp(np.where(is_known, of_predicted, of_both))
