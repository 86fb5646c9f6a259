"""Keys of earlier versions must be read as those of today, wherever they come from."""

import pytest

from asd_tf.config import apply_overrides, apply_values, load_recipe
from asd_tf.errors import UsageError
from asd_tf.experiment.recipe import build_config
from asd_tf.old_keys import current_assignments, current_recipe, current_values, false_alarms_of

# What a section without these keys is like.
LATER = {
    "rule": "conformal", "domains": "pooled", "method": "backend_only", "held_out": 0.2,
    "networks": 3, "epochs_share": 1.0, "group_by": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("quantile", "false_alarms"), [(0.9, 0.1), (0.99, 0.01), (0.9999, 0.0001), (0.01, 0.99)]
)
def test_a_quantile_is_a_plain_share_of_false_alarms(quantile, false_alarms):
    """1 - 0.9 is 0.09999999999999998, and must be 0.1; the old range must be the new one."""
    assert false_alarms_of(quantile) == false_alarms


def test_the_old_key_sets_the_new_one():
    """On the command line and in Python, with one line that tells both."""
    for values in ({"calibration.quantile": 0.99}, ["calibration.quantile=0.99"]):
        config = build_config("mahalanobis", "paper", values)
        assert config.calibration.to_dict() == {"false_alarms": 0.01, **LATER}
    line = "calibration.quantile=0.99 is read as calibration.false_alarms=0.01, its name of today"
    assert current_values({"calibration.quantile": 0.99, "train.epochs": 3}) == (
        {"calibration.false_alarms": 0.01, "train.epochs": 3},
        [line],
    )
    assert current_assignments(["train.epochs=3", "calibration.quantile=0.99"]) == (
        ["train.epochs=3", "calibration.false_alarms=0.01"],
        [line],
    )


def test_an_old_key_without_a_number_is_unknown():
    """What cannot be converted must be an error that names the key of today."""
    config = load_recipe("mahalanobis", "quick")
    with pytest.raises(UsageError, match=r"unknown key 'calibration.quantile'.*false_alarms"):
        apply_overrides(config, ["calibration.quantile=high"])
    with pytest.raises(UsageError, match=r"unknown key 'calibration\.quantile'"):
        apply_values(config, {"calibration.quantile": None})
    with pytest.raises(UsageError, match="write it as key=value"):
        apply_overrides(config, ["calibration.quantile"])


def test_a_recipe_of_ones_own_may_have_the_old_key(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from asd_tf.configs.mahalanobis import quick\n"
        "def get_config():\n"
        "    config = quick.get_config()\n"
        "    config.calibration = {'quantile': 0.8}\n"
        "    return config\n"
    )
    config = load_recipe("mahalanobis", str(path))
    assert config.calibration.to_dict() == {"false_alarms": 0.2, **LATER}
    apply_overrides(config, ["calibration.group_by=session"])
    assert config.calibration.group_by == "session"


def test_recipes_of_today_stay_as_they_are():
    """Nothing may be changed in a recipe that has the keys of today, or lacks the section."""
    recipe = {"calibration": {"false_alarms": 0.2, **LATER, "rule": "gamma"}, "train": 3}
    assert current_recipe(recipe) == recipe
    assert current_recipe({"train": {"epochs": 3}}) == {"train": {"epochs": 3}}
    old = {"calibration": {"quantile": 0.95, "held_out": 0.1}}
    assert current_recipe(old) == {
        "calibration": {"false_alarms": 0.05, **LATER, "held_out": 0.1},
    }
