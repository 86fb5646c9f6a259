"""The report must be complete, correct and small, and must never execute a name in it."""

import base64
import dataclasses
import hashlib
import re

import numpy as np
import pandas as pd
import pytest
from reports import (
    CLOSING,
    HOSTILE,
    Page,
    cards_of,
    clips_of,
    context,
    features_of,
    map_of,
    report_of,
    rows_of,
    write_recordings,
)
from scipy.integrate import trapezoid

from asd_tf.evaluation.metrics import harmonic_mean
from asd_tf.evaluation.report import build_report, write_report
from asd_tf.evaluation.results import evaluate


@pytest.fixture(scope="module")
def report(scored_table):
    """The report of the table of the fixture `scored`, whose recordings do not exist."""
    return report_of(scored_table())


@pytest.fixture(scope="module")
def page_with_recordings(scored_table, tmp_path_factory):
    """The same report with recordings, parsed."""
    return Page(report_of(write_recordings(scored_table(), tmp_path_factory.mktemp("recordings"))))


def test_chapters_are_in_order_of_importance(report):
    page = Page(report)
    assert page.chapters == ["result", "sections", "map", "clips", "provenance"]
    links = [link["href"] for link in page.all("a")]
    assert links == ["#main", *(f"#{name}" for name in page.chapters)]
    assert page.all("html")[0]["lang"] == "en"


def test_result_equals_the_evaluation(report, scored):
    evaluation = evaluate(scored, "dcase2022")
    text = Page(report).text
    assert f"{100 * evaluation.official.score:.2f} %" in text
    for official in evaluation.machines.values():
        assert f"{100 * official.score:.2f}" in text
    rows = rows_of(report, "result")
    for row, expected in zip(rows, evaluation.sections.to_dict("records"), strict=True):
        assert row[:2] == [expected["machine"], expected["section"]]
        assert row[2] == f"{100 * expected['auc_source']:.2f}"
        assert row[-2:] == [str(expected["clips"]), str(expected["anomalies"])]
    for key in ("hit_rate", "false_alarm_rate", "precision", "f1"):
        assert f"{100 * evaluation.decisions[key]:.1f} %" in text


def test_tables_and_pictures_have_text_for_screen_readers(page_with_recordings):
    page = page_with_recordings
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(cell["scope"] in ("col", "row") for cell in page.all("th"))
    charts = [svg for svg in page.all("svg") if svg.get("aria-hidden") != "true"]
    assert len(page.all("title")) == 1 + len(charts) > 8
    assert all(image["alt"] for image in page.all("img"))
    assert all(audio["aria-label"] for audio in page.all("audio"))
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert max(np.diff(headings)) == 1
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_nothing_is_loaded_from_elsewhere(page_with_recordings):
    for _, attributes in page_with_recordings.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = attributes.get(name, "")
            assert value.startswith(("data:", "#")) or value == ""
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_policy_allows_the_one_script_and_style_and_no_other(report):
    policy = Page(report).all("meta")[1]["content"]
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        content = re.search(f"<{tag}>(.*?)</{tag}>", report, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("name", [HOSTILE, CLOSING, "a&b \u2028 'quoted'", "bad \udce9 byte"])
def test_a_name_is_never_markup(scored, page_with_recordings, tmp_path, name):
    scored = write_recordings(scored, tmp_path)
    scored["machine"] = scored["machine"].replace("fan", name)
    scored["clip_id"] = name + scored["clip_id"]
    clips = clips_of(scored).assign(attributes=[{name: name}] * len(scored))
    hostile = report_of(
        scored,
        clips=clips,
        features={name: features_of(scored)},
        method=name,
        dataset=name,
        values={name: name},
        settings={name: name},
        commands=[name],
        versions={name: name},
        bad_files=pd.DataFrame({"clip_id": [name], "reason": [name]}),
    )
    page = Page(hostile)
    for tag in ("img", "script", "audio", "style"):
        assert len(page.all(tag)) == len(page_with_recordings.all(tag))
    shown = name.encode("utf-8", "replace").decode()
    assert page.text.count(shown) > 20
    data = map_of(hostile)
    assert name in data["names"]["machine"]
    assert data["clips"]["id"][0].startswith(name)


def test_highest_scores_are_relative_to_their_sections(scored):
    far = scored["clip_id"].iloc[[5, 30]].tolist()
    # The scale of one machine is a thousand times that of the other.
    scored.loc[scored["machine"] == "pump", "score"] *= 1000
    scored.loc[5, "score"], scored.loc[30, "score"] = 40.0, 30000.0
    cards = cards_of(report_of(scored), "highest")
    assert len(cards) == 10
    assert {next(name for name in far if name in card) for card in cards[:2]} == set(far)


def test_confused_clips_are_those_on_the_wrong_side(scored):
    normal = scored.index[(scored["label"] == 0) & (scored["section"] == "00")][0]
    anomalous = scored.index[(scored["label"] == 1) & (scored["section"] == "01")][0]
    scored.loc[normal, "score"], scored.loc[anomalous, "score"] = 99.0, -99.0
    scored["decision"] = (scored["score"] > 0.8).astype("Int64")
    cards = cards_of(report_of(scored), "confused")[:2]
    (of_normal,) = (card for card in cards if scored["clip_id"][normal] in card)
    assert "false alarm" in of_normal
    assert "above 100 % of 12 anomalous clips" in of_normal
    (of_anomalous,) = (card for card in cards if scored["clip_id"][anomalous] in card)
    assert "missed" in of_anomalous
    assert "below 100 % of 12 normal clips" in of_anomalous


def test_perfect_scores_have_no_confused_clips(scored):
    perfect = scored.assign(score=scored["label"].astype(float))
    assert 'id="confused"' not in report_of(perfect)


def test_without_labels_there_are_scores_and_no_metrics(scored):
    page = Page(report_of(scored.assign(label=pd.NA)))
    assert "No official score" in page.text
    assert "no label" in page.text
    assert page.all("table") == []
    assert page.chapters == ["result", "sections", "map", "clips", "provenance"]
    assert f"{len(scored)} test clips had no label" in page.text


def test_missing_terms_are_stated(report, scored):
    text = Page(report_of(scored.assign(domain="source"))).text
    assert "Computed from 8 of 12 terms" in text
    assert "target clips downwards" not in text
    assert "target clips downwards" in Page(report).text


def test_one_section_and_one_class(scored):
    section = scored[(scored["machine"] == "fan") & (scored["section"] == "00")]
    page = Page(report_of(section))
    assert "fan 00" in page.text
    assert page.all("select") == []
    normal = Page(report_of(section[section["label"] == 0]))
    assert "No official score" in normal.text


def test_clips_without_a_score_are_counted_and_named(scored):
    scored.loc[:1, "score"] = np.nan
    scored.loc[:1, "status"] = ["bad_file", "unknown_group"]
    bad = pd.DataFrame({
        "clip_id": [scored["clip_id"][0], "train/other.wav"], "reason": ["truncated", "empty"],
    })  # fmt: skip
    page = Page(report_of(scored, bad_files=bad))
    assert "left-out" in page.chapters
    assert "2 test clips had no score" in page.text
    assert "2 files could not be read" in page.text
    assert f"{scored['clip_id'][0]}: truncated" in page.text
    assert f"{scored['clip_id'][1]}: unknown machine or section" in page.text
    assert "train/other.wav: empty" in page.text


def test_nothing_scored_at_all(scored):
    page = Page(report_of(scored.assign(score=np.nan, status="bad_file", decision=pd.NA)))
    assert page.chapters == ["result", "map", "left-out", "provenance"]
    empty = scored.head(0)
    assert Page(report_of(empty, features={})).chapters == ["result", "provenance"]


def test_the_last_chapter_says_how_the_result_was_made(report):
    text = Page(report).text
    for words in ("wilkinghoff", "epochs7", "l21e-05", "num runs1", "untrainedno"):
        assert words in text
    for package in ("asd_tf", "TensorFlow", "Keras", "scikit-learn", "NumPy", "Python"):
        assert re.search(rf"{package}\d+\.\d+", text)
    assert "asd-train --method=wilkinghoff --seed=3" in text


def test_a_full_year_stays_below_20_megabytes(tmp_path, scored_table):
    """The limit must hold for 8,400 clips of 18 s of white noise, which FLAC cannot compress."""
    scored = scored_table([f"machine{k}" for k in range(7)], sections=6, per_class=50)
    assert len(scored) == 8400
    scored = write_recordings(scored, tmp_path, seconds=18)
    report = report_of(scored, features={"embedding": features_of(scored, size=256)})
    page = Page(report)
    assert len(page.all("audio")) == 20
    assert len(rows_of(report, "result")) == 42
    assert len(map_of(report)["clips"]["id"]) == 4000
    assert "Only 4,000 clips, chosen at random, are drawn" in page.text
    assert len(report.encode()) < 20_000_000


def test_the_file_is_written_atomically(scored, tmp_path):
    path = tmp_path / "evaluation" / "report.html"
    evaluation = evaluate(scored, "dcase2022")
    write_report(path, evaluation, clips_of(scored), {}, context())
    assert path.read_text(encoding="utf-8") == report_of(scored, features={})
    with pytest.raises(ValueError):
        write_report(path, evaluation, clips_of(scored), {"x": np.ones((1, 2))}, context())
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    assert path.stat().st_size > 10000


def test_drawn_curves_enclose_the_areas_of_the_table(report, scored):
    rows = evaluate(scored, "dcase2022").sections.to_dict("records")
    for row, card in zip(rows, report.split("<article")[1:], strict=True):
        assert f"{row['machine']} {row['section']}" in card
        for name, area in (("", "auc"), ("source", "auc_source"), ("target", "auc_target")):
            path = re.search(rf'<path d="M([^"]*)" class="curve {name}">', card).group(1)
            points = np.array([pair.split() for pair in path.split("L")], float)
            side = points[:, 0].max()
            drawn = trapezoid(1 - points[:, 1] / side, points[:, 0] / side)
            assert drawn == pytest.approx(row[area], abs=0.005)


def test_sections_with_equal_names_in_both_subsets_are_kept_apart(scored):
    other = scored.assign(
        subset="eval", clip_id="eval/" + scored["clip_id"], score=-scored["score"].to_numpy()
    )
    both = pd.concat([scored, other], ignore_index=True)
    evaluation = evaluate(both, "dcase2022")
    report = build_report(evaluation, clips_of(both), {}, context())
    assert [row[0] for row in rows_of(report, "result")] == ["dev"] * 4 + ["eval"] * 4
    headings = re.findall(r"<article[^>]*><header><h4>(.*?)</h4>.*?AUC ([\d.]+)", report)
    areas = {name: float(area) for name, area in headings}
    assert len(areas) == 8
    page = Page(report)
    heroes = page.text.split("Official score, ")[1:]
    names = {"dev": "development", "eval": "evaluation"}
    for (subset, results), text in zip(evaluation.subsets.items(), heroes, strict=True):
        name, mean = names[subset], harmonic_mean(results.sections["pauc"])
        assert re.search(rf"{subset} harmonic mean[^a-z]*{100 * mean:.2f}", page.text)
        low, high = 100 * results.interval.low, 100 * results.interval.high
        assert text.startswith(
            f"{name} data{100 * results.official.score:.2f} %{low:.2f} to {high:.2f}: 95 %"
        )
    assert areas["dev fan 00"] == pytest.approx(100 - areas["eval fan 00"], abs=0.11)


def test_metrics_and_decisions_have_separate_tables(scored):
    """Together they would have 17 columns."""
    evaluation = evaluate(scored, "dcase2022")
    sections = evaluation.sections.assign(precision=0.25, f1_source=[0.5, np.nan, 0.5, 0.5])
    evaluation = dataclasses.replace(evaluation, sections=sections)
    report = build_report(evaluation, clips_of(scored), {}, context())
    first, second = (table.split("</table>")[0] for table in report.split("<table")[1:3])
    assert "Metrics of every section" in first
    assert "pAUC" in first
    assert "F1 source" not in first
    assert "Decisions of every section" in second
    assert "F1 source" in second
    assert "25.00" in second
    assert "pAUC" not in second
