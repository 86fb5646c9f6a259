"""Checks of a recipe that need no training: a wrong value is found before anything is written."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import keras
import ml_collections

from asd_tf.config import check_choices, check_ranges, flatten
from asd_tf.errors import UsageError
from asd_tf.scoring.promises import EPOCHS_SHARE, FALSE_ALARMS, NETWORKS

_SIZE = (1, 16384)
_COUNT = (1, 1024)
_SHARE = (0.0, 1.0)
_STEPS = (0, 10**8)
_FRAMES = (1, 10**6)
_RATE = (0.0, 100.0)

LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        # Data and calibration.
        "seconds": (0.2, 600.0),
        "max_seconds": (0.2, 600.0),
        "sample_rate": (2000, 192000),
        "false_alarms": FALSE_ALARMS,
        "held_out": (0.0, 0.5),
        "networks": NETWORKS,
        "epochs_share": EPOCHS_SHARE,
        # Frontends and crops.
        "n_mels": (1, 512),
        "frame_length": (16, 2**16),
        "frame_step": (1, 2**16),
        "frames": _FRAMES,
        "hop": _FRAMES,
        "num_eval_crops": (1, 1000),
        # Networks.
        "width": _SIZE,
        "widths": _SIZE,
        "hidden": _SIZE,
        "dense": _SIZE,
        "embedding": _SIZE,
        "encoder": _SIZE,
        "decoder": _SIZE,
        "bottleneck": _SIZE,
        "blocks": _COUNT,
        "depth": _COUNT,
        "heads": _COUNT,
        "expansion": (1, 64),
        "kernel": (1, 4096),
        "dropout": (0.0, 0.99),
        "l2": _SHARE,
        "rank": (1, 4096),
        # Losses.
        "subclusters": _COUNT,
        "margin": (0.0, math.pi / 2),
        "scale": (1e-3, 1e4),
        # Training.
        "epochs": (1, 10**6),
        "steps_per_epoch": (1, 10**7),
        "batch_size": (1, 2**16),
        "learning_rate": _RATE,
        "convolution_rate": _RATE,
        "weight_decay": _SHARE,
        "momentum": _SHARE,
        "drop": _SHARE,
        "drop_after": (1, 10**6),
        "warmup_steps": _STEPS,
        "accumulate": _COUNT,
        # Augmentation.
        "probability": _SHARE,
        "time_masks": (0, 1000),
        "frequency_masks": (0, 1000),
        "time_width": (0, 10**6),
        "time_widths": (0, 10**6),
        "frequency_width": (0, 10**6),
        "frequency_widths": (0, 10**6),
        # Ensembles.
        "candidates": (1, 1000),
        "size": (1, 1000),
        # Backends.
        "oversample": (0.0, 100.0),
        "n_components": (1, 10**5),
        "n_clusters": (1, 10**5),
        "n_neighbors": (1, 10**5),
        "n_init": (1, 1000),
        "reg_covar": (0.0, 1e6),
        "nu": (1e-6, 1.0),
        "equalization": _SHARE,
        "variance": _SHARE,
        "exit_percentile": (0.0, 100.0),
        "density_neighbors": (1, 10**5),
        "bands": (1, 10**5),
        "column": (0, 10**6),
    }
)
"""The range of a number of a recipe by the last word of its key, where a method has no other."""


def check_recipe(
    config: ml_collections.ConfigDict,
    choices: Mapping[str, Iterable[Any]],
    limits: Mapping[str, tuple[float, float]] = MappingProxyType({}),
) -> None:
    """Checks words and numbers of a recipe, each by itself.

    Args:
        config: The recipe.
        choices: Dotted key to the allowed words.
        limits: Dotted key to the range of its number, where it is another than in `LIMITS`.

    Raises:
        UsageError: For the first value that is not allowed.
    """
    check_choices(config, choices)
    ranges = {**_usual_limits(config), **limits}
    # Backends last: numbers of theirs may follow those of the network, which the user has set.
    check_ranges(
        config, dict(sorted(ranges.items(), key=lambda item: item[0].startswith("backend")))
    )


def _usual_limits(config: ml_collections.ConfigDict) -> dict[str, tuple[float, float]]:
    limits = {}
    for key, value in flatten(config).items():
        leaf = key.rsplit(".", 1)[-1]
        # Those of the section `data` are in seconds, and checked for all methods.
        if leaf in LIMITS and not isinstance(value, bool | str) and key != "data.hop":
            limits[key] = LIMITS[leaf]
    return limits


def check_multiple(config: ml_collections.ConfigDict, key: str, divisor: str) -> None:
    """Checks that a number of the recipe is a multiple of another.

    Raises:
        UsageError: If it is not.
    """
    values = flatten(config)
    if values[key] % values[divisor]:
        raise UsageError(f"{key}={values[key]}: must be a multiple of {divisor}={values[divisor]}")


def check_frames(config: ml_collections.ConfigDict, key: str, frontend: keras.Model) -> None:
    """Checks that a clip has as many frames as a window or a crop of it.

    Args:
        config: The recipe.
        key: Dotted key of the size of the window or crop.
        frontend: Waveform [batch, N] to [batch, frames, bands].

    Raises:
        UsageError: If it has fewer.
    """
    frames, size = frontend.output.shape[1], flatten(config)[key]
    if size > frames:
        raise UsageError(f"{key}={size}: a clip has {frames} frames, so use at most as many")


def samples_of(config: ml_collections.ConfigDict) -> int:
    """Returns the length of a waveform in samples."""
    return round(config.data.seconds * config.data.sample_rate)
