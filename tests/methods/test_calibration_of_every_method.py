"""Every method must train without the clips that calibrate it, and need not know of them."""

import importlib

import ml_collections
import pytest
from harness import exit_of, write_dataset

from asd_tf.cli import train
from asd_tf.config import load_recipe, method_names
from asd_tf.data.clips import load_clips
from asd_tf.detector import Detector
from asd_tf.experiment.calibration_plan import CalibrationPlan
from asd_tf.files import read_json
from asd_tf.methods.registry import load_method, needs_held_out


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two machines of two sections, each of enough clips that two halves can be fused."""
    return write_dataset(tmp_path_factory.mktemp("data") / "tones", source=20, target=4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("calibration", "method"),
    [
        *(("cross_fit_network", method) for method in method_names()),
        *(("holdout", method) for method in ("kuroyanagi", "pae", "wilkinghoff")),
    ],
)
def test_calibration_with_unseen_clips(calibration, method, data, tmp_path):
    """All clips must be in the table, or those that were held out, and test clips get decisions."""
    recipe = importlib.import_module(f"asd_tf.configs.{method}.quick")
    run = tmp_path / "run"
    sets = [
        *recipe.TEST,
        f"calibration.method={calibration}",
        "calibration.networks=2",
        "calibration.false_alarms=0.4",
    ]
    flags = (f"--method={method}", "--recipe=quick", f"--data_dir={data}", f"--run_dir={run}")
    assert exit_of(train.main, *flags, *(f"--set={text}" for text in sets)) == 0
    clips = load_clips(run / "clips.csv")
    training = set(clips.loc[clips["split"] == "train", "clip_id"])
    unseen: set[str] = set()
    for network in (run / "networks").iterdir():
        unseen |= training - set(load_clips(network / "clips.csv")["clip_id"])
    detector = Detector.load(run / "detector")
    assert set(detector.calibration["clip_id"]) == unseen
    assert (unseen == training) == (calibration == "cross_fit_network")
    assert set(detector.calibration["domain"]) == {"source", "target"}
    table = detector.score(sorted((data / "dev_data").glob("*/test/*.wav"))[::5])
    assert table["score"].notna().all()
    assert table["decision"].eq(1).tolist() == table["p_value"].le(0.4).tolist()


@pytest.mark.parametrize("method", method_names())
def test_a_network_holds_out_no_more_than_its_method_needs(method):
    """Clips that calibrate twice would be lost to the training."""
    config = load_recipe(method, "quick")
    config.calibration.method = "cross_fit_network"
    own = CalibrationPlan.of(config).network_config(config, load_method(method))
    kept = config.calibration.held_out if needs_held_out(load_method(method)) else 0.0
    assert own.calibration.held_out == kept
    others = own.to_dict() | {"calibration": None}
    assert others == config.to_dict() | {"calibration": None}


def test_each_network_gets_a_share_of_the_epochs():
    """Wherever a recipe counts epochs; steps and clips stay, and no epoch becomes none."""
    config = load_recipe("kuroyanagi", "quick")
    config.calibration.method, config.calibration.epochs_share = "cross_fit_network", 0.5
    own = CalibrationPlan.of(config).network_config(config, load_method("kuroyanagi"))
    epochs = [
        [recipe.ae.train.epochs, recipe.bc.train.epochs, recipe.bc.target.epochs]
        for recipe in (config, own)
    ]
    assert epochs == [[10, 6, 2], [5, 3, 1]]
    assert own.ae.train.batch_size == config.ae.train.batch_size
    config = load_recipe("geco", "quick")
    config.calibration.method, config.calibration.epochs_share = "cross_fit_network", 0.01
    own = CalibrationPlan.of(config).network_config(config, load_method("geco"))
    assert (own.train.epochs, own.train.drop_after) == (1, (1, 1))
    assert isinstance(own, ml_collections.ConfigDict)


@pytest.mark.slow
def test_the_share_is_that_of_the_stored_recipe(data, tmp_path):
    """A network's folder must say what it was trained with, and the run what was asked for."""
    recipe = importlib.import_module("asd_tf.configs.pae.quick")
    sets = [*recipe.TEST, "train.epochs=4", "calibration.method=cross_fit_network",
            "calibration.networks=2", "calibration.epochs_share=0.5"]  # fmt: skip
    flags = (
        "--method=pae",
        "--recipe=quick",
        f"--data_dir={data}",
        f"--run_dir={tmp_path / 'run'}",
    )
    assert exit_of(train.main, *flags, *(f"--set={text}" for text in sets)) == 0
    epochs = {
        path.parent.name: read_json(path)["recipe"]["train"]["epochs"]
        for path in (tmp_path / "run").rglob("config.json")
    }
    assert epochs == {"run": 4, "0": 2, "1": 2}
