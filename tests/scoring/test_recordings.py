"""Recordings are scored by their windows, with p-values that fit the number of these."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.scoring.p_values import fit_p_values
from asd_tf.scoring.promises import RULES
from asd_tf.scoring.recordings import POOLS, RecordingPValues, pool_recordings, pool_windows

GROUP = ("fan", "00")


def normal_windows(rng, recordings, windows, between):
    """Returns [recordings, windows] scores: a gamma-distributed level and skewed deviations."""
    level = between * rng.gamma(4, 0.5, [recordings, 1])
    return level + rng.gamma(3, 1 / np.sqrt(3), [recordings, windows])


def calibration_of(scores):
    count, windows = scores.shape
    return pd.DataFrame(
        {
            "machine": GROUP[0],
            "section": GROUP[1],
            "recording_id": np.repeat(np.arange(count).astype(str), windows),
            "score": scores.ravel(),
        }
    )


def p_values_of(scores, pool, rule="conformal"):
    table = calibration_of(scores)
    return RecordingPValues(table, fit_p_values(table, [GROUP], rule), pool)


def threshold_of(p_values, windows):
    return p_values.p_values(GROUP, windows).threshold(0.1)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("between", [0.0, 0.5, 2.0])
def test_false_alarms_do_not_depend_on_the_number_of_windows(pool, between):
    """Of normal recordings of 1 to 100 windows, near a tenth may raise an alarm."""
    rng = np.random.default_rng(0)
    rates = {}
    for windows in (1, 6, 30, 100):
        of_seeds = []
        for _ in range(10):
            p_values = p_values_of(normal_windows(rng, 60, 6, between), pool)
            new = normal_windows(rng, 400, windows, between)
            scores = pool_windows(new, pool, p_values.scale(GROUP))
            of_seeds.append(np.mean(scores > threshold_of(p_values, windows)))
        rates[windows] = np.mean(of_seeds)
    assert all(0.04 < rate < 0.19 for rate in rates.values()), rates


def test_more_windows_have_a_higher_maximum():
    """One threshold for all would raise a false alarm for nearly every long recording."""
    rng = np.random.default_rng(1)
    p_values = p_values_of(normal_windows(rng, 60, 6, 0.5), "max")
    values = [threshold_of(p_values, windows) for windows in (1, 6, 60, 600)]
    assert values == sorted(values)
    longest = normal_windows(rng, 500, 60, 0.5).max(axis=1)
    assert np.mean(longest > threshold_of(p_values, 6)) > 0.5


@pytest.mark.parametrize("pool", POOLS)
def test_normal_recordings_of_one_window_err_to_the_high_side(pool):
    """A detector of short clips must not raise false alarms for long recordings."""
    rng = np.random.default_rng(2)
    p_values = p_values_of(normal_windows(rng, 200, 1, 0.5), pool)
    for windows in (6, 60):
        scores = pool_windows(normal_windows(rng, 2000, windows, 0.5), pool, 1.0)
        assert np.mean(scores > threshold_of(p_values, windows)) < 0.2


def test_pools():
    """Softmax must lie between mean and maximum; a window without a score leaves none."""
    scores, scale = np.array([1.0, 5.0, 2.0, 7.0]), np.ones(4)
    recordings = pd.Series(["b", "a", "b", "a"])
    pooled = {pool: pool_recordings(scores, recordings, pool, scale) for pool in POOLS}
    assert pooled["mean"].tolist() == [1.5, 6.0]
    assert pooled["max"].tolist() == [2.0, 7.0]
    assert (pooled["mean"] < pooled["softmax"]).all()
    assert (pooled["softmax"] < pooled["max"]).all()
    scores[2] = np.nan
    for pool in POOLS:
        assert np.isnan(pool_recordings(scores, recordings, pool, scale)).tolist() == [True, False]


def test_a_simulation_promises_no_more_than_its_windows():
    """No p-value of `conformal` may be below that of as many normal windows as there are."""
    rng = np.random.default_rng(3)
    normal = normal_windows(rng, 4, 6, 0.5)
    conformal, gamma = (p_values_of(normal, "max", rule).p_values(GROUP, 5) for rule in RULES)
    scores = np.sort(np.concatenate([rng.gamma(6, 1, 500), [1e3]]))
    assert conformal(scores).min() == 1 / 25
    assert conformal.threshold(0.03) is None
    assert gamma(scores).min() < 1 / 4000 and gamma.threshold(0.03) is not None
    threshold = conformal.threshold(0.06)
    np.testing.assert_array_equal(scores > threshold, conformal(scores) <= 0.06)
    few = p_values_of(normal[:3], "max", "gamma").p_values(GROUP, 5)  # too few for a gamma
    assert few(scores).min() == 1 / 19 and few.threshold(0.03) is None


def test_groups_without_scores_have_no_p_values():
    """A group without normal scores must have missing p-values, an unknown one none at all."""
    table = calibration_of(np.full([1, 1], np.nan))
    p_values = RecordingPValues(table, fit_p_values(table, [GROUP]), "max")
    assert p_values.p_values(GROUP, 5).threshold(0.5) is None
    assert np.isnan(p_values.p_values(GROUP, 5)(np.ones(2))).all()
    assert p_values.p_values(("pump", "00"), 5) is None
