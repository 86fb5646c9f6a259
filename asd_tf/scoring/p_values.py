"""P-values: the estimated share of unseen normal clips that score at least as high as a clip."""

import functools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from asd_tf.data.groups import Group

# A group with fewer scores is judged by those of its machine; no gamma is fitted to fewer.
_MIN_SCORES = 20


class PValues:
    """P-values of the scores of a group, and the thresholds that belong to them.

    The p-value of a score s is the conformal one, (1 + #{normal scores >= s}) / (n + 1), for n
    scores of normal clips that the detector was not fitted to. If an unseen normal clip is
    exchangeable with these, the probability that its p-value is at most a is at most a, for every
    a; without ties it is less by no more than 1 / (n + 1).

    No p-value is below 1 / (n + 1): n scores say nothing of rarer ones. With the rule `gamma` they
    go on beyond the highest normal score, in proportion to the tail of a gamma distribution that is
    fitted to the normal scores. That is an extrapolation, and no promise.

    Args:
        scores: [n] scores of normal clips; those that are not finite are left out.
        scope: Origin of the scores: `group` or `machine`.
        rule: One of `asd_tf.scoring.promises.RULES`.
        least: No p-value is smaller, where the scores are drawn from fewer others; 0 for no limit.

    Attributes:
        n: Number of scores.
    """

    def __init__(
        self,
        scores: np.ndarray,
        scope: str = "group",
        rule: str = "conformal",
        least: float = 0.0,
    ):
        self._sorted = np.sort(_finite(scores))
        self.n = len(self._sorted)
        self.scope = scope
        self.rule = rule
        self._least = least

    @property
    def smallest(self) -> float:
        """The smallest p-value that the normal scores support, and the smallest promise."""
        return max(1 / (self.n + 1), self._least)

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Returns the p-values of scores.

        Args:
            scores: Scores of any shape.

        Returns:
            Float64 of the same shape, above 0 and at most 1, not increasing with the score; NaN
            where the score is NaN, or there is no normal score.
        """
        scores = np.asarray(scores, np.float64)
        if not self.n:
            return np.full(scores.shape, np.nan)
        as_high = self.n - np.searchsorted(self._sorted, scores, side="left")
        p_values = np.maximum((1 + as_high) / (self.n + 1), self._least)
        is_beyond = scores > self._sorted[-1]
        if is_beyond.any() and self._tail is not None:  # fitted only where it is needed
            p_values = np.where(is_beyond, self._tail.p_values(scores), p_values)
        return np.where(np.isnan(scores), np.nan, p_values)

    def threshold(self, false_alarms: float) -> float | None:
        """Returns the score above which exactly the p-values up to a share are.

        With the rule `conformal` it is the normal score of rank ceil((1 - a) (n + 1)) from below,
        and a score is above it if and only if its p-value is at most a, ties included.

        Args:
            false_alarms: The share a, above 0 and below 1.

        Returns:
            The threshold; None where the normal scores do not support a share that small.
        """
        if not self.n:
            return None
        if false_alarms >= self.smallest:
            return float(self._sorted[self.n - _most_ranks(false_alarms, self.n + 1)])
        return None if self._tail is None else self._tail.threshold(false_alarms)

    @property
    def has_tail(self) -> bool:
        """Whether p-values go on below `smallest`."""
        return self._tail is not None

    @functools.cached_property
    def _tail(self) -> "_GammaTail | None":
        if self.rule != "gamma" or self.n < _MIN_SCORES:
            return None
        return _GammaTail.fit(self._sorted, self.smallest)


class _GammaTail:
    """P-values beyond the highest normal score, in proportion to the tail of a distribution."""

    def __init__(self, distribution, start: float, at_start: float):
        self._distribution, self._start, self._at_start = distribution, start, at_start
        self._share = float(distribution.sf(start))

    @classmethod
    def fit(cls, scores: np.ndarray, at_start: float) -> "_GammaTail | None":
        """Fits the distribution to sorted scores; None if that fails.

        Args:
            scores: [n] scores.
            at_start: The p-value just above the highest of them.
        """
        mean, std = scores.mean(), scores.std()
        if np.ptp(scores) <= 1e-12 * np.abs(scores).max():
            return None
        # scipy's optimizer has absolute tolerances, which suit scores of the scale 1.
        try:
            shape, loc, scale = stats.gamma.fit((scores - mean) / std)
        except (ValueError, RuntimeError):  # scipy's FitError is a RuntimeError
            return None
        tail = cls(stats.gamma(shape, loc * std + mean, scale * std), scores[-1], at_start)
        # A tail that begins with no share at all cannot be continued: the optimizer has diverged.
        return tail if 0 < tail._share < 1 and tail.threshold(at_start / 2) is not None else None

    def p_values(self, scores: np.ndarray) -> np.ndarray:
        """Returns the p-values of scores above the start; the smallest positive number for 0."""
        shares = self._distribution.sf(scores) / self._share
        return np.clip(self._at_start * shares, np.finfo(np.float64).tiny, self._at_start)

    def threshold(self, false_alarms: float) -> float | None:
        """Returns the score with a p-value below that of the start; None if it is not finite."""
        value = float(self._distribution.isf(false_alarms / self._at_start * self._share))
        return max(value, float(self._start)) if np.isfinite(value) else None


def fit_p_values(
    calibration: pd.DataFrame, groups: Sequence[Group], rule: str = "conformal"
) -> dict[Group, PValues]:
    """Returns the p-values of every group, from its scores or, if they are few, its machine's.

    Args:
        calibration: Columns machine, section and score; a row for each normal clip.
        groups: (machine, section) of each group.
        rule: One of `asd_tf.scoring.promises.RULES`.
    """
    p_values = {}
    for machine, section in groups:
        of_machine = calibration[calibration["machine"] == machine]
        of_group = of_machine.loc[of_machine["section"] == section, "score"]
        scores, scope = scores_to_judge_by(of_group, of_machine["score"])
        p_values[machine, section] = PValues(scores, scope, rule)
    return p_values


def scores_to_judge_by(
    group_scores: np.ndarray, machine_scores: np.ndarray
) -> tuple[np.ndarray, str]:
    """Returns the finite scores of a group if there are at least 20, else those of its machine.

    Args:
        group_scores: [n] scores of the group's normal clips.
        machine_scores: [m] scores of all groups of the machine, this one included.

    Returns:
        The scores, and their origin: `group` or `machine`.
    """
    group, machine = _finite(group_scores), _finite(machine_scores)
    # If this is the only group of the machine, the scores of both are the same.
    own = len(group) >= _MIN_SCORES or len(machine) <= len(group)
    return (group, "group") if own else (machine, "machine")


def _most_ranks(share: float, ranks: int) -> int:
    """Returns the largest k with k / ranks <= share, as floating-point numbers compare."""
    most = math.floor(share * ranks)
    if (most + 1) / ranks <= share:
        return most + 1
    return most if most / ranks <= share else most - 1


def _finite(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, np.float64)
    return scores[np.isfinite(scores)]
