"""The share of normal clips with a higher score: a common scale for scores of different methods."""

import numpy as np

# Quantile of the scores at which the exponential tail begins.
_TAIL = 0.9


class NormalTail:
    """The share of normal clips above a score, estimated from scores of normal clips.

    Up to the 0.9 quantile of the scores it is their empirical share, interpolated linearly. Above,
    where only few normal scores remain, it decays exponentially; the decay constant is the mean
    excess of these scores over the quantile. The share thus decreases strictly there. Below the
    smallest score it approaches 1 exponentially.

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

    def neg_log_tail(self, scores: np.ndarray) -> np.ndarray:
        """Returns minus the natural logarithm of the share above each score.

        Args:
            scores: Scores of any shape.

        Returns:
            Values of the same shape: at least 0, increasing with the score; NaN where the score is
            NaN.
        """
        scores = np.asarray(scores, np.float64)
        inside = -np.log(np.interp(scores, self._scores, self._shares))
        at_start = -np.log(np.interp(self._start, self._scores, self._shares))
        beyond = at_start + (scores - self._start) / self._length
        depth = np.minimum(scores - self._scores[0], 0) / self._width
        below = -np.log1p(-(1 - self._shares[0]) * np.exp(depth))
        neg_log_tail = np.where(scores > self._start, beyond, inside)
        return np.where(scores < self._scores[0], below, neg_log_tail)

    def rank(self, scores: np.ndarray) -> np.ndarray:
        """Returns the share of normal clips below each score.

        Args:
            scores: Scores of any shape.

        Returns:
            Values of the same shape in 0..1, increasing with the score until they round to 1; NaN
            where the score is NaN.
        """
        return -np.expm1(-self.neg_log_tail(scores))
