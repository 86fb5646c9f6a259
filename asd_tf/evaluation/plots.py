"""Figures of ROC curves, scores and false alarms, with one panel for each machine and section.

The colors are those of Okabe and Ito, which people with color vision deficiencies can distinguish.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from asd_tf.evaluation.false_alarms import LEVELS, kept_range, reliability_curves
from asd_tf.evaluation.metrics import MAX_FPR
from asd_tf.evaluation.roc import roc_curves, score_histogram
from asd_tf.evaluation.section_metrics import KEY_COLUMNS, SectionKey, select_test_clips

_BLUE, _ORANGE, _GRAY = "#0072B2", "#D55E00", "#8C8C8C"
_STYLES = {
    "source normals": {"color": _BLUE, "linewidth": 1.4},
    "target normals": {"color": _ORANGE, "linewidth": 1.4, "linestyle": "--"},
}
_DPI = 120
_KEYS = list(KEY_COLUMNS)

# In inches: a panel with its title and ticks, and the margins around all panels.
_PANEL_WIDTH, _PANEL_HEIGHT = 2.0, 1.95
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.75, 0.2, 0.75, 0.65


def roc_plot(scored: pd.DataFrame, sections: pd.DataFrame) -> Figure | None:
    """Draws the ROC curves of every machine and section that has both classes.

    The curves are those of `roc_curves`. The range of the pAUC is shaded.

    Args:
        scored: The scored table.
        sections: The table that `section_metrics` makes of it.

    Returns:
        The figure, or None if no section has both classes.
    """
    panels = sections[sections["auc"].notna()]
    if panels.empty:
        return None
    clips = _clips_by_section(select_test_clips(scored).dropna(subset="label"))
    aucs = panels.set_index(_KEYS)["auc"].to_dict()
    figure, axes = _grid(len(panels), share_x=True)
    for ax, (key, auc) in zip(axes, aucs.items(), strict=True):
        _draw_roc(ax, clips[key])
        ax.set_title(_title(key, auc, panels["subset"].nunique()))
    _finish(figure, axes, "false positive rate", "true positive rate")
    return figure


def _draw_roc(ax: Axes, clips: pd.DataFrame) -> None:
    ax.plot([0, 1], [0, 1], color=_GRAY, linewidth=0.7, linestyle=":")
    for curve in roc_curves(clips):
        style = _STYLES.get(curve.name, {"color": "black", "linewidth": 1.0})
        ax.plot(curve.fpr, curve.tpr, label=curve.name, **style)
    ax.axvspan(0, MAX_FPR, color=_GRAY, alpha=0.18, linewidth=0, label=f"pAUC (up to {MAX_FPR})")
    ax.set(xlim=(-0.01, 1), ylim=(0, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    ax.xaxis.set_major_formatter(_short)
    ax.yaxis.set_major_formatter(_short)


def reliability_plot(scored: pd.DataFrame, sections: pd.DataFrame) -> Figure | None:
    """Draws seen against promised false alarms of every machine and section.

    Promises are from 1 to 50 %. The shaded range is where a promise is that is kept exactly, 95 of
    100 times, for as many normal clips as the smallest domain has.

    Args:
        scored: The scored table.
        sections: The table that `section_metrics` makes of it.

    Returns:
        The figure, or None if no normal clip has a p-value.
    """
    if "p_value" not in scored:
        return None
    clips = _clips_by_section(select_test_clips(scored))
    curves = {key: reliability_curves(of_section) for key, of_section in clips.items()}
    curves = {key: of_section for key, of_section in curves.items() if of_section}
    if not curves:
        return None
    figure, axes = _grid(len(curves), share_x=True)
    for ax, (key, of_section) in zip(axes, curves.items(), strict=True):
        ax.plot([0, 0.5], [0, 0.5], color=_GRAY, linewidth=0.7, linestyle=":")
        low, high = kept_range(min(curve.count for curve in of_section))
        ax.fill_between(
            LEVELS, low, high, color=_GRAY, alpha=0.18, linewidth=0, label="promise kept (95 %)"
        )
        for curve in of_section:
            style = _STYLES.get(curve.name, {"color": "black", "linewidth": 1.0})
            ax.plot(LEVELS, curve.seen, label=curve.name, **style)
        ax.set(xlim=(0, 0.5), ylim=(0, 1.02), xticks=[0, 0.1, 0.3, 0.5], yticks=[0, 0.5, 1])
        ax.xaxis.set_major_formatter(_short)
        ax.yaxis.set_major_formatter(_short)
        ax.set_title(_title(key, np.nan, sections["subset"].nunique()))
    _finish(figure, axes, "promised false alarms", "seen false alarms")
    return figure


def score_plot(scored: pd.DataFrame, sections: pd.DataFrame) -> Figure | None:
    """Draws the scores of every machine and section as histograms, with the threshold.

    Bars of source clips point up, bars of target clips point down. A bar is a share of the clips of
    its domain and label, so that small classes stay visible. Outliers are counted in the outermost
    bins.

    Args:
        scored: The scored table; clips without a label have a color of their own.
        sections: The table that `section_metrics` makes of it.

    Returns:
        The figure, or None if no test clip has a score.
    """
    clips = _clips_by_section(select_test_clips(scored))
    if not clips:
        return None
    aucs = sections.set_index(_KEYS)["auc"].to_dict()
    subsets = len({subset for subset, _, _ in clips})
    figure, axes = _grid(len(clips), share_x=False)
    for ax, (key, of_section) in zip(axes, clips.items(), strict=True):
        _draw_scores(ax, of_section)
        ax.set_title(_title(key, aucs.get(key, np.nan), subsets))
    has_target = any(of_section["is_target"].any() for of_section in clips.values())
    # The label is rotated by 90 degrees, so that the arrows point down and up.
    y_label = "← target   share of clips   source →" if has_target else "share of clips"
    _finish(figure, axes, "anomaly score", y_label)
    return figure


def _draw_scores(ax: Axes, clips: pd.DataFrame) -> None:
    histogram = score_histogram(clips)
    edges = histogram.edges
    colors = {"normal": _BLUE, "anomalous": _ORANGE, "no label": _GRAY}
    for bars in histogram.bars:
        heights = -bars.heights if bars.is_target else bars.heights
        ax.stairs(heights, edges, fill=True, color=colors[bars.name], alpha=0.35, label=bars.name)
        ax.stairs(heights, edges, color=colors[bars.name], linewidth=0.9)
    for threshold in histogram.thresholds:
        ax.axvline(threshold, color="black", linestyle="--", linewidth=1, label="threshold")
    if histogram.has_target:
        ax.axhline(0, color="black", linewidth=0.6)
    top = 1.08 * histogram.highest
    ax.set(xlim=(edges[0], edges[-1]), ylim=(-top if histogram.has_target else 0, top), yticks=[])
    ax.xaxis.set_major_locator(MaxNLocator(3))
    ax.xaxis.set_major_formatter(_short)


def _short(value: float, position: int | None = None) -> str:
    """Formats a tick label with at most five digits."""
    return f"{value:.5g}"


def _clips_by_section(clips: pd.DataFrame) -> dict[SectionKey, pd.DataFrame]:
    """Returns the clips that have a score, by section."""
    return dict(iter(clips.dropna(subset="score").groupby(_KEYS, sort=True)))


def _title(key: SectionKey, auc: float, subsets: int) -> str:
    """Returns the title of a panel; it names the subset if there are two."""
    name = " ".join(key if subsets > 1 else key[1:])
    return name + ("" if np.isnan(auc) else f"   AUC {100 * auc:.1f}")


def _grid(panels: int, share_x: bool) -> tuple[Figure, list[Axes]]:
    """Makes a figure of equal panels: four in a row up to 12 panels, six in a row above."""
    columns = min(panels, 4 if panels <= 12 else 6)
    rows = -(-panels // columns)
    width = max(_LEFT + columns * _PANEL_WIDTH + _RIGHT, 5.5)
    height = _BOTTOM + rows * _PANEL_HEIGHT + _TOP
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, sharex=share_x, sharey=share_x, squeeze=False)
    figure.subplots_adjust(
        left=_LEFT / width,
        right=1 - _RIGHT / width,
        bottom=_BOTTOM / height,
        top=1 - _TOP / height,
        wspace=0.12,
        hspace=0.3 if share_x else 0.45,
    )
    # If the last row is not full, some panels of the row above are the lowest of their columns.
    for lowest in grid.flat[max(panels - columns, 0) : panels]:
        lowest.tick_params(labelbottom=True)
    for unused in grid.flat[panels:]:
        unused.remove()
    return figure, list(grid.flat[:panels])


def _finish(figure: Figure, axes: Sequence[Axes], x_label: str, y_label: str) -> None:
    """Styles the panels, and adds the axis labels and one legend for all panels."""
    for ax in axes:
        ax.tick_params(labelsize=7, length=2.5)
        ax.title.set(fontsize=8.5)
        ax.spines[["top", "right"]].set_visible(False)
    handles = {}
    for ax in axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    height = figure.get_figheight()
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="upper center",
        bbox_to_anchor=(0.5, 1 - 0.08 / height),
        ncols=len(handles),
        frameon=False,
        fontsize=9,
    )
    figure.supxlabel(x_label, fontsize=10, y=0.15 / height, va="bottom")
    figure.supylabel(y_label, fontsize=10, x=0.12 / figure.get_figwidth(), ha="left")
