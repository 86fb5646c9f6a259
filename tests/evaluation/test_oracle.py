"""The weight that is chosen on labels must be the best one, and stay out of everything else."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.evaluation.evaluate import evaluate
from asd_tf.evaluation.oracle import oracle_gamma
from asd_tf.evaluation.tables import format_table


@pytest.fixture
def parts():
    """Two machines: of one the first part tells anomalies, of the other the second."""
    rng = np.random.default_rng(0)
    rows = []
    for machine in ("fan", "valve"):
        for index in range(60):
            label, domain = index % 2, ("source", "target")[index // 2 % 2]
            good, bad = label + 0.1 * rng.normal(), 30 * rng.normal()
            first, second = (good, bad) if machine == "fan" else (bad, good)
            rows.append((f"{machine}{index}", machine, "00", domain, "test", label, "dev", 1,
                         first, second, first + second))  # fmt: skip
    names = "clip_id machine section domain split label subset decision error distance score"
    return pd.DataFrame(rows, columns=names.split()).assign(threshold=0.0, status="ok")


def test_each_machine_gets_its_best_weight(parts):
    found = oracle_gamma(parts, "error", "distance", "dcase2022")
    table = parts.assign(oracle_gamma=found.scores, weight=found.weights)
    evaluation = evaluate(table, "dcase2022", ["error", "distance", "oracle_gamma"])
    assert evaluation.official.score < 0.9
    assert evaluation.others["oracle_gamma"].official.score > 0.99
    # Half of the machines are judged well by each part alone.
    for part in ("error", "distance"):
        assert evaluation.others[part].official.score < 0.8
    weights = table.groupby("machine")["weight"].unique()
    assert all(len(of_machine) == 1 for of_machine in weights)
    assert weights["valve"][0] > 50 * weights["fan"][0]
    np.testing.assert_allclose(found.scores, parts["error"] + found.weights * parts["distance"])


def test_without_labels_there_is_nothing_to_choose(parts):
    found = oracle_gamma(parts.assign(label=pd.NA), "error", "distance", "dcase2022")
    np.testing.assert_allclose(found.scores, parts["error"] + parts["distance"])


def test_the_table_says_what_no_detector_can_have(parts):
    table = parts.assign(oracle_gamma=parts["score"])
    text = format_table(evaluate(table, "dcase2022", ["error", "distance", "oracle_gamma"]))
    assert "of each part alone: error " in text
    assert "oracle_gamma, which no detector can have: " in text
