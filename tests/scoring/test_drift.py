"""Tests of drift must find changes, and err as often as their level says."""

import numpy as np
import pytest
from scipy import stats

from asd_tf.scoring.drift.features import FeatureMoments, FeatureStatistics, moved
from asd_tf.scoring.drift.levels import LevelShift
from asd_tf.scoring.drift.martingale import find_change, online_p_values
from asd_tf.scoring.drift.scores import ScoreShift

LEVEL = 0.05
REPEATS = 200
# Errors in so many repeats that a test of the level would have with a probability of 0.1 %.
MOST = int(stats.binom.ppf(0.999, REPEATS, LEVEL))


@pytest.mark.parametrize(("recent", "calibration"), [(100, 30), (15, 100)])
def test_scores_of_the_same_kind_rarely_differ(recent, calibration):
    """Also where there are more recent scores than calibration scores."""
    rng = np.random.default_rng(0)
    shifts = [
        ScoreShift.between(rng.gamma(2, size=recent), rng.gamma(2, size=calibration))
        for _ in range(REPEATS)
    ]
    assert sum(shift.p < LEVEL for shift in shifts) <= MOST
    assert np.mean([shift.share_low for shift in shifts]) == pytest.approx(0.1, abs=0.03)


def test_scores_that_moved_are_found_in_either_direction():
    rng = np.random.default_rng(0)
    calibration, recent = rng.normal(size=60), rng.normal(size=40)
    for change, higher in ((1.5, True), (-1.5, False)):
        shift = ScoreShift.between(recent + change, calibration)
        assert shift.p < 1e-4 and shift.is_higher is higher


def test_online_p_values_are_uniform_and_independent():
    """Also of scores that are often equal, and beside few calibration scores."""
    rng = np.random.default_rng(0)
    scores = rng.integers(3, size=2010)
    p = np.array(list(online_p_values(scores[10:], scores[:10])))
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert abs(stats.spearmanr(p[1:], p[:-1]).statistic) < 0.06


def test_a_martingale_rarely_finds_a_change_that_is_none():
    rng = np.random.default_rng(0)
    found = [find_change(rng.normal(size=80), rng.normal(size=25), LEVEL) for _ in range(REPEATS)]
    assert sum(change is not None for change in found) <= MOST


@pytest.mark.parametrize("change", [3.0, -3.0])
def test_a_martingale_says_since_when(change):
    """Where it begins must be found within a few recordings, whatever the direction."""
    rng = np.random.default_rng(0)
    for at in (30, 90):
        scores = np.concatenate([rng.normal(size=at), rng.normal(change, size=40)])
        found = find_change(scores, rng.normal(size=60), 0.01)
        assert abs(found.start - at) <= 5 and found.found < at + 30


def correlated(rng, count, features=200):
    """Returns features of which neighbors are alike, and not normal."""
    hidden = rng.normal(size=(count, 10))
    mixing = np.random.default_rng(5).normal(size=(10, features))
    return np.exp(0.3 * (hidden @ mixing) / np.sqrt(10)) + 0.1 * rng.normal(size=(count, features))


def moved_of(training, recent, level=LEVEL):
    moments = FeatureMoments(FeatureStatistics(training.mean(axis=0), training.std(axis=0)))
    for row in recent:
        moments.add(row)
    return moved([moments.p_values(len(training))], level)


def test_features_rarely_move_by_chance():
    rng = np.random.default_rng(0)
    found = [moved_of(correlated(rng, 60), correlated(rng, 20)) for _ in range(REPEATS)]
    assert np.count_nonzero(found) <= MOST


SKEWED = {
    "rectified": lambda rng, shape: np.maximum(rng.normal(size=shape) - 1, 0),
    "lognormal": lambda rng, shape: rng.lognormal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
}


@pytest.mark.parametrize(("training", "recent"), [(990, 10), (60, 10), (60, 990)])
@pytest.mark.parametrize("kind", SKEWED)
def test_skewed_features_rarely_move_by_chance(kind, training, recent):
    """Also where the smaller sample has hardly any of the rare large values."""
    rng, draw = np.random.default_rng(0), SKEWED[kind]
    samples = [(draw(rng, (training, 256)), draw(rng, (recent, 256))) for _ in range(30)]
    assert sum(moved_of(*sample, level=0.002) > 0 for sample in samples) <= 1


@pytest.mark.parametrize("kind", SKEWED)
def test_skewed_features_that_moved_are_found(kind):
    """A tenth of them, by a standard deviation, in 30 recordings."""
    rng, draw = np.random.default_rng(0), SKEWED[kind]
    for _ in range(10):
        training, recent = draw(rng, (990, 256)), draw(rng, (30, 256))
        recent[:, :26] += training[:, :26].std(axis=0)
        assert 13 <= moved_of(training, recent, level=0.002) <= 27


def test_features_that_moved_are_counted():
    """And those that are constant, but for rounding, are not."""
    rng = np.random.default_rng(0)
    training, recent = correlated(rng, 60), correlated(rng, 40)
    recent[:, :50] += 1.0
    training[:, 100:110] = recent[:, 100:110] = 1e4
    recent[:, 100:105] += 1e-3
    recent[:, 105:110] += 1.0
    assert 50 <= moved_of(training, recent) - 5 <= 53


def bands(rng, count):
    """Returns levels of recordings of two kinds, which are 8 dB apart."""
    return -40 + 8 * rng.integers(2, size=(count, 1)) + rng.normal(0, 2, size=(count, 12))


def test_levels_rarely_move_by_chance():
    """Also where recordings are of two kinds, whose median varies much."""
    rng = np.random.default_rng(0)
    found = [
        LevelShift.of(bands(rng, 60), np.median(bands(rng, training), axis=0), training)
        for training in (15, 60)
        for _ in range(REPEATS // 2)
    ]
    assert sum(of.p < LEVEL for of in found) <= MOST


def test_a_gain_moves_all_bands():
    rng = np.random.default_rng(0)
    training = np.median(rng.normal(-40, 2, size=(60, 12)), axis=0)
    gain = LevelShift.of(rng.normal(-46, 2, size=(30, 12)), training, 60)
    assert gain.p < 0.001 and gain.gain_db == pytest.approx(-6, abs=1)
    soft = LevelShift.of(rng.normal(-40, 0.01, size=(30, 12)), np.full(12, -40.5), 60)
    assert soft.p == 1  # too little to be told
    hiss = LevelShift.of(rng.normal(-40, 2, size=(30, 12)) + 9 * (np.arange(12) > 8), training, 60)
    assert hiss.p < 0.001 and hiss.gain_db is None
