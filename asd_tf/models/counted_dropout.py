"""Dropout that an interrupted training takes up again where it was."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class CountedDropout(keras.layers.Layer):
    """Dropout whose draws depend on a seed and on how often it has drawn before, and on no more.

    In training a share of the values is 0, and the others are larger to make up for it. The number
    of draws is a weight that does not train and that is saved and checkpointed with the layer, so
    that a resumed training draws what an uninterrupted one would have drawn. Replicas under
    tf.distribute draw differently. Layers of one network need different seeds.

    Args:
        rate: The share, from 0 to below 1.
        seed: Of the draws.

    Raises:
        ValueError: If the rate is not from 0 to below 1.
    """

    def __init__(self, rate: float, seed: int, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"a rate of {rate} leaves nothing: use one from 0 to below 1")
        self.rate = rate
        self.seed = seed

    def build(self, input_shape):
        """Makes the number of draws."""
        self.calls = self.add_weight(
            name="calls",
            shape=[],
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        super().build(input_shape)

    def call(self, inputs, training=False):
        """Drops values in training."""
        if not training or not self.rate:
            return inputs
        draws = tf.random.stateless_uniform(tf.shape(inputs), self._next_seed())
        return tf.where(draws >= self.rate, inputs / (1 - self.rate), 0)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}

    def _next_seed(self):
        """Returns the seed [2] of this draw, and counts it."""
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context else 0
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.identity(self.calls)])
        self.calls.assign_add(1)
        return tf.random.experimental.stateless_fold_in(seed, replica)
