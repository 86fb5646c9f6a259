"""From frames to how far their mean residual is from none, in units of its usual spread."""

import keras
import numpy as np
import tensorflow as tf

from asd_tf.frontends.windows import FrameWindows

# Share of the mean variance that is added to each: a band that never varies has none.
_RIDGE = 1e-6


@keras.saving.register_keras_serializable(package="asd_tf")
class ResidualDistances(keras.layers.Layer):
    """Features [batch, frames, bands] to the squared Mahalanobis distances [batch, 1, kinds].

    The selective Mahalanobis score of the DCASE baselines since 2023 (Harada et al., EUSIPCO 2023)
    averages the full matrix of all products between the residuals of a clip's frames, which is

        r' P r,   r = the mean residual over all windows and frames of the clip

    exactly: mean over i, j of a_i' P a_j = (mean a)' P (mean a). So it is computed here.

    Args:
        network: Of windows [batch, size, bands] to their reconstruction.
        precisions: [kinds, bands, bands] inverse covariances of residuals, such as those of the
            source and of the target domain.
    """

    def __init__(self, network: keras.Model, precisions: np.ndarray, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.network = network
        self.precisions = np.asarray(precisions, np.float32)
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
        network = keras.saving.serialize_keras_object(self.network)
        precisions = self.precisions.tolist()
        return {**super().get_config(), "network": network, "precisions": precisions}

    @classmethod
    def from_config(cls, config):
        """Builds the layer and its network."""
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)


def residual_precision(
    network: keras.Model, levels: np.ndarray, rows: np.ndarray, clips_at_once: int = 32
) -> np.ndarray:
    """Returns the inverse covariance [bands, bands] of the residuals of all frames of some clips.

    Args:
        network: Of windows [batch, size, bands] to their reconstruction.
        levels: [clips, frames, bands], possibly on disk.
        rows: The clips, at least one.
        clips_at_once: Clips whose windows stand in memory at a time.
    """
    windows = FrameWindows(network.input_shape[1])
    bands = levels.shape[2]
    count, total, products = 0, np.zeros(bands), np.zeros([bands, bands])
    for start in range(0, len(rows), clips_at_once):
        of_clips = windows(tf.constant(levels[rows[start : start + clips_at_once]]))
        flat = tf.reshape(of_clips, [-1, *of_clips.shape[2:]])
        residuals = (network(flat, training=False) - flat).numpy()
        residuals = residuals.reshape(-1, bands).astype(np.float64)
        count += len(residuals)
        total += residuals.sum(axis=0)
        products += residuals.T @ residuals
    mean = total / count
    covariance = (products - count * np.outer(mean, mean)) / max(count - 1, 1)
    covariance += np.eye(bands) * max(_RIDGE * np.trace(covariance) / bands, 1e-12)
    return np.linalg.inv(covariance)
