"""Ground truth must reach the metrics and the report, and never a score."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from harness import exit_of, write_tone

from asd_tf.cli import evaluate, train
from asd_tf.detector.fused import write_fused_detector
from asd_tf.extraction.extractor import Extractor
from asd_tf.scoring.fusion import Fusion

# Name of each evaluation clip, its label and its domain, neither of which is in the name.
CLIPS = [(f"section_03_{index:04d}.wav", index % 2, ("source", "target")[index // 2 % 2])
         for index in range(8)]  # fmt: skip


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Trains on one machine of two sections, with evaluation clips without labels."""
    folder = tmp_path_factory.mktemp("data") / "dcase"
    for section, root in (("00", "dev_data"), ("03", "eval_data")):
        for index in range(24):
            domain = "source" if index < 18 else "target"
            name = f"section_{section}_{domain}_train_normal_{index:04d}.wav"
            path = folder / root / "fan" / "train" / name
            write_tone(path, 300 + 40 * (domain == "target"), seed=index)
    for index, (name, label, domain) in enumerate(CLIPS):
        hertz = (300 + 40 * (domain == "target")) * (2 if label else 1)
        write_tone(folder / "eval_data" / "fan" / "test" / name, hertz, seed=100 + index)
    return folder


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """The labels as the official evaluator of 2022 has them, in another order than the clips."""
    folder = tmp_path_factory.mktemp("truth") / "evaluator"
    for part, column in (("data", 1), ("domain", 2)):
        values = [(clip[0], clip[column]) for clip in CLIPS[::-1]]
        lines = [f"{name},{int(value in (1, 'target'))}" for name, value in values]
        path = folder / f"ground_truth_{part}" / "ground_truth_fan_section_03_test.csv"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def run_dir(data_dir, tmp_path):
    flags = (f"--data_dir={data_dir}", "--dataset=dcase2022", f"--run_dir={tmp_path / 'run'}")
    # Backends by domain, so that a domain leaking from the ground truth would change scores.
    known = ("--set=backend.combine=known", "--set=backend.members.all.domain=source")
    assert exit_of(train.main, "--method=mahalanobis", *flags, *known) == 0
    return tmp_path / "run"


def metrics(run_dir):
    return json.loads((run_dir / "evaluation" / "metrics.json").read_text())


def scores(run_dir):
    table = pd.read_csv(run_dir / "evaluation" / "scores.csv", dtype={"section": str})
    return table.set_index("clip_id").sort_index()


def test_labels_arrive_after_scoring(run_dir, truth):
    """Metrics must appear, matched by file name; scores and decisions must not change."""
    before = scores(run_dir)
    assert metrics(run_dir)["official_score"] is None
    assert before[["label", "domain"]].isna().all().all()
    flags = (f"--run_dir={run_dir}", f"--ground_truth={truth}", "--own_labels")
    assert exit_of(evaluate.main, *flags) == 0
    after = scores(run_dir)
    for column in ("score", "p_value", "threshold", "decision"):
        np.testing.assert_array_equal(before[column], after[column])
    found = {clip_id.rpartition("/")[2]: (row.label, row.domain)
             for clip_id, row in zip(after.index, after.itertuples(), strict=True)}  # fmt: skip
    assert found == {name: (label, domain) for name, label, domain in CLIPS}
    assert metrics(run_dir)["official_score"] > 0.9
    of_all, *of_parts = metrics(run_dir)["false_alarms"]
    normal = [clip_id for clip_id, label, _ in CLIPS if label == 0]
    assert (of_all["normals"], of_all["promised"]) == (len(normal), 0.1)
    assert {(row["section"], row["domain"]) for row in of_parts} > {("03", "source")}
    assert (run_dir / "evaluation" / "reliability.png").exists()
    assert "normal" in (run_dir / "evaluation" / "report.html").read_text()


def test_labels_stay_with_the_run(run_dir, truth):
    """The next evaluation must use them again."""
    flags = (f"--run_dir={run_dir}", f"--ground_truth={truth}", "--own_labels")
    assert exit_of(evaluate.main, *flags) == 0
    first = metrics(run_dir)
    assert exit_of(evaluate.main, f"--run_dir={run_dir}") == 0
    assert metrics(run_dir) == first


def test_unofficial_labels_are_refused(run_dir, truth, capsys):
    """Labels that differ from the official ones must be refused."""
    assert exit_of(evaluate.main, f"--run_dir={run_dir}", f"--ground_truth={truth}") == 1
    assert "fan 03 are not the official ones" in capsys.readouterr().err
    assert not (run_dir / "ground_truth.csv").exists()


@pytest.fixture(scope="module")
def nested_run(dataset, tmp_path_factory):
    """A run whose detector is fused of three, one of which is fused."""
    folder = tmp_path_factory.mktemp("nested")
    for method in ("loudness", "mahalanobis"):
        flags = (f"--method={method}", f"--data_dir={dataset}", f"--run_dir={folder / method}")
        assert exit_of(train.main, *flags) == 0
    loudness, distance = (folder / name / "detector" for name in ("loudness", "mahalanobis"))
    write_fused_detector(folder / "both", {"a": loudness, "b": distance}, Fusion())
    parts = {"both": folder / "both", "loudness": loudness, "distance": distance}
    write_fused_detector(folder / "all", parts, Fusion())
    shutil.rmtree(loudness)
    shutil.move(folder / "all", loudness)
    return folder / "loudness"


def test_a_run_of_fused_detectors_is_evaluated_with_its_parts(nested_run, monkeypatch):
    """The second evaluation must use stored embeddings; labels must change no score."""
    assert exit_of(evaluate.main, f"--run_dir={nested_run}") == 0
    first = scores(nested_run)
    monkeypatch.setattr(Extractor, "__call__", None)
    also = "--extra_scores=oracle_select_on_dev,oracle_best_parts"
    assert exit_of(evaluate.main, f"--run_dir={nested_run}", also) == 0
    after, others = scores(nested_run), metrics(nested_run)["others"]
    pd.testing.assert_frame_equal(first, after[first.columns])
    assert after["score"].notna().all()
    parts = ["both", "loudness", "distance"]
    assert list(others) == [*parts, "oracle_select_on_dev", "oracle_best_parts"]
    best = max(others[name]["official_score"] for name in parts)
    assert others["oracle_select_on_dev"]["official_score"] > best - 0.05
    assert after["oracle_select_on_dev_part"].isin(parts).all()
    # The best run comes first.
    chosen = after["oracle_best_parts_names"].str.split(", ")
    assert all(sorted(names) == sorted(parts) for names in chosen)
    assert "both: b: features" in (nested_run / "evaluation" / "report.html").read_text()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("oracle_select_on_dev", "this detector has a single score. Use it for fused"),
        ("oracle_best_parts", "has a single score. Use it for three or more fused"),
        (
            "transductive_distance",
            "PosteriorDistance over the test clips, but this detector does not",
        ),
    ],
)
def test_scores_that_a_detector_cannot_have_are_refused(run_dir, name, reason, capsys):
    assert exit_of(evaluate.main, f"--run_dir={run_dir}", f"--extra_scores={name}") == 2
    assert reason in capsys.readouterr().err
