"""Results as fixed-width tables for a terminal, in percent."""

from collections.abc import Mapping, Sequence

import pandas as pd

from asd_tf.evaluation.official import OFFICIAL_SCORES, Formula, OfficialScore, column_means
from asd_tf.evaluation.parts import EXTRA_SCORES, RAW_SCORE
from asd_tf.evaluation.results import SUBSET_NAMES, Evaluation, OtherScore, SubsetEvaluation
from asd_tf.evaluation.runs import summarize_runs
from asd_tf.evaluation.submission import Submission

_METRIC_NAMES = {
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
    "arithmetic": "arithmetic mean over sections; of all: over the means of machines",
}

_SHOWN = 5
"""How many of the files left out of a submission are named."""


def format_table(evaluation: Evaluation) -> str:
    """Formats an evaluation: a line for each machine and section, means, and the official score.

    If both subsets have test clips, each has its own table, since published scores are of one
    subset.

    Args:
        evaluation: What to show.

    Returns:
        Text without a trailing newline. Values are percentages with two decimals; `-` marks values
        that do not exist.
    """
    if len(evaluation.subsets) < 2:
        lines = _subset_lines(evaluation, evaluation.formula)
    else:
        lines = []
        for name, subset in evaluation.subsets.items():
            lines += [f"== {SUBSET_NAMES.get(name, name)}"]
            lines += [*_subset_lines(subset, evaluation.formula), ""]
        lines.append(f"both together: {_score(evaluation)}")
    return "\n".join([*lines, *_submission_lines(evaluation.submission)])


def _subset_lines(subset: SubsetEvaluation, formula: str) -> list[str]:
    lines = [*_section_lines(subset.sections, formula), ""]
    lines.append(f"official score ({formula} formula): {_score(subset)}")
    lines += _other_lines(subset.others)
    if formula == "dcase2021":
        lines += _pooled_lines(subset.sections)
    if formula == "dcase2020":
        lines.append(f"mAUC (lowest AUC of a machine, mean over machines): {_percent(subset.mauc)}")
    elif subset.means["auc_target_within"] is not None:
        lines += _within_lines(subset.means)
    return [*lines, *_decision_lines(subset.decisions), *_left_out_lines(subset.clips)]


def _section_lines(sections: pd.DataFrame, formula: str) -> list[str]:
    if sections.empty:
        return ["No test clip has a label: there are no metrics."]
    columns = OFFICIAL_SCORES[formula].terms
    width = max(len("machine"), *(len(machine) for machine in sections["machine"]))
    label = max(len("all, mean"), *(len(section) for section in sections["section"]))

    def line(machine: str, section: str, cells: Sequence[str]) -> str:
        return f"{machine:<{width}}  {section:<{label}}" + "".join(f"{c:>13}" for c in cells)

    def values(row: Mapping) -> list[str]:
        return [_percent(row[column]) for column in columns]

    names = [_METRIC_NAMES[column].removesuffix(", within domain") for column in columns]
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


def _score(subset: SubsetEvaluation) -> str:
    text = _percent(subset.official.score)
    if subset.interval.half_width is not None:
        text += f" ± {_percent(subset.interval.half_width)} (95 %, jackknife)"
    return text + _terms(subset.official)


def _terms(official: OfficialScore) -> str:
    if official.used == official.expected:
        return ""
    return f", from {official.used} of {official.expected} terms; the others do not exist"


def _within_lines(means: Mapping[str, float | None]) -> list[str]:
    """Formats the means of papers that compare both classes of one domain."""
    lines = [
        "means of both classes within a domain, as in several papers (mixed = both domains pooled):"
    ]
    for metric, name in (("auc", "AUC"), ("pauc", "pAUC")):
        columns = (f"{metric}_source_within", f"{metric}_target_within", metric)
        source, target, mixed = (_percent(means[column]) for column in columns)
        lines.append(f"  {name:<4}  source {source}  target {target}  mixed {mixed}")
    return lines


def _pooled_lines(sections: pd.DataFrame) -> list[str]:
    """Formats a harmonic mean of each machine over sections and both domains."""
    lines = ["harmonic means over sections and domains, AUC (pAUC), as in papers on DCASE 2021:"]
    for machine, rows in sections.groupby("machine", sort=False):
        auc, pauc = (
            _percent(Formula((f"{m}_source_within", f"{m}_target_within"), "harmonic")(rows).score)
            for m in ("auc", "pauc")
        )
        lines.append(f"  {machine}  {auc} ({pauc})")
    return lines if len(lines) > 1 else []


def _other_lines(others: Mapping[str, OtherScore]) -> list[str]:
    """Formats the official scores of other columns: parts of the detector, and extra scores."""
    scores = {name: _percent(other.official.score) for name, other in others.items()}
    extra = {name: score for name, score in scores.items() if name.startswith(EXTRA_SCORES)}
    raw = scores.pop(RAW_SCORE, None)
    parts = [f"{name} {score}" for name, score in scores.items() if name not in extra]
    lines = [] if raw is None else [f"  without the scale of domains: {RAW_SCORE} {raw}"]
    lines += [f"  of each part alone: {', '.join(parts)}"] if parts else []
    return lines + [f"  {name}, which no detector can have: {extra[name]}" for name in extra]


def _decision_lines(decisions: Mapping[str, float | int | None]) -> list[str]:
    names = {
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
        "false_alarm_rate": "false alarms",
    }
    if not decisions["clips"]:
        return []
    rates = (f"{name} {_percent(decisions[key])}" for key, name in names.items())
    return [f"decisions, all clips pooled: {', '.join(rates)}"]


def _left_out_lines(clips: Mapping[str, int]) -> list[str]:
    reasons = {"unscored": "without a score", "unlabeled": "without a label"}
    counts = [f"{clips[key]} {reason}" for key, reason in reasons.items() if clips[key]]
    return [f"test clips left out: {', '.join(counts)}"] if counts else []


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
    """Formats mean and standard deviation over several runs.

    Args:
        evaluations: The single runs of one configuration, at least one.

    Returns:
        Text without a trailing newline, in percent: the official score, that of each machine, and
        the means over the sections; for each subset if there are two.
    """
    summary = summarize_runs(evaluations)
    runs = summary["runs"]
    head = (
        f"In percent, mean ± standard deviation over {runs} run{'s' if runs > 1 else ''};"
        f" below the machines: {_MEANS[summary['mean']]}"
    )
    return _summary_table(head, summary, evaluations[0].formula)


def format_ensembles_table(evaluations: Sequence[Evaluation]) -> str:
    """Formats mean and standard deviation over growing ensembles.

    Args:
        evaluations: Those of the first run, of the first two runs' added scores, and so on.

    Returns:
        Text without a trailing newline, as that of `format_runs_table`, without the machines.
    """
    summary = summarize_runs(evaluations)
    sums = ", ".join("+".join(str(k + 1) for k in range(n + 1)) for n in range(len(evaluations)))
    head = f"The same over growing ensembles, as published scripts average: the runs {sums}"
    bare = {**summary, "machines": {}, "others": {}}
    bare["subsets"] = {
        name: {**subset, "machines": {}, "others": {}}
        for name, subset in summary["subsets"].items()
    }
    return _summary_table(head, bare, evaluations[0].formula)


def _summary_table(head: str, summary: Mapping, formula: str) -> str:
    summaries = summary["subsets"] if len(summary["subsets"]) > 1 else {"": summary}
    tables = {name: _summary_rows(subset, formula) for name, subset in summaries.items()}
    width = max(len(name) for rows in tables.values() for name in rows)
    lines = [head]
    for name, rows in tables.items():
        lines += [f"== {SUBSET_NAMES.get(name, name)}"] if name else []
        lines += [f"{row:<{width}}  {_mean_and_std(values)}" for row, values in rows.items()]
    return "\n".join(lines)


def _summary_rows(summary: Mapping, formula: str) -> dict[str, Mapping]:
    rows = {f"official score ({formula} formula)": summary["official_score"]}
    rows |= {f"  {machine}": values for machine, values in summary["machines"].items()}
    rows |= {f"official score of {name}": values for name, values in summary["others"].items()}
    if formula == "dcase2020":
        rows["mAUC"] = summary["mauc"]
    means = {name: summary["means"][column] for column, name in _METRIC_NAMES.items()}
    return rows | {name: values for name, values in means.items() if values["mean"] is not None}


def _mean_and_std(values: Mapping) -> str:
    return f"{_percent(values['mean']):>6} ± {_percent(values['std']):>5}"


def _percent(value: float | None) -> str:
    return "-" if value is None or pd.isna(value) else f"{100 * value:.2f}"
