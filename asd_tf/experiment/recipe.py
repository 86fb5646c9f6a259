"""The recipe of a run: loaded by name and changed by the user's values."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_collections

from asd_tf.config import apply_overrides, apply_values, load_recipe
from asd_tf.errors import UsageError


def default_recipe(data_dir: str | Path | None) -> str:
    """Returns the default recipe: `quick` for simulated data (None), else `paper`."""
    # Imports pandas, which takes a second that --help can save.
    from asd_tf.data.layouts.detection import is_simulated

    return "quick" if data_dir is None or is_simulated(data_dir) else "paper"


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
