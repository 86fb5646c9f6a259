"""GeCo and its rivals: recipes, the joint training, and the fusion of its two scores."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
from harness import exit_of, write_dataset
from interruption import assert_same

from asd_tf.cli import evaluate, train
from asd_tf.config import apply_overrides, load_recipe, recipe_names
from asd_tf.detector import Detector
from asd_tf.methods import ae, geco, idnn, mobilenetv2, pae, resnet18, stgram
from asd_tf.models.frame_errors import PredictionErrors
from asd_tf.run import Run
from asd_tf.training.callbacks import EpochCheckpoint

SMALL = {
    "ae": ("network.hidden=8", "network.depth=1"),
    "geco": (
        "network.width=2",
        "crop.frames=10",
        "pae.network.encoder=8",
        "pae.network.decoder=8",
        "pae.network.heads=2",
        "pae.network.blocks=1",
        "pae.network.bottleneck=4",
    ),
    "idnn": (),
    "mobilenetv2": ("network.alpha=0.1", "crop.frames=32"),
    "pae": ("network.encoder=8", "network.decoder=8", "network.heads=2", "network.bottleneck=4"),
    "resnet18": ("network.width=2", "crop.frames=10"),
    "stgram": ("network.width=4", "network.embedding=8", "frontend.n_mels=16"),
}
BANDS = 32
RECIPES = [(method, recipe) for method in SMALL for recipe in recipe_names(method)]


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def step_of(model, *batch):
    """Takes a step without compiling it first, which takes longer than the step."""
    model.run_eagerly = True
    return model.train_on_batch(*batch)


def one_step(method, config):
    """Returns the loss of one step of the network that a recipe describes."""
    bands = config.frontend.n_mels
    if method in ("ae", "idnn", "pae"):
        module = {"ae": ae, "idnn": idnn, "pae": pae}[method]
        model = module.build(config, bands, -40.0, 10.0, 3)
        return step_of(model.training, *model.examples(noise(8, 5, bands), [0, 1]))
    if method == "stgram":
        model = stgram.training_model(config, stgram.build_network(config, 4096), 3, 2)
        label = np.eye(3, dtype=np.float32)
        return step_of(model, [noise(3, 4096), label], label)
    crops, ids = noise(4, config.crop.frames, bands), np.arange(4) % 2
    if method == "mobilenetv2":
        return step_of(mobilenetv2.classifier(config, bands, 2), crops, ids)
    core = resnet18_of(config, bands)
    if method == "resnet18":
        return step_of(resnet18.classifier(config, core, 2, 5), crops, ids)
    network = pae.build(config.pae, bands, 0.0, 1.0, 3).training
    model = geco.training_model(config, core, [network], 2, 5)
    callback = geco.balance_schedule(config, model, 5)
    callback.on_epoch_begin(0)
    callback.on_train_batch_begin(0)
    places = np.zeros([4, config.crop.frames // 5], np.int32)
    return step_of(model, [crops, ids, np.zeros(4, np.int32), places])


def resnet18_of(config, bands):
    keras.utils.set_random_seed(0)
    return geco.crop_resnet(config, bands, -40.0, 10.0)


@pytest.mark.parametrize(("method", "recipe"), RECIPES)
def test_every_recipe_trains(method, recipe):
    """Each recipe must load, name what exists, and its network learn."""
    config = load_recipe(method, recipe)
    apply_overrides(config, [f"frontend.n_mels={BANDS}", *SMALL[method]])
    assert np.all(np.isfinite(one_step(method, config)))


@pytest.mark.parametrize(
    ("recipe", "first", "last"),
    [("paper", 0, 10), ("lambda_0", 0, 0), ("lambda_1", 1, 1), ("lambda_10", 10, 10)],
)
def test_the_rows_of_table_2_differ_in_lambda(recipe, first, last):
    config = load_recipe("geco", recipe)
    apply_overrides(config, SMALL["geco"])
    network = pae.build(config.pae, 8, 0.0, 1.0, 3).training
    model = geco.training_model(config, resnet18_of(config, 8), [network], 2, 7)
    callback = geco.balance_schedule(config, model, 7)
    balance = model.get_layer("loss").balance
    for epoch, expected in ((0, first), (29, first), (90, last), (119, last)):
        callback.on_epoch_begin(epoch)
        callback.on_train_batch_begin(6 if epoch == 29 else 0)
        assert float(balance) == expected
    schedule = model.optimizer.get_config()["learning_rate"]
    rate = keras.optimizers.schedules.deserialize(schedule)
    rates = [float(rate(epoch * 7 + extra)) for epoch in (50, 90) for extra in (-1, 0)]
    assert rates == pytest.approx([0.1, 0.01, 0.01, 0.001])


def test_gammas_are_the_papers_a_number_or_matched():
    config = load_recipe("geco", "multi_gamma")
    names = ["ToyCar", "ToyConveyor", "fan", "pump", "slider", "valve"]
    assert list(geco.gammas(config, names).values()) == [125, 135, 495, 225, 110, 125]
    assert geco.gammas(load_recipe("geco", "fixed_gamma"), ["x"]) == {"x": 200}
    assert geco.gammas(load_recipe("geco", "paper"), ["x"]) == {"x": "matched"}
    for value, message in (("published", "the paper has none for gearbox"),
                           ("much", "use matched, published, or a number"),
                           ("-1", "a number from 0 on")):  # fmt: skip
        config.fusion.gamma = value
        with pytest.raises(geco.UsageError, match=message):
            geco.gammas(config, ["fan", "gearbox"])


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
    """Eq. 4, with the gamma that stands in the detector; the parts must stand beside the score."""
    scores = table(finished, "scores.csv")
    weights = weights_of(finished)
    gamma = [weights[key][1] for key in zip(scores["machine"], scores["section"], strict=True)]
    expected = scores["prediction_error"] + gamma * scores["distance"]
    np.testing.assert_allclose(scores["score"], expected, rtol=1e-6)
    assert scores["distance"].between(0, 2).all()
    assert {weight[0] for weight in weights.values()} == {1}
    # One gamma for each machine.
    assert weights["fan", "00"] == weights["fan", "01"] != weights["valve", "00"]


def test_what_is_exported_is_what_was_trained(finished):
    """The PAE learns from log-mels on disk: the extractor must give their very errors."""
    config = Run.load(finished).config
    stages = finished / "stages"
    levels = np.load(stages / "01-features" / "features.npy")
    statistics = json.loads((stages / "02-00-fan" / "levels.json").read_text())
    network = pae.build(config.pae, levels.shape[2], **statistics, steps=2).training
    network.load_weights(stages / "02-00-fan" / "final.weights.h5")
    stored = finished / "embeddings" / "00-fan" / "train"
    clips = pd.read_csv(finished / "clips.csv", dtype={"section": str})
    train = clips[clips["split"] == "train"].reset_index(drop=True)
    rows = np.flatnonzero(train["machine"] == "fan")
    assert train["clip_id"][rows].tolist() == np.load(stored / "index.npz")["clip_id"].tolist()
    expected = PredictionErrors(network)(levels[rows[:3]])
    np.testing.assert_allclose(np.load(stored / "features.npy")[:3], expected, rtol=1e-3)


@pytest.mark.slow
def test_a_broken_training_of_the_classifier_goes_on(finished, tmp_path, monkeypatch):
    """The autoencoders are loaded then, not trained: the checkpoint must fit all the same."""
    data = finished.parent / "data"
    flags = (*QUICK, "--set=train.epochs=2", f"--data_dir={data}")
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'whole'}") == 0
    save = EpochCheckpoint.on_epoch_end

    def save_and_break(self, epoch, logs=None):
        save(self, epoch, logs)
        if "reconstruction" in [layer.name for layer in self.model.layers]:
            raise KeyboardInterrupt

    broken = f"--run_dir={tmp_path / 'broken'}"
    with monkeypatch.context() as patch:
        patch.setattr(EpochCheckpoint, "on_epoch_end", save_and_break)
        assert exit_of(train.main, *flags, broken) == 130
    assert exit_of(train.main, *flags, broken) == 0
    assert_same(tmp_path / "whole", tmp_path / "broken", "06-classifier")


def test_matched_parts_spread_alike_on_clips_that_were_held_out(finished):
    """The default gamma must be made of normal clips that no network has seen."""
    detector = Detector.load(finished / "detector")
    calibration = pd.read_csv(
        finished / "detector" / "calibration" / "scores.csv", dtype={"section": str}
    )
    assert calibration.groupby(["machine", "section"]).size().tolist() == [3] * 4  # of 30
    clips = pd.read_csv(finished / "clips.csv", dtype={"section": str})
    clips = clips[clips["clip_id"].isin(calibration["clip_id"])].reset_index(drop=True)
    features, ok = detector.features(clips)
    parts = pd.DataFrame(detector.score_features(clips, features, ok).parts)
    centred = parts - parts.groupby([clips["machine"], clips["section"]]).transform("mean")
    spread = centred.pow(2).groupby(clips["machine"]).mean().pow(0.5)
    for machine in ("fan", "valve"):
        gamma = spread.loc[machine, "prediction_error"] / spread.loc[machine, "distance"]
        np.testing.assert_allclose(weights_of(finished)[machine, "00"][1], gamma, rtol=1e-3)


def test_labels_choose_no_weight_of_a_detector(finished):
    """oracle_gamma is a column beside the scores, which stay as they were."""
    before = table(finished, "scores.csv")
    detector = (finished / "detector" / "detector.json").read_text()
    assert exit_of(evaluate.main, f"--run_dir={finished}", "--also=oracle_gamma") == 0
    after = table(finished, "scores.csv")
    pd.testing.assert_series_equal(before["score"], after["score"])
    metrics = json.loads((finished / "evaluation" / "metrics.json").read_text())
    others = {name: values["official_score"] for name, values in metrics["others"].items()}
    assert set(others) == {"prediction_error", "distance", "oracle_gamma"}
    assert others["oracle_gamma"] >= max(metrics["official_score"] - 1e-9, 0)
    assert (finished / "detector" / "detector.json").read_text() == detector


def test_oracles_that_are_not_known_are_refused(finished, capsys):
    assert exit_of(evaluate.main, f"--run_dir={finished}", "--also=oracle_gama") == 2
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


def test_seeds_are_calibrated_on_the_same_clips_and_fused(tmp_path):
    """Detectors of other seeds must have held out the same clips, or they cannot be added."""
    data = write_dataset(tmp_path / "data", source=50, target=1, test=2)
    flags = (*AE_QUICK, "--num_runs=2", f"--data_dir={data}", f"--run_dir={tmp_path / 'run'}")
    assert exit_of(train.main, *flags) == 0
    fused = Detector.load(tmp_path / "run" / "detector")
    assert len(fused.calibration) == 4 * 5
    assert np.isfinite(table(tmp_path / "run", "scores.csv")["score"]).all()


def test_too_few_clips_to_fuse_are_known_after_the_first_run(dataset, tmp_path, capsys):
    """Three trainings must not end in an error that the first could have told."""
    flags = (*AE_QUICK, "--num_runs=3", f"--data_dir={dataset}", f"--run_dir={tmp_path / 'run'}")
    assert exit_of(train.main, *flags) == 1
    assert "4 normal clips calibrate it, and a fusion needs 20" in capsys.readouterr().err
    assert not (tmp_path / "run" / "runs" / "1").exists()


def test_a_machine_of_one_section_is_told_what_to_use(tmp_path, capsys):
    """MobileNetV2 in the baseline's form tells sections apart, and there must be some."""
    data = write_dataset(tmp_path / "data", sections=("00",), source=4, target=1, test=1)
    flags = ("--method=mobilenetv2", "--recipe=quick", f"--data_dir={data}")
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'run'}") == 1
    assert "fan has 1 section" in capsys.readouterr().err


def test_a_crop_longer_than_a_clip_is_refused(tmp_path, capsys):
    data = write_dataset(tmp_path / "data", source=4, target=1, test=1)
    flags = ("--method=resnet18", "--recipe=paper", "--set=data.seconds=0.5", f"--data_dir={data}")
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'run'}") == 2
    assert "crop.frames=65: a clip has 16 frames" in capsys.readouterr().err


def test_a_recipe_can_name_the_subsets_it_takes(tmp_path):
    """The 23 classes of the paper are the development data alone."""
    clips = pd.DataFrame({"clip_id": ["a", "b"], "subset": ["dev", "eval"], "split": "train"})
    from asd_tf.experiment import of_subsets

    assert of_subsets(clips, load_recipe("geco", "dcase2020_23").data.subsets)[
        "clip_id"
    ].tolist() == ["a"]
    with pytest.raises(geco.UsageError, match="no clip is of these subsets, the data have dev"):
        of_subsets(clips[:1], ("eval",))
