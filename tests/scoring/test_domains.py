"""Scores of both domains must mean the same on the scale of their domain."""

import json

import numpy as np
import pytest
from scipy import stats

from asd_tf.data.health.fine_levels import FINE_BANDS
from asd_tf.scoring.domains import MIN_RECORDINGS, DomainScale, _log_share
from asd_tf.scoring.p_values import PValues

LEVELS = 6


def clips(rng, source, target, apart=6.0, shift=0.8):
    """Returns scores, domains and fine levels of normal clips, target scores being higher."""
    is_target = np.arange(source + target) >= source
    scores = np.exp(rng.normal(0, 0.3, len(is_target)) + shift * is_target)
    levels = rng.normal(0, 1, (len(is_target), LEVELS)) + apart * is_target[:, np.newaxis]
    return scores, is_target, levels


def fitted(scores, is_target, levels, recordings=None):
    names = np.arange(len(scores)) if recordings is None else recordings
    return DomainScale.fit(scores, is_target, levels, names, seed=0, of_machine=scores)


def seen(source, target, draws=25, **kwargs):
    """Returns the false alarms of both domains at a promise of 10 %, mean over detectors."""
    found = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        scale, calibration = fitted(*clips(rng, source, target, **kwargs))
        threshold = PValues(calibration).threshold(0.1)
        new, is_target, levels = clips(rng, 50, 50, **kwargs)
        alarms = scale(new, levels) > threshold
        found.append([alarms[~is_target].mean(), alarms[is_target].mean()])
    return np.mean(found, axis=0)


@pytest.mark.parametrize(("target", "most"), [(3, 0.16), (5, 0.14), (10, 0.13)])
def test_few_target_clips_keep_the_promise_in_both_domains(target, most):
    """A tenth of each domain must be called anomalous, give or take, and not of the mixture."""
    of_source, of_target = seen(90, target)
    assert 0.07 < of_source < 0.12
    assert 0.04 < of_target < most


def test_without_the_scale_the_target_domain_raises_most_alarms():
    """The same scores with one threshold must break the promise: else this shows nothing."""
    rng = np.random.default_rng(0)
    scores, is_target, _ = clips(rng, 900, 100)
    threshold = PValues(scores).threshold(0.1)
    assert np.mean(scores[is_target] > threshold) > 0.5


def test_domains_that_cannot_be_told_apart_are_both_considered():
    """Where levels say nothing, the mixture of equal weights must keep the promise in total."""
    rng = np.random.default_rng(0)
    scale, _ = fitted(*clips(rng, 90, 10, apart=0.0))
    assert not scale.is_predictable
    new, is_target, levels = clips(rng, 400, 400, apart=0.0)
    z = scale(new, levels)
    order = np.argsort(new)
    assert np.all(np.diff(z[order]) >= 0)  # one order for all
    assert stats.norm.sf(z).mean() == pytest.approx(0.5, abs=0.1)
    assert is_target[z > 1.28].mean() > 0.5


def test_unknown_levels_are_those_of_either_domain():
    rng = np.random.default_rng(0)
    scale, _ = fitted(*clips(rng, 90, 10))
    scores = np.array([0.5, 1.0, 3.0])
    source, target, unknown = (
        scale(scores, np.full((3, LEVELS), level)) for level in (0.0, 6.0, np.nan)
    )
    assert np.all(target < unknown)
    assert np.all(unknown < source)


def test_it_increases_with_the_score_however_large_that_is():
    """No two scores of a domain may be equal after it, nor infinite, as their order would go."""
    scale, _ = fitted(*clips(np.random.default_rng(1), 90, 10))
    scores = np.geomspace(1e-2, 1e200, 400)
    for level in (0.0, 6.0):
        z = scale(scores, np.full((400, LEVELS), level))
        assert np.isfinite(z).all()
        assert np.all(np.diff(z) > 0)
    assert np.isnan(scale(np.array([np.nan]), np.zeros((1, LEVELS)))).all()


def test_scores_that_may_be_negative_are_compared_as_they_are():
    scores, is_target, levels = clips(np.random.default_rng(0), 90, 10)
    scale, _ = fitted(np.log(scores), is_target, levels)
    of_log, _ = fitted(scores, is_target, levels)
    assert of_log.is_log
    assert not scale.is_log
    np.testing.assert_allclose(scale(np.log(scores), levels), of_log(scores, levels))


def test_too_few_recordings_of_a_domain_give_one_scale_for_both():
    """Windows of one recording are alike, so that recordings are what is counted."""
    scores, is_target, levels = clips(np.random.default_rng(0), 20, 6)
    assert fitted(scores, is_target, levels)[0].tells_domains
    few = np.where(is_target, 100 + np.arange(26) % (MIN_RECORDINGS - 1), np.arange(26))
    for scale, calibration in (
        fitted(scores, is_target, levels, few),
        fitted(scores, np.zeros(26, bool), levels),
        fitted(np.where(is_target, np.nan, scores), is_target, levels),
        fitted(scores, is_target, np.full_like(levels, np.nan)),
    ):
        assert not scale.tells_domains
        assert scale.mean[0] == scale.mean[1]
        order = np.argsort(scores[np.isfinite(calibration)])
        assert np.all(np.diff(calibration[np.isfinite(calibration)][order]) > -0.3)
        z = scale(np.sort(scores), levels)
        assert np.all(np.diff(z) >= 0)


def test_a_group_that_says_too_little_has_the_scale_of_its_machine():
    """All groups of a machine must have scores on a scale, since they are judged together."""
    rng = np.random.default_rng(0)
    of_machine = np.exp(rng.normal(2, 0.3, 40))
    levels = np.zeros((2, FINE_BANDS))
    scale, calibration = DomainScale.fit(
        of_machine[:2], np.zeros(2, bool), levels, np.arange(2), 0, of_machine
    )
    np.testing.assert_allclose(scale.mean[0], np.log(of_machine).mean())
    np.testing.assert_allclose(calibration, scale(of_machine[:2], levels))
    nothing = np.full(2, 3.0)
    assert DomainScale.fit(nothing, np.zeros(2, bool), levels, np.arange(2), 0, nothing) is None


def test_equal_scores_of_the_others_give_no_infinite_one():
    """Where the others of a clip have no spread, the scale of all must do."""
    scores = np.array([1.0, 1.0, 2.0])
    _, calibration = fitted(scores, np.zeros(3, bool), np.zeros((3, LEVELS)))
    assert np.isfinite(calibration).all()


def test_scores_that_are_missing_stay_missing():
    scores, is_target, levels = clips(np.random.default_rng(0), 20, 5)
    scores[3] = np.nan
    _, calibration = fitted(scores, is_target, levels)
    assert np.flatnonzero(np.isnan(calibration)).tolist() == [3]


def test_it_comes_back_from_plain_values():
    scores, is_target, levels = clips(np.random.default_rng(0), 20, 5)
    scale, _ = fitted(scores, is_target, levels)
    again = DomainScale.from_json(json.loads(json.dumps(scale.to_json())))
    assert again == scale
    np.testing.assert_array_equal(again(scores, levels), scale(scores, levels))


def test_shares_are_those_of_students_distribution():
    x = np.array([-3.0, 0.0, 1.0, 5.0])
    np.testing.assert_allclose(_log_share(x, 0.5, 2.0, 12.0), stats.t.logsf((x - 0.5) / 2, 12))
