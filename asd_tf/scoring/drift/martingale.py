"""Since when recordings are no longer like those before: a conformal test martingale.

Each recording is compared with the calibration scores and all recordings before it. While nothing
changes, these p-values are independent and uniform, whatever the distribution of the scores (Vovk,
Gammerman and Shafer, Algorithmic Learning in a Random World, 2005). A martingale bets against that;
that it ever gets from 1 to c has at most the probability 1 / c (Ville). The bets are those of the
Simple Jumper (Vovk, Petej, Nouretdinov, Ahlberg, Carlsson and Gammerman, Retrain or not retrain:
conformal test martingales for change-point detection, COPA 2021).
"""

import bisect
import dataclasses
import math
from collections.abc import Iterator

import numpy as np

# Bets on low p-values, on none and on high ones: 1 + slope (p - 1/2). The paper has no slopes of 2,
# the steepest that lose no more than all, which find a clear change in fewer recordings.
_SLOPES = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
# Share of the capital that is divided anew before each bet, as in the paper.
_JUMP = 0.01
_SEED = 0


@dataclasses.dataclass(frozen=True)
class Change:
    """A change that a martingale has found.

    Attributes:
        start: Index of the recording from which on it grew: about where the change is.
        found: Index of the recording at which it was large enough.
    """

    start: int
    found: int


def find_change(scores: np.ndarray, calibration: np.ndarray, level: float) -> Change | None:
    """Looks for the first change in scores in the order of time.

    Args:
        scores: [n] finite scores, the oldest first.
        calibration: [m] finite scores of normal recordings.
        level: Probability of a change that is none, above 0 and below 1.

    Returns:
        The change; None without one.
    """
    lowest, start = 0.0, 0
    for index, capital in enumerate(_log_capitals(online_p_values(scores, calibration))):
        if capital >= -math.log(level):
            return Change(start, index)
        if capital <= lowest:
            lowest, start = capital, index + 1
    return None


def online_p_values(scores: np.ndarray, calibration: np.ndarray) -> Iterator[float]:
    """Yields the p-value of each score among the calibration scores and the scores before it.

    Ties are broken by random numbers of a fixed seed: without them equal scores, such as those of
    silence, would not be uniform.
    """
    rng, seen = np.random.default_rng(_SEED), sorted(map(float, calibration))
    for score in map(float, scores):
        bisect.insort(seen, score)
        higher = len(seen) - bisect.bisect_right(seen, score)
        equal = len(seen) - higher - bisect.bisect_left(seen, score)
        yield (higher + rng.uniform() * equal) / len(seen)


def _log_capitals(p_values: Iterator[float]) -> Iterator[float]:
    """Yields the logarithm of the capital after each bet; it begins with 0."""
    shares, log_capital = np.full(len(_SLOPES), 1 / len(_SLOPES)), 0.0
    for p in p_values:
        shares = (1 - _JUMP) * shares + _JUMP / len(_SLOPES)
        shares = shares * (1 + _SLOPES * (p - 0.5))
        gain = float(shares.sum())
        log_capital += math.log(gain)
        shares /= gain
        yield log_capital
