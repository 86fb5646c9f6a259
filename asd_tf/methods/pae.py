"""The predictive autoencoder of GeCo, alone (Zeng et al., ICASSP 2023, Section 2.1).

For each machine, a transformer predicts a masked frame of five from the other four. How badly it
does so, averaged over the frames of a clip, is the anomaly score.
"""

import functools
import math

import keras
import ml_collections
import tensorflow as tf

from asd_tf.config import check_ranges
from asd_tf.methods.frame_models import FRAME_RANGES, FrameModel, fit_frame_models
from asd_tf.methods.progress import Say
from asd_tf.models.frame_errors import PredictionErrors
from asd_tf.models.predictive_autoencoder import predictive_autoencoder
from asd_tf.run import Run


def fit(run: Run, say: Say) -> None:
    """Trains a predictive autoencoder for each machine, and writes the detector."""
    check_ranges(run.config, {**FRAME_RANGES, "train.drop_after": (1, math.inf)})
    fit_frame_models(run, functools.partial(build, run.config), say)


def build(
    recipe: ml_collections.ConfigDict, bands: int, mean: float, sd: float, steps: int
) -> FrameModel:
    """Builds and compiles the network; the learning rate drops once (Section 3.2).

    Args:
        recipe: `network` and `train`.
        bands: Mel bands.
        mean: Of the levels, in dB.
        sd: Standard deviation of the levels, in dB.
        steps: Steps in an epoch.
    """
    network = predictive_autoencoder(bands=bands, mean=mean, sd=sd, **recipe.network)
    train = recipe.train
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        [train.drop_after * steps - 1], [train.learning_rate, train.learning_rate * train.drop]
    )
    network.compile(keras.optimizers.Adam(schedule), "mse")
    examples = functools.partial(masked_windows, recipe.network.frames)
    return FrameModel(network, examples, lambda seen: PredictionErrors(network, name="errors"))


def masked_windows(frames: int, windows: tf.Tensor, seed: tf.Tensor) -> tuple:
    """Chooses a frame of each window to mask: ((windows, which), that frame) (eq. 1)."""
    count = tf.shape(windows)[0]
    places = tf.random.stateless_uniform([count], seed, 0, frames, tf.int32)
    which = tf.one_hot(places, frames)
    return (windows, which), tf.einsum("btf,bt->bf", windows, which)
