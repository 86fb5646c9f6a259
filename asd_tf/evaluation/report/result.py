"""The first chapter of a report: official score, decisions and the table of sections."""

from collections.abc import Mapping, Sequence

import pandas as pd

from asd_tf.evaluation.intervals import Interval
from asd_tf.evaluation.official import OfficialScore
from asd_tf.evaluation.report.false_alarms import false_alarm_part
from asd_tf.evaluation.report.figures import bar_svg
from asd_tf.evaluation.report.html import (
    Markup,
    chapter,
    count,
    element,
    is_missing,
    join,
    percent,
)
from asd_tf.evaluation.report.tables import (
    COLUMN_NAMES,
    count_cell,
    share_cell,
    table,
)
from asd_tf.evaluation.results import SUBSET_NAMES, Evaluation, SubsetEvaluation
from asd_tf.evaluation.section_metrics import COUNT_COLUMNS, KEY_COLUMNS

_DECISIONS = {
    "hit_rate": ("Recall", "share of anomalous clips with an alarm"),
    "false_alarm_rate": ("False alarms", "share of normal clips with an alarm"),
    "precision": ("Precision", "share of alarms that are anomalous clips"),
    "f1": ("F1", "harmonic mean of precision and recall"),
}

_MEANS = {"harmonic": "harmonic mean", "arithmetic": "mean of machines"}
_DECISION_PREFIXES = ("precision", "recall", "f1")


def result_chapter(evaluation: Evaluation, bad_files: int) -> Markup:
    """Builds the official score, the machines, the decisions and the table of sections.

    Args:
        evaluation: The results.
        bad_files: How many files could not be read.
    """
    return chapter(
        "result",
        "Result",
        *_heroes(evaluation),
        _decisions(evaluation),
        false_alarm_part(evaluation),
        _left_out(evaluation, bad_files),
        _tables(evaluation),
    )


def _heroes(evaluation: Evaluation) -> list[Markup]:
    """Builds the official score of each subset, since published scores are of one subset."""
    if len(evaluation.subsets) < 2:
        return [_hero("Official score", evaluation.formula, evaluation)]
    return [
        _hero(f"Official score, {SUBSET_NAMES[name]}", evaluation.formula, subset)
        for name, subset in evaluation.subsets.items()
    ]


def _hero(name: str, formula: str, subset: SubsetEvaluation) -> Markup:
    official = subset.official
    if official.score is None:
        reason = "No section has labeled clips of both classes."
        text = [element("p", f"No {name.lower()}", class_="label"), element("p", reason)]
    else:
        text = [
            element("p", name, class_="label"),
            element("p", percent(official.score), element("span", " %"), class_="figure"),
            element("p", _interval(subset.interval), class_="note"),
            element("p", f"formula of {formula}; chance is 50", class_="note"),
            _mauc(formula, subset.mauc),
            _terms(official),
        ]
    machines = _machines(subset.machines)
    return element("div", element("div", *text, class_="score"), machines, class_="hero")


def _interval(interval: Interval) -> str:
    """Returns the confidence interval as text, or why there is none."""
    if interval.low is None:
        return f"no confidence interval: {interval.reason}"
    low, high = percent(interval.low), percent(interval.high)
    return f"{low} to {high}: 95 % confidence interval over test clips"


def _mauc(formula: str, mauc: float | None) -> Markup | None:
    """Returns mAUC, which papers on DCASE 2020 report in addition to the official score."""
    if formula != "dcase2020" or mauc is None:
        return None
    text = f"mAUC (lowest AUC of a machine, mean over machines): {percent(mauc)}"
    return element("p", text, class_="note")


def _terms(official: OfficialScore) -> Markup | None:
    if official.used == official.expected:
        return None
    return element(
        "p",
        f"Computed from {official.used} of {official.expected} terms, since the others do not"
        " exist. It cannot be compared with published scores.",
        class_="warning",
    )


def _machines(machines: Mapping[str, OfficialScore]) -> Markup | None:
    rows = [
        element(
            "li",
            element("span", machine, class_="name"),
            bar_svg(official.score, f"{machine}: {percent(official.score)} percent"),
            element("span", percent(official.score), class_="number"),
        )
        for machine, official in machines.items()
        if official.score is not None
    ]
    if not rows:
        return None
    label = element("p", "Official score of each machine; the mark is chance", class_="label")
    return element("div", label, element("ul", *rows, class_="bars-list"), class_="machines")


def _decisions(evaluation: Evaluation) -> Markup | None:
    decisions = evaluation.decisions
    if not decisions["clips"]:
        return None
    tiles = [
        element(
            "li",
            element("span", name, class_="label"),
            element("span", percent(decisions[key], 1), element("small", " %"), class_="value"),
            element("span", meaning, class_="note"),
        )
        for key, (name, meaning) in _DECISIONS.items()
        if decisions.get(key) is not None
    ]
    heading = element("h3", "Decisions at the stored thresholds")
    counted = element("p", f"Over {count(decisions['clips'], 'labeled clip')}.", class_="note")
    return join(heading, counted, element("ul", *tiles, class_="tiles"))


def _left_out(evaluation: Evaluation, bad_files: int) -> Markup | None:
    counts = evaluation.clips
    reasons = []
    if counts["unscored"]:
        reasons.append(f"{count(counts['unscored'], 'test clip')} had no score")
    if counts["unlabeled"]:
        reasons.append(f"{count(counts['unlabeled'], 'test clip')} had no label")
    if bad_files:
        reasons.append(f"{count(bad_files, 'file')} could not be read")
    if not reasons:
        return None
    link = element("a", "See the list", href="#left-out")
    link = link if counts["unscored"] or bad_files else None
    text = f"Left out of the numbers above: {', '.join(reasons)}. "
    return element("p", text, link, class_="warning")


def _tables(evaluation: Evaluation) -> Markup | None:
    """Builds a table of the metrics of scores and, if there are decisions, one of theirs."""
    sections = evaluation.sections
    if sections.empty:
        return None
    columns = metric_columns(sections)
    metrics = [column for column in columns if not column.startswith(_DECISION_PREFIXES)]
    decisions = [column for column in columns if column.startswith(_DECISION_PREFIXES)]
    caption = "{} of every section, in percent. Select a heading to sort."
    subsets = evaluation.subsets if len(evaluation.subsets) > 1 else {"": evaluation}
    means = [
        _mean_row(f"{name} {_MEANS[evaluation.mean]}".strip(), subset, metrics)
        for name, subset in subsets.items()
    ]
    return join(
        element("h3", "Every section"),
        _table(caption.format("Metrics"), sections, metrics, COUNT_COLUMNS, means),
        _conventions(metrics),
        _table(caption.format("Decisions"), sections, decisions) if decisions else None,
    )


def _table(
    caption: str,
    sections: pd.DataFrame,
    columns: Sequence[str],
    counts: Sequence[str] = (),
    means: Sequence[list] = (),
) -> Markup:
    """Builds a table with a row for each section, and rows of means below."""
    keys = shown_keys(sections)
    rows = [
        [
            *(row[key] for key in keys),
            *(share_cell(row[column]) for column in columns),
            *(count_cell(row[column]) for column in counts),
        ]
        for row in sections.to_dict("records")
    ]
    names = [*map(str.capitalize, keys), *map(_column_name, columns), *map(str.capitalize, counts)]
    return table(caption, names, rows, means)


def _mean_row(name: str, subset: SubsetEvaluation, columns: Sequence[str]) -> list:
    """Builds the row of the means of a subset; no published mean is over both subsets."""
    return [
        name,
        *(share_cell(subset.means.get(column)) for column in columns),
        *(count_cell(subset.sections[column].sum()) for column in COUNT_COLUMNS),
    ]


def shown_keys(sections: pd.DataFrame) -> list[str]:
    """Returns the columns that identify a section; the subset only if there are two."""
    return [key for key in KEY_COLUMNS if key != "subset" or sections[key].nunique() > 1]


def metric_columns(sections: pd.DataFrame) -> list[str]:
    """Returns the columns of metrics that exist in some section, in their order."""
    return [
        column
        for column in sections
        if column not in (*KEY_COLUMNS, *COUNT_COLUMNS)
        and pd.api.types.is_float_dtype(sections[column])
        and not all(map(is_missing, sections[column]))
    ]


def _column_name(column: str) -> str:
    return COLUMN_NAMES.get(column, column.replace("_", " ").capitalize())


def _conventions(metrics: Sequence[str]) -> Markup | None:
    if not any(column.endswith("_within") for column in metrics):
        return None
    return element(
        "p",
        "AUC source and AUC target follow the official evaluation: the normal clips of one domain"
        " against the anomalous clips of both. The columns “within” compare both classes of one"
        " domain, as several papers do. Values of the two conventions are not comparable.",
        class_="note",
    )
