"""The autoencoder of the DCASE baselines (Koizumi et al., DCASE 2020), a baseline of GeCo.

For each machine, dense layers reconstruct windows of five frames through a bottleneck of eight
values. The anomaly score is the mean squared error over all windows of a clip or, as in the
baselines since 2023, the Mahalanobis distance of the mean residual with the covariance of the
source or of the target domain, whichever is smaller.
"""

import functools

import keras
import ml_collections
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.methods.common.checks import check_recipe
from asd_tf.methods.common.frame_prediction import (
    FrameModel,
    TrainingLogMels,
    check_windows,
    fit_frame_models,
)
from asd_tf.models.heads.frame_errors import WindowErrors
from asd_tf.models.heads.residual_distances import ResidualDistances, residual_precision
from asd_tf.models.window_autoencoder import window_autoencoder
from asd_tf.run.run import Run
from asd_tf.training.compiling import compile_network

CHOICES = {"score": ("square_error", "mahalanobis")}
LIMITS = {"network.frames": (2, 1000)}

# One column of distances per domain; a section without target clips uses only the first.
_SMALLER_DISTANCE = {
    "combine": "min",
    "members": {
        "source": {"estimator": "AsScore", "domain": "source", "params": {"column": 0}},
        "target": {"estimator": "AsScore", "domain": "target", "params": {"column": 1}},
    },
}


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks the recipe; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, CHOICES, LIMITS)
    check_windows(config, clips)


def fit(run: Run) -> None:
    """Trains an autoencoder for each machine, and writes the detector."""
    backend = _SMALLER_DISTANCE if run.config.score == "mahalanobis" else None
    fit_frame_models(run, functools.partial(build, run.config), backend)


def build(
    config: ml_collections.ConfigDict, bands: int, mean: float, std: float, steps: int
) -> FrameModel:
    """Builds and compiles the network; its input is log-mels in dB, or standardized."""
    network = dict(config.network)
    statistics = {"mean": mean, "std": std} if network.pop("standardize") else {}
    model = window_autoencoder(bands=bands, **network, **statistics)
    compile_network(model, keras.optimizers.Adam(config.train.learning_rate), "mse")
    return FrameModel(model, whole_windows, functools.partial(errors_of, config.score, model))


def errors_of(score: str, model: keras.Model, data: TrainingLogMels) -> keras.layers.Layer:
    """Makes the layer from log-mels to the errors of a clip; `data` gives the covariances."""
    if score == "square_error":
        return WindowErrors(model, name="errors")
    precisions = [
        residual_precision(model, data.log_mel_db, clips if len(clips) else others)
        for clips, others in ((data.source, data.target), (data.target, data.source))
    ]
    return ResidualDistances(model, np.stack(precisions), name="errors")


def whole_windows(windows: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the windows as inputs and as targets."""
    return windows, windows
