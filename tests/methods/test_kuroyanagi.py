"""The Kuroyanagi system: recipes, what is exported, ensembles, and both parts in one run."""

import functools
import json
import shutil
from pathlib import Path

import keras
import ml_collections
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from harness import exit_of, write_dataset
from interruption import assert_same

from asd_tf.cli import train
from asd_tf.config import apply_overrides, load_recipe, recipe_names
from asd_tf.data.pipeline import scoring_batches
from asd_tf.detector import Detector
from asd_tf.errors import UsageError
from asd_tf.methods import ensembles, kuroyanagi_ae, kuroyanagi_bc
from asd_tf.methods.binary_networks import BinaryNetwork, binary_network, crop_samples
from asd_tf.methods.held_out import hold_out, with_target
from asd_tf.run import Run
from asd_tf.training.callbacks import EpochCheckpoint
from asd_tf.training.one_cycle import one_cycle_rate

SMALL = {
    "kuroyanagi_ae": (
        "frontend.n_mels=16",
        "network.blocks=1",
        "network.width=8",
        "network.heads=2",
        "network.kernel=3",
        "replicas.count=2",
    ),
    "kuroyanagi_bc": (
        "frontend.n_mels=32",
        "crop.frames=24",
        "network.width=4",
        "network.blocks=(1,)",
        "network.embedding=8",
    ),
}
SMALL["kuroyanagi"] = tuple(
    f"{part}.{assignment}" for part in ("ae", "bc") for assignment in SMALL[f"kuroyanagi_{part}"]
)
RECIPES = [(method, recipe) for method in SMALL for recipe in recipe_names(method)]


def small_recipe(method: str, recipe: str) -> ml_collections.ConfigDict:
    config = load_recipe(method, recipe)
    apply_overrides(config, SMALL[method])
    return config


def one_step(part: str, recipe: ml_collections.ConfigDict) -> float:
    """Returns the loss of one step of a candidate, not compiled, which takes longer than it."""
    if part == "ae":
        model = kuroyanagi_ae.training_model(recipe, (12, 16), 2, 0)
        levels = np.random.default_rng(0).normal(size=[2, 12, 16]).astype(np.float32)
        batch = [levels, np.arange(2), np.ones_like(levels)], np.ones([2, 12, 17])
    else:
        network = classifier_of(recipe)
        model = network.training
        waveform = np.random.default_rng(0).normal(size=[2, network.samples])
        label = np.array([[1.0], [0.0]])
        targets = {"posterior": label, "arcface": np.eye(2)}
        batch = [waveform, label], {name: targets[name] for name in model.output_names}
    model.run_eagerly = True
    return np.atleast_1d(model.train_on_batch(*batch))[0]


def classifier_of(recipe: ml_collections.ConfigDict) -> BinaryNetwork:
    keras.utils.set_random_seed(0)
    standardise = keras.layers.Normalization(axis=None, mean=-30.0, variance=100.0)
    return binary_network(recipe, recipe.train, standardise)


@pytest.mark.parametrize(("method", "recipe"), RECIPES)
def test_every_recipe_trains(method, recipe):
    """Each recipe must load, name what exists, and the first two of its networks learn."""
    config = small_recipe(method, recipe)
    parts = {"ae": kuroyanagi_ae, "bc": kuroyanagi_bc}
    for part, module in parts.items():
        own = config if method.endswith(part) else config.get(part)
        if own is not None:
            whole = {**own.to_dict(), "data": config.data, "calibration": config.calibration}
            recipes = module.candidates_of(ml_collections.ConfigDict(whole))
            for candidate in recipes[:2]:
                if "blocks" in own.ensemble.vary.get("network", {}):
                    apply_overrides(candidate, SMALL[f"kuroyanagi_{part}"])
                assert np.isfinite(one_step(part, candidate))


@pytest.mark.slow
def test_efficientnet_learns_in_the_same_place():
    """It scales levels itself, and its convolutions have the smaller rate like any other."""
    config = small_recipe("kuroyanagi_bc", "baseline_bc")
    config.network.kind, config.crop.frames = "efficientnet_b3", 32
    network = classifier_of(config)
    assert network.encoder.output_shape == (None, 8)
    factors = network.training.optimizer.get_config()["factors"]
    kernels = [w.name for w in network.encoder.trainable_weights if w.shape.rank == 4]
    assert {factors[name] for name in kernels} == {0.5}
    assert "embedding/kernel:0" not in factors


def test_the_rates_are_the_papers():
    """1e-3 for dense layers, 5e-4 for convolutions, up and down once over 8,000 steps."""
    network = classifier_of(small_recipe("kuroyanagi_bc", "baseline_bc"))
    optimizer = network.training.optimizer
    rate = keras.optimizers.schedules.deserialize(optimizer.get_config()["learning_rate"])
    assert rate.get_config() == one_cycle_rate(1e-3, 8000).get_config()
    convolution = network.training.trainable_weights[0]
    dense = network.posterior.kernel
    gradients = [tf.ones_like(convolution), tf.ones_like(dense)]
    before = convolution.numpy(), dense.numpy()
    optimizer.build(network.training.trainable_variables)
    optimizer.apply_gradients(zip(gradients, (convolution, dense), strict=True))
    moved = [np.ptp(old - new.numpy()) + np.mean(old - new.numpy())
             for old, new in zip(before, (convolution, dense), strict=True)]  # fmt: skip
    assert moved[0] == pytest.approx(moved[1] / 2, rel=1e-2)


def test_candidates_take_the_values_that_vary_in_turn():
    config = load_recipe("kuroyanagi_ae", "ae_ens")
    recipes = ensembles.candidates(config, kuroyanagi_ae.OF_NETWORK)
    assert [recipe.network.blocks for recipe in recipes] == [4, 3, 2, 5, 4, 3, 2, 5, 4, 3]
    assert [recipe.network.kernel for recipe in recipes[:4]] == [31, 15, 7, 31]
    assert {recipe.network.heads for recipe in recipes} == {4}
    assert ensembles.best([0.3, 0.1, 0.2], 2) == [1, 2]


@pytest.mark.parametrize(
    ("method", "assignments", "message"),
    [
        ("kuroyanagi_ae", ["ensemble.size=3"], "there are ensemble.candidates=1"),
        ("kuroyanagi_ae", ["ensemble.rule=mode"], "unknown ensemble.rule"),
        ("kuroyanagi_ae", ["replicas.pool=min"], "replicas.pool"),
        ("kuroyanagi_ae", ["calibration.held_out=0.0"], "calibration.held_out=0.0: must be"),
        ("kuroyanagi_bc", ["target.clips=5"], "target.clips=5: use an even number"),
        ("kuroyanagi_bc", ["network.kind=resnet43"], "network.kind"),
        ("kuroyanagi_bc", ["outliers.of=all"], "outliers.of"),
    ],
)
def test_impossible_values_are_refused(method, assignments, message):
    config = load_recipe(method, "quick")
    apply_overrides(config, assignments)
    module = {"kuroyanagi_ae": kuroyanagi_ae, "kuroyanagi_bc": kuroyanagi_bc}[method]
    with pytest.raises(UsageError, match=message):
        module.candidates_of(config)


SHORT = (
    "--recipe=quick",
    "--set=data.seconds=0.5",
    "--set=ensemble.size=2",
    "--set=train.epochs=1",
    "--set=train.steps_per_epoch=1",
    "--set=train.batch_size=4",
)
SHORT_BC = (
    "--set=target.epochs=1",
    "--set=target.steps_per_epoch=1",
    "--set=target.clips=2",
    "--set=crop.in_scoring=2",
    "--set=ensemble.sections=all",
)


def flags_of(method: str) -> tuple[str, ...]:
    small = (f"--set={assignment}" for assignment in SMALL[method])
    return (f"--method={method}", *SHORT, *small)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """One machine of two sections, with as many clips as a fusion needs."""
    folder = tmp_path_factory.mktemp("kuroyanagi") / "data"
    return write_dataset(folder, machines=("fan",), source=80, target=3, test=3)


@pytest.fixture(scope="module")
def autoencoders(data) -> Path:
    run_dir = data.parent / "ae"
    flags = (
        *flags_of("kuroyanagi_ae"),
        "--set=ensemble.candidates=3",
        f"--data_dir={data}",
        f"--run_dir={run_dir}",
    )
    assert exit_of(train.main, *flags) == 0
    return run_dir


@pytest.fixture(scope="module")
def classifiers(data) -> Path:
    run_dir = data.parent / "bc"
    flags = (*flags_of("kuroyanagi_bc"), *SHORT_BC, "--set=outliers.of=sections",
             "--set=ensemble.candidates=2",
             f"--data_dir={data}", f"--run_dir={run_dir}")  # fmt: skip
    assert exit_of(train.main, *flags) == 0
    return run_dir


def test_an_ensemble_of_autoencoders_is_the_mean_of_standardised_scores(autoencoders, data):
    """Saved, loaded and scored: the best two of three networks, and nothing of the run."""
    moved = autoencoders.parent / "elsewhere"
    shutil.copytree(autoencoders / "detector", moved)
    detector = Detector.load(moved)
    assert list(detector.parts) == ["model_0", "model_1"]
    assert not (autoencoders / "parts").exists()
    files = sorted(map(str, (data / "dev_data" / "fan" / "test").glob("*.wav")))
    expected = np.zeros(len(files))
    for part in detector.parts.values():
        scores = part.score(files)
        # Of each section there are fewer than 20 scores: those of the machine count.
        calibration = part.calibration["score"]
        standardised = (scores["score"] - calibration.mean()) / calibration.std(ddof=0)
        expected += standardised.to_numpy() / 2
    found = detector.score(files)["score"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    stored = pd.read_csv(autoencoders / "evaluation" / "scores.csv").set_index("path")["score"]
    np.testing.assert_allclose(found, stored[files], rtol=1e-5)


def test_the_best_networks_enter(autoencoders):
    """Those with the least error on the clips held out, the best one first."""
    losses = {
        folder.name: json.loads((folder / "held_out.json").read_text())["loss"]
        for folder in sorted((autoencoders / "stages").glob("*-extractor"))
    }
    parts = Detector.load(autoencoders / "detector").parts.values()
    entered = [part.extractors["00-fan"].digest for part in parts]
    ranked = sorted(losses, key=losses.get)
    folders = [autoencoders / "stages" / name / "extractor" for name in ranked]
    from asd_tf.detector.folder import folder_digest

    assert entered == [folder_digest(folder) for folder in folders[:2]]


def test_what_autoencoders_export_is_what_was_trained(autoencoders):
    """The errors of a frame, and of the section, by the network as it stood after training."""
    run = Run.load(autoencoders)
    stage = autoencoders / "stages" / "02-00-fan-0"
    statistics = json.loads((stage / "levels.json").read_text())
    levels = np.load(autoencoders / "stages" / "01-features" / "features.npy", mmap_mode="r")
    model = kuroyanagi_ae.training_model(run.config, levels.shape[1:], 2, 0)
    model.load_weights(stage / "final.weights.h5")
    exported = tf.saved_model.load(
        str(autoencoders / "stages" / "03-00-fan-0-extractor" / "extractor")
    )
    clips = run.train_clips.iloc[[0, 100]].reset_index(drop=True)
    waveform = next(iter(scoring_batches(clips, run.samples, 16000, 2)))[1]
    group = tf.constant([0, 1])
    found = exported.signatures["serving_default"](waveform=waveform, group=group)["features"]
    standardised = (levels[[0, 100]] - statistics["mean"]) / statistics["sd"]
    keep = next(v for v in exported.variables if v.shape.rank == 3 and v.shape[0] == 2)
    target = np.concatenate(
        [standardised, np.full([2, levels.shape[1], 1], [[[-1.0]], [[1.0]]])], axis=2
    )
    errors = [
        np.abs(model([standardised, group, np.stack([one, one])], training=False) - target)
        for one in keep.numpy()
    ]
    np.testing.assert_allclose(found, np.mean(errors, axis=0), rtol=1e-3, atol=1e-4)


def test_what_classifiers_export_is_what_was_trained(classifiers):
    """(1 - p, d) of both domains' networks on both crops, from the stages' weights."""
    run = Run.load(classifiers)
    stages = classifiers / "stages"
    exported = tf.saved_model.load(str(next(stages.glob("*-00-fan-00-0-extractor")) / "extractor"))
    clips = run.train_clips.iloc[[0, 100]].reset_index(drop=True)
    waveform = next(iter(scoring_batches(clips, run.samples, 16000, 2)))[1].numpy()
    found = exported.signatures["serving_default"](waveform=tf.constant(waveform))["features"]
    statistics = json.loads((stages / "01-levels" / "statistics.json").read_text())
    standardise = keras.layers.Normalization(axis=None, **statistics)
    samples = crop_samples(run.config)
    step = run.config.frontend.frame_step
    last = (waveform.shape[1] - run.config.frontend.frame_length) // step + 1
    starts = [0, (last - run.config.crop.frames) * step]
    for column, domain in enumerate(("source", "target")):
        network = binary_network(run.config, run.config.train, standardise)
        stage = next(stages.glob(f"*-00-fan-00-0-{domain}"))
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


def test_a_section_is_scored_by_all_networks_of_its_machine(classifiers):
    """N x S: the mean of two networks of each of two sections, by the domain of the clip."""
    scores = pd.read_csv(classifiers / "evaluation" / "scores.csv", dtype={"section": str})
    parts = [f"section_{section}_{number}" for section in ("00", "01") for number in (0, 1)]
    np.testing.assert_allclose(scores["score"], scores[parts].mean(axis=1), rtol=1e-6)
    detector = Detector.load(classifiers / "detector")
    assert len(detector.extractors) == 4
    run = Run.load(classifiers)
    held_out = hold_out(run.train_clips, 0.1)
    calibrating = run.train_clips[with_target(run.train_clips, held_out)]
    assert set(detector.calibration["clip_id"]) == set(calibrating["clip_id"])


@pytest.mark.slow
def test_a_broken_run_of_both_parts_goes_on(data, tmp_path, monkeypatch):
    """Killed in the second part, with the first one done: the weights must be the same."""
    flags = (
        "--method=kuroyanagi", f"--data_dir={data}", "--recipe=quick", "--set=data.seconds=0.5",
        *(f"--set={assignment}" for assignment in SMALL["kuroyanagi"]),
        *(f"--set={part}.train.{key}" for part in ("ae", "bc")
          for key in ("epochs=2", "steps_per_epoch=1", "batch_size=4")),
        *(f"--set=bc.{key}" for key in ("target.epochs=2", "target.steps_per_epoch=1",
                                        "target.clips=2", "outliers.of=sections")),
    )  # fmt: skip
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'whole'}") == 0
    save = EpochCheckpoint.on_epoch_end

    def save_and_break(self, epoch, logs=None):
        save(self, epoch, logs)
        if "ddcsad" in [layer.name for layer in self.model.layers]:
            raise KeyboardInterrupt

    broken = f"--run_dir={tmp_path / 'broken'}"
    with monkeypatch.context() as patch:
        patch.setattr(EpochCheckpoint, "on_epoch_end", save_and_break)
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
