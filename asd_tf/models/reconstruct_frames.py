"""The reconstructions that GeCo learns from (Zeng et al., ICASSP 2023, Sections 2.2 and 3.2)."""

from collections.abc import Sequence

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class ReconstructFrames(keras.layers.Layer):
    """Replaces a frame of each window of a crop by what the predictive autoencoder says it is.

    Called with a list of crops [batch, frames, bands], the machine [batch] of each, integers that
    number the networks, and the place [batch, windows] of the frame to replace in each window;
    gives crops of the same shape. Windows follow each other without overlap; frames behind the last
    full one stay. Each network sees all windows of its machine in one call, and none where its
    machine is not in the batch. The networks are frozen: nothing is learned through them.

    Args:
        networks: Of (windows [batch, size, bands], which [batch, size]) to the frame [batch, bands]
            that `which` marks, one for each machine; all of one window size.
    """

    def __init__(self, networks: Sequence[keras.Model], **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.networks = list(networks)
        self.size = self.networks[0].input_shape[0][1]
        for network in self.networks:
            network.trainable = False

    def call(self, inputs):
        """Predicts and replaces."""
        crops, machine, places = inputs
        frames, bands = crops.shape[1:]
        count = frames // self.size
        windows = tf.reshape(crops[:, : count * self.size], [-1, count, self.size, bands])
        which = tf.one_hot(places, self.size)
        predicted = tf.zeros_like(windows[:, :, 0])
        for index, network in enumerate(self.networks):
            rows = tf.where(tf.equal(tf.cast(machine, tf.int32), index))
            predicted = self._predict(network, rows, windows, which, predicted)
        replaced = tf.where(
            which[..., tf.newaxis] > 0, tf.expand_dims(tf.stop_gradient(predicted), 2), windows
        )
        replaced = tf.reshape(replaced, [-1, count * self.size, bands])
        return tf.concat([replaced, crops[:, count * self.size :]], axis=1)

    def _predict(self, network, rows, windows, which, predicted):
        """Puts the predictions for the crops at `rows` [n, 1] among the others."""
        count, size, bands = windows.shape[1:]

        def update():
            of_machine = [
                tf.reshape(tf.gather_nd(windows, rows), [-1, size, bands]),
                tf.reshape(tf.gather_nd(which, rows), [-1, size]),
            ]
            frames = tf.reshape(network(of_machine, training=False), [-1, count, bands])
            return tf.tensor_scatter_nd_update(predicted, rows, tf.cast(frames, predicted.dtype))

        return tf.cond(tf.size(rows) > 0, update, lambda: predicted)

    def get_config(self):
        """Returns the arguments."""
        networks = [keras.saving.serialize_keras_object(network) for network in self.networks]
        return {**super().get_config(), "networks": networks}

    @classmethod
    def from_config(cls, config):
        """Builds the layer and its networks."""
        networks = [keras.saving.deserialize_keras_object(one) for one in config.pop("networks")]
        return cls(networks, **config)
