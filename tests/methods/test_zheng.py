"""The Zheng system: recipes, what is trained, what is exported, and messages about weights."""

import dataclasses
import types
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from harness import exit_of
from recorded_config import RecordedConfig

from asd_tf.checkpoints.load import load_encoder, pretrained_encoder
from asd_tf.cli import evaluate, train
from asd_tf.config import apply_overrides, flatten, load_recipe, recipe_names
from asd_tf.data.layouts.readers import read_clips
from asd_tf.detector import Detector
from asd_tf.files import read_json, sha256_of
from asd_tf.losses.subcluster_adacos import SubclusterAdaCos
from asd_tf.methods.common.labeled_waveforms import LabeledWaveforms
from asd_tf.methods.zheng import embedding_networks, system
from asd_tf.models.encoders.build import FAMILIES
from asd_tf.models.encoders.lora import (
    LoraPlan,
    freeze_all_but_lora,
    lora_layers,
    parameter_counts,
)
from asd_tf.run.fit_detector import scorer_of
from asd_tf.run.run import Run
from asd_tf.training.stage import Stage

BEATS = Path(__file__).parents[1] / "golden" / "beats_tiny.pt"
SMALL = {"width": 8, "heads": 2, "ffn": 8}
ODD = {
    "beats": {"embed": 8, "conv_positions": 4, "conv_groups": 2},
    "ced": {},
    "wav2vec2": {"filters": (4,) * 7, "conv_positions": 4, "conv_groups": 2},
    "whisper": {},
}

# Rank of q, k and v in the first and in the last of 12 layers.
RANKS = {
    "paper": ((64, 0, 64), (64, 0, 96)),
    "table2_r4": ((4, 0, 4), (4, 0, 4)),
    "table2_r64": ((64, 0, 64), (64, 0, 64)),
    "table2_r128": ((128, 0, 128), (128, 0, 128)),
    "table3_k": ((0, 64, 0), (0, 64, 0)),
    "table3_k_q_v": ((64, 64, 64), (64, 64, 64)),
    "table5_1_to_4": ((64, 0, 64), (0, 0, 0)),
    "table5_1_to_4_and_9_to_12": ((64, 0, 64), (64, 0, 64)),
    "table5_5_to_12": ((0, 0, 0), (64, 0, 64)),
    "table6_v": ((64, 0, 96), (64, 0, 96)),
    "table6_latter_half": ((64, 0, 64), (96, 0, 96)),
}


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path / "01-tuning", tmp_path / "tensorboard", seed=0)


# Tables 2 and 3 vary the ranks that Table 6 has too, and Table 5 builds all 12 layers.
ALIKE = ("table2", "table3", "table5")
RECIPES = [
    pytest.param(name, marks=pytest.mark.slow) if name.startswith(ALIKE) else name
    for name in recipe_names("zheng")
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_trains_what_it_says(recipe, stage):
    """Each recipe must load, name existing classes, and train exactly the matrices of its row."""
    config = load_recipe("zheng", recipe)
    if recipe == "quick":
        config.encoder.kind = "beats"
        system.fill_in(config, "folder")
    scorer_of(config, "embedding")
    kind = config.encoder.kind or "beats"
    depth = 12 if recipe.startswith("table5") else 2
    shape = dataclasses.replace(FAMILIES[kind].sizes["tiny"], **SMALL, **ODD[kind], depth=depth)
    plan = LoraPlan(**{**config.lora, "rank": 2}) if config.tuning == "lora" else None
    network = embedding_networks.build_network(
        config, shape, 4000, embedding_networks.parts_of(config, shape, plan, stage)
    )
    if config.tuning == "frozen":
        return
    if plan is not None:
        freeze_all_but_lora(network.get_layer(kind))
    model = embedding_networks.training_model(config, network, 3, config.train, 10)
    model.run_eagerly = True
    label = np.eye(3, dtype=np.float32)
    before = network.get_weights()
    waveform = np.random.default_rng(0).normal(0, 0.1, (3, network.input_shape[1]))
    assert np.isfinite(model.train_on_batch([waveform.astype(np.float32), label], label))
    changed = sum(
        not np.array_equal(*pair) for pair in zip(before, network.get_weights(), strict=True)
    )
    trained, total = parameter_counts(network)
    if plan is None:
        assert changed > 2 * 12
    else:
        # Beside the head, B alone moves in the first step, since it is zero; mask_seed counts.
        assert 0 < trained < total / 2 or config.head.embedding
        lora = len(lora_layers(network.get_layer(kind)))
        assert changed >= lora + bool(config.spec_augment.probability)
        if config.head.embedding is None:
            assert changed - 1 == lora == len(network.trainable_weights) / 2


@pytest.mark.parametrize("tuning", ["lora", "frozen"])
def test_networks_can_be_trained_apart_for_each_subset(tuning):
    """With networks=each_subset no network may have classes of both subsets."""
    rows = [
        (
            f"{subset}{machine}{index}",
            machine,
            "00",
            "source",
            "train",
            subset,
            {"v": str(index % 2)},
        )
        for subset, machine in (("dev", "fan"), ("dev", "valve"), ("eval", "drone"))
        for index in range(4)
    ]
    names = ["clip_id", "machine", "section", "domain", "split", "subset", "attributes"]
    config = load_recipe("zheng", "paper")
    config.tuning = tuning
    clips = pd.DataFrame(rows, columns=names)
    (together,) = system.tasks_of(config, clips)
    assert together.indices.tolist() == list(range(12))
    config.networks = "each_subset"
    dev, evaluation = system.tasks_of(config, clips)
    assert (dev.name, evaluation.name) == ("dev", "eval")
    assert dev.indices.tolist() == list(range(8))
    if tuning == "lora":
        assert (together.classes, dev.classes, evaluation.classes) == (6, 4, 2)
        assert sorted(set(evaluation.class_ids[8:])) == [0, 1]


@pytest.mark.parametrize("recipe", RANKS)
def test_ranks_are_those_of_the_tables(recipe):
    plan = LoraPlan(**load_recipe("zheng", recipe).lora)
    found = tuple(tuple(plan.rank_of(kind, layer, 12) for kind in "qkv") for layer in (0, 11))
    assert found == RANKS[recipe]


FLAGS = (
    "--method=zheng",
    "--recipe=table2_r4",
    f"--pretrained={BEATS}",
    "--set=data.seconds=0.5",
    "--set=train.epochs=1",
    "--set=train.steps_per_epoch=3",
    "--set=train.learning_rate=0.01",
    "--set=train.warmup_steps=0",
    "--set=spec_augment.time_width=(0, 8)",
)


@pytest.fixture(scope="module")
def tuned(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("zheng") / "run"
    assert exit_of(train.main, *FLAGS, f"--data_dir={dataset}", f"--run_dir={folder}") == 0
    return folder


def waveforms(samples=8000):
    return np.random.default_rng(1).normal(0, 0.1, [3, samples]).astype(np.float32)


def exported(run_dir):
    return next(iter(Detector.load(run_dir / "detector").extractors.values()))


@pytest.mark.slow
def test_what_is_exported_is_the_adapted_network(tuned):
    """The exported network, LoRA merged, must give the features of the trained one."""
    run = Run.load(tuned)
    pretrained, plan = load_encoder(BEATS), LoraPlan(**run.config.lora)
    folder = tuned / "stages" / "tuning-embedding"
    stage = Stage(folder, tuned / "tensorboard", 0, seed_word="01-tuning-embedding")
    parts = embedding_networks.parts_of(run.config, pretrained.config, plan, stage)
    network = embedding_networks.build_network(run.config, pretrained.config, run.samples, parts)
    model = embedding_networks.training_model(run.config, network, 8, run.config.train, 3)
    stage.load_weights(model)
    expected = network(waveforms()).numpy()
    found = exported(tuned)(tf.constant(waveforms()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    untuned = embedding_networks.build_network(run.config, pretrained.config, run.samples)
    embedding_networks.start_from(untuned, pretrained)
    assert not np.allclose(untuned(waveforms()), expected, atol=1e-3)


def test_the_run_keeps_kind_and_digest_of_its_weights(tuned):
    """Whoever reads the run later must know which weights it started from."""
    encoder = read_json(tuned / "config.json")["recipe"]["encoder"]
    assert encoder["kind"] == "beats"
    assert encoder["sha256"] == sha256_of(BEATS)


def test_training_from_scratch_depends_on_all_that_it_reads():
    """A reused training must be done again where a key differs that it reads."""
    config = load_recipe("zheng", "quick")
    config.encoder.kind = "beats"
    system.fill_in(config, "folder")
    shape = FAMILIES["beats"].sizes["tiny"]
    looked_up = set()
    recorded = RecordedConfig(config, looked_up)
    stage = Stage(Path("scratch"), Path("tensorboard"), seed=0)
    parts = embedding_networks.parts_of(recorded, shape, None, stage)
    network = embedding_networks.build_network(recorded, shape, 8000, parts)
    embedding_networks.training_model(recorded, network, 2, recorded.scratch, 10)
    leaves = looked_up & set(flatten(config))
    assert {"train.layer_decay", "train.accumulate", "scratch.learning_rate"} <= leaves
    known = tuple(f"{name}." for name in system.OF_SCRATCH)
    assert all(f"{key}.".startswith(known) for key in leaves)


def test_asdkit_mixes_waveforms_and_trains_centers(dataset, tmp_path, stage):
    """The recipe must have the loss, the pooling, the mixup and the backend of ASDKit."""
    config = load_recipe("zheng", "asdkit")
    loss = embedding_networks.loss_layer(config, 5)
    assert isinstance(loss, SubclusterAdaCos)
    assert (loss.subclusters, loss.trainable_centers, loss.dynamic_scale) == (16, True, False)
    assert (config.data.seconds, config.backend.oversample) == (18.0, 0.2)
    config.data.seconds = 0.5
    clips = read_clips(dataset)[0]
    clips = clips[clips["split"] == "train"].reset_index(drop=True)
    run = types.SimpleNamespace(config=config, train_clips=clips)
    ids = np.arange(len(clips)) % 5
    batches = LabeledWaveforms(
        run, stage, np.arange(len(clips)), ids, 5, 8000, 8, config.mixup.probability
    )
    rows = np.concatenate([label.numpy() for _, label in batches(0).take(8)])
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-6)
    assert 0.1 < np.mean(rows.max(axis=1) < 1) < 0.8  # half, less those of one class


def test_the_adapter_alone_is_small(tuned):
    """The adapter file must hold A and B of rank 4 on q and v, and nothing else."""
    adapter = tuned / "stages" / "tuning-embedding" / "adapter.safetensors"
    values = 2 * 2 * (48 * 4 + 4 * 48)  # layers, matrices, A and B
    assert 4 * values < adapter.stat().st_size < 4 * values + 2000
    saved = tuned / "detector" / "extractors"
    total = sum(path.stat().st_size for path in saved.rglob("*") if path.is_file())
    assert adapter.stat().st_size < total / 10


def test_scores_standardized_over_the_test_set_stay_in_the_evaluation(tuned):
    before = pd.read_csv(tuned / "evaluation" / "scores.csv")
    flags = (f"--run_dir={tuned}", "--extra_scores=transductive_zscore")
    assert exit_of(evaluate.main, *flags) == 0
    after = pd.read_csv(tuned / "evaluation" / "scores.csv", dtype={"section": str})
    np.testing.assert_array_equal(before["score"], after["score"])
    detector = Detector.load(tuned / "detector")
    rows = after[(after["machine"] == "fan") & (after["section"] == "00")]
    features = exported(tuned).features(
        Run.load(tuned).test_clips.set_index("clip_id").loc[rows["clip_id"]].reset_index(), 16000
    )[0]
    members = detector.scorers["fan", "00"].scorers[0].member_scores(features)
    assert set(members) == {"source", "target"}
    standardized = [(values - values.mean()) / values.std() for values in members.values()]
    np.testing.assert_allclose(
        rows["transductive_zscore"], np.min(standardized, axis=0), rtol=1e-3, atol=1e-4
    )
    assert "transductive_zscore" in read_json(tuned / "evaluation" / "metrics.json")["others"]


@pytest.mark.slow
def test_a_frozen_encoder_needs_no_training(dataset, tmp_path):
    """tuning=frozen must embed with the published weights unchanged."""
    flags = ("--method=zheng", "--recipe=frozen", f"--pretrained={BEATS}",
             "--set=data.seconds=0.5", f"--data_dir={dataset}")  # fmt: skip
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'run'}") == 0
    encoder = pretrained_encoder(load_encoder(BEATS), 8000, "golden")
    expected = encoder(waveforms()).numpy().mean(axis=1)
    found = exported(tmp_path / "run")(tf.constant(waveforms()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_segments_of_a_clip_are_averaged():
    """The embedding of a clip must be the mean over its segments of 2 s."""
    config = load_recipe("zheng", "table1_wav2vec2")
    apply_overrides(config, ["encoder.segment_seconds=0.25"])
    shape = dataclasses.replace(
        FAMILIES["wav2vec2"].sizes["tiny"], **SMALL, **ODD["wav2vec2"], depth=1
    )
    keras.utils.set_random_seed(0)
    network = embedding_networks.build_network(config, shape, 10000)
    assert network.input_shape == (None, 4000)
    found = embedding_networks.over_clips(network, 10000)(waveforms(10000)).numpy()
    parts = [network(waveforms(10000)[:, start : start + 4000]) for start in (0, 4000, 6000)]
    np.testing.assert_allclose(found, np.mean(parts, axis=0), rtol=1e-4, atol=1e-6)
