"""The first part of a report: what the result is."""

from collections.abc import Mapping, Sequence

import pandas as pd

from asd_tf.evaluation.evaluate import Evaluation, SubsetEvaluation
from asd_tf.evaluation.intervals import Interval
from asd_tf.evaluation.official import OfficialScore
from asd_tf.evaluation.report.figures import bar_svg
from asd_tf.evaluation.report.html import Markup, count, element, is_missing, join, percent
from asd_tf.evaluation.report.tables import (
    COLUMN_NAMES,
    COUNTS,
    KEYS,
    count_cell,
    share_cell,
    table,
)

_DECISIONS = {
    "hit_rate": ("Anomalies found", "recall: anomalous clips that were called anomalous"),
    "false_alarm_rate": ("False alarms", "normal clips that were called anomalous"),
    "precision": ("Precision", "alarms that were anomalous clips"),
    "f1": ("F1", "harmonic mean of precision and recall"),
}

_SUBSETS = {"dev": "development data", "eval": "evaluation data"}
_KIND_OF_MEAN = {"harmonic": "harmonic mean", "arithmetic": "mean of machines"}
_OF_DECISIONS = ("precision", "recall", "f1")


def result_section(evaluation: Evaluation, bad_files: int) -> Markup:
    """Builds the official score, the machines, the decisions and the table of sections."""
    return element(
        "section",
        element("h2", "Result", id="result-title"),
        *_heroes(evaluation),
        _decisions(evaluation),
        _left_out(evaluation, bad_files),
        _tables(evaluation),
        id="result",
        aria_labelledby="result-title",
    )


def _heroes(evaluation: Evaluation) -> list[Markup]:
    """Builds the scores; each subset has its own, since published scores are of one subset."""
    if len(evaluation.subsets) < 2:
        return [_hero("Official score", evaluation.formula, evaluation)]
    return [
        _hero(f"Official score, {_SUBSETS[subset]}", evaluation.formula, part)
        for subset, part in evaluation.subsets.items()
    ]


def _hero(name: str, formula: str, part: SubsetEvaluation) -> Markup:
    official = part.official
    if official.score is None:
        reason = "No section has labelled clips of both classes: nothing judges the scores."
        text = [element("p", f"No {name.lower()}", class_="label"), element("p", reason)]
    else:
        text = [
            element("p", name, class_="label"),
            element("p", percent(official.score), element("span", " %"), class_="figure"),
            element("p", _interval(part.interval), class_="note"),
            element("p", f"formula of {formula}; chance is 50", class_="note"),
            _mauc(formula, part.mauc),
            _terms(official),
        ]
    machines = _machines(part.machines)
    return element("div", element("div", *text, class_="score"), machines, class_="hero")


def _interval(interval: Interval) -> str:
    """Says how far the score depends on the clips that happened to be recorded."""
    if interval.low is None:
        return f"no confidence interval: {interval.reason}"
    low, high = percent(interval.low), percent(interval.high)
    return f"{low} to {high} with 95 % confidence, over clips"


def _mauc(formula: str, mauc: float | None) -> Markup | None:
    """Adds what papers on DCASE 2020 print beside the official score."""
    if formula != "dcase2020" or mauc is None:
        return None
    return element("p", f"mAUC (mean of each machine's lowest): {percent(mauc)}", class_="note")


def _terms(official: OfficialScore) -> Markup | None:
    if official.used == official.expected:
        return None
    return element(
        "p",
        f"Made of {official.used} of {official.expected} terms, since the others do not exist:"
        " it cannot be compared with published scores.",
        class_="warning",
    )


def _machines(machines: Mapping[str, OfficialScore]) -> Markup | None:
    rows = [
        element(
            "li",
            element("span", machine, class_="name"),
            bar_svg(part.score, f"{machine}: {percent(part.score)} percent"),
            element("span", percent(part.score), class_="number"),
        )
        for machine, part in machines.items()
        if part.score is not None
    ]
    if not rows:
        return None
    label = element("p", "By machine; the mark is chance", class_="label")
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
    counted = element("p", f"Over {count(decisions['clips'], 'labelled clip')}.", class_="note")
    return join(heading, counted, element("ul", *tiles, class_="tiles"))


def _left_out(evaluation: Evaluation, bad_files: int) -> Markup | None:
    counts = evaluation.clips
    parts = []
    if counts["unscored"]:
        parts.append(f"{count(counts['unscored'], 'test clip')} had no score")
    if counts["unlabelled"]:
        parts.append(f"{count(counts['unlabelled'], 'test clip')} had no label")
    if bad_files:
        parts.append(f"{count(bad_files, 'file')} could not be read")
    if not parts:
        return None
    link = element("a", "Which ones", href="#left-out") if counts["unscored"] or bad_files else None
    text = f"Left out of the numbers above: {', '.join(parts)}. "
    return element("p", text, link, class_="warning")


def _tables(evaluation: Evaluation) -> Markup | None:
    """Builds a table of the scores' metrics, and one of the decisions' where there are any."""
    sections = evaluation.sections
    if sections.empty:
        return None
    columns = metric_columns(sections)
    metrics = [column for column in columns if not column.startswith(_OF_DECISIONS)]
    decisions = [column for column in columns if column.startswith(_OF_DECISIONS)]
    caption = "{} of every section, in percent; select a heading to sort"
    counts = [column for column in COUNTS if column in sections]
    parts = evaluation.subsets if len(evaluation.subsets) > 1 else {"": evaluation}
    means = [
        _mean_row(f"{subset} {_KIND_OF_MEAN[evaluation.mean]}".strip(), part, metrics, counts)
        for subset, part in parts.items()
    ]
    return join(
        element("h3", "Every section"),
        _table(caption.format("Metrics"), sections, metrics, counts, means),
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
    """Builds a table with a row for each section, and the rows of means below."""
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


def _mean_row(
    name: str, part: SubsetEvaluation, columns: Sequence[str], counts: Sequence[str]
) -> list:
    """Builds the row of the means; as published, none is over both subsets."""
    return [
        name,
        *(share_cell(part.means.get(column)) for column in columns),
        *(count_cell(part.sections[column].sum()) for column in counts),
    ]


def shown_keys(sections: pd.DataFrame) -> list[str]:
    """Returns the columns that tell sections apart; the subset only where there are two."""
    keys = [key for key in KEYS if key in sections]
    return [key for key in keys if key != "subset" or sections[key].nunique() > 1]


def metric_columns(sections: pd.DataFrame) -> list[str]:
    """Returns the columns that are shares and exist in a section, in their order."""
    return [
        column
        for column in sections
        if column not in (*KEYS, *COUNTS)
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
        "AUC source and AUC target follow the official evaluation: normal clips of one domain"
        " against the anomalous clips of both. The columns “within” take both classes of one"
        " domain, as several papers do; the two conventions cannot be compared.",
        class_="note",
    )
