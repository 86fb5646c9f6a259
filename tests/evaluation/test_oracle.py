"""The weight that is chosen on labels must be the best one, and stay out of everything else."""

import numpy as np
import pandas as pd
import pytest

from asd_tf.evaluation.evaluate import evaluate
from asd_tf.evaluation.oracle import oracle_gamma, oracle_members, oracle_select_on_dev
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


@pytest.fixture
def domains():
    """A machine in both subsets; in each domain another part tells anomalies, on its own scale."""
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


def of_test(values, table):
    """Standardises over the clips of each subset."""
    groups = values.groupby(table["subset"])
    return (values - groups.transform("mean")) / groups.transform(lambda of: of.std(ddof=0))


def test_each_domain_gets_the_part_that_is_best_in_dev(domains):
    """The labels of eval clips must not choose; the choice must hold for eval clips, too."""
    dev = domains["subset"] == "dev"
    unknown = domains.assign(label=domains["label"].where(dev, pd.NA))
    turned = domains.assign(label=domains["label"].where(dev, 1 - domains["label"]))
    for table in (domains, unknown, turned):
        found = oracle_select_on_dev(table, ["ae", "bc"])
        source = table["domain"] == "source"
        assert set(found.parts[source]) == {"ae"}
        assert set(found.parts[~source]) == {"bc"}
        expected = np.where(source, of_test(table["ae"], table), of_test(table["bc"], table))
        np.testing.assert_allclose(found.scores, expected)


def test_clips_without_domain_are_chosen_for_by_all_labels(domains):
    """And clips of a machine without labels get the first part."""
    domains.loc[domains["domain"] == "source", "bc"] += 1000 * domains["label"]
    domains.loc[domains["subset"] == "eval", "domain"] = pd.NA
    found = oracle_select_on_dev(domains, ["ae", "bc"])
    assert set(found.parts[domains["subset"] == "eval"]) == {"bc"}
    nothing = oracle_select_on_dev(domains.assign(label=pd.NA), ["ae", "bc"])
    assert set(nothing.parts) == {"ae"}


def test_the_best_members_are_averaged(domains):
    """Of eleven parts five are good: the mean of these must be the score, and not of all."""
    rng = np.random.default_rng(2)
    good = {f"good{i}": domains["label"] + 0.6 * rng.normal(size=len(domains)) for i in range(5)}
    bad = {f"bad{i}": -domains["label"] + rng.normal(size=len(domains)) for i in range(6)}
    table = domains.assign(**bad, **good)
    found = oracle_members(table, [*bad, *good])
    for domain in ("source", "target"):
        rows = (table["domain"] == domain).to_numpy()
        (chosen,) = set(found.parts[rows])
        names = chosen.split(", ")
        assert len(names) in (3, 5)
        assert set(names) <= set(good)
        expected = np.mean([of_test(table[name], table) for name in names], axis=0)
        np.testing.assert_allclose(found.scores[rows], expected[rows])
    first = oracle_members(table.assign(label=pd.NA), [*bad, *good])
    assert set(first.parts) == {"bad0, bad1, bad2"}
