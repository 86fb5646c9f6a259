"""Fused scores must follow the formulas of the rules."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.scoring.fusion import RULES, FittedFusion, Fusion
from asd_tf.scoring.tail import NormalTail

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


def standardized(calibration, scores):
    values = np.empty_like(scores)
    for clip, group in enumerate(OF_CLIPS):
        normal = of_group(calibration, group)[PARTS].to_numpy()
        values[:, clip] = (scores[:, clip] - normal.mean(axis=0)) / normal.std(axis=0)
    return values


@pytest.mark.parametrize(
    ("rule", "function"),
    [("sum", np.sum), ("mean", np.mean), ("median", np.median), ("max", np.max)],
)
def test_rules_on_raw_and_standardized_scores(calibration, scores, rule, function):
    """Each rule must be its function of the raw or the standardized scores."""
    for scale, values in (("raw", scores), ("standardized", standardized(calibration, scores))):
        fused = FittedFusion(Fusion(rule, scale), calibration, PARTS)(scores, OF_CLIPS)
        np.testing.assert_allclose(fused, function(values, axis=0))


def test_weights(calibration, scores):
    """`sum` and `mean` must weight the standardized scores."""
    values = standardized(calibration, scores)
    for rule, divisor in (("sum", 1), ("mean", 4)):
        fusion = FittedFusion(Fusion(rule, weights=(1, 0, 3)), calibration, PARTS)
        np.testing.assert_allclose(fusion(scores, OF_CLIPS), (values[0] + 3 * values[2]) / divisor)


def test_the_largest_weighted_score(calibration, scores):
    """`max` must take the largest of the weighted standardized scores; weight 0 has no say."""
    values = standardized(calibration, scores)
    fused = FittedFusion(Fusion("max", weights=(1, 0.5, 0.25)), calibration, PARTS)
    weighted = values * [[1], [0.5], [0.25]]
    np.testing.assert_allclose(fused(scores, OF_CLIPS), weighted.max(axis=0))
    without = FittedFusion(Fusion("max", weights=(1, 0.5, 0)), calibration, PARTS)
    np.testing.assert_allclose(without(scores, OF_CLIPS), weighted[:2].max(axis=0))
    scores[2, 5] = np.nan
    assert np.flatnonzero(np.isnan(without(scores, OF_CLIPS))).tolist() == [5]


@pytest.mark.parametrize("rule", ["max", "sum", "mean", "rank"])
def test_each_machine_has_its_own_weights(calibration, scores, rule):
    """Clips of a machine must be fused by its weights, and have no score where it has none."""
    own = {"fan": (1.0, 0.5, 0.2), "pump": (0.1, 1.0, 1.0)}
    found = FittedFusion(Fusion(rule, machine_weights=own), calibration, PARTS)(scores, OF_CLIPS)
    for machine, weights in own.items():
        same = FittedFusion(Fusion(rule, weights=weights), calibration, PARTS)(scores, OF_CLIPS)
        mask = [group[0] == machine for group in OF_CLIPS]
        np.testing.assert_allclose(found[mask], same[mask])
    some = FittedFusion(Fusion(rule, machine_weights={"fan": own["fan"]}), calibration, PARTS)
    is_pump = [group[0] == "pump" for group in OF_CLIPS]
    assert np.isnan(some(scores, OF_CLIPS)).tolist() == is_pump


def test_a_rule_is_read_as_it_was_written():
    """A manifest must keep the weights of machines; those of earlier versions have none."""
    for fusion in (
        Fusion("sum", "raw", (1, 2)),
        Fusion("max", machine_weights={"fan": (1, 0.5)}),
        Fusion(),
    ):
        assert Fusion.from_json(fusion.to_json()) == fusion
    assert set(Fusion().to_json()) == {"rule", "scale", "weights"}
    with pytest.raises(ValueError, match="pump: has no weights"):
        Fusion("max", machine_weights={"fan": (1, 0.5)}).check_machines(["fan", "pump"])
    with pytest.raises(ValueError, match="1 weights for 2"):
        Fusion("max", machine_weights={"fan": (1,)}).check_parts(2)


def test_rank_does_not_depend_on_the_scale_of_a_part(calibration, scores):
    """`rank` must be the mean of -log(share above), which has no unit."""
    fused = FittedFusion(Fusion("rank"), calibration, PARTS)(scores, OF_CLIPS)
    expected = np.mean(
        [
            [NormalTail(of_group(calibration, group)[part]).neg_log_tail(score)
             for group, score in zip(OF_CLIPS, of_part, strict=True)]
            for part, of_part in zip(PARTS, scores, strict=True)
        ],
        axis=0,
    )  # fmt: skip
    np.testing.assert_allclose(fused, expected)
    scaled = calibration.assign(b=1000 * calibration["b"])
    other = FittedFusion(Fusion("rank"), scaled, PARTS)(scores * [[1], [1000], [1]], OF_CLIPS)
    np.testing.assert_allclose(fused, other)


def test_mean_rank_averages_the_ranks_among_normal_clips(calibration, scores):
    """`mean_rank` must be the mean of the shares of normal clips below the scores of the parts."""
    fused = FittedFusion(Fusion("mean_rank"), calibration, PARTS)(scores, OF_CLIPS)
    ranks = [
        [np.mean(of_group(calibration, group)[part] < score)
         for group, score in zip(OF_CLIPS, of_part, strict=True)]
        for part, of_part in zip(PARTS, scores, strict=True)
    ]  # fmt: skip
    np.testing.assert_allclose(fused, np.mean(ranks, axis=0), atol=0.04)  # 30 clips a group
    assert ((fused > 0) & (fused < 1)).all()


@pytest.mark.parametrize("rule", RULES)
def test_a_clip_that_one_part_cannot_score_has_no_fused_score(calibration, scores, rule):
    """A clip without a score of one part must have no fused score."""
    scores[1, 4] = np.nan
    fused = FittedFusion(Fusion(rule), calibration, PARTS)(scores, OF_CLIPS)
    assert np.flatnonzero(np.isnan(fused)).tolist() == [4]


def test_few_scores_of_a_group_are_judged_by_its_machine(calibration, scores):
    """A group with fewer than 20 scores must be standardized by those of its machine."""
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
        ({"rule": "median", "weights": (1, 2)}, "uses no weights"),
        ({"rule": "median", "machine_weights": {"fan": (1, 2)}}, "uses no weights"),
        ({"weights": (1, 2), "machine_weights": {"fan": (1, 2)}}, "not both"),
        ({"machine_weights": {"fan": (0, 0)}}, "not all 0"),
        ({"weights": (1, -1)}, "at least 0"),
        ({"weights": (0, 0)}, "not all 0"),
    ],
)
def test_what_is_not_known_is_refused(arguments, message):
    """Unknown names and useless weights must be refused."""
    with pytest.raises(ValueError, match=message):
        Fusion(**arguments)


def test_weights_are_one_for_each_part():
    """There must be as many weights as parts."""
    with pytest.raises(ValueError, match="2 weights for 3 detectors"):
        Fusion(weights=(1, 2)).check_parts(3)
