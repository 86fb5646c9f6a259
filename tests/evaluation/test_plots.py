"""Plots must show the scores and the areas of the sections that they name."""

import io

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import trapezoid

from asd_tf.evaluation.plots import reliability_plot, roc_plot, score_plot
from asd_tf.evaluation.section_metrics import section_metrics


def draw(plot, scored):
    return plot(scored, section_metrics(scored))


def titles(figure):
    return [ax.get_title() for ax in figure.axes]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize(("machines", "sections"), [(2, 2), (7, 2), (1, 1)])
@pytest.mark.parametrize("plot", [roc_plot, score_plot])
def test_each_section_has_a_panel_with_its_auc(scored_table, plot, machines, sections):
    scored = scored_table([f"machine{k}" for k in range(machines)], sections, per_class=2)
    metrics = section_metrics(scored)
    figure = plot(scored, metrics)
    expected = [
        f"{row.machine} {row.section}   AUC {100 * row.auc:.1f}" for row in metrics.itertuples()
    ]
    assert titles(figure) == expected
    assert len(figure.legends) == 1


@pytest.mark.parametrize("plot", [roc_plot, score_plot])
def test_equal_names_in_both_subsets_are_not_mixed(scored_table, plot):
    scored = scored_table(["fan"])
    other = scored.assign(
        subset="eval", score=-scored["score"], clip_id="eval/" + scored["clip_id"]
    )
    both = pd.concat([scored, other], ignore_index=True)
    aucs = section_metrics(scored)["auc"]
    found = titles(draw(plot, both))
    assert len(found) == 4
    assert found[0] == f"dev fan 00   AUC {100 * aucs[0]:.1f}"
    assert found[2] == f"eval fan 00   AUC {100 * (1 - aucs[0]):.1f}"


def test_curves_enclose_the_areas_of_the_table(scored):
    figure = draw(roc_plot, scored)
    for ax, row in zip(figure.axes, section_metrics(scored).itertuples(), strict=True):
        curves = {line.get_label(): line.get_xydata() for line in ax.lines}
        for name, area in (
            ("both domains", row.auc),
            ("source normals", row.auc_source),
            ("target normals", row.auc_target),
        ):
            fpr, tpr = curves[name].T
            assert trapezoid(tpr, fpr) == pytest.approx(area)


def test_a_section_with_one_class_has_scores_but_no_curve(scored):
    pump = scored["machine"] == "pump"
    one_class = scored[~(pump & (scored["label"] == 1))]
    assert len(draw(roc_plot, one_class).axes) == 2
    assert titles(draw(score_plot, one_class))[2:] == ["pump 00", "pump 01"]


def test_source_bars_point_up_and_target_bars_down(one_section):
    figure = draw(score_plot, one_section)
    heights = [patch.get_data().values for patch in figure.axes[0].patches]
    assert any(values.max() > 0 for values in heights)
    assert any(values.min() < 0 for values in heights)
    assert all(abs(values.sum()) == pytest.approx(1) for values in heights)
    only_source = draw(score_plot, one_section.assign(domain=pd.NA))
    assert all(patch.get_data().values.min() >= 0 for patch in only_source.axes[0].patches)


def test_legend_names_what_is_drawn(one_section):
    assert legend(draw(score_plot, one_section)) == ["normal", "anomalous", "threshold"]
    unlabeled = one_section.assign(label=pd.NA, threshold=np.nan)
    assert legend(draw(score_plot, unlabeled)) == ["no label"]
    assert legend(draw(roc_plot, one_section))[:3] == [
        "both domains",
        "source normals",
        "target normals",
    ]


@pytest.mark.parametrize("scores", ["equal", "zero", "outlier", "huge"])
def test_unusual_scores_are_drawn(one_section, scores):
    scored = one_section
    changed = {
        "equal": scored.assign(score=-0.99),
        "zero": scored.assign(score=0.0, threshold=0.0),
        "outlier": scored.assign(score=scored["score"].mask(scored.index == 3, 1e12)),
        "huge": scored.assign(score=scored["score"] * 1e30, threshold=np.nan),
    }[scores]
    figure = draw(score_plot, changed)
    figure.savefig(io.BytesIO())
    if scores == "outlier":
        low, high = figure.axes[0].get_xlim()
        assert high - low < 100


def test_seen_false_alarms_are_drawn_against_promised_ones(scored):
    """Each section must have a panel with a curve a domain, unless there are no p-values."""
    assert draw(reliability_plot, scored) is None
    p_values = scored["score"].rank(ascending=False, pct=True)
    figure = draw(reliability_plot, scored.assign(p_value=p_values))
    assert titles(figure) == ["fan 00", "fan 01", "pump 00", "pump 01"]
    assert legend(figure) == ["promise kept (95 %)", "source normals", "target normals"]
    for ax in figure.axes:
        for line in ax.lines[1:]:
            assert (np.diff(line.get_ydata()) >= 0).all()
    assert draw(reliability_plot, scored.assign(p_value=np.nan)) is None
