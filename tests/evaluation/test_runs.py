"""Mean and spread over seeds would be wrong, or their file unreadable."""

import json
import statistics

import pandas as pd
import pytest

from asd_tf.evaluation.evaluate import evaluate
from asd_tf.evaluation.runs import summarise_runs


@pytest.fixture
def evaluations(scored_table):
    return [evaluate(scored_table(seed=seed), "dcase2022") for seed in range(3)]


def test_mean_and_sample_deviation_of_the_runs(evaluations):
    summary = summarise_runs(evaluations)
    each = [one.official.score for one in evaluations]
    assert summary["runs"] == 3
    assert summary["official_score"]["each"] == each
    assert summary["official_score"]["mean"] == pytest.approx(statistics.mean(each))
    assert summary["official_score"]["sd"] == pytest.approx(statistics.stdev(each))
    within = [one.means["auc_target_within"] for one in evaluations]
    found = summary["means"]["auc_target_within"]
    assert summary["mean"] == "harmonic"
    assert found["sd"] == pytest.approx(statistics.stdev(within))
    fan = [one.machines["fan"].score for one in evaluations]
    assert summary["machines"]["fan"]["mean"] == pytest.approx(statistics.mean(fan))


def test_subsets_are_summarised_apart(scored_table):
    evaluations = []
    for seed in range(3):
        scored, other = scored_table(seed=seed), scored_table(seed=seed + 10)
        other = other.assign(subset="eval", clip_id="eval/" + other["clip_id"])
        evaluations.append(evaluate(pd.concat([scored, other]), "dcase2020"))
    summary = summarise_runs(evaluations)
    assert summary["mean"] == "arithmetic"
    for subset in ("dev", "eval"):
        parts = [one.subsets[subset] for one in evaluations]
        found = summary["subsets"][subset]
        assert found["official_score"]["each"] == [part.official.score for part in parts]
        assert found["mauc"]["mean"] == pytest.approx(statistics.mean(part.mauc for part in parts))
        aucs = [part.means["auc"] for part in parts]
        assert found["means"]["auc"]["sd"] == pytest.approx(statistics.stdev(aucs))
    assert summary["subsets"]["dev"] != summary["subsets"]["eval"]


def test_one_run_has_no_deviation(evaluations):
    summary = summarise_runs(evaluations[:1])
    assert summary["official_score"]["mean"] == evaluations[0].official.score
    assert summary["official_score"]["sd"] is None


def test_runs_without_a_score_are_null(scored):
    unlabelled = evaluate(scored.assign(label=pd.NA), "dcase2022")
    summary = summarise_runs([unlabelled, unlabelled])
    assert summary["official_score"] == {"mean": None, "sd": None, "each": [None, None]}
    assert summary["machines"] == {}
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
