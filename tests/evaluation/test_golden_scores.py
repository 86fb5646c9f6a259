"""All numbers must equal those of the official evaluators, so that published ones are comparable.

The golden files hold random scores on the official evaluation labels of 2021 and 2022, many of them
tied, and the output of each year's official evaluator for them.
"""

import csv
import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from asd_tf.evaluation.metrics import weighted_mean
from asd_tf.evaluation.results import evaluate

GOLDEN = Path(__file__).parents[1] / "golden" / "official_scores"
METRICS = ["AUC", "pAUC", "precision", "recall", "F1 score"]
DECISIONS = ("precision", "recall", "f1")
OVER_ALL = " over all machine types, sections, and domains"


@pytest.fixture(scope="module", params=[2021, 2022])
def year(request):
    return request.param


@pytest.fixture(scope="module")
def evaluation(year):
    return evaluate_clips(year)


@functools.cache
def evaluate_clips(year):
    clips = pd.read_csv(GOLDEN / f"{year}_clips.csv.gz", dtype={"section": str})
    scored = clips.assign(split="test", subset="eval", path="/data/" + clips["file"])
    # Unlike in the official evaluators, the order of the clips must not matter.
    return evaluate(scored.sample(frac=1, random_state=year), f"dcase{year}")


def means_of(values, halves, places=""):
    """The lines of means of [sections and domains, metrics]; target rows start at `halves`."""
    return [
        [f"{name}{places}", "", *(weighted_mean(kind, rows.T, np.ones(len(rows))))]
        for name, kind, rows in (
            ("arithmetic mean", "arithmetic", values),
            ("harmonic mean", "harmonic", values),
            ("source harmonic mean", "harmonic", values[:halves]),
            ("target harmonic mean", "harmonic", values[halves:]),
        )
    ]


def values_of(sections, columns):
    """The metrics [sections and domains, metrics]: all source rows, then all target rows."""
    return np.concatenate(
        [
            sections[[column.format(domain) for column in columns]].to_numpy()
            for domain in ("source", "target")
        ]
    )


def lines_of_2021(evaluation):
    columns = ["auc_{}_within", "pauc_{}_within", *(f"{name}_{{}}" for name in DECISIONS)]
    lines = []
    for machine, rows in evaluation.sections.groupby("machine"):
        values, count = values_of(rows, columns), len(rows)
        keys = [(name, domain) for domain in ("source", "target") for name in rows["section"]]
        lines += [[machine], ["section", "domain", *METRICS]]
        lines += [[*key, *row] for key, row in zip(keys, values, strict=True)]
        lines += [*means_of(values, count), []]
    over_all = values_of(evaluation.sections, columns)
    lines += [["", "", *METRICS], *means_of(over_all, len(evaluation.sections), OVER_ALL), []]
    return [*lines, ["official score", "", evaluation.official.score]]


def lines_of_2022(evaluation):
    columns = ["auc_{}", "pauc", *(f"{name}_{{}}" for name in DECISIONS)]
    of_section = ["auc", "auc_source", "auc_target", "pauc"]
    of_section += [f"{name}_{domain}" for name in DECISIONS for domain in ("source", "target")]
    domains = [f"{name} ({domain})" for name in METRICS[2:] for domain in ("source", "target")]
    names = ["section", "AUC (all)", "AUC (source)", "AUC (target)", "pAUC", *domains]
    lines = []
    for machine, rows in evaluation.sections.groupby("machine"):
        lines += [[machine], names]
        lines += [
            [row["section"], *(row[name] for name in of_section)] for _, row in rows.iterrows()
        ]
        # The evaluator splits source from target at half of the sections instead of half of the
        # values, so that the "source" mean of a machine is that of the first section.
        lines += [["", "", *METRICS], *means_of(values_of(rows, columns), len(rows) // 2), []]
    over_all = values_of(evaluation.sections, columns)
    lines += [["", "", *METRICS], *means_of(over_all, len(evaluation.sections), OVER_ALL), []]
    return [
        *lines,
        ["official score", "", evaluation.official.score],
        ["official score ci95", "", evaluation.interval.evaluator_ci95],
    ]


def test_every_number_equals_that_of_the_official_evaluator(year, evaluation):
    with (GOLDEN / f"{year}_official.csv").open(encoding="utf-8", newline="") as file:
        golden = list(csv.reader(file))
    while not golden[-1]:
        golden.pop()
    found = {2021: lines_of_2021, 2022: lines_of_2022}[year](evaluation)
    numbers = 0
    for line, expected in zip(found, golden, strict=True):
        assert len(line) == len(expected), expected
        for cell, text in zip(line, expected, strict=True):
            if isinstance(cell, str):
                assert cell == text
            else:
                assert cell == pytest.approx(float(text), rel=0, abs=1e-12), (line, expected)
                numbers += 1
    assert numbers == {2021: 7 * 10 * 5 + 4 * 5 + 1, 2022: 7 * (3 * 10 + 4 * 5) + 4 * 5 + 2}[year]


def test_means_of_the_columns_are_those_of_the_evaluator(year, evaluation):
    with (GOLDEN / f"{year}_official.csv").open(encoding="utf-8", newline="") as file:
        lines = {line[0]: line[2:] for line in csv.reader(file) if OVER_ALL in "".join(line)}
    suffix = "_within" if year == 2021 else ""
    for domain in ("source", "target"):
        auc, _, *decisions = map(float, lines[f"{domain} harmonic mean{OVER_ALL}"])
        assert evaluation.means[f"auc_{domain}{suffix}"] == pytest.approx(auc, abs=1e-12)
        for name, expected in zip(DECISIONS, decisions, strict=True):
            assert evaluation.means[f"{name}_{domain}"] == pytest.approx(expected, abs=1e-12)


def test_the_number_called_ci95_is_that_of_the_evaluator():
    found = evaluate_clips(2022)
    golden = (GOLDEN / "2022_official.csv").read_text(encoding="utf-8")
    expected = float(golden.rstrip().rsplit(",", 1)[1])
    assert found.interval.evaluator_ci95 == pytest.approx(expected, rel=1e-10)


def test_golden_scores_are_tied(evaluation):
    """Otherwise agreement would not cover ties."""
    shared = evaluation.scored.groupby(["machine", "section"])["score"].apply(
        lambda scores: scores.duplicated(keep=False).mean()
    )
    assert shared.min() > 0.05
