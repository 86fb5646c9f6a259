"""Choices made with labels must be the best ones, and must not affect anything else."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.evaluation.extra_scores.oracle import (
    oracle_best_parts,
    oracle_gamma,
    oracle_select_on_dev,
)
from asd_tf.evaluation.results import evaluate
from asd_tf.evaluation.text_tables import format_table


@pytest.fixture
def parts():
    """Two machines: the first part detects the anomalies of one, the second those of the other."""
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
    # Each part alone is good for one of the machines only.
    for part in ("error", "distance"):
        assert evaluation.others[part].official.score < 0.8
    weights = table.groupby("machine")["weight"].unique()
    assert all(len(of_machine) == 1 for of_machine in weights)
    assert weights["valve"][0] > 50 * weights["fan"][0]
    np.testing.assert_allclose(found.scores, parts["error"] + found.weights * parts["distance"])


def test_without_labels_there_is_nothing_to_choose(parts):
    parts = parts[parts["machine"] == "fan"]
    found = oracle_gamma(parts.assign(label=pd.NA), "error", "distance", "dcase2022")
    np.testing.assert_allclose(found.scores, parts["error"] + parts["distance"])


def test_the_table_marks_scores_that_no_detector_can_have(parts):
    table = parts.assign(oracle_gamma=parts["score"])
    text = format_table(evaluate(table, "dcase2022", ["error", "distance", "oracle_gamma"]))
    assert "of each part alone: error " in text
    assert "oracle_gamma, which no detector can have: " in text


@pytest.fixture
def domains():
    """A machine in both subsets; a different part detects anomalies in each domain."""
    rng = np.random.default_rng(1)
    rows = []
    for subset in ("dev", "eval"):
        for index in range(80):
            label, domain = index % 2, ("source", "target")[index // 2 % 2]
            good, bad = 100 * (label + 0.1 * rng.normal()), rng.normal()
            ae, bc = (good, bad) if domain == "source" else (bad, good)
            rows.append((f"{subset}{index}", "fan", "00", domain, "test", label, subset, ae, bc))
    names = "clip_id machine section domain split label subset ae bc"
    frame = pd.DataFrame(rows, columns=names.split())
    return frame.assign(decision=1, score=frame["bc"], threshold=0.0, status="ok")


def standardized(values, table):
    """Standardizes over the clips of each subset."""
    by_subset = values.groupby(table["subset"])
    std = by_subset.transform(lambda subset: subset.std(ddof=0))
    return (values - by_subset.transform("mean")) / std


def test_each_domain_gets_the_part_that_is_best_in_dev(domains):
    """Labels of eval clips must not affect the choice, which must also apply to eval clips."""
    dev = domains["subset"] == "dev"
    unknown = domains.assign(label=domains["label"].where(dev, pd.NA))
    swapped = domains.assign(label=domains["label"].where(dev, 1 - domains["label"]))
    for table in (domains, unknown, swapped):
        found = oracle_select_on_dev(table, ["ae", "bc"])
        source = table["domain"] == "source"
        assert set(found.parts[source]) == {"ae"}
        assert set(found.parts[~source]) == {"bc"}
        expected = np.where(
            source, standardized(table["ae"], table), standardized(table["bc"], table)
        )
        np.testing.assert_allclose(found.scores, expected)


def test_parts_of_clips_without_domain_are_chosen_by_all_labels(domains):
    """Without labels, the first part must be taken."""
    domains.loc[domains["domain"] == "source", "bc"] += 1000 * domains["label"]
    domains.loc[domains["subset"] == "eval", "domain"] = pd.NA
    found = oracle_select_on_dev(domains, ["ae", "bc"])
    assert set(found.parts[domains["subset"] == "eval"]) == {"bc"}
    unlabeled = oracle_select_on_dev(domains.assign(label=pd.NA), ["ae", "bc"])
    assert set(unlabeled.parts) == {"ae"}


def test_the_best_parts_are_averaged(domains):
    """Of eleven parts, five are good: the score must be the mean of good ones only."""
    rng = np.random.default_rng(2)
    good = {f"good{i}": domains["label"] + 0.6 * rng.normal(size=len(domains)) for i in range(5)}
    bad = {f"bad{i}": -domains["label"] + rng.normal(size=len(domains)) for i in range(6)}
    table = domains.assign(**bad, **good)
    found = oracle_best_parts(table, [*bad, *good])
    for domain in ("source", "target"):
        rows = (table["domain"] == domain).to_numpy()
        (chosen,) = set(found.parts[rows])
        names = chosen.split(", ")
        assert len(names) in (3, 5)
        assert set(names) <= set(good)
        expected = np.mean([standardized(table[name], table) for name in names], axis=0)
        np.testing.assert_allclose(found.scores[rows], expected[rows])
    first = oracle_best_parts(table.assign(label=pd.NA), [*bad, *good])
    assert set(first.parts) == {"bad0, bad1, bad2"}
