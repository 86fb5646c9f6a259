"""P-values must keep their promise, and thresholds must be the scores at which they do."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from asd_tf.data.groups import Group
from asd_tf.detector.deciding.calibrated import read_calibration
from asd_tf.files import write_csv
from asd_tf.scoring import p_values as module
from asd_tf.scoring.p_values import PValues, fit_p_values
from asd_tf.scoring.promises import RULES

DRAWS = 1000
LEVELS = np.arange(1, 51) / 100


def gamma_scores(n, seed=0, scale=1.0, shift=0.0):
    return shift + scale * np.random.default_rng(seed).gamma(3, 1, n)


def p_of_new_clips(n, round_to=None):
    """Returns the p-values of `DRAWS` clips, each with n calibration scores of its own."""
    scores = np.random.default_rng(n).gamma(3, 1, (DRAWS, n + 1))
    if round_to is not None:
        scores = np.round(scores / round_to) * round_to
    return np.array([float(PValues(row[1:])(row[0])) for row in scores])


def interval(level):
    """Returns the shares that 1,000 draws of a rate are within, but for one of 100,000 times."""
    return np.array(stats.binom.interval(1 - 1e-5, DRAWS, level)) / DRAWS


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_exchangeable_clips_raise_as_many_false_alarms_as_promised(n):
    """P(p <= a) must be at most a at every a, and by no more than 1 / (n + 1) below it."""
    p = p_of_new_clips(n)
    for level in LEVELS:
        seen = np.mean(p <= level)
        assert interval(max(level - 1 / (n + 1), 0))[0] <= seen <= interval(level)[1], level


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_equal_scores_never_raise_more_false_alarms(n):
    """With ties, the share of false alarms must still be at most what is promised."""
    p = p_of_new_clips(n, round_to=1.0)
    assert all(np.mean(p <= level) <= interval(level)[1] for level in LEVELS)


@pytest.mark.parametrize("n", [1, 2, 9, 19, 20, 29, 99, 100, 363])
@pytest.mark.parametrize("round_to", [1e-9, 0.5])
def test_a_decision_by_the_threshold_is_one_by_the_p_value(n, round_to):
    """A score must be above the threshold if and only if its p-value is at most the level."""
    rng = np.random.default_rng(n)
    normal = np.round(rng.gamma(3, 1, n) / round_to) * round_to
    of_group = PValues(normal)
    scores = np.concatenate([normal, np.nextafter(normal, 99), rng.gamma(3, 1, 200), [0, 99]])
    p = of_group(scores)
    levels = {*LEVELS, 0.0001, 0.99, *(k / (n + 1) for k in range(1, n + 1)), *p}
    for level in levels - {1.0}:
        threshold = of_group.threshold(level)
        above = np.zeros(len(scores), bool) if threshold is None else scores > threshold
        np.testing.assert_array_equal(above, p <= level)
        assert (threshold is None) == (level < 1 / (n + 1))
        if threshold is not None:
            rank = int(np.ceil(np.round((1 - level) * (n + 1), 9)))
            assert threshold == np.sort(normal)[rank - 1]


@pytest.mark.parametrize("rule", RULES)
def test_p_values_never_rise_with_the_score(rule):
    """They must be shares above 0, the same for every shape, and missing for a missing score."""
    normal = gamma_scores(50)
    of_group = PValues(normal, rule=rule)
    beyond = np.array([1, 50, 1e9])
    scores = np.sort(np.concatenate([normal, gamma_scores(200, 1), normal.max() + beyond]))
    p = of_group(scores)
    assert (np.diff(p) <= 0).all()
    assert (p > 0).all() and p[0] <= 1
    np.testing.assert_array_equal(of_group(scores.reshape(1, -1)), p[np.newaxis])
    assert np.isnan(of_group(np.array([np.nan, 1.0]))).tolist() == [True, False]
    assert np.isnan(PValues([])(np.ones(2))).all()


def test_gamma_goes_on_where_the_normal_scores_end():
    """Up to the highest normal score both rules agree; beyond it only `gamma` has thresholds."""
    normal = gamma_scores(50)
    conformal, gamma = PValues(normal), PValues(normal, rule="gamma")
    np.testing.assert_array_equal(conformal(normal), gamma(normal))
    assert conformal.threshold(0.1) == gamma.threshold(0.1)
    assert conformal.threshold(0.001) is None
    beyond = gamma.threshold(0.001)
    assert beyond > normal.max()
    assert float(gamma(beyond)) == pytest.approx(0.001)
    assert conformal(beyond) == 1 / 51


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (100, 0), (1e-3, -1), (1, 1e5)])
def test_the_extrapolation_does_not_depend_on_the_scale(scale, shift):
    """Rare false alarms must be near what is asked for, whatever the scale of the scores."""
    alarms = [
        stats.gamma.sf(
            (PValues(gamma_scores(200, seed, scale, shift), rule="gamma").threshold(0.002) - shift)
            / scale,
            3,
        )
        for seed in range(20)
    ]
    assert 0.0004 < np.mean(alarms) < 0.006


def refuses(scores):
    raise stats.FitError("optimization failed")


@pytest.mark.parametrize(
    "fit",
    [
        refuses,
        lambda scores: (np.nan, 0, 1),
        lambda scores: (1, 0, 1e-9),
        lambda scores: (1, 1e9, 1),
    ],
)
def test_without_a_fit_nothing_is_extrapolated(fit, monkeypatch):
    """A fit that fails or diverges must leave the conformal p-values; so must equal scores."""
    for normal in (gamma_scores(30), np.full(30, 0.3), gamma_scores(19)):
        with monkeypatch.context() as patch:
            if len(set(normal)) == 30:
                patch.setattr(module.stats.gamma, "fit", fit)
            of_group = PValues(normal, rule="gamma")
            assert of_group.threshold(0.01) is None
            assert of_group(np.array([99.0])) == 1 / (len(normal) + 1)


@pytest.mark.parametrize(
    ("group_n", "machine_n", "scope", "n"),
    [
        (20, 60, "group", 20), (19, 60, "machine", 60), (19, 20, "machine", 20),
        (5, 19, "machine", 19), (19, 19, "group", 19), (0, 2, "machine", 2), (0, 0, "group", 0),
    ],
)  # fmt: skip
def test_a_group_is_judged_by_its_own_scores_if_there_are_20(group_n, machine_n, scope, n):
    """Else it must be judged by those of its machine."""
    table = calibration_of({("fan", "00"): group_n, ("fan", "01"): machine_n - group_n})
    of_group = fit_p_values(table, [("fan", "00")])["fan", "00"]
    assert (of_group.n, of_group.scope) == (n, scope)


def test_each_group_has_its_own_and_none_has_those_of_another_machine():
    table = calibration_of({("fan", "00"): 30, ("fan", "01"): 5, ("pump", "00"): 40})
    groups: list[Group] = [("fan", "00"), ("fan", "01"), ("pump", "00"), ("valve", "00")]
    found = fit_p_values(table, groups)
    assert [of.n for of in found.values()] == [30, 35, 40, 0]


def test_scores_that_are_not_finite_do_not_count():
    normal = gamma_scores(20)
    of_group = PValues(np.append(normal, [np.nan, np.inf]))
    assert of_group.n == 20
    np.testing.assert_array_equal(of_group(normal), PValues(normal)(normal))


def test_p_values_survive_the_file(tmp_path):
    """After the calibration scores were written and read, every p-value must be the same."""
    table = calibration_of({("fan", "00"): 500}).assign(clip_id="a", domain="source")
    write_csv(tmp_path / "scores.csv", table)
    before, after = (
        fit_p_values(of, [("fan", "00")])["fan", "00"]
        for of in (table, read_calibration(tmp_path / "scores.csv"))
    )
    normal = table["score"].to_numpy()
    scores = np.concatenate([normal, np.nextafter(normal, 99), np.nextafter(normal, -99)])
    np.testing.assert_array_equal(before(scores), after(scores))
    assert [before.threshold(a) for a in LEVELS] == [after.threshold(a) for a in LEVELS]


def calibration_of(counts):
    return pd.concat(
        pd.DataFrame({"machine": machine, "section": section, "score": gamma_scores(n, seed)})
        for seed, ((machine, section), n) in enumerate(counts.items())
    )
