"""The Kuroyanagi system: what runs export, their ensembles, and both parts in one run."""

import functools
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from harness import exit_of, write_dataset
from interruption import assert_same, interrupted_where
from small_kuroyanagi import SMALL

from asd_tf.cli import train
from asd_tf.data.pipeline import scoring_batches
from asd_tf.detector import Detector
from asd_tf.files import folder_digest
from asd_tf.methods.common.held_out import hold_out, with_target
from asd_tf.methods.kuroyanagi import autoencoder_networks
from asd_tf.methods.kuroyanagi.classifier_networks import binary_network, crop_samples
from asd_tf.run.run import Run

SHORT = (
    "--recipe=quick",
    "--set=data.seconds=0.5",
    "--set=train.epochs=1",
    "--set=train.steps_per_epoch=1",
    "--set=train.batch_size=4",
)
SHORT_BC = (
    "--set=target.epochs=1",
    "--set=target.steps_per_epoch=1",
    "--set=target.clips=2",
    "--set=crop.num_eval_crops=2",
    "--set=ensemble.sections=all",
)


def flags_of(method: str) -> tuple[str, ...]:
    small = (f"--set={assignment}" for assignment in SMALL[method])
    return (f"--method={method}", *SHORT, *small)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Writes a machine of two sections with as many clips as a fusion needs."""
    folder = tmp_path_factory.mktemp("kuroyanagi") / "data"
    return write_dataset(folder, machines=("fan",), source=80, target=3, test=3)


@pytest.fixture(scope="module")
def autoencoders(data) -> Path:
    run_dir = data.parent / "ae"
    flags = (
        *flags_of("kuroyanagi_ae"),
        "--set=ensemble.candidates=3",
        "--set=ensemble.size=2",
        f"--data_dir={data}",
        f"--run_dir={run_dir}",
    )
    assert exit_of(train.main, *flags) == 0
    return run_dir


@pytest.fixture(scope="module")
def classifiers(data) -> Path:
    run_dir = data.parent / "bc"
    flags = (*flags_of("kuroyanagi_bc"), *SHORT_BC, "--set=outliers.source=sections",
             f"--data_dir={data}", f"--run_dir={run_dir}")  # fmt: skip
    assert exit_of(train.main, *flags) == 0
    return run_dir


@pytest.mark.slow
def test_an_ensemble_of_autoencoders_is_the_mean_of_standardized_scores(autoencoders, data):
    """A copied detector must score by the best two of three networks, without the run."""
    moved = autoencoders.parent / "elsewhere"
    shutil.copytree(autoencoders / "detector", moved)
    detector = Detector.load(moved)
    assert list(detector.parts) == ["model_0", "model_1"]
    assert not (autoencoders / "parts").exists()
    files = sorted(map(str, (data / "dev_data" / "fan" / "test").glob("*.wav")))
    expected = np.zeros(len(files))
    for part in detector.parts.values():
        scores = part.score(files)
        # A section has fewer than 20 calibration scores: those of its machine are used.
        calibration = part.calibration["score"]
        standardized = (scores["score"] - calibration.mean()) / calibration.std(ddof=0)
        expected += standardized.to_numpy() / 2
    found = detector.score(files)["score"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    stored = pd.read_csv(autoencoders / "evaluation" / "scores.csv").set_index("path")["score"]
    np.testing.assert_allclose(found, stored[files], rtol=1e-5)


@pytest.mark.slow
def test_the_best_networks_enter(autoencoders):
    """The networks with the least error on held-out clips must be used, the best first."""
    losses = {
        folder.name: json.loads((folder / "held_out.json").read_text())["loss"]
        for folder in sorted((autoencoders / "stages").glob("*-extractor"))
    }
    parts = Detector.load(autoencoders / "detector").parts.values()
    entered = [part.extractors["00-fan"].digest for part in parts]
    ranked = sorted(losses, key=losses.get)
    folders = [autoencoders / "stages" / name / "extractor" for name in ranked]
    assert entered == [folder_digest(folder) for folder in folders[:2]]


@pytest.mark.slow
def test_what_autoencoders_export_is_what_was_trained(autoencoders):
    """The extractor must give the errors of frames and section by the final weights."""
    run = Run.load(autoencoders)
    stage = autoencoders / "stages" / "00-fan-0"
    statistics = json.loads((stage / "log_mel_statistics.json").read_text())
    log_mel_db = np.load(autoencoders / "stages" / "features" / "features.npy", mmap_mode="r")
    model = autoencoder_networks.training_model(run.config, log_mel_db.shape[1:], 2, 0)
    model.load_weights(stage / "final.weights.h5")
    exported = tf.saved_model.load(
        str(autoencoders / "stages" / "00-fan-0-extractor" / "extractor")
    )
    clips = run.train_clips.iloc[[0, 100]].reset_index(drop=True)
    waveform = next(iter(scoring_batches(clips, run.samples, 16000, 2)))[1]
    group = tf.constant([0, 1])
    found = exported.signatures["serving_default"](waveform=waveform, group=group)["features"]
    standardized = (log_mel_db[[0, 100]] - statistics["mean"]) / statistics["std"]
    standardized = standardized.astype(np.float32)
    keep = next(v for v in exported.variables if v.shape.rank == 3 and v.shape[0] == 2)
    target = np.concatenate(
        [standardized, np.full([2, log_mel_db.shape[1], 1], [[[-1.0]], [[1.0]]])], axis=2
    )
    errors = [
        np.abs(
            model([standardized, group.numpy(), np.stack([mask, mask])], training=False) - target
        )
        for mask in keep.numpy()
    ]
    np.testing.assert_allclose(found, np.mean(errors, axis=0), rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_what_classifiers_export_is_what_was_trained(classifiers):
    """The extractor must give (1 - p, d) of both domains and both crops by the final weights."""
    run = Run.load(classifiers)
    stages = classifiers / "stages"
    exported = tf.saved_model.load(str(next(stages.glob("00-fan-00-0-extractor")) / "extractor"))
    clips = run.train_clips.iloc[[0, 100]].reset_index(drop=True)
    waveform = next(iter(scoring_batches(clips, run.samples, 16000, 2)))[1].numpy()
    found = exported.signatures["serving_default"](waveform=tf.constant(waveform))["features"]
    statistics = json.loads((stages / "log_mel_statistics" / "statistics.json").read_text())
    standardize = keras.layers.Normalization(axis=None, **statistics)
    samples = crop_samples(run.config)
    step = run.config.frontend.frame_step
    last = (waveform.shape[1] - run.config.frontend.frame_length) // step + 1
    starts = [0, (last - run.config.crop.frames) * step]
    for column, domain in enumerate(("source", "target")):
        network = binary_network(run.config, run.config.train, standardize)
        stage = next(stages.glob(f"00-fan-00-0-{domain}"))
        network.training.load_weights(stage / "final.weights.h5")
        centroid = network.ddcsad.normal_centroid.numpy()
        assert np.abs(centroid).max() > 0
        for crop, start in enumerate(starts):
            z = network.embed(waveform[:, start : start + samples], training=False).numpy()
            logit = z @ network.posterior.kernel.numpy() + network.posterior.bias.numpy()
            expected = np.stack(
                [1 / (1 + np.exp(logit[:, 0])), np.sum((z - centroid) ** 2, axis=1)], axis=1
            )
            pair = found[:, crop, 2 * column : 2 * column + 2]
            np.testing.assert_allclose(pair, expected, rtol=2e-3, atol=1e-4)


@pytest.mark.slow
def test_a_section_is_scored_by_all_networks_of_its_machine(classifiers):
    """The score must be the mean over the networks of both sections."""
    scores = pd.read_csv(classifiers / "evaluation" / "scores.csv", dtype={"section": str})
    parts = ["section_00_0", "section_01_0"]
    np.testing.assert_allclose(scores["score"], scores[parts].mean(axis=1), rtol=1e-6)
    detector = Detector.load(classifiers / "detector")
    assert len(detector.extractors) == 2
    run = Run.load(classifiers)
    held_out = hold_out(run.train_clips, 0.1)
    calibrating = run.train_clips[with_target(run.train_clips, held_out)]
    assert set(detector.calibration["clip_id"]) == set(calibrating["clip_id"])


@pytest.mark.slow
def test_a_broken_run_of_both_parts_goes_on(data, tmp_path):
    """A run interrupted in its second part must end with the weights of an uninterrupted one."""
    flags = (
        "--method=kuroyanagi", f"--data_dir={data}", "--recipe=quick", "--set=data.seconds=0.5",
        *(f"--set={assignment}" for assignment in SMALL["kuroyanagi"]),
        *(f"--set={part}.train.{key}" for part in ("ae", "bc")
          for key in ("epochs=2", "steps_per_epoch=1", "batch_size=4")),
        *(f"--set=bc.{key}" for key in ("target.epochs=2", "target.steps_per_epoch=1",
                                        "target.clips=2", "outliers.source=sections")),
    )  # fmt: skip
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'whole'}") == 0
    broken = f"--run_dir={tmp_path / 'broken'}"
    with interrupted_where("ddcsad"):
        assert exit_of(train.main, *flags, broken) == 130
    assert exit_of(train.main, *flags, broken) == 0
    stages = sorted(path.name for path in (tmp_path / "whole" / "stages").iterdir())
    assert stages == sorted(path.name for path in (tmp_path / "broken" / "stages").iterdir())
    for stage in stages:
        if stage.endswith(("source", "target", "fan-0")):
            assert_same(tmp_path / "whole", tmp_path / "broken", stage)
    read = functools.partial(pd.read_csv, dtype={"section": str})
    whole, again = (
        read(tmp_path / name / "evaluation" / "scores.csv") for name in ("whole", "broken")
    )
    np.testing.assert_allclose(whole["score"], again["score"], rtol=1e-6)
