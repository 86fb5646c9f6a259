"""The autoencoder of the DCASE baselines (Koizumi et al., DCASE 2020), a rival of GeCo.

For each machine, dense layers squeeze five frames through a bottleneck of eight values. How badly
the frames come out again, averaged over the windows of a clip, is the anomaly score.
"""

import functools
import math

import keras
import ml_collections
import tensorflow as tf

from asd_tf.config import check_ranges
from asd_tf.methods.frame_models import FRAME_RANGES, FrameModel, fit_frame_models
from asd_tf.methods.progress import Say
from asd_tf.models.frame_errors import WindowErrors
from asd_tf.models.window_autoencoder import window_autoencoder
from asd_tf.run import Run


def fit(run: Run, say: Say) -> None:
    """Trains an autoencoder for each machine, and writes the detector."""
    check_ranges(run.config, {**FRAME_RANGES, "network.depth": (1, math.inf)})
    fit_frame_models(run, functools.partial(build, run.config), say)


def build(
    config: ml_collections.ConfigDict, bands: int, mean: float, sd: float, steps: int
) -> FrameModel:
    """Builds and compiles the network; levels go in as they are, or standardised."""
    network = dict(config.network)
    levels = {"mean": mean, "sd": sd} if network.pop("standardise") else {}
    model = window_autoencoder(bands=bands, **network, **levels)
    model.compile(keras.optimizers.Adam(config.train.learning_rate), "mse")
    return FrameModel(model, whole_windows, WindowErrors(model, name="errors"))


def whole_windows(windows: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns windows as what goes in and what should come out."""
    return windows, windows
