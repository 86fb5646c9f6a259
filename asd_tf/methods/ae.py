"""The autoencoder of the DCASE baselines (Koizumi et al., DCASE 2020), a rival of GeCo.

For each machine, dense layers squeeze five frames through a bottleneck of eight values. How badly
the frames come out again is the anomaly score: the mean square over all windows of a clip, or, as
in the baselines since 2023, the Mahalanobis distance of the mean residual by the covariance of the
source or of the target domain, whichever is smaller.
"""

import functools
import math

import keras
import ml_collections
import numpy as np
import tensorflow as tf

from asd_tf.config import check_choices, check_ranges
from asd_tf.methods.frame_models import (
    FRAME_RANGES,
    FrameModel,
    TrainingLevels,
    fit_frame_models,
)
from asd_tf.methods.progress import Say
from asd_tf.models.frame_errors import WindowErrors
from asd_tf.models.residual_distances import ResidualDistances, residual_precision
from asd_tf.models.window_autoencoder import window_autoencoder
from asd_tf.run import Run

# A column of distances for each domain; a section without target clips has the first alone.
_SMALLER_DISTANCE = {
    "combine": "min",
    "members": {
        "source": {"estimator": "AsScore", "domain": "source", "params": {"column": 0}},
        "target": {"estimator": "AsScore", "domain": "target", "params": {"column": 1}},
    },
}


def fit(run: Run, say: Say) -> None:
    """Trains an autoencoder for each machine, and writes the detector."""
    check_choices(run.config, {"score": ("square_error", "mahalanobis")})
    check_ranges(run.config, {**FRAME_RANGES, "network.depth": (1, math.inf)})
    backend = _SMALLER_DISTANCE if run.config.score == "mahalanobis" else None
    fit_frame_models(run, functools.partial(build, run.config), say, backend)


def build(
    config: ml_collections.ConfigDict, bands: int, mean: float, sd: float, steps: int
) -> FrameModel:
    """Builds and compiles the network; levels go in as they are, or standardised."""
    network = dict(config.network)
    levels = {"mean": mean, "sd": sd} if network.pop("standardise") else {}
    model = window_autoencoder(bands=bands, **network, **levels)
    model.compile(keras.optimizers.Adam(config.train.learning_rate), "mse")
    return FrameModel(model, whole_windows, functools.partial(errors_of, config.score, model))


def errors_of(score: str, model: keras.Model, seen: TrainingLevels) -> keras.layers.Layer:
    """Makes the layer from features to a clip's errors; `seen` gives the covariances."""
    if score == "square_error":
        return WindowErrors(model, name="errors")
    precisions = [
        residual_precision(model, seen.levels, rows if len(rows) else other)
        for rows, other in ((seen.source, seen.target), (seen.target, seen.source))
    ]
    return ResidualDistances(model, np.stack(precisions), name="errors")


def whole_windows(windows: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns windows as what goes in and what should come out."""
    return windows, windows
