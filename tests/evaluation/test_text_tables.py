"""The tables in the terminal must show the numbers of the files, in aligned columns."""

import statistics

import pandas as pd

from asd_tf.evaluation.results import evaluate
from asd_tf.evaluation.section_metrics import section_metrics
from asd_tf.evaluation.text_tables import format_ensembles_table, format_runs_table, format_table


def row_of(text, *start):
    (line,) = [line for line in text.splitlines() if line.split()[: len(start)] == list(start)]
    return line.split()[len(start) :]


def test_table_holds_the_numbers_in_percent(scored):
    evaluation = evaluate(scored, "dcase2022")
    text = format_table(evaluation)
    assert "percent" in text.splitlines()[0]
    for row in evaluation.sections.itertuples():
        cells = [f"{100 * value:.2f}" for value in (row.auc_source, row.auc_target, row.pauc)]
        assert row_of(text, row.machine, row.section) == cells
    means = evaluation.means
    expected = [f"{100 * means[name]:.2f}" for name in ("auc_source", "auc_target", "pauc")]
    assert row_of(text, "all", "mean") == expected
    half = 100 * (evaluation.interval.high - evaluation.interval.low) / 2
    found = row_of(text, "official", "score", "(dcase2022", "formula):")
    assert found[:3] == [f"{100 * evaluation.official.score:.2f}", "±", f"{half:.2f}"]
    decisions = evaluation.decisions
    assert f"precision {100 * decisions['precision']:.2f}" in text
    assert f"F1 {100 * decisions['f1']:.2f}" in text


def test_means_within_domains_are_shown_beside_the_official_score(scored):
    text = format_table(evaluate(scored, "dcase2022"))
    means = evaluate(scored, "dcase2022").means
    shown = [f"{100 * means[key]:.2f}" for key in ("auc_source_within", "auc_target_within", "auc")]
    assert row_of(text, "AUC", "source", shown[0], "target")[::2] == shown[1:]
    assert "means within a domain" not in format_table(
        evaluate(scored.assign(domain=pd.NA), "folder")
    )


def test_each_year_shows_its_own_terms_and_kind_of_mean(scored):
    of_2020 = format_table(evaluate(scored.assign(domain=pd.NA), "dcase2020"))
    assert "arithmetic mean" in of_2020
    assert row_of(of_2020, "machine", "section") == ["AUC", "pAUC"]
    mauc = evaluate(scored, "dcase2020").mauc
    assert row_of(of_2020, "mAUC")[-1] == f"{100 * mauc:.2f}"
    of_2021 = format_table(evaluate(scored, "dcase2021"))
    assert "within domain; mean = harmonic" in of_2021.splitlines()[0]
    within = section_metrics(scored).loc[0]
    columns = ["auc_source_within", "auc_target_within", "pauc_source_within", "pauc_target_within"]
    assert row_of(of_2021, "fan", "00") == [f"{100 * within[column]:.2f}" for column in columns]


def test_two_subsets_have_a_table_each(scored, scored_table):
    other = scored_table(["grinder"], 1, seed=5)
    other = other.assign(subset="eval", clip_id="eval/" + other["clip_id"])
    both = evaluate(pd.concat([scored, other], ignore_index=True), "dcase2024")
    text = format_table(both)
    dev, evaluation = text.split("== evaluation data\n")
    assert dev.startswith("== development data")
    assert "grinder" not in dev
    assert "fan" not in evaluation.split("submission")[0]
    for part, subset in ((dev, "dev"), (evaluation, "eval")):
        score = both.subsets[subset].official.score
        assert row_of(part, "official", "score")[2] == f"{100 * score:.2f}"
    runs = format_runs_table([both])
    assert runs.index("== development") < runs.index("== evaluation") < runs.index("grinder")


def test_files_missing_in_the_submission_are_named(scored):
    scored["score"] = scored["score"].mask(scored.index < 4)
    text = format_table(evaluate(scored.assign(subset="eval"), "dcase2023"))
    assert "submission: 7 files" in text
    assert "without anomaly_score_fan_section_00_test.csv: 4 of 24 clips without a score" in text
    assert "submission" not in format_table(evaluate(scored, "dcase2023"))


def test_machine_means_are_below_their_sections(scored):
    text = format_table(evaluate(scored, "dcase2022"))
    fan = evaluate(scored[scored["machine"] == "fan"], "dcase2022").means
    assert row_of(text, "fan", "mean")[0] == f"{100 * fan['auc_source']:.2f}"


def test_columns_stay_in_line_with_long_names(scored):
    scored["machine"] = scored["machine"].replace("fan", "BrushlessMotorOfAUser")
    lines = format_table(evaluate(scored, "dcase2022")).splitlines()
    table = lines[1 : lines.index("")]
    assert len(table) > 8
    assert len({len(line) for line in table}) == 1


def test_missing_terms_are_dashes_and_counted(scored):
    text = format_table(evaluate(scored.assign(domain=pd.NA), "folder"))
    assert row_of(text, "fan", "00")[1] == "-"
    assert "8 of 12 terms" in text
    assert "terms" not in format_table(evaluate(scored, "folder"))


def test_clips_left_out_are_counted(scored):
    bad = scored.assign(score=scored["score"].mask(scored.index < 4))
    assert "4 without a score" in format_table(evaluate(bad, "dcase2022"))
    assert "left out" not in format_table(evaluate(scored, "dcase2022"))


def test_no_labels_still_gives_text(scored):
    text = format_table(evaluate(scored.assign(label=pd.NA), "dcase2022"))
    assert "No test clip has a label" in text
    assert "96 without a label" in text


def test_runs_table_holds_mean_and_standard_deviation(scored_table):
    evaluations = [evaluate(scored_table(["fan"], seed=seed), "dcase2022") for seed in range(4)]
    text = format_runs_table(evaluations)
    assert "4 runs" in text
    each = [100 * run.official.score for run in evaluations]
    assert row_of(text, "official", "score", "(dcase2022", "formula)") == [
        f"{statistics.mean(each):.2f}",
        "±",
        f"{statistics.stdev(each):.2f}",
    ]
    within = [100 * run.means["pauc_source_within"] for run in evaluations]
    found = row_of(text, "pAUC", "source,", "within", "domain")
    assert found[0] == f"{statistics.mean(within):.2f}"
    assert row_of(format_runs_table(evaluations[:1]), "fan") == [
        f"{100 * evaluations[0].machines['fan'].score:.2f}",
        "±",
        "-",
    ]


def test_ensembles_table_averages_growing_ensembles(scored_table):
    """Published scripts average ensembles of 1, 2, ... runs, not single runs."""
    evaluations = [evaluate(scored_table(["fan"], seed=seed), "dcase2022") for seed in range(3)]
    text = format_ensembles_table(evaluations)
    assert "the runs 1, 1+2, 1+2+3" in text
    each = [100 * ensemble.official.score for ensemble in evaluations]
    found = row_of(text, "official", "score", "(dcase2022", "formula)")
    assert found[0] == f"{statistics.mean(each):.2f}"
    assert "fan" not in text


def test_the_cells_of_papers_on_2021_are_printed(scored_table):
    """Their tables have one AUC and one pAUC a machine, over sections and both domains."""
    evaluation = evaluate(scored_table(["fan", "valve"], seed=1), "dcase2021")
    rows = evaluation.sections[evaluation.sections["machine"] == "valve"]
    cells = [
        100 * statistics.harmonic_mean([*rows[f"{m}_source_within"], *rows[f"{m}_target_within"]])
        for m in ("auc", "pauc")
    ]
    text = format_table(evaluation)
    assert f"  valve  {cells[0]:.2f} ({cells[1]:.2f})" in text.splitlines()
    assert "AUC (pAUC)" not in format_table(evaluate(evaluation.scored, "dcase2022"))
