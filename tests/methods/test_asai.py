"""The Asai system: its classes, pairs, two steps and scores."""

import types

import keras
import numpy as np
import pandas as pd
import pytest
from harness import exit_of, write_dataset
from sklearn.utils.class_weight import compute_class_weight

from asd_tf.checkpoints.mapping import variables_of
from asd_tf.cli import train
from asd_tf.config import apply_overrides, load_recipe, recipe_names
from asd_tf.data.clips import check_clips
from asd_tf.detector import Detector
from asd_tf.methods import asai
from asd_tf.methods.common.class_labels import class_names, number_classes
from asd_tf.run.fit_detector import scorer_of
from asd_tf.run.run import Run
from asd_tf.training.stage import Stage

QUICK = (
    "network.width=4",
    "loss.subclusters=4",
    "optimizer.batch_size=8",
    "source.epochs=1",
    "source.steps_per_epoch=2",
    "target.epochs=1",
    "target.steps_per_epoch=4",
    "data.seconds=0.5",
)


def run(dataset, run_dir, *flags):
    overrides = (f"--set={assignment}" for assignment in QUICK)
    status = exit_of(train.main, "--method=asai", "--recipe=quick", f"--data_dir={dataset}",
                     f"--run_dir={run_dir}", *overrides, *flags)  # fmt: skip
    assert status == 0
    return run_dir


def scores(run_dir):
    columns = ["clip_id", "domain", "score"]
    return pd.read_csv(run_dir / "evaluation" / "scores.csv", dtype={"section": str})[columns]


@pytest.fixture(scope="module")
def finished(dataset, tmp_path_factory):
    return run(dataset, tmp_path_factory.mktemp("runs") / "finished")


def test_dcase_2021_has_84_classes():
    """7 machines x 6 sections x 2 domains must make 84 classes; attributes must make none."""
    rows = [
        (f"{m} {s} {domain} {vel}", f"m{m}", f"0{s}", domain, {"vel": vel})
        for m in range(7)
        for s in range(6)
        for domain in ("source", "target")
        for vel in ("1", "2")
    ]
    frame = pd.DataFrame(rows, columns=["clip_id", "machine", "section", "domain", "attributes"])
    clips = check_clips(frame.assign(path=frame["clip_id"], split="train"))
    classes, class_ids = number_classes(class_names(clips, attributes=False))
    assert len(classes) == 84
    assert np.bincount(class_ids).tolist() == [2] * 84


@pytest.mark.parametrize("recipe", recipe_names("asai"))
def test_every_recipe_has_a_backend(recipe):
    """Each recipe must load, name what exists, and differ from paper only as it states."""
    config = load_recipe("asai", recipe)
    backend = scorer_of(config, "embedding").backend
    source = {name: estimator for name, estimator, _ in backend.members}["source"]
    worst = recipe == "worst_component"
    assert source.density == ("worst_component" if worst else "best_component")
    assert (source.n_components, config.loss.subclusters) == (32, 32)


@pytest.mark.parametrize("mixup_of", ["features", "waveforms"])
def test_the_network_learns_in_both_steps(mixup_of):
    """All weights must be trained in the first step, those of the last stage in the second."""
    config = load_recipe("asai", "paper")
    apply_overrides(config, ["network.width=4", "loss.subclusters=4", f"mixup.of={mixup_of}"])
    layer = keras.layers.Normalization(mean=[0.0] * 128, variance=[1.0] * 128)
    parts = asai.build_parts(config, 4096, layer)
    model = asai.training_model(config, parts, 3)
    model.run_eagerly = True  # compiling would take longer
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=[2, 4, 4096]).astype(np.float32) * 0.1
    share, label = np.float32([0.1, 0.5, 0.9, 1.0]), np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    assert np.isfinite(model.train_on_batch([first, second, share, label], label))
    asai.freeze_all_but_last_stage(parts)
    asai.compile_model(config, model)
    model.run_eagerly = True
    trained = {id(weight) for weight in model.trainable_weights}
    names = [name for name, weight in variables_of(model).items() if id(weight) in trained]
    assert {name.split("/")[0][:7] for name in names} == {"stage_4", "loss"}
    assert np.isfinite(model.train_on_batch([first, second, share, label], label))


def test_a_share_of_one_leaves_the_first_clip():
    """The share of each waveform in a mixture must be that of its label."""
    keras.utils.set_random_seed(0)
    config = load_recipe("asai", "quick")
    apply_overrides(config, ["network.width=4", "loss.subclusters=2"])
    keras.utils.set_random_seed(0)
    layer = keras.layers.Normalization(mean=[-40.0] * 128, variance=[100.0] * 128)
    parts = asai.build_parts(config, 4096, layer)
    model = asai.training_model(config, parts, 2)
    rng = np.random.default_rng(0)
    first_clip, second_clip = rng.normal(size=[2, 1, 4096]).astype(np.float32) * 0.1
    label = np.float32([[1, 0]])

    def probabilities(first, second, share):
        return model([first, second, np.float32([share]), label]).numpy()

    alone = probabilities(first_clip, first_clip, 0.3)
    np.testing.assert_allclose(probabilities(first_clip, second_clip, 1.0), alone, rtol=1e-4)
    np.testing.assert_allclose(probabilities(second_clip, first_clip, 0.0), alone, rtol=1e-4)
    assert not np.allclose(probabilities(first_clip, second_clip, 0.5), alone, rtol=1e-4)


def test_pairs_are_drawn_from_their_domains(dataset, tmp_path):
    """The second step must see a target clip in every pair, and labels must sum to one."""
    clips = asai_clips(dataset)
    class_ids = number_classes(class_names(clips, attributes=False))[1]
    config = load_recipe("asai", "quick")
    config.optimizer.batch_size = 8
    is_target = (clips["domain"] == "target").to_numpy()
    source, target = np.flatnonzero(~is_target), np.flatnonzero(is_target)
    stage = Stage(tmp_path / "target", tmp_path / "tensorboard", seed=3)
    fake_run = types.SimpleNamespace(config=config, train_clips=clips, samples=4000)
    batches = asai.paired_batches(fake_run, class_ids, 8, source, target, stage, 0)
    for (first, second, share, label), again in batches.take(3):
        assert first.shape == second.shape == (8, 4000)
        np.testing.assert_array_equal(label, again)
        np.testing.assert_allclose(label.numpy().sum(axis=1), 1, rtol=1e-6)
        of_target = np.isin(np.arange(8), class_ids[target])
        in_target = label.numpy()[:, of_target].sum(axis=1)
        np.testing.assert_allclose(in_target, 1 - share.numpy(), atol=1e-6)


def test_classes_can_weigh_the_same(dataset, tmp_path):
    """Balanced weights must be those of scikit-learn, of the class with the larger share."""
    clips = asai_clips(dataset)
    class_ids = number_classes(class_names(clips, attributes=False))[1]
    known = np.unique(class_ids)
    expected = compute_class_weight("balanced", classes=known, y=class_ids)
    np.testing.assert_allclose(asai.balanced_weights(class_ids, 8)[known], expected, rtol=1e-6)
    assert asai.balanced_weights(np.array([0, 0, 2]), 3).tolist() == [0.75, 1.0, 1.5]
    config = load_recipe("asai", "quick")
    apply_overrides(config, ["optimizer.batch_size=8", "loss.class_weights=balanced"])
    stage = Stage(tmp_path / "target", tmp_path / "tensorboard", seed=3)
    fake_run = types.SimpleNamespace(config=config, train_clips=clips, samples=4000)
    everything = np.arange(len(clips))
    batches = asai.paired_batches(fake_run, class_ids, 8, everything, everything, stage, 0)
    for _, label, weight in batches.take(2):
        np.testing.assert_allclose(weight, expected[label.numpy().argmax(axis=1)], rtol=1e-6)


@pytest.mark.slow
def test_a_training_with_class_weights_differs(dataset, finished, tmp_path):
    weighted = run(dataset, tmp_path / "run", "--set=loss.class_weights=balanced")
    assert not np.allclose(scores(weighted)["score"], scores(finished)["score"])


def asai_clips(dataset):
    from asd_tf.data.layouts.readers import read_clips

    clips = read_clips(dataset)[0]
    return clips[clips["split"] == "train"].reset_index(drop=True)


def stage_weights(run_dir, stage):
    """Returns the weights after a stage, by the name of their layer."""
    config = Run.load(run_dir).config
    layer = keras.layers.Normalization(mean=[0.0] * 128, variance=[1.0] * 128)
    parts = asai.build_parts(config, 8000, layer)
    model = asai.training_model(config, parts, 8)
    model.load_weights(run_dir / "stages" / stage / "final.weights.h5")
    layers = {**{layer.name: layer for layer in parts.core.layers}, "loss": model.layers[-1]}
    return {name: layer.get_weights() for name, layer in layers.items() if layer.weights}


@pytest.mark.slow
def test_the_second_step_changes_no_frozen_weight(finished):
    """Fine-tuning must change the last block and the loss alone, and no other norm."""
    before, after = stage_weights(finished, "source"), stage_weights(finished, "target")
    for name, values in before.items():
        same = [np.array_equal(old, new) for old, new in zip(values, after[name], strict=True)]
        assert not any(same) if name.startswith(("stage_4_", "loss")) else all(same), name


@pytest.mark.slow
def test_target_scores_differ_without_the_second_step(dataset, finished, tmp_path):
    other = run(dataset, tmp_path / "run", "--set=target.epochs=0", "--set=source.epochs=1")
    with_step, without = scores(finished), scores(other)
    of_target = (with_step["domain"] == "target").to_numpy()
    assert not np.allclose(with_step["score"][of_target], without["score"][of_target])


def test_mixtures_begin_at_the_centers_of_their_section(finished):
    """The mixture must start from the loss's centers, and the detector must describe the fit."""
    detector = Detector.load(finished / "detector")
    for group, scorer in detector.scorers.items():
        backend = scorer.scorers[0].backend
        members = {name: estimator for name, estimator, _ in backend.members_}
        assert members["source"].means_init.shape == (4, 128), group
        assert members["source"].density == "best_component"
        assert backend.combine == "blind"  # since the data do not state the domain of test clips
    starts = [scorer.scorers[0].backend.members_[0][1].means_init
              for scorer in detector.scorers.values()]  # fmt: skip
    assert not np.allclose(starts[0], starts[1])


def test_a_clip_of_unknown_domain_has_a_score(finished, dataset):
    """Its score must be the smaller of the calibrated scores of both domains."""
    detector = Detector.load(finished / "detector")
    clips = asai_clips(dataset).head(6)
    as_source, as_target, unknown = (
        detector.score(clips.assign(domain=domain))["score"].to_numpy()
        for domain in ("source", "target", None)
    )
    np.testing.assert_allclose(unknown, np.minimum(as_source, as_target))


@pytest.mark.slow
def test_three_target_clips_a_section_are_enough(tmp_path):
    """Three target clips per section, as in DCASE 2021, must be enough to train on."""
    data = write_dataset(tmp_path / "data", machines=("fan",), source=12, target=3, test=2)
    run(data, tmp_path / "run")
    assert scores(tmp_path / "run")["score"].notna().all()
    described = Detector.load(tmp_path / "run" / "detector").manifest["groups"][0]["scoring"]
    assert described["scorers"][0]["backend"]["members"]["target"]["rows"] == 3


@pytest.mark.slow
def test_without_target_clips_the_second_step_is_left_out(tmp_path, capsys):
    """Data of one domain, such as DCASE 2020, must skip the second step."""
    data = write_dataset(tmp_path / "data", target=0, test=2)
    run(data, tmp_path / "run")
    assert "second step is skipped" in capsys.readouterr().err
    assert not (tmp_path / "run" / "stages" / "target" / "history.csv").exists()
    assert scores(tmp_path / "run")["score"].notna().all()
