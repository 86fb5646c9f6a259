"""The second chapter of a report: histogram and ROC curves of every section."""

from collections.abc import Mapping

import pandas as pd

from asd_tf.evaluation.report.figures import histogram_svg, roc_svg
from asd_tf.evaluation.report.html import (
    Markup,
    breakable,
    chapter,
    element,
    is_missing,
    percent,
)

_LEGEND = (
    ("normal", "normal clips"),
    ("anomalous", "anomalous clips"),
    ("unlabeled", "clips without a label"),
    ("threshold", "threshold"),
)
_FEW_MACHINES = 3
"""More machines than these get links to jump to."""

_CURVES = (
    ("curve", "both domains"),
    ("curve source", "source normals"),
    ("curve target", "target normals"),
)


def sections_chapter(clips: pd.DataFrame, sections: pd.DataFrame) -> Markup | None:
    """Builds a card with histogram and ROC curves for each section, by machine.

    Args:
        clips: Rows of `select_test_clips` with a score, and the columns `section_key` and `title`.
        sections: The table of `section_metrics`, with the column `section_key`.

    Returns:
        The chapter, or None if there are no clips.
    """
    if clips.empty:
        return None
    metrics = {row["section_key"]: row for row in sections.to_dict("records")}
    machines, links = [], []
    for number, (machine, of_machine) in enumerate(clips.groupby("machine", sort=True)):
        name = f"machine-{number}"
        links.append(element("li", element("a", machine, href=f"#{name}")))
        cards = [
            _card(of_section, metrics.get(key, {}))
            for key, of_section in of_machine.groupby("section_key", sort=True)
        ]
        machines += [element("h3", machine, id=name), element("div", *cards, class_="cards")]
    return chapter(
        "sections",
        "Sections",
        _explanation(clips),
        element("ul", *links, class_="legend jump") if len(links) > _FEW_MACHINES else None,
        *machines,
    )


def _card(clips: pd.DataFrame, metrics: Mapping) -> Markup:
    title = clips["title"].iloc[0]
    labeled = clips[clips["label"].notna()]
    roc = roc_svg(labeled, f"ROC curves of {title}")
    numbers = [
        f"{name} {percent(metrics[column], 1)}"
        for column, name in (("auc", "AUC"), ("pauc", "pAUC"))
        if not is_missing(metrics.get(column))
    ]
    return element(
        "article",
        element(
            "header",
            element("h4", breakable(title)),
            element("span", ", ".join(numbers) or f"{len(clips)} clips", class_="number"),
        ),
        element(
            "div", histogram_svg(clips, f"Scores of {title}"), roc, class_="pair" if roc else None
        ),
        class_="card",
    )


def _explanation(clips: pd.DataFrame) -> Markup:
    has_target = clips["is_target"].any()
    shown = {
        "normal": clips["label"].eq(0).any(),
        "anomalous": clips["label"].eq(1).any(),
        "unlabeled": clips["label"].isna().any(),
        "threshold": clips["threshold"].notna().any(),
    }
    note = "Histograms show the shares of clips of each label"
    note += " and domain: source clips upwards, target clips downwards." if has_target else "."
    entries = [_legend_entry(name, text) for name, text in _LEGEND if shown[name]]
    if shown["normal"] and shown["anomalous"]:
        note += " ROC curves show the true positive rate over the false positive rate; the range of"
        note += " the pAUC is shaded."
        curves = _CURVES if has_target else _CURVES[:1]
        entries += [_legend_entry(name, f"ROC, {text}") for name, text in curves]
    return element(
        "div",
        element("p", note, class_="note"),
        element("ul", *entries, class_="legend"),
    )


def _legend_entry(name: str, text: str) -> Markup:
    if name.startswith("curve"):
        shape = element("line", x1=0, y1=6, x2=20, y2=6, class_=name)
    elif name == "threshold":
        shape = element("line", x1=10, y1=0, x2=10, y2=12, class_=name)
    else:
        shape = element("rect", x=1, y=1, width=18, height=10, class_=f"bars {name}")
    swatch = element("svg", shape, viewBox="0 0 20 12", aria_hidden="true")
    return element("li", swatch, text)
