"""An extra score must be added where it exists, and refused with the reason where it does not."""

import types

import numpy as np
import pandas as pd
import pytest

from asd_tf.errors import UsageError
from asd_tf.evaluation.extra_scores import registry
from asd_tf.evaluation.extra_scores.oracle import WeightedScores
from asd_tf.evaluation.extra_scores.registry import EXTRA_SCORES, add_extra_score


def details(parts=0, members=0, transductive=None):
    """The details of a detector with so many parts and members, of 24 clips."""
    rng = np.random.default_rng(parts)
    return types.SimpleNamespace(
        parts={f"part{k}": rng.normal(size=24) for k in range(parts)},
        members=lambda: {f"member{k}": np.arange(24.0) * (k - 0.5) for k in range(members)},
        transductive=lambda: transductive,
    )


def added(name, scored, scores):
    """The columns that an extra score adds to a table that has those of the parts."""
    with_parts = scored.assign(**scores.parts)
    table = add_extra_score(name, with_parts, scores, "dcase2022")
    pd.testing.assert_frame_equal(table[with_parts.columns], with_parts)
    return table.drop(columns=with_parts.columns)


def test_every_extra_score_says_that_no_detector_can_have_it():
    """Names must mark what reads labels or the test set; descriptions must fit the help."""
    for name, extra in EXTRA_SCORES.items():
        assert extra.name == name
        assert name.startswith(("oracle_", "transductive_"))
        assert extra.description
        assert "\n" not in extra.description


@pytest.mark.parametrize(
    ("name", "scores", "chosen"),
    [
        ("oracle_gamma", details(parts=2), "oracle_gamma_weight"),
        ("oracle_select_on_dev", details(parts=2), "oracle_select_on_dev_part"),
        ("oracle_best_parts", details(parts=3), "oracle_best_parts_names"),
        ("transductive_distance", details(transductive=np.arange(24.0)), None),
        ("transductive_zscore", details(members=2), None),
    ],
)
def test_each_adds_its_scores_and_what_it_chose(one_section, name, scores, chosen):
    columns = added(name, one_section, scores)
    assert list(columns) == [name, *([chosen] if chosen else [])]
    assert np.isfinite(columns[name]).all()
    assert columns.notna().all(axis=None)


@pytest.mark.parametrize(
    ("dataset", "formula"), [("dcase2020", "dcase2020"), ("folder", "dcase2022")]
)
def test_the_weight_is_chosen_by_the_formula_of_the_dataset(
    one_section, monkeypatch, dataset, formula
):
    formulas = []

    def record(scored, first, second, formula):
        formulas.append(formula)
        return WeightedScores(scored[first].to_numpy(), np.ones(len(scored)))

    monkeypatch.setattr(registry, "oracle_gamma", record)
    scores = details(parts=2)
    add_extra_score("oracle_gamma", one_section.assign(**scores.parts), scores, dataset)
    assert formulas == [formula]


@pytest.mark.parametrize(
    ("name", "scores", "reason"),
    [
        ("oracle_gamma", details(), "exactly two parts, but this detector has a single score"),
        ("oracle_gamma", details(parts=3), "exactly two parts, but this detector has 3"),
        ("oracle_select_on_dev", details(), r"single score\. .*several runs \(--num_runs=2"),
        ("oracle_best_parts", details(), r"single score\. .*several runs \(--num_runs=3"),
        ("oracle_best_parts", details(parts=2), "three or more parts, but this detector has 2"),
        ("transductive_distance", details(), "PosteriorDistance .*does not have that backend"),
        ("transductive_zscore", details(), "members of a backend, but this detector has none"),
        ("transductive_zscore", details(members=1), "but this detector has 1"),
    ],
)
def test_what_a_detector_cannot_have_is_refused_with_the_reason(one_section, name, scores, reason):
    """The message must say what the detector lacks, and which runs have it."""
    with pytest.raises(UsageError, match=reason):
        add_extra_score(name, one_section.assign(**scores.parts), scores, "dcase2022")
