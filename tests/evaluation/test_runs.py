"""Mean and standard deviation over runs must be right, and JSON without NaN."""

import json
import statistics

import pandas as pd
import pytest

from asd_tf.evaluation.results import evaluate
from asd_tf.evaluation.runs import summarize_runs


@pytest.fixture(scope="module")
def evaluations(scored_table):
    """Three runs on a machine of two sections."""
    return [evaluate(scored_table(["fan"], seed=seed), "dcase2022") for seed in range(3)]


def test_mean_and_sample_deviation_of_the_runs(evaluations):
    summary = summarize_runs(evaluations)
    each = [run.official.score for run in evaluations]
    assert summary["runs"] == 3
    assert summary["official_score"]["each"] == each
    assert summary["official_score"]["mean"] == pytest.approx(statistics.mean(each))
    assert summary["official_score"]["std"] == pytest.approx(statistics.stdev(each))
    within = [run.means["auc_target_within"] for run in evaluations]
    found = summary["means"]["auc_target_within"]
    assert summary["mean"] == "harmonic"
    assert found["std"] == pytest.approx(statistics.stdev(within))
    fan = [run.machines["fan"].score for run in evaluations]
    assert summary["machines"]["fan"]["mean"] == pytest.approx(statistics.mean(fan))


def test_subsets_are_summarized_separately(scored_table):
    evaluations = []
    for seed in range(3):
        scored, other = (scored_table(["fan"], seed=k) for k in (seed, seed + 10))
        other = other.assign(subset="eval", clip_id="eval/" + other["clip_id"])
        evaluations.append(evaluate(pd.concat([scored, other]), "dcase2020"))
    summary = summarize_runs(evaluations)
    assert summary["mean"] == "arithmetic"
    for subset in ("dev", "eval"):
        runs = [evaluation.subsets[subset] for evaluation in evaluations]
        found = summary["subsets"][subset]
        assert found["official_score"]["each"] == [run.official.score for run in runs]
        assert found["mauc"]["mean"] == pytest.approx(statistics.mean(run.mauc for run in runs))
        aucs = [run.means["auc"] for run in runs]
        assert found["means"]["auc"]["std"] == pytest.approx(statistics.stdev(aucs))
    assert summary["subsets"]["dev"] != summary["subsets"]["eval"]


def test_a_single_run_has_no_standard_deviation(evaluations):
    summary = summarize_runs(evaluations[:1])
    assert summary["official_score"]["mean"] == evaluations[0].official.score
    assert summary["official_score"]["std"] is None


def test_runs_without_a_score_are_null(scored):
    unlabeled = evaluate(scored.assign(label=pd.NA), "dcase2022")
    summary = summarize_runs([unlabeled, unlabeled])
    assert summary["official_score"] == {"mean": None, "std": None, "each": [None, None]}
    assert summary["machines"] == {}
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
