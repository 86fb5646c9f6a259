"""Fused scores against the rules written out."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.detector.fusion import RULES, FittedFusion, Fusion
from asd_tf.errors import UsageError
from asd_tf.survival import Survival

PARTS = ["a", "b", "c"]
GROUPS = [("fan", "00"), ("fan", "01"), ("pump", "00")]


@pytest.fixture
def calibration():
    rng = np.random.default_rng(0)
    rows = [(*group, *(rng.gamma(2 + i, size=3) * [1, 10, 0.1])) for i, group in enumerate(GROUPS)
            for _ in range(30)]  # fmt: skip
    return pd.DataFrame(rows, columns=["machine", "section", *PARTS])


@pytest.fixture
def scores():
    return np.random.default_rng(1).gamma(3.0, size=[3, 12]) * [[1], [10], [0.1]]


OF_CLIPS = [GROUPS[i % 3] for i in range(12)]


def of_group(calibration, group):
    return calibration[(calibration["machine"] == group[0]) & (calibration["section"] == group[1])]


def standardised(calibration, scores):
    values = np.empty_like(scores)
    for clip, group in enumerate(OF_CLIPS):
        normal = of_group(calibration, group)[PARTS].to_numpy()
        values[:, clip] = (scores[:, clip] - normal.mean(axis=0)) / normal.std(axis=0)
    return values


@pytest.mark.parametrize(
    ("rule", "function"),
    [("sum", np.sum), ("mean", np.mean), ("median", np.median), ("max", np.max)],
)
def test_rules_on_raw_and_standardised_scores(calibration, scores, rule, function):
    for scale, values in (("raw", scores), ("standardised", standardised(calibration, scores))):
        fused = FittedFusion(Fusion(rule, scale), calibration, PARTS)(scores, OF_CLIPS)
        np.testing.assert_allclose(fused, function(values, axis=0))


def test_weights(calibration, scores):
    values = standardised(calibration, scores)
    for rule, divisor in (("sum", 1), ("mean", 4)):
        fusion = FittedFusion(Fusion(rule, weights=(1, 0, 3)), calibration, PARTS)
        np.testing.assert_allclose(fusion(scores, OF_CLIPS), (values[0] + 3 * values[2]) / divisor)


def test_rank_does_not_depend_on_the_scale_of_a_part(calibration, scores):
    """Logarithms of one part's scores must leave its ranks, and so the fusion, almost as it was."""
    fused = FittedFusion(Fusion("rank"), calibration, PARTS)(scores, OF_CLIPS)
    expected = np.mean(
        [
            [Survival(of_group(calibration, group)[part]).surprise(score)
             for group, score in zip(OF_CLIPS, of_part, strict=True)]
            for part, of_part in zip(PARTS, scores, strict=True)
        ],
        axis=0,
    )  # fmt: skip
    np.testing.assert_allclose(fused, expected)
    scaled = calibration.assign(b=1000 * calibration["b"])
    other = FittedFusion(Fusion("rank"), scaled, PARTS)(scores * [[1], [1000], [1]], OF_CLIPS)
    np.testing.assert_allclose(fused, other)


@pytest.mark.parametrize("rule", RULES)
def test_a_clip_that_one_part_cannot_score_has_no_fused_score(calibration, scores, rule):
    """A bad file must not be called normal because the others said so."""
    scores[1, 4] = np.nan
    fused = FittedFusion(Fusion(rule), calibration, PARTS)(scores, OF_CLIPS)
    assert np.flatnonzero(np.isnan(fused)).tolist() == [4]


def test_few_scores_of_a_group_are_judged_by_its_machine(calibration, scores):
    """A mean of three scores is no scale: below twenty, those of the machine count."""
    few = calibration.drop(calibration.index[3:30])
    fused = FittedFusion(Fusion("sum"), few, PARTS)(scores[:, :1], OF_CLIPS[:1])
    normal = few.loc[few["machine"] == "fan", PARTS].to_numpy()
    expected = ((scores[:, 0] - normal.mean(axis=0)) / normal.std(axis=0)).sum()
    np.testing.assert_allclose(fused, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "product"}, "product"),
        ({"scale": "logit"}, "logit"),
        ({"rule": "max", "weights": (1, 2)}, "mean nothing"),
        ({"weights": (1, -1)}, "below zero"),
        ({"weights": (0, 0)}, "above it"),
    ],
)
def test_what_is_not_known_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        Fusion(**arguments)


def test_weights_are_one_for_each_part():
    with pytest.raises(UsageError, match="2 weights for 3 detectors"):
        Fusion(weights=(1, 2)).check_parts(3)
