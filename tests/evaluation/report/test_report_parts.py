"""The chapter of a report on the parts of a detector."""

import dataclasses

import pandas as pd
import pytest

from asd_tf.evaluation.official import OfficialScore
from asd_tf.evaluation.report.parts import parts_chapter
from asd_tf.evaluation.results import OtherScore, evaluate


@pytest.fixture
def evaluation(scored):
    """An evaluation with two parts, and a score that no detector can have."""
    others = {
        name: OtherScore(OfficialScore(score, 12, 12), {})
        for name, score in (("statistics", 0.9), ("<pae>", None), ("oracle_gamma", 0.99))
    }
    return dataclasses.replace(evaluate(scored, "dcase2022"), others=others)


def test_parts_are_shown_with_weights(evaluation):
    """Scores alone, weights and what they are from must be there, names escaped."""
    weights = pd.DataFrame(
        [("fan", "statistics", 1.0, 0.876), ("fan", "<pae>", 0.0625, float("nan"))],
        columns=["machine", "part", "weight", "pseudo_fault_auc"],
    )
    page = parts_chapter(evaluation, weights)
    for text in ("statistics", "90.00", "&lt;pae&gt;", "0.062", "87.60", "all together"):
        assert text in page
    assert "<pae>" not in page and "oracle" not in page


def test_parts_without_weights(evaluation):
    """Of other fusions there must be the scores alone; of a detector without parts, nothing."""
    assert "Weight" not in parts_chapter(evaluation, None)
    assert parts_chapter(dataclasses.replace(evaluation, others={}), None) is None
