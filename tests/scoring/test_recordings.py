"""Recordings are scored by their windows, with thresholds that fit the number of these."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.scoring.recordings import POOLS, RecordingThresholds, pool_recordings, pool_windows
from asd_tf.scoring.thresholds import fit_thresholds

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


def thresholds_of(scores, pool, quantile=0.9):
    table = calibration_of(scores)
    return RecordingThresholds(table, fit_thresholds(table, [GROUP], quantile), pool)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("between", [0.0, 0.5, 2.0])
def test_false_alarms_do_not_depend_on_the_number_of_windows(pool, between):
    """Of normal recordings of 1 to 100 windows, near a tenth may be above a 0.9 quantile."""
    rng = np.random.default_rng(0)
    rates = {}
    for windows in (1, 6, 30, 100):
        of_seeds = []
        for _ in range(10):
            thresholds = thresholds_of(normal_windows(rng, 60, 6, between), pool)
            new = normal_windows(rng, 400, windows, between)
            scores = pool_windows(new, pool, thresholds.scale(GROUP))
            of_seeds.append(np.mean(scores > thresholds.threshold(GROUP, windows).value))
        rates[windows] = np.mean(of_seeds)
    assert all(0.04 < rate < 0.19 for rate in rates.values()), rates


def test_more_windows_have_a_higher_maximum():
    """One threshold for all would raise a false alarm for nearly every long recording."""
    rng = np.random.default_rng(1)
    thresholds = thresholds_of(normal_windows(rng, 60, 6, 0.5), "max")
    values = [thresholds.threshold(GROUP, windows).value for windows in (1, 6, 60, 600)]
    assert values == sorted(values)
    longest = normal_windows(rng, 500, 60, 0.5).max(axis=1)
    assert np.mean(longest > thresholds.threshold(GROUP, 6).value) > 0.5


@pytest.mark.parametrize("pool", POOLS)
def test_normal_recordings_of_one_window_err_to_the_high_side(pool):
    """A detector of short clips must not raise false alarms for long recordings."""
    rng = np.random.default_rng(2)
    thresholds = thresholds_of(normal_windows(rng, 200, 1, 0.5), pool)
    for windows in (6, 60):
        scores = pool_windows(normal_windows(rng, 2000, windows, 0.5), pool, 1.0)
        assert np.mean(scores > thresholds.threshold(GROUP, windows).value) < 0.2


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


def test_groups_without_scores_have_no_threshold():
    table = calibration_of(np.full([1, 1], 3.0))
    thresholds = RecordingThresholds(table, fit_thresholds(table, [GROUP]), "max")
    assert thresholds.threshold(GROUP, 5).value is None
    assert thresholds.threshold(("pump", "00"), 5) is None
