"""The reconstructed crops that GeCo trains on (Zeng et al., ICASSP 2023, Sections 2.2, 3.2)."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from asd_tf.models.layers.wrapper import Wrapper


@keras.saving.register_keras_serializable(package="asd_tf")
class ReconstructFrames(Wrapper):
    """Replaces one frame of each window of a crop by the prediction of an autoencoder.

    Called with a list of crops [batch, frames, bands], the machine [batch] of each crop, which is
    the index of its network, and the index [batch, windows] of the frame to replace in each window;
    returns crops of the same shape. Windows do not overlap; frames after the last full window are
    unchanged. A network is called once for all windows of its machine, and not at all if its
    machine is not in the batch. The networks are frozen, and no gradient flows through them.

    Args:
        networks: One network per machine, each from (windows [batch, size, bands], one-hot position
            [batch, size]) to the frame [batch, bands] at the position; all with the same size.

    Raises:
        ValueError: If there is no network, or their sizes differ.
    """

    WRAPPED = "networks"

    def __init__(self, networks: Sequence[keras.Model], **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.networks = list(networks)
        sizes = {network.input_shape[0][1] for network in self.networks}
        if len(sizes) != 1:
            raise ValueError(f"networks must have one common window size, got {sorted(sizes)}")
        (self.size,) = sizes
        for network in self.networks:
            network.trainable = False

    def call(self, inputs):
        """Predicts and replaces."""
        crops, machine, frame_indices = inputs
        frames, bands = crops.shape[1:]
        count = frames // self.size
        windows = tf.reshape(crops[:, : count * self.size], [-1, count, self.size, bands])
        position = tf.one_hot(frame_indices, self.size)
        predicted = tf.zeros_like(windows[:, :, 0])
        for index, network in enumerate(self.networks):
            indices = tf.where(tf.equal(tf.cast(machine, tf.int32), index))
            predicted = self._predict(network, indices, windows, position, predicted)
        replaced = tf.where(
            position[..., tf.newaxis] > 0, tf.expand_dims(tf.stop_gradient(predicted), 2), windows
        )
        replaced = tf.reshape(replaced, [-1, count * self.size, bands])
        return tf.concat([replaced, crops[:, count * self.size :]], axis=1)

    def _predict(self, network, indices, windows, position, predicted):
        """Returns `predicted` with the predictions for the crops at `indices` [n, 1]."""
        count, size, bands = windows.shape[1:]

        def update():
            inputs = [
                tf.reshape(tf.gather_nd(windows, indices), [-1, size, bands]),
                tf.reshape(tf.gather_nd(position, indices), [-1, size]),
            ]
            frames = tf.reshape(network(inputs, training=False), [-1, count, bands])
            return tf.tensor_scatter_nd_update(predicted, indices, tf.cast(frames, predicted.dtype))

        return tf.cond(tf.size(indices) > 0, update, lambda: predicted)
