"""How rare a score is among normal clips."""

import numpy as np
import pytest
from scipy import stats

from asd_tf.survival import Survival


def test_surprise_is_that_of_the_distribution_the_scores_come_from():
    """A score that one clip in a thousand reaches must surprise by about ln 1000."""
    rng = np.random.default_rng(0)
    survival = Survival(rng.gamma(3.0, size=4000))
    scores = stats.gamma(3.0).ppf([0.05, 0.3, 0.5, 0.9, 0.99, 0.999])
    expected = -np.log(1 - np.array([0.05, 0.3, 0.5, 0.9, 0.99, 0.999]))
    np.testing.assert_allclose(survival.surprise(scores), expected, rtol=0.1, atol=0.01)


@pytest.mark.parametrize("n", [1, 2, 5, 90])
def test_a_higher_score_is_always_rarer(n):
    """Anomalies far above all normal clips must not be tied with each other."""
    scores = np.random.default_rng(n).normal(size=n)
    grid = np.linspace(scores.min() - 3, scores.max() + 30, 400)
    surprise = Survival(scores).surprise(grid)
    assert (np.diff(surprise) > -1e-12).all()
    assert (np.diff(surprise)[grid[1:] > scores.max()] > 0).all()
    assert surprise.min() >= 0
    assert np.abs(np.diff(surprise)).max() < 3  # it has no jump


def test_no_score_has_no_surprise():
    assert np.isnan(Survival([1.0, 2.0]).surprise([np.nan])).all()


def test_equal_scores_have_a_scale():
    assert np.isfinite(Survival([2.0] * 5).surprise([1.0, 2.0, 3.0])).all()
