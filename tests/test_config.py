"""Recipes load, and the command line changes them only to what they allow."""

import importlib
import math

import pytest

from asd_tf.config import (
    apply_overrides,
    check_choices,
    check_ranges,
    first_difference,
    flatten,
    load_recipe,
    method_names,
    recipe_names,
)
from asd_tf.errors import UsageError

ALL = [(method, recipe) for method in method_names() for recipe in recipe_names(method)]


@pytest.mark.parametrize(("method", "recipe"), ALL)
def test_every_recipe_loads_and_is_plain(method, recipe):
    """Every recipe must be storable as JSON and be built of plain values."""
    for key, value in flatten(load_recipe(method, recipe)).items():
        assert isinstance(value, str | int | float | bool | list | None), key


def test_every_package_of_recipes_says_whose_they_are():
    for method in method_names():
        package = importlib.import_module(f"asd_tf.configs.{method}")
        assert f"--method={method}`" in package.__doc__


def test_every_method_has_paper_and_quick():
    for method in method_names():
        assert {"paper", "quick"} <= set(recipe_names(method))


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("train.epochs=3", "train.epochs", 3),
        ("train.learning_rate=1", "train.learning_rate", 1.0),
        ("train.learning_rate=5e-4", "train.learning_rate", 5e-4),
        ("network.use_bias=true", "network.use_bias", True),
        ("network.branches=spectrum", "network.branches", "spectrum"),
        ("train.steps_per_epoch=7", "train.steps_per_epoch", 7),
    ],
)
def test_set_is_typed(assignment, key, value):
    config = load_recipe("wilkinghoff", "paper")
    apply_overrides(config, [assignment])
    assert flatten(config)[key] == value
    assert type(flatten(config)[key]) is type(value)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.epoch=3", "did you mean 'train.epochs'"),
        ("train.lr=1e-4", "did you mean 'train.learning_rate'"),
        ("train.bs=8", "did you mean 'train.batch_size'"),
        ("train.epochs=many", "not of type int"),
        ("train.epochs=1.5", "not of type int"),
        ("train.epochs=True", "not of type int"),
        ("train.epochs=none", "not of type int"),
        ("network.use_bias=1", "not of type bool"),
        ("train.learning_rate=fast", "not of type float"),
        ("train.epochs", "key=value"),
        ("train=3", "unknown key 'train'"),
    ],
)
def test_set_refuses(assignment, message):
    """A wrong --set must stop at once and say what was meant."""
    with pytest.raises(UsageError, match=message):
        apply_overrides(load_recipe("wilkinghoff", "paper"), [assignment])


def test_an_optional_value_can_be_emptied():
    """What a recipe leaves to the data can be left to the data again."""
    config = load_recipe("wilkinghoff", "quick")
    apply_overrides(config, ["data.seconds=2"])
    assert config.data.seconds == 2.0
    config = load_recipe("wilkinghoff", "quick")
    apply_overrides(config, ["data.seconds=none"])
    assert config.data.seconds is None


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'wilkinghoff'"):
        load_recipe("wilkinghof", "paper")
    with pytest.raises(UsageError, match="did you mean 'table4_add'"):
        load_recipe("wilkinghoff", "table4_ad")


def test_a_recipe_of_the_users_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from asd_tf.configs.wilkinghoff import paper\n"
        "def get_config():\n"
        "    config = paper.get_config()\n"
        "    config.train.epochs = 77\n"
        "    return config\n"
    )
    assert load_recipe("wilkinghoff", str(path)).train.epochs == 77
    with pytest.raises(UsageError, match="no such file"):
        load_recipe("wilkinghoff", str(tmp_path / "other.py"))


def test_values_out_of_range_are_refused():
    config = load_recipe("wilkinghoff", "paper")
    with pytest.raises(UsageError, match=r"train.epochs=10: must be at least 11"):
        check_ranges(config, {"train.epochs": (11, math.inf)})
    with pytest.raises(UsageError, match=r"mixup.probability=1.0: must be from 0.0 to 0.5"):
        check_ranges(config, {"mixup.probability": (0.0, 0.5)})
    check_ranges(config, {"train.steps_per_epoch": (1, 2), "train.epochs": (10, 10)})
    with pytest.raises(UsageError, match="must be one of left, right"):
        check_choices(config, {"network.branches": ("left", "right")})


def test_first_difference_names_the_key():
    assert first_difference({"a": {"b": 1}}, {"a": {"b": 1}}) is None
    assert first_difference({"a": {"b": 1}}, {"a": {"b": 2}}) == ("a.b", 1, 2)
    assert first_difference({"a": 1}, {"a": 1, "c": 3}) == ("c", None, 3)
