"""The share of normal clips above a score must be estimated well, also beyond all scores."""

import numpy as np
import pytest
from scipy import stats

from asd_tf.scoring.tail import NormalTail


def test_neg_log_tail_is_that_of_the_distribution_the_scores_come_from():
    """The estimate must be close to the true share, such as ln 1000 for one in a thousand."""
    rng = np.random.default_rng(0)
    tail = NormalTail(rng.gamma(3.0, size=4000))
    scores = stats.gamma(3.0).ppf([0.05, 0.3, 0.5, 0.9, 0.99, 0.999])
    expected = -np.log(1 - np.array([0.05, 0.3, 0.5, 0.9, 0.99, 0.999]))
    np.testing.assert_allclose(tail.neg_log_tail(scores), expected, rtol=0.1, atol=0.01)


@pytest.mark.parametrize("n", [1, 2, 5, 90])
def test_a_higher_score_is_always_rarer(n):
    """Scores far above those of all normal clips must not be tied."""
    scores = np.random.default_rng(n).normal(size=n)
    grid = np.linspace(scores.min() - 3, scores.max() + 30, 400)
    neg_log_tail = NormalTail(scores).neg_log_tail(grid)
    assert (np.diff(neg_log_tail) > -1e-12).all()
    assert (np.diff(neg_log_tail)[grid[1:] > scores.max()] > 0).all()
    assert neg_log_tail.min() >= 0
    assert np.abs(np.diff(neg_log_tail)).max() < 3  # it has no jump


def test_no_score_has_no_tail():
    """A missing score must stay missing."""
    assert np.isnan(NormalTail([1.0, 2.0]).neg_log_tail([np.nan])).all()


def test_equal_scores_have_a_scale():
    """Equal normal scores must give finite values."""
    assert np.isfinite(NormalTail([2.0] * 5).neg_log_tail([1.0, 2.0, 3.0])).all()
