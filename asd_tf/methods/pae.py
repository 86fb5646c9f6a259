"""The predictive autoencoder of GeCo, alone (Zeng et al., ICASSP 2023, Section 2.1).

For each machine, a transformer predicts a masked frame of five from the other four. Its squared
error, averaged over the frames of a clip, is the anomaly score.
"""

import functools

import keras
import ml_collections
import pandas as pd
import tensorflow as tf

from asd_tf.methods.common.checks import check_multiple, check_recipe
from asd_tf.methods.common.frame_prediction import FrameModel, check_windows, fit_frame_models
from asd_tf.models.heads.frame_errors import PredictionErrors
from asd_tf.models.predictive_autoencoder import predictive_autoencoder
from asd_tf.run.run import Run
from asd_tf.training.compiling import compile_network

LIMITS = {"network.frames": (2, 1000)}


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks the recipe; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, {}, LIMITS)
    for key in ("network.encoder", "network.decoder"):
        check_multiple(config, key, "network.heads")
    check_windows(config, clips)


def fit(run: Run) -> None:
    """Trains a predictive autoencoder for each machine, and writes the detector."""
    fit_frame_models(run, functools.partial(build, run.config))


def build(
    recipe: ml_collections.ConfigDict, bands: int, mean: float, std: float, steps: int
) -> FrameModel:
    """Builds and compiles the network; the learning rate drops once (Section 3.2).

    Args:
        recipe: `network` and `train`.
        bands: Mel bands.
        mean: Mean of the log-mels, in dB.
        std: Standard deviation of the log-mels, in dB.
        steps: Steps in an epoch.
    """
    network = predictive_autoencoder(bands=bands, mean=mean, std=std, **recipe.network)
    train = recipe.train
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
        [train.drop_after * steps - 1], [train.learning_rate, train.learning_rate * train.drop]
    )
    compile_network(network, keras.optimizers.Adam(schedule), "mse")
    examples = functools.partial(masked_windows, recipe.network.frames)
    return FrameModel(network, examples, lambda data: PredictionErrors(network, name="errors"))


def masked_windows(frames: int, windows: tf.Tensor, seed: tf.Tensor) -> tuple:
    """Chooses a frame of each window to mask: ((windows, position), that frame) (eq. 1)."""
    count = tf.shape(windows)[0]
    chosen = tf.random.stateless_uniform([count], seed, 0, frames, tf.int32)
    position = tf.one_hot(chosen, frames)
    return (windows, position), tf.einsum("btf,bt->bf", windows, position)
