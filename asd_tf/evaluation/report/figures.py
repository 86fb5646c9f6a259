"""Charts as inline SVG, colored by the style sheet for light and dark themes."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from asd_tf.evaluation.metrics import MAX_FPR
from asd_tf.evaluation.report.html import Markup, element, number
from asd_tf.evaluation.roc import Histogram, roc_curves, score_histogram

_CLASSES = {
    "normal": "normal",
    "anomalous": "anomalous",
    "no label": "unlabeled",
    "source normals": "source",
    "target normals": "target",
}

_WIDTH, _HEIGHT, _BOTTOM = 320, 170, 20
_SIDE = 170


def histogram_svg(clips: pd.DataFrame, title: str) -> Markup:
    """Draws the scores of one section: source clips upwards, target clips downwards.

    Args:
        clips: Rows of `select_test_clips`, each with a score, at least one.
        title: Description for screen readers.
    """
    histogram = score_histogram(clips)
    edges, height = histogram.edges, _HEIGHT - _BOTTOM
    base = height / 2 if histogram.has_target else height
    scale = 0.94 * base / histogram.highest

    def across(value: float) -> float:
        return _WIDTH * (value - edges[0]) / (edges[-1] - edges[0])

    shapes = []
    for bars in histogram.bars:
        tops = base + (scale if bars.is_target else -scale) * bars.heights
        x = np.repeat(across(edges), 2)
        y = np.concatenate([[base], np.repeat(tops, 2), [base]])
        shapes.append(element("path", d=_path(x, y, "Z"), class_=f"bars {_CLASSES[bars.name]}"))
    shapes.append(_line(0, base, _WIDTH, base, "axis"))
    for threshold in histogram.thresholds:
        shapes.append(_line(across(threshold), 0, across(threshold), height, "threshold"))
    if histogram.has_target:
        shapes.append(element("text", "source", x=_WIDTH, y=10, class_="end"))
        shapes.append(element("text", "target", x=_WIDTH, y=height - 4, class_="end"))
    shapes += _ticks(histogram, across)
    return _svg(_WIDTH, _HEIGHT, title, shapes)


def _ticks(histogram: Histogram, across) -> list[Markup]:
    """Labels both ends of the axis."""
    low, high = histogram.edges[[0, -1]]
    return [
        element("text", number(low), x=across(low), y=_HEIGHT - 6),
        element("text", "score", x=_WIDTH / 2, y=_HEIGHT - 6, class_="middle"),
        element("text", number(high), x=across(high), y=_HEIGHT - 6, class_="end"),
    ]


def roc_svg(clips: pd.DataFrame, title: str) -> Markup | None:
    """Draws the ROC curves of one section, with the range of the pAUC shaded.

    Args:
        clips: Rows of `select_test_clips`, each with a label and a score.
        title: Description for screen readers.

    Returns:
        The chart, or None if the section lacks a class.
    """
    curves = roc_curves(clips)
    if not curves:
        return None
    side = _SIDE - _BOTTOM
    shapes = [
        element("rect", x=0, y=0, width=_short(MAX_FPR * side), height=side, class_="range"),
        _line(0, side, side, 0, "chance"),
        element("path", d=f"M0 0V{side}H{side}", class_="axis"),
    ]
    # Drawn last, the thin curve of both domains stays visible on top of the others.
    for curve in reversed(curves):
        points = _path(curve.fpr * side, (1 - curve.tpr) * side)
        shapes.append(element("path", d=points, class_=f"curve {_CLASSES.get(curve.name, '')}"))
    shapes += [
        element("text", "0", x=0, y=_SIDE - 6),
        element("text", "false positive rate", x=side / 2, y=_SIDE - 6, class_="middle"),
        element("text", "1", x=side, y=_SIDE - 6, class_="end"),
    ]
    return _svg(_SIDE, _SIDE, title, shapes)


def bar_svg(value: float, title: str) -> Markup:
    """Draws a share as a bar, with a mark at 0.5: chance for AUC and pAUC."""
    shapes = [
        element("rect", x=0, y=2, width=200, height=8, class_="track"),
        element("rect", x=0, y=2, width=_short(200 * value), height=8, class_="bar"),
        _line(100, 0, 100, 12, "threshold"),
    ]
    # Bars are stretched to the width of their column.
    return _svg(200, 12, title, shapes, preserveAspectRatio="none")


def _svg(
    width: float, height: float, title: str, shapes: Iterable[Markup], **attributes: str
) -> Markup:
    attributes |= {"viewBox": f"0 0 {width} {height}", "role": "img"}
    return element("svg", element("title", title), *shapes, **attributes)


def _line(x1: float, y1: float, x2: float, y2: float, name: str) -> Markup:
    ends = {"x1": _short(x1), "y1": _short(y1), "x2": _short(x2), "y2": _short(y2)}
    return element("line", **ends, class_=name)


def _path(x: np.ndarray, y: np.ndarray, end: str = "") -> str:
    return "M" + "L".join(f"{_short(a)} {_short(b)}" for a, b in zip(x, y, strict=True)) + end


def _short(value: float) -> str:
    """Formats a coordinate with one decimal, without trailing zeros."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
