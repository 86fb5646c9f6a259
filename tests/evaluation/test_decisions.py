"""Rates of decisions must be those of the counts, and None where they are undefined."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_recall_fscore_support

from asd_tf.evaluation.decisions import decision_metrics, precision_recall_f1
from asd_tf.evaluation.section_metrics import select_test_clips


def table(labels, decisions):
    return select_test_clips(
        pd.DataFrame(
            {
                "split": "test",
                "domain": "source",
                "label": pd.array(labels, "Int64"),
                "score": 1.0,
                "decision": pd.array(decisions, "Int64"),
            }
        )
    )


def test_rates_are_those_of_the_counts():
    # Two hits, one miss, one false alarm, three quiet normals; two clips lack a label or decision.
    found = decision_metrics(table([1, 1, 1, 0, 0, 0, 0, None, 1], [1, 1, 0, 1, 0, 0, 0, 1, None]))
    assert found["clips"] == 7
    assert found["false_alarm_rate"] == pytest.approx(1 / 4)
    assert found["hit_rate"] == found["recall"] == pytest.approx(2 / 3)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(2 / 3)


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    found = decision_metrics(table([1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 1, 0]))
    precision, recall = 1 / 2, 1 / 4
    assert found["f1"] == pytest.approx(2 * precision * recall / (precision + recall))


def test_what_is_undefined_is_none():
    without_anomalies = decision_metrics(table([0, 0], [0, 1]))
    assert without_anomalies["false_alarm_rate"] == 0.5
    assert without_anomalies["hit_rate"] is None
    assert without_anomalies["f1"] is None
    without_decisions = decision_metrics(table([1, 0], [None, None]))
    assert without_decisions.pop("clips") == 0
    assert set(without_decisions.values()) == {None}


def test_without_an_alarm_precision_is_zero_as_in_the_official_evaluators():
    found = decision_metrics(table([1, 0], [0, 0]))
    assert (found["precision"], found["recall"], found["f1"]) == (0, 0, 0)
    # Without anomalous clips, all three are undefined.
    normal_only = precision_recall_f1(np.array([False, False]), np.array([0.0, 0.0]))
    assert np.isnan(list(normal_only.values())).all()


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels, decisions = rng.integers(0, 2, (2, 30))
    expected = precision_recall_fscore_support(labels, decisions, average="binary")[:3]
    found = precision_recall_f1(labels == 1, decisions.astype(float))
    assert [found["precision"], found["recall"], found["f1"]] == pytest.approx(expected, abs=1e-12)
