"""GeCo and its baselines: what their recipes build, and which values and data are refused."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from harness import exit_of, write_dataset
from small_geco import SMALL

from asd_tf.cli import train
from asd_tf.config import apply_overrides, load_recipe, recipe_names
from asd_tf.errors import UsageError
from asd_tf.experiment.training import of_subsets
from asd_tf.methods import ae, geco, idnn, mobilenetv2, pae, resnet18, stgram

BANDS = 32
# Those that build the network of another one are slow tests.
ALIKE = {"lambda_1", "lambda_10", "fixed_gamma", "multi_gamma", "geco_only"}
LARGE = {("stgram", "paper"), ("mobilenetv2", "paper")}
RECIPES = [
    pytest.param(
        method,
        recipe,
        marks=[pytest.mark.slow] if recipe in ALIKE or (method, recipe) in LARGE else [],
    )
    for method in SMALL
    for recipe in recipe_names(method)
]


def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def step_of(model, *batch):
    """Takes one eager step; compiling would take longer."""
    model.run_eagerly = True
    return model.train_on_batch(*batch)


def one_step(method, config):
    """Returns the loss of one step of the network that a recipe describes."""
    bands = config.frontend.n_mels
    if method in ("ae", "idnn", "pae"):
        module = {"ae": ae, "idnn": idnn, "pae": pae}[method]
        model = module.build(config, bands, -40.0, 10.0, 3)
        return step_of(model.training, *model.examples(tf.constant(noise(8, 5, bands)), [0, 1]))
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
    """Each recipe must load, and its network must train."""
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
        with pytest.raises(UsageError, match=message):
            geco.gammas(config, ["fan", "gearbox"])


def test_a_machine_of_one_section_is_told_what_to_use(tmp_path, capsys):
    """The error must name another method: MobileNetV2 classifies the sections of a machine."""
    data = write_dataset(tmp_path / "data", sections=("00",), source=4, target=1, test=1)
    flags = ("--method=mobilenetv2", "--recipe=quick", f"--data_dir={data}")
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'run'}") == 1
    assert "fan has 1 section" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("crops", "steps"), [("all", 5), ("random", 2)])
def test_mobilenetv2_takes_all_crops_of_a_clip_or_one(crops, steps, tmp_path, capsys):
    """As in the baseline of 2021, an epoch must have every crop of a clip that is scored."""
    data = write_dataset(
        tmp_path / "data", machines=("fan",), source=4, target=1, test=1, seconds=1.2
    )
    # 38 frames have 4 crops of 32, and the machine has 10 clips.
    flags = ("crop.frames=32", "crop.hop=2", f"train.crops={crops}", "train.batch_size=8",
             "data.seconds=1.2", "calibration.held_out=0.0", "network.alpha=0.1")  # fmt: skip
    status = exit_of(
        train.main, "--method=mobilenetv2", "--recipe=paper", "--untrained",
        f"--data_dir={data}", f"--run_dir={tmp_path / 'run'}", *(f"--set={flag}" for flag in flags),
    )  # fmt: skip
    assert status == 0
    assert f"epochs of {steps} steps" in capsys.readouterr().err


def test_a_crop_longer_than_a_clip_is_refused(tmp_path, capsys):
    data = write_dataset(tmp_path / "data", source=4, target=1, test=1)
    flags = ("--method=resnet18", "--recipe=paper", "--set=data.seconds=0.5", f"--data_dir={data}")
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'run'}") == 2
    assert "crop.frames=65: a clip has 16 frames" in capsys.readouterr().err


def test_a_recipe_can_name_the_subsets_it_takes(tmp_path):
    """dcase2020_23 must use the development data only."""
    clips = pd.DataFrame({"clip_id": ["a", "b"], "subset": ["dev", "eval"], "split": "train"})
    assert of_subsets(clips, load_recipe("geco", "dcase2020_23").data.subsets)[
        "clip_id"
    ].tolist() == ["a"]
    with pytest.raises(UsageError, match="no clip is of these subsets, the data have dev"):
        of_subsets(clips[:1], ("eval",))
