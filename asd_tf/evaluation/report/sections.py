"""The second part of a report: the scores of every section, as pictures."""

from collections.abc import Mapping

import pandas as pd

from asd_tf.evaluation.report.figures import histogram_svg, roc_svg
from asd_tf.evaluation.report.html import Markup, breakable, element, is_missing, percent

_LEGEND = (
    ("normal", "normal clips"),
    ("anomalous", "anomalous clips"),
    ("unlabelled", "clips without a label"),
    ("threshold", "threshold"),
)
_FEW_MACHINES = 3
"""More than these have links to jump to."""

_CURVES = (
    ("curve", "both domains"),
    ("curve source", "source normals"),
    ("curve target", "target normals"),
)


def sections_section(clips: pd.DataFrame, sections: pd.DataFrame) -> Markup | None:
    """Builds a card with histogram and ROC curves for each section, by machine.

    Args:
        clips: Rows of `tested_clips` with a score and the columns `group` and `title`.
        sections: The table of `section_metrics`, with the column `group`.
    """
    if clips.empty:
        return None
    metrics = {row["group"]: row for row in sections.to_dict("records")}
    machines, links = [], []
    for number, (machine, of_machine) in enumerate(clips.groupby("machine", sort=True)):
        name = f"machine-{number}"
        links.append(element("li", element("a", machine, href=f"#{name}")))
        cards = [
            _card(group, metrics.get(key, {}))
            for key, group in of_machine.groupby("group", sort=True)
        ]
        machines += [element("h3", machine, id=name), element("div", *cards, class_="cards")]
    return element(
        "section",
        element("h2", "Sections", id="sections-title"),
        _explanation(clips),
        element("ul", *links, class_="legend jump") if len(links) > _FEW_MACHINES else None,
        *machines,
        id="sections",
        aria_labelledby="sections-title",
    )


def _card(clips: pd.DataFrame, metrics: Mapping) -> Markup:
    title = clips["title"].iloc[0]
    labelled = clips[clips["label"].notna()]
    roc = roc_svg(labelled, f"ROC curves of {title}")
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
        "unlabelled": clips["label"].isna().any(),
        "threshold": clips["threshold"].notna().any(),
    }
    text = "Histograms show the share of the clips of each label"
    text += " and domain: source upwards, target downwards." if has_target else "."
    keys = [_key("swatch", name, text) for name, text in _LEGEND if shown[name]]
    if shown["normal"] and shown["anomalous"]:
        text += (
            " ROC curves show the share of anomalous clips found over that of false positives; the"
        )
        text += " range of the pAUC is shaded."
        curves = _CURVES if has_target else _CURVES[:1]
        keys += [_key("swatch", name, f"ROC, {text}") for name, text in curves]
    return element(
        "div",
        element("p", text, class_="note"),
        element("ul", *keys, class_="legend"),
    )


def _key(kind: str, name: str, text: str) -> Markup:
    """Returns an entry of a legend."""
    if name.startswith("curve"):
        shape = element("line", x1=0, y1=6, x2=20, y2=6, class_=name)
    elif name == "threshold":
        shape = element("line", x1=10, y1=0, x2=10, y2=12, class_=name)
    else:
        shape = element("rect", x=1, y=1, width=18, height=10, class_=f"bars {name}")
    picture = element("svg", shape, viewBox="0 0 20 12", class_=kind, aria_hidden="true")
    return element("li", picture, text)
