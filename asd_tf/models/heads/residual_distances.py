"""The Mahalanobis distance of a clip's mean reconstruction residual from zero."""

import keras
import numpy as np
import tensorflow as tf

from asd_tf.frontends.windows import FrameWindows
from asd_tf.models.layers.wrapper import Wrapper

# Added to each variance, as a share of the mean variance: a constant band has variance 0.
_RIDGE = 1e-6


@keras.saving.register_keras_serializable(package="asd_tf")
class ResidualDistances(Wrapper):
    """Features [batch, frames, bands] to the squared Mahalanobis distances [batch, 1, kinds].

    The selective Mahalanobis score of the DCASE baselines since 2023 (Harada et al., EUSIPCO 2023)
    is the mean over i and j of a_i' P a_j, where a_i are the residuals of a clip's frames and P is
    an inverse covariance. That mean is exactly

        r' P r,   r = mean residual over all windows and frames of the clip

    and is computed in this form.

    Args:
        network: Model from windows [batch, size, bands] to their reconstruction.
        precisions: [kinds, bands, bands] inverse covariances of residuals, for example those of the
            source and of the target domain.

    Raises:
        ValueError: If `precisions` has another shape.
    """

    def __init__(self, network: keras.Model, precisions: np.ndarray, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.network = network
        self.precisions = np.asarray(precisions, np.float32)
        bands = network.input_shape[2]
        if self.precisions.ndim != 3 or self.precisions.shape[1:] != (bands, bands):
            raise ValueError(
                f"precisions must have the shape [kinds, {bands}, {bands}], "
                f"got {list(self.precisions.shape)}"
            )
        self._windows = FrameWindows(network.input_shape[1])

    def call(self, features):
        """Reconstructs every window."""
        windows = self._windows(features)
        count, size, bands = windows.shape[1:]
        windows = tf.reshape(windows, [-1, size, bands])
        residuals = tf.reshape(self.network(windows) - windows, [-1, count * size, bands])
        mean = tf.reduce_mean(residuals, axis=1)
        distances = tf.einsum("bi,kij,bj->bk", mean, self.precisions, mean)
        return distances[:, tf.newaxis]

    def get_config(self):
        """Returns the arguments."""
        precisions = self.precisions.tolist()
        return {**super().get_config(), "precisions": precisions}


def residual_precision(
    network: keras.Model, log_mel_db: np.ndarray, indices: np.ndarray, clips_at_once: int = 32
) -> np.ndarray:
    """Returns the inverse covariance [bands, bands] of the residuals of all frames of some clips.

    Args:
        network: Model from windows [batch, size, bands] to their reconstruction.
        log_mel_db: [clips, frames, bands] log-mels in dB, possibly a memory map.
        indices: Indices of the clips to use, at least one.
        clips_at_once: Number of clips whose windows are in memory at a time.
    """
    windows = FrameWindows(network.input_shape[1])
    bands = log_mel_db.shape[2]
    count, total, products = 0, np.zeros(bands), np.zeros([bands, bands])
    for start in range(0, len(indices), clips_at_once):
        by_clip = windows(tf.constant(log_mel_db[indices[start : start + clips_at_once]]))
        flat = tf.reshape(by_clip, [-1, *by_clip.shape[2:]])
        residuals = (network(flat, training=False) - flat).numpy()
        residuals = residuals.reshape(-1, bands).astype(np.float64)
        count += len(residuals)
        total += residuals.sum(axis=0)
        products += residuals.T @ residuals
    mean = total / count
    covariance = (products - count * np.outer(mean, mean)) / max(count - 1, 1)
    covariance += np.eye(bands) * max(_RIDGE * np.trace(covariance) / bands, 1e-12)
    return np.linalg.inv(covariance)
