"""The interpolation DNN (Suefusa et al., ICASSP 2020), a baseline of GeCo.

For each machine, dense layers predict the middle of five frames from the other four. Their squared
error, averaged over the windows of a clip, is the anomaly score.
"""

import functools

import keras
import ml_collections
import pandas as pd
import tensorflow as tf

from asd_tf.methods.common.checks import check_recipe
from asd_tf.methods.common.frame_prediction import FrameModel, check_windows, fit_frame_models
from asd_tf.models.heads.frame_errors import WindowErrors
from asd_tf.models.interpolation_dnn import interpolation_dnn
from asd_tf.run.run import Run
from asd_tf.training.compiling import compile_network

LIMITS = {"network.frames": (2, 1000)}


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks the recipe; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, {}, LIMITS)
    check_windows(config, clips)


def fit(run: Run) -> None:
    """Trains an interpolation DNN for each machine, and writes the detector."""
    fit_frame_models(run, functools.partial(build, run.config))


def build(
    config: ml_collections.ConfigDict, bands: int, mean: float, std: float, steps: int
) -> FrameModel:
    """Builds and compiles the network; its input is log-mels in dB, or standardized."""
    network = dict(config.network)
    statistics = {"mean": mean, "std": std} if network.pop("standardize") else {}
    model = interpolation_dnn(bands=bands, **network, **statistics)
    compile_network(model, keras.optimizers.Adam(config.train.learning_rate), "mse")
    examples = functools.partial(middle_frames, config.network.frames // 2)
    return FrameModel(model, examples, lambda data: WindowErrors(model, name="errors"))


def middle_frames(middle: int, windows: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns windows [batch, size, bands] and the frame of each to predict [batch, bands]."""
    return windows, windows[:, middle]
