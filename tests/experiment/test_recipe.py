"""Which recipe a run takes where none is named."""

from pathlib import Path

import pytest
from harness import exit_of, write_tone

from asd_tf.cli import train
from asd_tf.config import load_recipe
from asd_tf.data.layouts.detection import SIMULATION_FILE
from asd_tf.errors import UsageError
from asd_tf.experiment.recipe import default_recipe, recipe_of_layout


def test_simulated_data_are_for_quick_recipes(tmp_path):
    (tmp_path / SIMULATION_FILE).touch()
    for method in ("geco", "wilkinghoff"):
        assert default_recipe(method, None) == default_recipe(method, tmp_path) == "quick"


def test_the_default_is_what_is_published_for_such_data():
    """GeCo's one center a machine id is for DCASE 2020, which has no domains."""
    assert default_recipe("wilkinghoff", "/data") == "paper"
    assert default_recipe("geco", "/data") is None  # not known before the data are
    assert recipe_of_layout("geco", "dcase2020") == "paper"
    assert recipe_of_layout("wilkinghoff", "dcase2021") == "paper"
    for dataset in ("dcase2021", "dcase2026", "folder", "manifest"):
        assert recipe_of_layout("geco", dataset) == "shifted"
    assert set(load_recipe("geco", "paper").backend.members) == {"center"}
    assert set(load_recipe("geco", "shifted").backend.members) == {"centers", "targets"}
    with pytest.raises(UsageError, match="did you mean 'geco'"):
        default_recipe("gecko", "/data")


def test_a_default_of_the_layout_is_found_from_the_data(tmp_path, capsys):
    """The layout must be read before the recipe is chosen, and values be those of that recipe."""
    for machine in ("fan", "press"):
        write_tone(tmp_path / machine / "train" / "1.wav", 200)
    flags = ("--method=geco", f"--data_dir={tmp_path}", f"--run_dir={tmp_path / 'run'}")
    wrong = "--set=backend.members.targets.domain=nowhere"
    assert exit_of(train.main, *flags, wrong) == 2
    assert "backend.members.targets.domain" in capsys.readouterr().err
    assert not Path(tmp_path, "run").exists()
