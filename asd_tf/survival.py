"""How rarely normal clips score as high: a scale on which scores of different makes compare."""

import numpy as np

_TAIL = 0.9


class Survival:
    """The share of normal clips above a score, estimated from scores of normal clips.

    Up to their 0.9 quantile it is the empirical share, between scores on a straight line. Beyond,
    where few scores are left and anomalies lie, it falls exponentially with the mean excess of the
    scores there, so that a higher score is always rarer; likewise below the smallest score.

    Args:
        scores: [n] finite scores of normal clips, at least 1.
    """

    def __init__(self, scores: np.ndarray):
        self._scores = np.sort(np.asarray(scores, np.float64))
        n = len(self._scores)
        self._shares = 1 - (np.arange(n) + 0.5) / n
        self._start = np.quantile(self._scores, _TAIL)
        excess = self._scores[self._scores > self._start] - self._start
        spread = self._scores[-1] - self._scores[0]
        self._length = excess.mean() if len(excess) else (spread or 1.0)
        self._width = spread / n or 1.0

    def surprise(self, scores: np.ndarray) -> np.ndarray:
        """Returns minus the logarithm of the share above each of `scores`, of their shape.

        It is at least 0, grows with the score, and is NaN where the score is.
        """
        scores = np.asarray(scores, np.float64)
        inside = -np.log(np.interp(scores, self._scores, self._shares))
        at_start = -np.log(np.interp(self._start, self._scores, self._shares))
        beyond = at_start + (scores - self._start) / self._length
        depth = np.minimum(scores - self._scores[0], 0) / self._width
        below = -np.log1p(-(1 - self._shares[0]) * np.exp(depth))
        surprise = np.where(scores > self._start, beyond, inside)
        return np.where(scores < self._scores[0], below, surprise)
