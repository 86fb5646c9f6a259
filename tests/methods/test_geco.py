"""GeCo and its baselines: the joint training, and the fusion of both scores."""

import json

import numpy as np
import pandas as pd
import pytest
from harness import exit_of, write_dataset
from interruption import assert_same, interrupted_where
from small_geco import SMALL

from asd_tf.cli import evaluate, train
from asd_tf.detector import Detector
from asd_tf.methods import pae
from asd_tf.models.heads.frame_errors import PredictionErrors
from asd_tf.run.run import Run

QUICK = (
    "--method=geco",
    "--recipe=quick",
    "--set=data.seconds=0.5",
    "--set=pae.train.epochs=1",
    "--set=pae.train.steps_per_epoch=2",
    "--set=pae.train.batch_size=8",
    "--set=train.epochs=1",
    "--set=train.steps_per_epoch=2",
    "--set=train.batch_size=4",
    "--set=loss.ramp_start=0",
    "--set=loss.ramp_end=1",
    "--set=calibration.domains=pooled",
    *(f"--set={assignment}" for assignment in SMALL["geco"]),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("geco")
    data = write_dataset(folder / "data", source=30, target=2, test=4)
    status = exit_of(train.main, *QUICK, f"--data_dir={data}", f"--run_dir={folder / 'run'}")
    assert status == 0
    return folder / "run"


def table(run_dir, name):
    return pd.read_csv(run_dir / "evaluation" / name, dtype={"section": str})


def weights_of(run_dir):
    groups = Detector.load(run_dir / "detector").manifest["groups"]
    return {
        (group["machine"], group["section"]): [s["weight"] for s in group["scoring"]["scorers"]]
        for group in groups
    }


def test_the_score_is_error_plus_gamma_times_distance(finished):
    """Eq. 4 must hold with the detector's gamma, for the parts that are stored with the score."""
    scores = table(finished, "scores.csv")
    weights = weights_of(finished)
    gamma = [weights[key][1] for key in zip(scores["machine"], scores["section"], strict=True)]
    expected = scores["prediction_error"] + gamma * scores["distance"]
    np.testing.assert_allclose(scores["score"], expected, rtol=1e-6)
    assert scores["distance"].between(-1 - 1e-6, 1 + 1e-6).all()  # minus a cosine
    assert {weight[0] for weight in weights.values()} == {1}
    # Gamma is one number per machine.
    assert weights["fan", "00"] == weights["fan", "01"] != weights["valve", "00"]


def test_what_is_exported_is_what_was_trained(finished):
    """The extractor must give the errors of the PAE on the log-mels that it was trained on."""
    config = Run.load(finished).config
    stages = finished / "stages"
    log_mel_db = np.load(stages / "features" / "features.npy")
    statistics = json.loads((stages / "00-fan" / "log_mel_statistics.json").read_text())
    network = pae.build(config.pae, log_mel_db.shape[2], **statistics, steps=2).training
    network.load_weights(stages / "00-fan" / "final.weights.h5")
    stored = finished / "embeddings" / "00-fan" / "train"
    clips = pd.read_csv(finished / "clips.csv", dtype={"section": str})
    train = clips[clips["split"] == "train"].reset_index(drop=True)
    indices = np.flatnonzero(train["machine"] == "fan")
    assert train["clip_id"][indices].tolist() == np.load(stored / "index.npz")["clip_id"].tolist()
    expected = PredictionErrors(network)(log_mel_db[indices[:3]])
    np.testing.assert_allclose(np.load(stored / "features.npy")[:3], expected, rtol=1e-3)


@pytest.mark.slow
def test_a_broken_training_of_the_classifier_goes_on(finished, tmp_path):
    """A checkpoint must fit if the autoencoders were loaded instead of trained."""
    data = finished.parent / "data"
    flags = (*QUICK, "--set=train.epochs=2", f"--data_dir={data}")
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'whole'}") == 0
    broken = f"--run_dir={tmp_path / 'broken'}"
    with interrupted_where("reconstruction"):
        assert exit_of(train.main, *flags, broken) == 130
    assert exit_of(train.main, *flags, broken) == 0
    assert_same(tmp_path / "whole", tmp_path / "broken", "classifier")


@pytest.mark.slow
def test_another_lambda_takes_the_autoencoders_and_trains_the_classifier(
    finished, tmp_path, capsys
):
    """Table 2 varies lambda over the same autoencoders: --reuse must train the classifier alone."""
    flags = (*QUICK, f"--data_dir={finished.parent / 'data'}", "--set=loss.balance=1.0")
    second = tmp_path / "run"
    assert exit_of(train.main, *flags, f"--run_dir={second}", f"--reuse={finished}") == 0
    logged = capsys.readouterr().err
    for stage in ("features", "00-fan", "00-fan-extractor", "01-valve", "01-valve-extractor"):
        assert f"{stage}: taken from {finished}" in logged
    for stage in ("classifier", "extractor"):
        assert f"{stage}: done again, since loss.balance=10.0 there and 1.0 here" in logged
    for stage, equal in (("00-fan", True), ("classifier", False)):
        weights = f"stages/{stage}/final.weights.h5"
        assert ((finished / weights).read_bytes() == (second / weights).read_bytes()) == equal


def test_matched_parts_spread_alike_on_clips_that_were_held_out(finished):
    """The default gamma must be computed from normal clips that no network has seen."""
    detector = Detector.load(finished / "detector")
    calibration = pd.read_csv(
        finished / "detector" / "calibration" / "scores.csv", dtype={"section": str}
    )
    assert calibration.groupby(["machine", "section"]).size().tolist() == [3] * 4  # of 30
    clips = pd.read_csv(finished / "clips.csv", dtype={"section": str})
    clips = clips[clips["clip_id"].isin(calibration["clip_id"])].reset_index(drop=True)
    features, ok = detector.features(clips)
    parts = pd.DataFrame(detector.score_features(clips, features, ok).parts)
    centered = parts - parts.groupby([clips["machine"], clips["section"]]).transform("mean")
    spread = centered.pow(2).groupby(clips["machine"]).mean().pow(0.5)
    for machine in ("fan", "valve"):
        gamma = spread.loc[machine, "prediction_error"] / spread.loc[machine, "distance"]
        np.testing.assert_allclose(weights_of(finished)[machine, "00"][1], gamma, rtol=1e-3)


def test_labels_choose_no_weight_of_a_detector(finished):
    """oracle_gamma must be an extra column, and change neither scores nor detector."""
    before = table(finished, "scores.csv")
    detector = (finished / "detector" / "detector.json").read_text()
    assert exit_of(evaluate.main, f"--run_dir={finished}", "--extra_scores=oracle_gamma") == 0
    after = table(finished, "scores.csv")
    pd.testing.assert_series_equal(before["score"], after["score"])
    metrics = json.loads((finished / "evaluation" / "metrics.json").read_text())
    others = {name: values["official_score"] for name, values in metrics["others"].items()}
    assert set(others) == {"prediction_error", "distance", "oracle_gamma"}
    assert others["oracle_gamma"] >= max(metrics["official_score"] - 1e-9, 0)
    assert (finished / "detector" / "detector.json").read_text() == detector


def test_oracles_that_are_not_known_are_refused(finished, capsys):
    assert exit_of(evaluate.main, f"--run_dir={finished}", "--extra_scores=oracle_gama") == 2
    assert "did you mean 'oracle_gamma'" in capsys.readouterr().err


AE_QUICK = (
    "--method=ae",
    "--recipe=quick",
    "--set=data.seconds=0.5",
    "--set=train.epochs=1",
    "--set=train.steps_per_epoch=1",
    "--set=train.batch_size=8",
    *(f"--set={assignment}" for assignment in SMALL["ae"]),
)


@pytest.mark.slow
def test_seeds_are_calibrated_on_the_same_clips_and_fused(tmp_path):
    """All seeds must hold out the same clips, so that their scores can be added."""
    data = write_dataset(tmp_path / "data", source=50, target=1, test=2)
    flags = (*AE_QUICK, "--num_runs=2", f"--data_dir={data}", f"--run_dir={tmp_path / 'run'}")
    assert exit_of(train.main, *flags) == 0
    fused = Detector.load(tmp_path / "run" / "detector")
    assert len(fused.calibration) == 4 * 5
    assert np.isfinite(table(tmp_path / "run", "scores.csv")["score"]).all()


def test_too_few_clips_to_fuse_are_known_after_the_first_run(dataset, tmp_path, capsys):
    """The error must come after the first of three trainings."""
    flags = (*AE_QUICK, "--num_runs=3", f"--data_dir={dataset}", f"--run_dir={tmp_path / 'run'}")
    assert exit_of(train.main, *flags) == 1
    assert "4 normal clips calibrate it, and a fusion needs 20" in capsys.readouterr().err
    assert not (tmp_path / "run" / "runs" / "1").exists()
