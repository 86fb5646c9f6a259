"""The first part of a report: what the result is."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from asd_tf.evaluation.evaluate import Evaluation
from asd_tf.evaluation.metrics import harmonic_mean
from asd_tf.evaluation.official import OFFICIAL_SCORES, OfficialScore, machine_scores
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
    sections, formula = evaluation.sections, evaluation.formula
    if "subset" not in sections or sections["subset"].nunique() < 2:
        return [_hero("Official score", formula, evaluation.official, evaluation.machines)]
    return [
        _hero(
            f"Official score, {_SUBSETS.get(subset, subset)}",
            formula,
            OFFICIAL_SCORES[formula](rows),
            machine_scores(rows, formula),
        )
        for subset, rows in sections.groupby("subset", sort=True)
    ]


def _hero(
    name: str, formula: str, official: OfficialScore, machines: Mapping[str, OfficialScore]
) -> Markup:
    if official.score is None:
        reason = "No section has labelled clips of both classes: nothing judges the scores."
        text = [element("p", f"No {name.lower()}", class_="label"), element("p", reason)]
    else:
        text = [
            element("p", name, class_="label"),
            element("p", percent(official.score), element("span", " %"), class_="figure"),
            element("p", f"formula of {formula}; chance is 50", class_="note"),
            _terms(official),
        ]
    return element("div", element("div", *text, class_="score"), _machines(machines), class_="hero")


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
    return join(
        element("h3", "Every section"),
        _table(caption.format("Metrics"), sections, metrics, counts, evaluation.formula),
        _conventions(metrics),
        _table(caption.format("Decisions"), sections, decisions) if decisions else None,
    )


def _table(
    caption: str,
    sections: pd.DataFrame,
    columns: Sequence[str],
    counts: Sequence[str] = (),
    formula: str | None = None,
) -> Markup:
    """Builds a table with a row for each section, and with means where a formula is given."""
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
    last = []
    if formula is not None:
        # As published: no mean is over both subsets.
        parts = sections.groupby("subset") if "subset" in keys else [("", sections)]
        last = [_mean_row(part, rows, columns, counts, formula) for part, rows in parts]
    return table(caption, names, rows, last)


def _mean_row(
    subset: str,
    sections: pd.DataFrame,
    columns: Sequence[str],
    counts: Sequence[str],
    formula: str,
) -> list:
    name = "mean" if formula == "dcase2020" else "harmonic mean"
    mean = np.mean if formula == "dcase2020" else harmonic_mean
    values = (sections[column].dropna().to_numpy(float) for column in columns)
    return [
        f"{subset} {name}".strip(),
        *(share_cell(mean(each) if len(each) else None) for each in values),
        *(count_cell(sections[column].sum()) for column in counts),
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
