"""The default recipe must fit the data, and the line must say what that of the paper costs."""

import logging

import pandas as pd
import pytest
from harness import write_dataset, write_tone

import asd_tf
from asd_tf.config import load_recipe, method_names
from asd_tf.data.layouts.detection import SIMULATION_FILE
from asd_tf.errors import UsageError
from asd_tf.experiment.recipe import build_config, check_overrides, default_recipe
from asd_tf.experiment.training_cost import times_the_steps
from asd_tf.run.run import Run


def test_the_default_fits_the_data(tmp_path):
    """GeCo's one center a machine id is for DCASE 2020, which has no domains."""
    data, simulated = tmp_path / "data", tmp_path / "simulated"
    simulated.mkdir()
    (simulated / SIMULATION_FILE).touch()
    for method, dataset, recipe in (
        ("wilkinghoff", "dcase2021", "paper"), ("geco", "dcase2020", "paper"),
        ("geco", "dcase2021", "shifted"), ("geco", "dcase2026", "shifted"),
        ("geco", "folder", "quick"), ("wilkinghoff", "manifest", "quick"),
    ):  # fmt: skip
        assert default_recipe(method, data, dataset)[0] == recipe
        assert default_recipe(method, simulated, dataset)[0] == "quick"
    assert set(load_recipe("geco", "paper").backend.members) == {"center"}
    assert set(load_recipe("geco", "shifted").backend.members) == {"centers", "targets"}


def test_wrong_names_fail_before_the_data_are_read():
    """Values of any recipe that may become the default must pass, and all others fail."""
    check_overrides("geco", None, ["backend.members.targets.domain=target"])
    check_overrides("geco", None, ["backend.members.center.domain=source"])
    for method, recipe, values in (
        ("gecko", None, []), ("geco", "paper", ["backend.members.targets.domain=target"]),
        ("geco", None, ["train.epoch=3"]), ("wilkinghoff", "papers", []),
    ):  # fmt: skip
        with pytest.raises(UsageError, match="did you mean"):
            check_overrides(method, recipe, values)


def test_a_run_has_the_default_recipe_and_says_why(tmp_path, caplog):
    """The recipe that was chosen must be in the run, and the reason in a line."""
    caplog.set_level(logging.INFO)
    for number in range(3):
        write_tone(tmp_path / f"own/pump/train/{number}.wav", 300, 1.2, number)
    values = {"frontend.n_mels": 16}
    run_dir = tmp_path / "run"
    asd_tf.train("mahalanobis", data_dir=tmp_path / "own", values=values, run_dir=run_dir)
    assert Run.load(run_dir).settings.recipe == "quick"
    assert "recipe quick: the data are no edition of DCASE" in caplog.text
    assert "windows of 1.2 s (data.seconds): 100% of the recordings have 1.2 s" in caplog.text
    data = write_dataset(tmp_path / "dcase", machines=["fan"], sections=["00"])
    run_dir = tmp_path / "edition"
    asd_tf.train("mahalanobis", data_dir=data, values=values, run_dir=run_dir)
    assert Run.load(run_dir).settings.recipe == "paper"


def table(windows, machines=2):
    names = [f"{number}.wav" for number in range(windows)]
    machine = [f"m{number % machines}" for number in range(windows)]
    return pd.DataFrame({"recording_id": names, "machine": machine, "split": "train"})


@pytest.mark.parametrize(
    ("method", "quick_steps", "paper_steps"),
    [
        ("loudness", 0, 0),
        ("wilkinghoff", 24 * 10, 10 * 10),  # 640 windows in batches of 64
        ("stgram", 20 * 20, 300 * 5),
        ("kuroyanagi_ae", 10 * 60, 10 * 50 * 1000),
        # Frames of 10 s at hops of 512 samples, of 320 windows of each machine.
        ("pae", 20 * 40, 60 * 196),
        ("geco", 20 * 40 + 24 * 25, 60 * 196 + 120 * 20),
    ],
)
def test_the_cost_of_the_paper_is_its_steps(method, quick_steps, paper_steps):
    quick, paper = (build_config(method, name) for name in ("quick", "paper"))
    quick.data.seconds = 10.0
    times = times_the_steps(paper, quick, table(640))
    assert times == (pytest.approx(paper_steps / quick_steps) if quick_steps else None)


@pytest.mark.parametrize("method", method_names())
def test_every_method_has_a_cost(method):
    """The estimate must know the sections of every method."""
    quick, paper = (build_config(method, name) for name in ("quick", "paper"))
    assert quick.data.seconds is None
    quick.data.seconds = 2.0
    times = times_the_steps(paper, quick, table(640))
    assert times is None or 0.01 < times < 10_000
