"""Official scores must follow the definition of each year."""

import itertools
import statistics

import numpy as np
import pytest

from asd_tf.evaluation.official import (
    OFFICIAL_SCORES,
    column_means,
    formula_of,
    machine_scores,
    minimum_auc,
)
from asd_tf.evaluation.results import evaluate
from asd_tf.evaluation.section_metrics import section_metrics


def hmean(values):
    return len(values) / sum(1 / value for value in values)


def test_score_of_2022_is_the_harmonic_mean_of_three_terms(scored):
    sections = section_metrics(scored)
    terms = [*sections["auc_source"], *sections["auc_target"], *sections["pauc"]]
    official = OFFICIAL_SCORES["dcase2022"](sections)
    assert official.score == pytest.approx(hmean(terms))
    assert (official.used, official.expected) == (12, 12)


def test_terms_that_do_not_exist_are_left_out_and_counted(scored):
    sections = section_metrics(scored)
    sections.loc[0, ["auc_source", "auc_target", "pauc"]] = np.nan
    sections.loc[1, "auc_target"] = np.nan
    official = OFFICIAL_SCORES["dcase2022"](sections)
    kept = sections[["auc_source", "auc_target", "pauc"]].to_numpy().ravel()
    assert official.score == pytest.approx(hmean(kept[~np.isnan(kept)]))
    assert (official.used, official.expected) == (8, 12)


def test_nothing_to_score_gives_no_score(scored):
    official = OFFICIAL_SCORES["dcase2022"](section_metrics(scored[:0]))
    assert (official.score, official.used, official.expected) == (None, 0, 0)
    normal_only = OFFICIAL_SCORES["dcase2022"](section_metrics(scored[scored["label"] == 0]))
    assert (normal_only.score, normal_only.used, normal_only.expected) == (None, 0, 12)


def test_machines_are_scored_by_their_own_sections(scored):
    sections = section_metrics(scored)
    machines = machine_scores(sections, "dcase2022")
    assert list(machines) == ["fan", "pump"]
    pump = section_metrics(scored[scored["machine"] == "pump"])
    assert machines["pump"] == OFFICIAL_SCORES["dcase2022"](pump)
    assert machines["fan"].score != machines["pump"].score


def test_column_means_keep_the_two_conventions_apart(scored):
    sections = section_metrics(scored)
    sections.loc[2, "auc_target_within"] = np.nan
    means = column_means(sections, "dcase2022")
    assert means["auc_source"] == pytest.approx(hmean(sections["auc_source"]))
    within = sections["auc_target_within"].dropna()
    assert means["auc_target_within"] == pytest.approx(hmean(within))
    assert column_means(sections.assign(auc_target=np.nan), "dcase2022")["auc_target"] is None


def test_means_of_2020_are_those_of_the_machines(scored_table):
    sections = section_metrics(scored_table(seed=3))[1:]  # fan has one section, pump two
    means = column_means(sections, "dcase2020")
    fan, pump = sections["auc"].tolist()[0], sections["auc"].tolist()[1:]
    assert means["auc"] == pytest.approx((fan + sum(pump) / 2) / 2)
    assert means["auc"] != pytest.approx((fan + sum(pump)) / 3)
    assert minimum_auc(sections) == pytest.approx((fan + min(pump)) / 2)
    assert minimum_auc(sections.assign(auc=np.nan)) is None


def test_each_dataset_has_its_formula():
    assert formula_of("dcase2020") == "dcase2020"
    assert formula_of("dcase2021") == "dcase2021"
    for later in ("dcase2022", "dcase2023", "dcase2024", "dcase2025", "dcase2026"):
        assert formula_of(later) == "dcase2022"
    assert formula_of("folder") == formula_of("manifest") == "dcase2022"


# An independent computation from the definitions, by pairs of clips and points of the ROC curve.


def pair_auc(normal, anomalous):
    pairs = [(a > n) + 0.5 * (a == n) for a in anomalous for n in normal]
    return sum(pairs) / len(pairs)


def traced_pauc(normal, anomalous, end=0.1):
    """Area below the curve through the points of all thresholds, standardized after McClish."""
    thresholds = sorted({*normal, *anomalous}, reverse=True)
    points = [(0.0, 0.0)] + [
        (
            sum(score >= threshold for score in normal) / len(normal),
            sum(score >= threshold for score in anomalous) / len(anomalous),
        )
        for threshold in thresholds
    ]
    area = 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        stop = min(x1, end)
        if stop > x0:
            y_stop = y0 + (y1 - y0) * (stop - x0) / (x1 - x0)
            area += (stop - x0) * (y0 + y_stop) / 2
    chance = end**2 / 2
    return 0.5 * (1 + (area - chance) / (end - chance))


def scores_by_domain_and_label(scored):
    """Machine and section to the scores of (domain, label), as plain lists."""
    found = {}
    for row in scored.itertuples():
        section = found.setdefault(row.machine, {}).setdefault(row.section, {})
        section.setdefault((row.domain, row.label), []).append(row.score)
    return found


def awkward(scored_table):
    """Many ties, machines of different sizes, and sections that lack a class in some domain."""
    scored = scored_table(["fan", "pump", "valve"], 3, per_class=7, seed=4)
    scored["score"] = scored["score"].round(0)
    key = scored["machine"] + scored["section"]
    return scored[
        (key != "fan02")
        & ~((key == "pump00") & (scored["label"] == 1))
        & ~((key == "pump01") & (scored["domain"] == "target") & (scored["label"] == 0))
        & ~((key == "valve00") & (scored["domain"] == "source") & (scored["label"] == 1))
    ].reset_index(drop=True)


def score_of_2020(scored):
    aucs, paucs = [], []
    for sections in scores_by_domain_and_label(scored.assign(domain="source")).values():
        pairs = [
            (section["source", 0], section["source", 1])
            for section in sections.values()
            if ("source", 1) in section
        ]
        aucs.append(statistics.mean(pair_auc(*pair) for pair in pairs))
        paucs.append(statistics.mean(traced_pauc(*pair) for pair in pairs))
    return (statistics.mean(aucs) + statistics.mean(paucs)) / 2


def score_of_2021(scored):
    terms = []
    for sections in scores_by_domain_and_label(scored).values():
        for section in sections.values():
            for domain in ("source", "target"):
                pair = section.get((domain, 0), []), section.get((domain, 1), [])
                if all(pair):
                    terms += [pair_auc(*pair), traced_pauc(*pair)]
    return hmean(terms)


def score_since_2022(scored):
    terms = []
    for sections in scores_by_domain_and_label(scored).values():
        for section in sections.values():
            anomalous = section.get(("source", 1), []) + section.get(("target", 1), [])
            normal = section.get(("source", 0), []) + section.get(("target", 0), [])
            if not anomalous:
                continue
            terms += [
                pair_auc(section[domain, 0], anomalous)
                for domain in ("source", "target")
                if (domain, 0) in section
            ]
            terms.append(traced_pauc(normal, anomalous))
    return hmean(terms)


@pytest.mark.parametrize("year", range(2020, 2027))
def test_every_year_agrees_with_its_definition(scored_table, year):
    scored = awkward(scored_table)
    compute = {2020: score_of_2020, 2021: score_of_2021}.get(year, score_since_2022)
    official = evaluate(scored, f"dcase{year}").official
    assert official.score == pytest.approx(compute(scored), rel=0, abs=1e-12)
    assert 0 < official.used < official.expected
