"""Pictures of scores: ROC curves and histograms, a small panel per machine and section.

Colours are those of Okabe and Ito, which people with colour vision deficiencies can tell apart.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from asd_tf.evaluation.curves import roc_curves, score_histogram
from asd_tf.evaluation.metrics import MAX_FPR
from asd_tf.evaluation.sections import KEY_COLUMNS, tested_clips

_BLUE, _ORANGE, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#8C8C8C"
_DPI = 120
_KEYS = list(KEY_COLUMNS)

# In inches: a panel with its title and ticks, and what surrounds the grid of them.
_PANEL_WIDTH, _PANEL_HEIGHT = 2.0, 1.95
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.75, 0.2, 0.75, 0.65


def roc_picture(scored: pd.DataFrame, sections: pd.DataFrame) -> Figure | None:
    """Draws the ROC curves of every machine and section that has both classes.

    Beside the curve of both domains together stand those of the official convention: the normal
    clips of one domain against the anomalous clips of both. The range of the pAUC is shaded.

    Args:
        scored: The scored table.
        sections: The table of `section_metrics` of it.

    Returns:
        The figure, or None where no section has both classes.
    """
    panels = sections[sections["auc"].notna()]
    if panels.empty:
        return None
    groups = _groups(tested_clips(scored).dropna(subset="label"))
    aucs = panels.set_index(_KEYS)["auc"].to_dict()
    figure, axes = _grid(len(panels), share_x=True)
    for ax, (group, auc) in zip(axes, aucs.items(), strict=True):
        _draw_roc(ax, groups[group])
        ax.set_title(_title(group, auc, panels["subset"].nunique()))
    _finish(figure, axes, "false positive rate", "true positive rate")
    return figure


def _draw_roc(ax: Axes, clips: pd.DataFrame) -> None:
    ax.plot([0, 1], [0, 1], color=_GREY, linewidth=0.7, linestyle=":")
    styles = {
        "source normals": {"color": _BLUE, "linewidth": 1.4},
        "target normals": {"color": _ORANGE, "linewidth": 1.4, "linestyle": "--"},
    }
    for curve in roc_curves(clips):
        style = styles.get(curve.name, {"color": "black", "linewidth": 1.0})
        ax.plot(curve.fpr, curve.tpr, label=curve.name, **style)
    ax.axvspan(0, MAX_FPR, color=_GREY, alpha=0.18, linewidth=0, label=f"pAUC (up to {MAX_FPR})")
    ax.set(xlim=(-0.01, 1), ylim=(0, 1.02), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    ax.xaxis.set_major_formatter(_short)
    ax.yaxis.set_major_formatter(_short)


def score_picture(scored: pd.DataFrame, sections: pd.DataFrame) -> Figure | None:
    """Draws the scores of every machine and section as histograms, with the threshold.

    Source clips stand above the line and target clips hang below it. Each histogram is the share of
    the clips of its own domain and label, so that small groups can be seen. Scores that lie far out
    are counted in the outermost bins.

    Args:
        scored: The scored table; clips without a label have a colour of their own.
        sections: The table of `section_metrics` of it.

    Returns:
        The figure, or None where no test clip has a score.
    """
    groups = _groups(tested_clips(scored))
    if not groups:
        return None
    aucs = sections.set_index(_KEYS)["auc"].to_dict()
    subsets = len({group[0] for group in groups})
    figure, axes = _grid(len(groups), share_x=False)
    for ax, (group, clips) in zip(axes, groups.items(), strict=True):
        _draw_scores(ax, clips)
        ax.set_title(_title(group, aucs.get(group, np.nan), subsets))
    has_target = any(clips["is_target"].any() for clips in groups.values())
    # The label is turned by a quarter, so that the arrows point down and up.
    y_label = "← target   share of clips   source →" if has_target else "share of clips"
    _finish(figure, axes, "anomaly score", y_label)
    return figure


def _draw_scores(ax: Axes, clips: pd.DataFrame) -> None:
    histogram = score_histogram(clips)
    edges = histogram.edges
    colors = {"normal": _BLUE, "anomalous": _ORANGE, "no label": _GREY}
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
    """Writes a tick as briefly as it can be."""
    return f"{value:.5g}"


def _groups(clips: pd.DataFrame) -> dict[tuple[str, str, str], pd.DataFrame]:
    has_score = clips.dropna(subset="score")
    return dict(iter(has_score.groupby(_KEYS, sort=True)))


def _title(group: tuple[str, str, str], auc: float, subsets: int) -> str:
    """Names a panel, with its subset where there are two."""
    name = " ".join(group if subsets > 1 else group[1:])
    return name + ("" if np.isnan(auc) else f"   AUC {100 * auc:.1f}")


def _grid(panels: int, share_x: bool) -> tuple[Figure, list[Axes]]:
    """Makes a figure of equal panels, four in a row when they are few and else six."""
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
    # A last row that is not full leaves panels above it at the bottom of their columns.
    for lowest in grid.flat[max(panels - columns, 0) : panels]:
        lowest.tick_params(labelbottom=True)
    for spare in grid.flat[panels:]:
        spare.remove()
    return figure, list(grid.flat[:panels])


def _finish(figure: Figure, axes: Sequence[Axes], x_label: str, y_label: str) -> None:
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
