"""A reader would be sent to clips that are neither alarming nor confused."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.evaluation import sections
from asd_tf.evaluation.metrics import auc
from asd_tf.evaluation.report.ranking import highest_scored, most_confused, standing


@pytest.fixture
def clips(scored) -> pd.DataFrame:
    tested = sections.tested_clips(scored)
    return tested.assign(group=tested["machine"] + tested["section"])


def test_mean_confusion_is_what_the_area_lacks(clips):
    confused = most_confused(clips, len(clips))
    for group, rows in clips.groupby("group"):
        total = confused.loc[confused["group"] == group].groupby("label")["confusion"].sum()
        lacking = 1 - auc(rows["label"], rows["score"])
        for label in (0, 1):
            assert total[label] / np.sum(rows["label"] == label) == pytest.approx(lacking)


def test_confusion_is_the_share_on_the_wrong_side(clips):
    for _, clip in most_confused(clips).iterrows():
        sign = 1 if clip["label"] == 0 else -1
        others = clips[(clips["group"] == clip["group"]) & (clips["label"] != clip["label"])]
        share = np.mean(np.sign(sign * (clip["score"] - others["score"])) / 2 + 0.5)
        assert clip["confusion"] == pytest.approx(share)
        assert clip["others"] == len(others)


def test_order_of_the_worst(clips):
    confused = most_confused(clips, len(clips))
    assert (confused["confusion"].diff().dropna() <= 0).all()
    assert (confused["confusion"] > 0).all()
    equal = confused["confusion"].diff() == 0
    assert (confused["outwards"].diff()[equal] <= 0).all()


def test_standing_does_not_depend_on_the_scale_of_a_section(clips):
    scale = clips["group"].map({group: 10.0**k for k, group in enumerate(set(clips["group"]))})
    scaled = clips.assign(score=clips["score"] * scale - 7)
    np.testing.assert_allclose(standing(scaled), standing(clips), atol=1e-9)
    assert list(highest_scored(scaled)["clip_id"]) == list(highest_scored(clips)["clip_id"])


def test_one_section_is_ordered_by_its_scores(clips):
    one = clips[clips["group"] == "fan00"]
    best = np.sort(one["score"])[::-1][:10]
    np.testing.assert_array_equal(highest_scored(one)["score"], best)


@pytest.mark.parametrize("label", [0.0, 1.0, np.nan])
def test_without_the_other_class_nothing_is_confused(clips, label):
    assert most_confused(clips.assign(label=label)).empty


def test_equal_scores_stand_nowhere(clips):
    assert (standing(clips.assign(score=3.0)) == 0).all()
    mostly = clips.assign(score=np.where(clips.index == 3, 9.0, 0.0))
    assert highest_scored(mostly)["clip_id"].iloc[0] == clips["clip_id"][3]
    assert np.isfinite(standing(mostly)).all()
