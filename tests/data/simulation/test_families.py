"""Families of simulated machines are chosen by name, and never taken for each other."""

import dataclasses
import json

import pytest
from harness import exit_of

from asd_tf.cli import data, train
from asd_tf.data.simulation.dataset import SimulationOptions, simulate
from asd_tf.data.simulation.families import DEFAULT_FAMILY, FAMILIES
from asd_tf.data.simulation.plant.options import PlantOptions
from asd_tf.errors import InputError
from asd_tf.files import read_json, write_json

SMALL = {"machines": ("fan",), "sections": 1, "seconds": 0.5, "train_source": 2, "train_target": 2,
         "test_normal": 1, "test_anomaly": 1}  # fmt: skip
FLAGS = [
    f"--{name}={','.join(value) if isinstance(value, tuple) else value}"
    for name, value in SMALL.items()
]


@pytest.mark.parametrize("family", FAMILIES)
def test_options_name_their_family(family):
    """The options of a family must lead back to it, with its machines."""
    options = FAMILIES[family].options()
    assert options.family == family
    assert options.machines == tuple(FAMILIES[family].machines)


def test_the_default_is_the_simple_family():
    """What was made before there were families must stay the default."""
    assert SimulationOptions().family == DEFAULT_FAMILY == "simple"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_command_makes_the_family_that_is_named(family, tmp_path):
    """`--family` must choose the family, with the defaults of the family for all else."""
    folder = tmp_path / "data"
    assert (
        exit_of(data.main, "simulate", f"--family={family}", f"--output_dir={folder}", *FLAGS) == 0
    )
    manifest = read_json(folder / "simulation.json")
    assert manifest["family"] == family
    expected = dataclasses.asdict(FAMILIES[family].options(**SMALL))
    assert manifest["options"] == json.loads(json.dumps(expected))


def test_an_option_of_another_family_is_refused(tmp_path, capsys):
    """An option that a family does not have must be an error, before anything is written."""
    folder = tmp_path / "data"
    assert exit_of(data.main, "simulate", f"--output_dir={folder}", "--microphones=2") == 2
    assert "--microphones: machines of the family simple do not have it" in capsys.readouterr().err
    assert not folder.exists()


def test_another_family_is_no_hit(tmp_path):
    """Data of one family must not pass for those of another."""
    simulate(tmp_path / "data", PlantOptions(**SMALL))
    with pytest.raises(InputError, match="holds the family plant, not simple"):
        simulate(tmp_path / "data", SimulationOptions(**SMALL))


def test_data_of_the_first_version_are_used_again(tmp_path):
    """Folders that do not name their family hold the simple one."""
    options = SimulationOptions(**SMALL)
    folder = simulate(tmp_path / "data", options)
    manifest = read_json(folder / "simulation.json")
    del manifest["family"]
    write_json(folder / "simulation.json", manifest)

    def progress(done, total):
        raise AssertionError("a clip was made")

    assert simulate(folder, options, progress) == folder


def test_training_takes_a_family_by_name(tmp_path, monkeypatch, capsys):
    """`--simulated=plant` must use the default plant, in a folder of its own, and no other data."""
    monkeypatch.chdir(tmp_path)
    simulate(tmp_path / "data" / "simulated-plant", PlantOptions(**SMALL))
    assert exit_of(train.main, "--method=loudness", "--simulated=plant") == 1
    error = capsys.readouterr().err
    assert "data/simulated-plant: was simulated with machines=['fan'], not ['bearing'" in error
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--simulated=plant", "--data_dir=somewhere"], "exclude each other"),
        (["--simulated=plan"], "simulated"),
    ],
)
def test_wrong_choices_are_refused(flags, message, tmp_path, monkeypatch, capsys):
    """A wrong choice must be an error in one line, before anything is written."""
    monkeypatch.chdir(tmp_path)
    assert exit_of(train.main, "--method=loudness", *flags) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
