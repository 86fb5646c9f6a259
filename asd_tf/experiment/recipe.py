"""The recipe of a run: loaded by name and changed by the user's values."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_collections

from asd_tf.config import apply_overrides, apply_values, load_recipe, recipe_package
from asd_tf.errors import UsageError

QUICK, PAPER = "quick", "paper"


def default_recipe(method: str, data_dir: str | Path, dataset: str) -> tuple[str, str]:
    """Returns the default recipe of a method, and why it is.

    On an edition of DCASE it is `paper`, unless the package of the method's recipes has `DEFAULTS`:
    from a layout, such as dcase2020, or `else`, to the name of a recipe. On all other data it is
    `quick`.

    Args:
        method: Name of the method.
        data_dir: The data folder or manifest.
        dataset: Layout of the data, such as `dcase2022`; simulated data have that of an edition.
    """
    # Imports pandas, which takes a second that --help can save.
    from asd_tf.data.layouts.detection import is_simulated
    from asd_tf.data.layouts.editions import EDITIONS

    if is_simulated(data_dir):
        return QUICK, "the data are simulated"
    if dataset in EDITIONS:
        defaults = _defaults(method)
        return defaults.get(dataset, defaults["else"]), f"the data are {dataset}"
    return QUICK, "the data are no edition of DCASE"


def check_overrides(
    method: str,
    recipe: str | None,
    values: Mapping[str, Any] | Sequence[str] = (),
    pretrained: str | Path | None = None,
) -> None:
    """Checks names and values before the data are read, on which the default recipe depends.

    Args:
        method: See `build_config`.
        recipe: See `build_config`; None for any of those that may become the default.
        values: See `build_config`.
        pretrained: See `build_config`.

    Raises:
        UsageError: If no such recipe has these values.
    """
    *others, last = [recipe] if recipe else [*dict.fromkeys([*_defaults(method).values(), QUICK])]
    for name in others:
        with contextlib.suppress(UsageError):
            build_config(method, name, values, pretrained)
            return
    build_config(method, last, values, pretrained)


def _defaults(method: str) -> Mapping[str, str]:
    return getattr(recipe_package(method), "DEFAULTS", {"else": PAPER})


def build_config(
    method: str,
    recipe: str,
    values: Mapping[str, Any] | Sequence[str] = (),
    pretrained: str | Path | None = None,
) -> ml_collections.ConfigDict:
    """Loads a recipe and changes it; needs no TensorFlow, so that a wrong name fails at once.

    Args:
        method: Name of the method.
        recipe: Name of one of its recipes, or a .py file with `get_config()`.
        values: The changed values: {"train.epochs": 3}, or texts ["train.epochs=3"].
        pretrained: Path of published weights of an encoder, for methods that use them.

    Raises:
        UsageError: If a name is unknown, or a value has the wrong type.
    """
    config = load_recipe(method, recipe)
    if pretrained is not None:
        if "pretrained" not in config.get("encoder", {}):
            raise UsageError(f"--pretrained={pretrained}: {method} takes no pre-trained weights")
        apply_overrides(config, [f"encoder.pretrained={pretrained}"])
    if isinstance(values, Mapping):
        apply_values(config, values)
    else:
        apply_overrides(config, values)
    return config
