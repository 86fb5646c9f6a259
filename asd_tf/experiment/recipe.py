"""The recipe of a run: loaded by name and changed by the user's values."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_collections

from asd_tf.config import apply_overrides, apply_values, load_recipe, recipe_package
from asd_tf.errors import UsageError


def default_recipe(method: str, data_dir: str | Path | None) -> str | None:
    """Returns the default recipe before the data are read: `quick` for simulated data.

    Args:
        method: Name of the method.
        data_dir: Folder of the data, or a manifest; None for simulated data.

    Returns:
        Its name; None if it depends on the layout, see `recipe_of_layout`.

    Raises:
        UsageError: If there is no such method.
    """
    # Imports pandas, which takes a second that --help can save.
    from asd_tf.data.layouts.detection import is_simulated

    defaults = _defaults(method)
    if data_dir is None or is_simulated(data_dir):
        return "quick"
    return None if len(defaults) > 1 else defaults["else"]


def recipe_of_layout(method: str, dataset: str) -> str:
    """Returns the default recipe of a method for data that are not simulated.

    It is `paper`, unless the package of the method's recipes has `DEFAULTS`: from a layout, such as
    dcase2020, or `else`, to the name of a recipe.
    """
    defaults = _defaults(method)
    return defaults.get(dataset, defaults["else"])


def _defaults(method: str) -> Mapping[str, str]:
    return getattr(recipe_package(method), "DEFAULTS", {"else": "paper"})


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
