"""Parts that are better alone must be named after a run."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.evaluation.parts import better_parts_line, part_scores
from asd_tf.evaluation.results import evaluate


def scored(label=True):
    """Forty clips: `good` tells all anomalies, `bad` none, and their sum some."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    good, bad = labels + 0.3 * rng.uniform(size=40), rng.normal(size=40)
    return pd.DataFrame(
        {
            "clip_id": [f"{number}.wav" for number in range(40)],
            "path": "",
            "machine": "fan",
            "section": "00",
            "domain": ["source", "target"] * 20,
            "split": "test",
            "label": pd.array(labels if label else [None] * 40, "Int64"),
            "subset": "dev",
            "score": good + bad,
            "decision": pd.array([pd.NA] * 40, "Int64"),
            "status": "ok",
            "good": good,
            "bad": bad,
            "oracle_gamma": good,
        }
    )


def line_of(table, *others):
    return better_parts_line(evaluate(table, "dcase2022", others))


def test_a_part_that_is_better_alone_is_named():
    """The line must tell the part, its score and that of all; extra scores are no parts."""
    evaluation = evaluate(scored(), "dcase2022", ["good", "bad", "oracle_gamma"])
    whole = 100 * evaluation.official.score
    assert list(part_scores(evaluation.others)) == ["good", "bad"]
    assert better_parts_line(evaluation) == (
        f"good alone has 100.00 on these clips, where all parts together have {whole:.2f}"
    )


@pytest.mark.parametrize("others", [(), ("bad",), ("oracle_gamma",), ("score",)])
def test_nothing_is_said_where_no_part_is_better(others):
    """Worse parts, equal ones and scores that no detector can have must not be named."""
    assert line_of(scored(), *others) is None


def test_nothing_is_said_without_labels():
    assert line_of(scored(label=False), "good") is None
