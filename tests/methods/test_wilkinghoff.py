"""The Wilkinghoff system: its classes, and every row of the paper's tables."""

import functools

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from harness import exit_of

from asd_tf.cli import train
from asd_tf.config import first_difference, load_recipe, recipe_names
from asd_tf.data.clips import check_clips
from asd_tf.data.layouts.readers import read_clips
from asd_tf.detector import Detector
from asd_tf.errors import InputError
from asd_tf.frontends.mel import LogMel
from asd_tf.methods.wilkinghoff import (
    auxiliary_classes,
    build_network,
    fill_in,
    joined,
    training_model,
)
from asd_tf.run.fit_detector import scorer_of

SAMPLES = 4096


def table(rows):
    columns = ["machine", "section", "domain", "split", "subset", "attributes"]
    frame = pd.DataFrame(rows, columns=columns)
    names = [str(index) for index in range(len(frame))]
    return check_clips(frame.assign(clip_id=names, path=names))


def test_classes_are_machine_section_attributes_and_domain():
    """Clips must share a class exactly if all four are equal."""
    slow, fast = {"vel": "6"}, {"vel": "7"}
    clips = table(
        [
            ("fan", "00", "source", "train", "dev", slow),
            ("fan", "00", "source", "train", "dev", slow),
            ("fan", "00", "source", "train", "dev", fast),
            ("fan", "00", "target", "train", "dev", slow),
            ("fan", "01", "source", "train", "eval", slow),
            ("valve", "00", "source", "train", "dev", slow),
            ("valve", "00", "source", "test", "dev", fast),
            ("valve", "01", None, "test", "eval", {}),
        ]
    )
    classes, class_ids = auxiliary_classes(clips, "train")
    assert len(classes) == 5
    assert class_ids[0] == class_ids[1]
    assert len(set(class_ids)) == 5
    more, ids_among_more = auxiliary_classes(clips, "train_and_dev_test")
    assert len(more) == 6
    assert [more[index] for index in ids_among_more] == [classes[index] for index in class_ids]


def test_one_class_teaches_nothing():
    with pytest.raises(InputError, match=r"make 1 class .* at least 2: .*mahalanobis"):
        auxiliary_classes(table([("fan", "00", "source", "train", "dev", {})]), "train")


@pytest.mark.parametrize(
    "recipe", [name for name in recipe_names("wilkinghoff") if not name.startswith("table6")]
)
def test_every_network_trains(recipe):
    """Each row of the paper's tables must build, train, and have its number of parameters."""
    config = load_recipe("wilkinghoff", recipe)
    network = config.network
    parts = ["spectrum", "spectrogram"] if network.combine == "concat_after_training" else [
        network.branches
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    waveform = rng.normal(size=[4, SAMPLES]).astype(np.float32) * 0.1
    label = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    for branches in parts:
        embedding = build_network(config, SAMPLES, branches)
        both = branches == "both" and network.combine == "concat"
        assert embedding.output_shape == (None, 256 if both else 128)
        model = training_model(config, embedding, 3)
        model.run_eagerly = True  # compiling would take longer
        before = [weight.numpy() for weight in model.trainable_weights]
        centers = model.get_layer("subcluster_adacos").centers
        assert any(weight is centers for weight in model.trainable_weights) == (
            config.loss.trainable_centers
        )
        assert np.isfinite(model.train_on_batch([waveform, label], label))
        moved = [
            not np.array_equal(old, new.numpy())
            for old, new in zip(before, model.trainable_weights, strict=True)
        ]
        assert np.mean(moved) > 0.9


def test_paper_is_the_system_of_october_2022():
    """`paper` must have the graph and the classes of the paper's figures, `quick` its own."""
    for dataset, classes in (
        ("dcase2022", "train_and_dev_test"),
        ("dcase2023", "train"),
        ("folder", "train"),
    ):
        config = load_recipe("wilkinghoff", "paper")
        fill_in(config, dataset)
        assert (config.classes, config.network.graph) == (classes, "bn_on_trunk_2023")
        config.classes = "train"
        fill_in(config, dataset)
        assert config.classes == "train"
    quick = load_recipe("wilkinghoff", "quick")
    assert (quick.classes, quick.network.graph) == ("train", "2024")
    assert load_recipe("wilkinghoff", "graph_2024").network.graph == "2024"
    assert not load_recipe("wilkinghoff", "table7_standard").network.temporal_normalization


def test_log_mels_are_those_of_the_authors_code():
    """Tables 4 and 7: 10 log10 of the power in 128 bands from 200 to 8,000 Hz, 1e-10 at least."""
    config = load_recipe("wilkinghoff", "table4_log_mel")
    layer = next(
        layer
        for layer in build_network(config, SAMPLES, "spectrogram").layers
        if isinstance(layer, LogMel)
    )
    wave = np.random.default_rng(0).normal(size=[1, SAMPLES]).astype(np.float32)
    power = np.abs(tf.signal.stft(wave, 1024, 512).numpy()) ** 2
    bands = tf.signal.linear_to_mel_weight_matrix(128, 513, 16000, 200.0, 8000.0).numpy()
    expected = 10 * np.log10(np.maximum(power @ bands, 1e-10))
    np.testing.assert_allclose(layer(wave), expected, rtol=1e-4, atol=1e-3)
    config.network.log_mel.fmin = 0.0
    assert build_network(config, SAMPLES, "spectrogram").layers[1].fmin == 0.0


def test_halves_can_weigh_the_same():
    """Networks that were trained apart must be concatenated as they are, or at length 1 each."""
    config = load_recipe("wilkinghoff", "table4_concat_after_training")
    trained = [build_network(config, SAMPLES, branches) for branches in ("spectrum", "spectrogram")]
    wave = np.random.default_rng(0).normal(size=[3, SAMPLES]).astype(np.float32)
    halves = [network(wave).numpy() for network in trained]
    np.testing.assert_allclose(joined(trained, False)(wave), np.hstack(halves), rtol=1e-4)
    units = [half / np.linalg.norm(half, axis=1, keepdims=True) for half in halves]
    np.testing.assert_allclose(joined(trained, True)(wave), np.hstack(units), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("model", ["cosine", "gmm"])
@pytest.mark.parametrize("of", ["source", "target", "sum", "joint"])
def test_rows_of_table_6_differ_in_the_backend_only(model, of):
    config, paper = load_recipe("wilkinghoff", f"table6_{model}_{of}"), load_recipe(
        "wilkinghoff", "paper"
    )  # fmt: skip
    backend = scorer_of(config, "embedding").backend
    domains = {"source": ["source"], "target": ["target"], "sum": ["source", "target"]}
    joint = ["all", "target"] if model == "cosine" else ["all_and_mixed"]
    assert [domain for *_, domain in backend.members] == domains.get(of, joint)
    assert backend.combine == ("sum" if of == "sum" else "min")
    difference = first_difference(
        {key: value for key, value in config.to_dict().items() if key != "backend"},
        {key: value for key, value in paper.to_dict().items() if key != "backend"},
    )
    assert difference is None


def run(dataset, run_dir, recipe, *flags):
    return exit_of(
        train.main, "--method=wilkinghoff", f"--recipe={recipe}", f"--data_dir={dataset}",
        f"--run_dir={run_dir}", "--set=data.seconds=0.5", "--set=train.epochs=1",
        "--set=train.batch_size=8", *flags,
    )  # fmt: skip


@pytest.fixture(scope="module")
def paper_run(dataset, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "paper"
    assert run(dataset, run_dir, "paper") == 0
    return run_dir


def test_rows_of_table_6_share_one_training(dataset, paper_run, tmp_path, capsys):
    """Eight backends must need one training and one extraction."""
    capsys.readouterr()
    assert run(dataset, tmp_path / "row", "table6_cosine_source", f"--reuse={paper_run}") == 0
    logged = capsys.readouterr().err
    assert f"embedding: taken from {paper_run}" in logged
    assert "epochs of" not in logged
    for name in ("stages/extractor/extractor/saved_model.pb",):
        assert (tmp_path / "row" / name).read_bytes() == (paper_run / name).read_bytes()
    assert not (tmp_path / "row" / "embeddings").exists()
    scores = [
        pd.read_csv(folder / "evaluation" / "scores.csv")["score"]
        for folder in (paper_run, tmp_path / "row")
    ]
    assert not np.allclose(*scores)


@pytest.mark.slow
def test_a_stage_that_depends_on_another_value_is_trained_again(
    dataset, paper_run, tmp_path, capsys
):
    """Weights of another recipe or seed must not be reused, and a line must say why."""
    for recipe, flag, why in (
        ("table3_bias", "--seed=0", "network.use_bias=False there and True here"),
        ("paper", "--untrained", "untrained=False there and True here"),
    ):
        run_dir = tmp_path / recipe
        assert run(dataset, run_dir, recipe, flag, f"--reuse={paper_run}") == 0
        assert f"embedding: done again, since {why}" in capsys.readouterr().err
        weights = "stages/embedding/final.weights.h5"
        assert (run_dir / weights).read_bytes() != (paper_run / weights).read_bytes()
        trained = (run_dir / weights).with_name("history.csv").exists()
        assert trained == ("--untrained" not in flag)


def test_a_run_folder_holds_one_configuration(dataset, paper_run, capsys):
    """Results of two configurations must never be mixed in one folder."""
    assert run(dataset, paper_run, "paper", "--set=mixup.probability=0.5") == 2
    assert "mixup.probability=1.0, not 0.5" in capsys.readouterr().err
    assert run(dataset, paper_run, "paper", "--set=backend.members.centers.domain=source") == 2


@pytest.mark.slow
def test_branches_trained_apart_are_joined(dataset, tmp_path):
    """Table 4, lower left: the embeddings of both branches must be concatenated."""
    assert run(dataset, tmp_path / "run", "table4_concat_after_training") == 0
    detector = Detector.load(tmp_path / "run" / "detector")
    clips, _ = read_clips(dataset)
    features, ok = detector.features(clips.head(4))
    assert ok.all()
    assert features["embedding"].values.shape == (4, 256)
    stages = sorted(path.name for path in (tmp_path / "run" / "stages").iterdir())
    assert stages == ["extractor", "spectrogram", "spectrum"]


@pytest.mark.slow
def test_runs_are_fused_and_summed_up(dataset, tmp_path, capsys):
    """--num_runs must give single runs, their mean, and the paper's ensemble of summed scores."""
    assert run(dataset, tmp_path / "run", "quick", "--num_runs=2") == 0
    out = capsys.readouterr().out
    assert "±" in out
    read = functools.partial(pd.read_csv, dtype={"section": str})
    single = [
        read(tmp_path / "run" / "runs" / str(index) / "evaluation" / "scores.csv")["score"]
        for index in range(2)
    ]
    fused = read(tmp_path / "run" / "evaluation" / "scores.csv")["score"]
    assert not np.allclose(*single)
    np.testing.assert_allclose(fused, single[0] + single[1], rtol=1e-9)
    assert (tmp_path / "run" / "evaluation" / "runs.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains_and_exports_float32(dataset, tmp_path, precision):
    assert run(dataset, tmp_path / "run", "quick", f"--mixed_precision={precision}") == 0
    detector = Detector.load(tmp_path / "run" / "detector")
    clips, _ = read_clips(dataset)
    features, _ = detector.features(clips.head(2))
    assert features["embedding"].values.dtype == np.float32
    assert np.isfinite(features["embedding"].values).all()
