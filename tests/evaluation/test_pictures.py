"""Pictures would show other clips than they say, or none."""

import io

import numpy as np
import pandas as pd
import pytest

from asd_tf.evaluation.pictures import roc_picture, score_picture
from asd_tf.evaluation.sections import section_metrics


def draw(picture, scored):
    return picture(scored, section_metrics(scored))


def titles(figure):
    return [ax.get_title() for ax in figure.axes]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize(("machines", "sections"), [(4, 2), (7, 6), (1, 1)])
@pytest.mark.parametrize("picture", [roc_picture, score_picture])
def test_each_section_has_a_panel_with_its_auc(scored_table, picture, machines, sections):
    scored = scored_table([f"machine{k}" for k in range(machines)], sections)
    figure = draw(picture, scored)
    expected = [
        f"{row.machine} {row.section}   AUC {100 * row.auc:.1f}"
        for row in section_metrics(scored).itertuples()
    ]
    assert titles(figure) == expected
    assert len(figure.legends) == 1


@pytest.mark.parametrize("picture", [roc_picture, score_picture])
def test_equal_names_in_both_subsets_are_not_mixed(scored, picture):
    other = scored.assign(
        subset="eval", score=-scored["score"], clip_id="eval/" + scored["clip_id"]
    )
    both = pd.concat([scored, other], ignore_index=True)
    aucs = section_metrics(scored)["auc"]
    found = titles(draw(picture, both))
    assert len(found) == 8
    assert found[0] == f"dev fan 00   AUC {100 * aucs[0]:.1f}"
    assert found[4] == f"eval fan 00   AUC {100 * (1 - aucs[0]):.1f}"


def test_curves_enclose_the_areas_of_the_table(scored):
    figure = draw(roc_picture, scored)
    for ax, row in zip(figure.axes, section_metrics(scored).itertuples(), strict=True):
        curves = {line.get_label(): line.get_xydata() for line in ax.lines}
        for name, area in (
            ("both domains", row.auc),
            ("source normals", row.auc_source),
            ("target normals", row.auc_target),
        ):
            fpr, tpr = curves[name].T
            assert np.trapz(tpr, fpr) == pytest.approx(area)


def test_a_section_with_one_class_has_scores_but_no_curve(scored):
    pump = scored["machine"] == "pump"
    one_class = scored[~(pump & (scored["label"] == 1))]
    assert len(draw(roc_picture, one_class).axes) == 2
    assert titles(draw(score_picture, one_class))[2:] == ["pump 00", "pump 01"]


def test_source_stands_above_the_line_and_target_below(scored):
    figure = draw(score_picture, scored)
    heights = [patch.get_data().values for patch in figure.axes[0].patches]
    assert any(values.max() > 0 for values in heights)
    assert any(values.min() < 0 for values in heights)
    assert all(abs(values.sum()) == pytest.approx(1) for values in heights)
    only_source = draw(score_picture, scored.assign(domain=pd.NA))
    assert all(patch.get_data().values.min() >= 0 for patch in only_source.axes[0].patches)


def test_legend_names_what_is_drawn(scored):
    assert legend(draw(score_picture, scored)) == ["normal", "anomalous", "threshold"]
    unlabelled = scored.assign(label=pd.NA, threshold=np.nan)
    assert legend(draw(score_picture, unlabelled)) == ["no label"]
    assert legend(draw(roc_picture, scored))[:3] == [
        "both domains",
        "source normals",
        "target normals",
    ]


@pytest.mark.parametrize("scores", ["equal", "zero", "outlier", "huge"])
def test_odd_scores_are_drawn(scored, scores):
    changed = {
        "equal": scored.assign(score=-0.99),
        "zero": scored.assign(score=0.0, threshold=0.0),
        "outlier": scored.assign(score=scored["score"].mask(scored.index == 3, 1e12)),
        "huge": scored.assign(score=scored["score"] * 1e30, threshold=np.nan),
    }[scores]
    figure = draw(score_picture, changed)
    figure.savefig(io.BytesIO())
    if scores == "outlier":
        low, high = figure.axes[0].get_xlim()
        assert high - low < 100
