"""Results as tables of fixed width for a terminal, in percent as the field prints them."""

from collections.abc import Mapping, Sequence

import pandas as pd

from asd_tf.evaluation.evaluate import Evaluation, OtherScore, SubsetEvaluation
from asd_tf.evaluation.official import OFFICIAL_SCORES, OfficialScore, column_means
from asd_tf.evaluation.runs import summarise_runs
from asd_tf.evaluation.submission import Submission

SUBSET_NAMES = {"dev": "development data", "eval": "evaluation data"}

_QUANTITIES = {
    "auc_source": "AUC source",
    "auc_target": "AUC target",
    "pauc": "pAUC",
    "auc": "AUC",
    "auc_source_within": "AUC source, within domain",
    "auc_target_within": "AUC target, within domain",
    "pauc_source_within": "pAUC source, within domain",
    "pauc_target_within": "pAUC target, within domain",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
}

_MEANS = {
    "harmonic": "harmonic mean over sections",
    "arithmetic": "arithmetic mean over sections, for all over the means of machines",
}

UNFAIR = ("oracle_", "transductive_")
"""What the names of scores begin with that use labels, or other test clips."""

_SHOWN = 5
"""So many files that are left out of a submission are named."""


def format_table(evaluation: Evaluation) -> str:
    """Formats an evaluation: a line per machine and section, means, and the official score.

    Where both subsets have test clips each has a table of its own, as published scores do.

    Args:
        evaluation: What to show.

    Returns:
        Lines without a newline at the end. Values are percentages with two decimals; `-` stands for
        a term that does not exist.
    """
    if len(evaluation.subsets) < 2:
        lines = _part_lines(evaluation, evaluation.formula)
    else:
        lines = []
        for name, part in evaluation.subsets.items():
            lines += [f"== {SUBSET_NAMES.get(name, name)}"]
            lines += [*_part_lines(part, evaluation.formula), ""]
        lines.append(f"both together: {_score(evaluation)}")
    return "\n".join([*lines, *_submission_lines(evaluation.submission)])


def _part_lines(part: SubsetEvaluation, formula: str) -> list[str]:
    lines = [*_section_lines(part.sections, formula), ""]
    lines.append(f"official score ({formula} formula): {_score(part)}")
    lines += _other_lines(part.others)
    if formula == "dcase2020":
        lines.append(f"mAUC (lowest AUC of a machine, mean over machines): {_percent(part.mauc)}")
    elif part.means["auc_target_within"] is not None:
        lines += _within_lines(part.means)
    return [*lines, *_decision_lines(part.decisions), *_left_out_lines(part.clips)]


def _section_lines(sections: pd.DataFrame, formula: str) -> list[str]:
    if sections.empty:
        return ["No test clip has a label, so that there are scores but no metrics."]
    columns = OFFICIAL_SCORES[formula].terms
    width = max(len("machine"), *(len(machine) for machine in sections["machine"]))
    label = max(len("all, mean"), *(len(section) for section in sections["section"]))

    def line(machine: str, section: str, cells: Sequence[str]) -> str:
        return f"{machine:<{width}}  {section:<{label}}" + "".join(f"{c:>13}" for c in cells)

    def values(row: Mapping) -> list[str]:
        return [_percent(row[column]) for column in columns]

    names = [_QUANTITIES[column].removesuffix(", within domain") for column in columns]
    head = line("machine", "section", names)
    within = ", within domain" if "auc_source_within" in columns else ""
    lines = [f"In percent{within}; mean = {_MEANS[OFFICIAL_SCORES[formula].mean]}"]
    lines += [head, "-" * len(head)]
    for machine, rows in sections.groupby("machine", sort=False):
        lines += [line(machine, row["section"], values(row)) for _, row in rows.iterrows()]
        if len(rows) > 1:
            lines.append(line(machine, "mean", values(column_means(rows, formula))))
        lines.append("-" * len(head))
    return [*lines, line("all", "mean", values(column_means(sections, formula)))]


def _score(part: SubsetEvaluation) -> str:
    text = _percent(part.official.score)
    if part.interval.half_width is not None:
        text += f" ± {_percent(part.interval.half_width)} (95 %, jackknife)"
    return text + _terms(part.official)


def _terms(official: OfficialScore) -> str:
    if official.used == official.expected:
        return ""
    return f", from {official.used} of {official.expected} terms; the others do not exist"


def _within_lines(means: Mapping[str, float | None]) -> list[str]:
    """Formats the figures of papers that take both classes of one domain."""
    lines = ["means of the papers that stay within a domain (mixed = both domains pooled):"]
    for metric, name in (("auc", "AUC"), ("pauc", "pAUC")):
        columns = (f"{metric}_source_within", f"{metric}_target_within", metric)
        source, target, mixed = (_percent(means[column]) for column in columns)
        lines.append(f"  {name:<4}  source {source}  target {target}  mixed {mixed}")
    return lines


def _other_lines(others: Mapping[str, OtherScore]) -> list[str]:
    """Formats the official scores of other columns; those that use labels are told apart."""
    alone = [name for name in others if not name.startswith(UNFAIR)]
    lines = []
    if alone:
        parts = (f"{name} {_percent(others[name].official.score)}" for name in alone)
        lines.append(f"  of each part alone: {', '.join(parts)}")
    lines += [
        f"  {name}, which no detector can have: {_percent(others[name].official.score)}"
        for name in others
        if name not in alone
    ]
    return lines


def _decision_lines(decisions: Mapping[str, float | int | None]) -> list[str]:
    names = {
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
        "false_alarm_rate": "false alarms",
    }
    if not decisions["clips"]:
        return []
    parts = (f"{name} {_percent(decisions[key])}" for key, name in names.items())
    return [f"decisions, all clips pooled: {', '.join(parts)}"]


def _left_out_lines(clips: Mapping[str, int]) -> list[str]:
    reasons = {"unscored": "without a score", "unlabelled": "without a label"}
    parts = [f"{clips[key]} {why}" for key, why in reasons.items() if clips[key]]
    return [f"test clips left out: {', '.join(parts)}"] if parts else []


def _submission_lines(submission: Submission) -> list[str]:
    if not submission.files and not submission.left_out:
        return []
    lines = [f"submission: {len(submission.files)} files for the official evaluator"]
    left_out = list(submission.left_out.items())
    lines += [f"  without {name}: {reason}" for name, reason in left_out[:_SHOWN]]
    if len(left_out) > _SHOWN:
        lines.append(f"  and without {len(left_out) - _SHOWN} more; see metrics.json")
    return lines


def format_runs_table(evaluations: Sequence[Evaluation]) -> str:
    """Formats the mean and standard deviation of several runs.

    Args:
        evaluations: The single runs of one experiment, at least one.

    Returns:
        Lines without a newline at the end, in percent: the official score, that of each machine,
        and the means over the sections; of each subset where there are two.
    """
    summary = summarise_runs(evaluations)
    parts = summary["subsets"] if len(summary["subsets"]) > 1 else {"": summary}
    formula = evaluations[0].formula
    tables = {name: _summary_rows(part, formula) for name, part in parts.items()}
    width = max(len(name) for rows in tables.values() for name in rows)
    runs = summary["runs"]
    lines = [
        f"In percent, mean ± standard deviation over {runs} run{'s' if runs > 1 else ''};"
        f" below the machines: {_MEANS[summary['mean']]}"
    ]
    for name, rows in tables.items():
        lines += [f"== {SUBSET_NAMES.get(name, name)}"] if name else []
        lines += [f"{quantity:<{width}}  {_spread(row)}" for quantity, row in rows.items()]
    return "\n".join(lines)


def _summary_rows(part: Mapping, formula: str) -> dict[str, Mapping]:
    rows = {f"official score ({formula} formula)": part["official_score"]}
    rows |= {f"  {machine}": values for machine, values in part["machines"].items()}
    rows |= {f"official score of {name}": values for name, values in part["others"].items()}
    if formula == "dcase2020":
        rows["mAUC"] = part["mauc"]
    means = {name: part["means"][column] for column, name in _QUANTITIES.items()}
    return rows | {name: values for name, values in means.items() if values["mean"] is not None}


def _spread(values: Mapping) -> str:
    return f"{_percent(values['mean']):>6} ± {_percent(values['sd']):>5}"


def _percent(value: float | None) -> str:
    return "-" if value is None or pd.isna(value) else f"{100 * value:.2f}"
