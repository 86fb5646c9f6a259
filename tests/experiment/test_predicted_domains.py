"""Scores on the scale of the predicted domain, from training to the scored table."""

import numpy as np
import pandas as pd
import pytest
from harness import exit_of, scored, write_dataset

from asd_tf import load_detector
from asd_tf.cli import fuse, train


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A target domain of another tone, with clips that hardly vary."""
    return write_dataset(
        tmp_path_factory.mktemp("data"), machines=("fan",), source=24, target=5, test=10
    )


def trained(data, run_dir, *flags):
    status = exit_of(
        train.main, "--method=mahalanobis", "--recipe=quick", f"--data_dir={data}",
        f"--run_dir={run_dir}", *flags,
    )  # fmt: skip
    assert status == 0
    return run_dir


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("predicted") / "run"
    return trained(data, run_dir, "--set=calibration.domains=predicted")


@pytest.fixture(scope="module")
def pooled(data, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("pooled") / "run"
    return trained(data, run_dir, "--set=calibration.domains=pooled")


def scores_of(run):
    return pd.read_csv(run / "evaluation" / "scores.csv", dtype={"section": str})


def test_the_raw_score_stays_a_column(run, pooled):
    """What the method computes must remain to be seen, and be what it is without the scale."""
    np.testing.assert_array_equal(scores_of(run)["raw_score"], scores_of(pooled)["score"])
    assert "raw_score" not in scores_of(pooled)


def test_the_scale_keeps_the_order_within_a_domain(run):
    for _, clips in scores_of(run).groupby(["section", "domain"]):
        of_raw = clips.sort_values("raw_score")["score"]
        assert of_raw.is_monotonic_increasing


def test_p_values_belong_to_the_scores(run):
    """They must not increase with the score, and be at most the level where a clip is anomalous."""
    for _, clips in scores_of(run).groupby("section"):
        ordered = clips.sort_values("score")
        assert ordered["p_value"].is_monotonic_decreasing
        assert ((clips["p_value"] <= 0.1) == (clips["decision"] == 1)).all()


def test_a_loaded_detector_scores_equally(run, data, capsys):
    """The detector alone must do what the run did."""
    stored = scores_of(run).set_index("clip_id")
    detector = load_detector(run / "detector")
    assert set(detector.domain_scales) == {("fan", "00"), ("fan", "01")}
    table = detector.score([data / "dev_data" / "fan" / "test"])
    table.index = [name.rpartition("/")[2] for name in table["path"]]
    stored.index = [name.rpartition("/")[2] for name in stored["path"]]
    for column in ("score", "p_value", "threshold"):
        np.testing.assert_allclose(table[column], stored[column][table.index], rtol=1e-5)
    status, rows, _ = scored(capsys, run / "detector", data / "dev_data" / "fan" / "test")
    assert status == 0
    np.testing.assert_allclose([float(row["score"]) for row in rows], table["score"], rtol=1e-5)


def test_detectors_on_the_scale_can_be_fused(run, pooled, tmp_path):
    """Parts may be on the scale or not: a fusion standardizes them by their own normal scores."""
    fused = tmp_path / "fused"
    assert exit_of(fuse.main, fused, run / "detector", pooled / "detector") == 0
    calibration = load_detector(fused).calibration
    assert len(calibration) == 58
    assert calibration["score"].notna().all()


def test_few_target_clips_are_said_to_share_the_threshold(tmp_path, capsys):
    """Without enough of them both domains have one scale, and a line says what that means."""
    data = write_dataset(tmp_path / "data", machines=("fan",), sections=("00",), source=12)
    run = trained(data, tmp_path / "run", "--set=calibration.domains=predicted")
    assert "fewer than 3 recordings, or sessions, of a domain" in capsys.readouterr().err
    [scale] = load_detector(run / "detector").domain_scales.values()
    assert not scale.tells_domains


def test_another_word_is_refused_before_anything_is_written(data, tmp_path, capsys):
    status = exit_of(
        train.main, "--method=mahalanobis", f"--data_dir={data}", f"--run_dir={tmp_path / 'run'}",
        "--set=calibration.domains=both",
    )  # fmt: skip
    assert status == 2
    assert "calibration.domains" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
