"""From the scores of windows to the score of their recording, and to p-values of recordings."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from asd_tf.data.groups import Group
from asd_tf.scoring.p_values import PValues, scores_to_judge_by

POOLS = ("mean", "max", "softmax")

# Factor of standardized scores in the weights of `softmax`.
_ALPHA = 0.25

# Quantile of the deviations above which they are drawn from an exponential distribution.
_TAIL = 0.9

_DRAWS = 4000
_VALUES = 200_000  # drawn at a time
# Groups and numbers of windows whose draws are kept, 32 KB each.
_MOST_KEPT = 256
# With fewer recordings, the variance between them is not known well enough to be corrected.
_MIN_RECORDINGS = 10


def pool_windows(scores: np.ndarray, pool: str, scale: float | np.ndarray = 1.0) -> np.ndarray:
    """Pools the scores of windows to those of recordings.

    Args:
        scores: [..., windows] scores; a recording with a NaN has no score.
        pool: `mean`, `max`, or `softmax`: a mean with weights exp(score / (4 scale)).
        scale: Standard deviation of the scores of normal windows, for `softmax`.

    Returns:
        [...] scores.
    """
    if pool == "mean":
        return np.mean(scores, axis=-1)
    if pool == "max":
        return np.max(scores, axis=-1)
    weights = np.exp(_ALPHA * (scores - np.max(scores, axis=-1, keepdims=True)) / scale)
    return np.sum(weights * scores, axis=-1) / np.sum(weights, axis=-1)


def pool_recordings(scores: np.ndarray, recordings: pd.Series, pool: str, scale: np.ndarray):
    """Pools the scores of the windows of each recording.

    Args:
        scores: [windows] scores.
        recordings: [windows] the recording of each window.
        pool: See `pool_windows`.
        scale: [windows] see `pool_windows`.

    Returns:
        [recordings] scores, in the order of their first windows.
    """
    rows = recordings.reset_index(drop=True).groupby(recordings.to_numpy(), sort=False).indices
    pooled = [pool_windows(scores[rows[name]], pool, scale[rows[name][0]])
              for name in recordings.unique()]  # fmt: skip
    return np.array(pooled, np.float64)


class RecordingPValues:
    """The p-values of recordings of any number of windows, and the scales of their scores.

    The maximum of 60 windows is higher than that of 6, so that the p-value of a score depends on
    their number. It is the conformal p-value among the pooled scores of simulated normal
    recordings: each has the level of one of the normal recordings, and deviations from it that are
    drawn from those of all normal windows; above their 0.9 quantile from an exponential tail, as
    the largest of many is beyond those that were seen. Where every normal recording has one window,
    level and deviation cannot be told apart: all is taken as level for `mean`, as deviation for
    `max`, and as both for `softmax`, which errs to the higher p-value.

    A simulation can be repeated at will and promises no more than what it was made of. With the
    rule `conformal`, no p-value is therefore below 1 / (n + 1) for n normal windows, which are the
    p-values of a window. With few normal recordings it is as uncertain as they are few.

    Args:
        calibration: Columns machine, section, recording_id and score; a row for each window of the
            normal recordings, scored by backends that were not fitted to the recording.
        of_windows: The p-values of a window of each group; also those of a recording of one.
        pool: See `pool_windows`.
    """

    def __init__(self, calibration: pd.DataFrame, of_windows: Mapping[Group, PValues], pool: str):
        self._calibration = calibration.dropna(subset="score")
        self._of_windows = of_windows
        self._pool = pool
        self._found: dict[tuple[Group, int], PValues] = {}
        self._parts: dict[Group, tuple[np.ndarray, np.ndarray]] = {}

    def scale(self, group: Group) -> float:
        """Returns the standard deviation of the scores of normal windows, or 1 if it is 0."""
        scores = self._of_group(group)["score"]
        return float(scores.std(ddof=0)) or 1.0 if len(scores) else 1.0

    def p_values(self, group: Group, windows: int) -> PValues | None:
        """Returns the p-values of recordings; None if their group is not known.

        Args:
            group: Machine and section.
            windows: Number of windows that the score of a recording is pooled from.
        """
        of_window = self._of_windows.get(group)
        if of_window is None or not of_window.n or windows == 1:
            return of_window
        key = (group, windows)
        if key not in self._found:
            if len(self._found) >= _MOST_KEPT:
                del self._found[next(iter(self._found))]
            self._found[key] = self._of_drawn(of_window, self._drawn(*key))
        return self._found[key]

    @staticmethod
    def _of_drawn(of_window: PValues, drawn: np.ndarray) -> PValues:
        """Returns p-values that go on beyond the normal windows only where those of these do."""
        if of_window.has_tail:
            return PValues(drawn, of_window.scope, of_window.rule)
        return PValues(drawn, of_window.scope, least=of_window.smallest)

    def _drawn(self, group: Group, windows: int) -> np.ndarray:
        """Returns the pooled scores of simulated normal recordings."""
        if group not in self._parts:
            self._parts[group] = _levels_and_deviations(self._of_group(group), self._pool)
        levels, deviations = self._parts[group]
        scale, rng, pooled = self.scale(group), np.random.default_rng(windows), []
        size = max(_VALUES // windows, 1)
        for done in range(0, _DRAWS, size):
            count = min(size, _DRAWS - done)
            scores = rng.choice(levels, (count, 1)) + _draw(deviations, (count, windows), rng)
            pooled.append(pool_windows(scores, self._pool, scale))
        return np.concatenate(pooled)

    def _of_group(self, group: Group) -> pd.DataFrame:
        of_machine = self._calibration[self._calibration["machine"] == group[0]]
        of_group = of_machine[of_machine["section"] == group[1]]
        _, scope = scores_to_judge_by(of_group["score"], of_machine["score"])
        return of_group if scope == "group" else of_machine


def _draw(deviations: np.ndarray, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    drawn = rng.choice(deviations, shape)
    start = np.quantile(deviations, _TAIL)
    is_tail = drawn > start
    if is_tail.any():
        excess = float(np.mean(deviations[deviations > start] - start))
        drawn[is_tail] = start + rng.exponential(excess, int(is_tail.sum()))
    return drawn


def _levels_and_deviations(windows: pd.DataFrame, pool: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the levels of normal recordings, and the deviations of their windows from these."""
    recordings = windows.groupby(["machine", "section", "recording_id"])["score"]
    count, level = recordings.transform("size"), recordings.transform("mean")
    several = count > 1
    if not several.any():
        scores = windows["score"].to_numpy()
        mean = scores.mean()
        levels = np.array([mean]) if pool == "max" else scores
        return levels, np.zeros(1) if pool == "mean" else scores - mean
    unbiased = np.sqrt(count / (count - 1).clip(lower=1))
    deviations = ((windows["score"] - level) * unbiased)[several].to_numpy()
    means, sizes = recordings.mean().to_numpy(), recordings.size().to_numpy()
    return _without_noise(means, np.mean(deviations.var() / sizes)), deviations


def _without_noise(means: np.ndarray, noise: float) -> np.ndarray:
    """Takes from the variance of the means of recordings what comes from that of their windows."""
    if len(means) < _MIN_RECORDINGS or not means.var(ddof=1):
        return means
    share = max(1 - noise / means.var(ddof=1), 0.0)
    return means.mean() + (means - means.mean()) * np.sqrt(share)
