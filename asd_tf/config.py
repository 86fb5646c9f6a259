"""Recipes: typed values in `configs/<method>/<recipe>.py`, and how a command line changes them."""

import ast
import contextlib
import difflib
import importlib
import importlib.util
import math
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import ml_collections
from ml_collections import config_dict

from asd_tf.errors import UsageError
from asd_tf.old_keys import current_assignments, current_recipe, current_values

RECIPES = "asd_tf.configs"


def method_names() -> list[str]:
    """Returns the names of all methods: the packages of recipes."""
    package = importlib.import_module(RECIPES)
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.ispkg)


def recipe_names(method: str) -> list[str]:
    """Returns the names of a method's recipes.

    Raises:
        UsageError: If there is no such method.
    """
    package = recipe_package(method)
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def recipe_package(method: str) -> ModuleType:
    """Returns the package of a method's recipes.

    Raises:
        UsageError: If there is no such method.
    """
    check_choice("method", method, method_names())
    return importlib.import_module(f"{RECIPES}.{method}")


def load_recipe(method: str, recipe: str) -> ml_collections.ConfigDict:
    """Loads a recipe by its name, or from a Python file of the user's own.

    Args:
        method: Name of the method, such as `wilkinghoff`.
        recipe: Name of one of its recipes, or the path of a `.py` file with `get_config()`.

    Returns:
        The recipe: locked, so that only keys that exist can be set, to values of their type.

    Raises:
        UsageError: If there is no such method, recipe or file.
    """
    check_choice("method", method, method_names())
    if recipe.endswith(".py"):
        module = _module_of_file(Path(recipe))
    else:
        check_choice("recipe", recipe, recipe_names(method))
        module = importlib.import_module(f"{RECIPES}.{method}.{recipe}")
    config = module.get_config()
    if "recording" not in config:
        common = importlib.import_module(f"{RECIPES}.common")
        config.recording = common.recording_section()
    if "calibration" in config:
        own = config.calibration.to_dict()
        current = current_recipe({"calibration": own})["calibration"]
        if current != own:
            # Without a value an optional key is a text, as `group_by` is.
            config.calibration = ml_collections.ConfigDict(
                {k: config_dict.placeholder(str) if v is None else v for k, v in current.items()}
            )
    config.lock()
    return config


def _module_of_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"--recipe={path}: there is no such file")
    spec = importlib.util.spec_from_file_location("asd_tf_user_recipe", path)
    assert spec is not None and spec.loader is not None  # as for every name that ends in .py
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "get_config"):
        raise UsageError(f"--recipe={path}: the file has no function get_config()")
    return module


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    """Checks that a value is one of a few.

    Raises:
        UsageError: If it is not, with the nearest choice and all of them.
    """
    problem = choice_problem(name, value, choices)
    if problem:
        raise UsageError(problem)


def choice_problem(name: str, value: str, choices: Iterable[str]) -> str:
    """Returns an error message with the nearest choice; empty if the value is a choice."""
    choices = list(choices)
    return "" if value in choices else f"unknown {name} '{value}'{_nearest(value, choices)}"


def check_choices(config: ml_collections.ConfigDict, choices: Mapping[str, Iterable[Any]]) -> None:
    """Checks that each of some keys of a recipe has one of its allowed values.

    Args:
        config: The recipe.
        choices: Dotted key to the allowed values.

    Raises:
        UsageError: For the first value that is not allowed.
    """
    values = flatten(config)
    for key, allowed in choices.items():
        if values[key] not in allowed:
            names = ", ".join(str(value) for value in allowed)
            raise UsageError(f"{key}={values[key]}: must be one of {names}")


def check_ranges(
    config: ml_collections.ConfigDict, ranges: Mapping[str, tuple[float, float]]
) -> None:
    """Checks that each of some numbers of a recipe is within its range, ends included.

    A key whose value is a sequence is checked number by number; one that is empty (None) is left
    to the method.

    Args:
        config: The recipe.
        ranges: Dotted key to the smallest and the largest value.

    Raises:
        UsageError: For the first value that is no number within its range.
    """
    values = flatten(config)
    for key, (least, most) in ranges.items():
        value = values[key]
        for number in value if isinstance(value, list) else [value]:
            if number is not None and not _is_within(number, least, most):
                wanted = f"at least {least}" if most == math.inf else f"from {least} to {most}"
                raise UsageError(f"{key}={value}: must be {wanted}")


def _is_within(value: Any, least: float, most: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and least <= value <= most


@contextlib.contextmanager
def usage_errors(config: ml_collections.ConfigDict) -> Iterator[None]:
    """Turns the ValueError of a layer, a loss or a backend into a UsageError about the recipe.

    Such an error names an argument and its allowed values. The key of the recipe whose last word is
    that argument is put before the message.

    Raises:
        UsageError: In place of a ValueError.
    """
    try:
        yield
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(_with_key(config, str(error))) from error


def _with_key(config: ml_collections.ConfigDict, message: str) -> str:
    """Puts before a message the key, and its value, whose last word is in the message's start."""
    words = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", message.split(":")[0])
    for key, value in flatten(config).items():
        if key.rsplit(".", 1)[-1] in words:
            return f"{key}={value}: {message}"
    return message


def _nearest(value: str, choices: list[str]) -> str:
    close = difflib.get_close_matches(value, choices, n=1, cutoff=0.5)
    meant = f": did you mean '{close[0]}'?" if close else ":"
    return f"{meant} choose from {', '.join(choices)}"


def _unknown_key(key: str, keys: list[str]) -> str:
    """Returns an error message with the nearest key, and with all of them."""
    section, _, leaf = key.rpartition(".")
    # `train.lr` is nearer to train.learning_rate than to train.epochs, which has as many letters.
    for known in keys:
        own_section, _, words = known.rpartition(".")
        initials = "".join(word[0] for word in words.split("_") if word)
        if len(leaf) > 1 and initials == leaf and section == own_section:
            return f"unknown key '{key}': did you mean '{known}': choose from {', '.join(keys)}"
    return f"unknown key '{key}'{_nearest(key, keys)}"


def apply_overrides(config: ml_collections.ConfigDict, assignments: Iterable[str]) -> None:
    """Sets keys of a recipe in place, each value checked against the type that the recipe has.

    Args:
        config: The recipe.
        assignments: Texts such as `train.epochs=3`; a value of `none` empties an optional key. Old
            keys are those of today, see `asd_tf.old_keys`.

    Raises:
        UsageError: If a text is no assignment, a key is unknown, or a value has the wrong type.
    """
    for assignment in current_assignments(assignments)[0]:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set {assignment}: write it as key=value")
        keys = list(flatten(config))
        if key not in keys:
            raise UsageError(f"--set {assignment}: {_unknown_key(key, keys)}")
        section, _, leaf = key.rpartition(".")
        parent = config
        for name in filter(None, section.split(".")):
            parent = parent[name]
        parent[leaf] = _typed(
            assignment, text, parent.get_type(leaf), optional=parent[leaf] is None
        )


def apply_values(config: ml_collections.ConfigDict, values: Mapping[str, Any]) -> None:
    """Sets keys of a recipe in place to values of their type.

    Args:
        config: The recipe.
        values: Dotted key to value; None empties an optional key. Old keys are those of today, see
            `asd_tf.old_keys`.

    Raises:
        UsageError: If a key is unknown, or a value has another type than the recipe's.
    """
    keys = list(flatten(config))
    current, _ = current_values(values)
    for key, value in current.items():
        if key not in keys:
            raise UsageError(_unknown_key(key, keys))
        *sections, leaf = key.split(".")
        parent = config
        for name in sections:
            parent = parent[name]
        try:
            parent[leaf] = value
        except (TypeError, ValueError):
            kind = parent.get_type(leaf).__name__
            raise UsageError(f"{key}={value!r}: is not of type {kind}") from None


def _typed(assignment: str, text: str, kind: type, optional: bool) -> Any:
    """Reads `text` as a value of type `kind`."""
    if text.lower() == "none" and (optional or kind is str):
        return None
    if kind is str:
        return text
    if kind is type(None):
        raise UsageError(
            f"--set {assignment}: this recipe leaves the type of it open; a recipe that lets it be "
            "set has a config_dict.placeholder there"
        )
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = None
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise UsageError(f"--set {assignment}: '{text}' is not of type {kind.__name__}")
    return value


def flatten(config: Mapping, prefix: str = "") -> dict[str, Any]:
    """Returns dotted key to value of a nested mapping, in its order."""
    flat = {}
    for key in config:
        value = config[key]
        if isinstance(value, Mapping | ml_collections.ConfigDict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return flat


def first_difference(left: Mapping, right: Mapping) -> tuple[str, Any, Any] | None:
    """Finds the first dotted key whose value differs between two nested mappings.

    Returns:
        The key with both values, missing ones as None, or None where all agree.
    """
    left, right = flatten(left), flatten(right)
    for key in list(left) + [key for key in right if key not in left]:
        if left.get(key) != right.get(key):
            return key, left.get(key), right.get(key)
    return None
