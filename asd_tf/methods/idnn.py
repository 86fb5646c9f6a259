"""The interpolation DNN (Suefusa et al., ICASSP 2020), a rival of GeCo.

For each machine, dense layers predict the middle one of five frames from the other four. How badly
they do so, averaged over the windows of a clip, is the anomaly score.
"""

import functools

import keras
import ml_collections
import tensorflow as tf

from asd_tf.config import check_ranges
from asd_tf.methods.frame_models import FRAME_RANGES, FrameModel, fit_frame_models
from asd_tf.methods.progress import Say
from asd_tf.models.frame_errors import WindowErrors
from asd_tf.models.interpolation_dnn import interpolation_dnn
from asd_tf.run import Run


def fit(run: Run, say: Say) -> None:
    """Trains an interpolation DNN for each machine, and writes the detector."""
    check_ranges(run.config, FRAME_RANGES)
    fit_frame_models(run, functools.partial(build, run.config), say)


def build(
    config: ml_collections.ConfigDict, bands: int, mean: float, sd: float, steps: int
) -> FrameModel:
    """Builds and compiles the network; levels go in as they are, or standardised."""
    network = dict(config.network)
    levels = {"mean": mean, "sd": sd} if network.pop("standardise") else {}
    model = interpolation_dnn(bands=bands, **network, **levels)
    model.compile(keras.optimizers.Adam(config.train.learning_rate), "mse")
    examples = functools.partial(middle_frames, config.network.frames // 2)
    return FrameModel(model, examples, lambda seen: WindowErrors(model, name="errors"))


def middle_frames(middle: int, windows: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns windows and what is to be predicted of them."""
    return windows, windows[:, middle]
