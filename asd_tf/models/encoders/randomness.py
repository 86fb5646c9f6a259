"""Dropout and layer drop whose draws are a function of a seed and of a step that is checkpointed.

One layer of a network counts its training steps; all others are pure functions of what it yields.
So a resumed run draws as an uninterrupted one, a recomputed block draws as it did before, and
nothing is drawn once and for all when a graph is traced.
"""

import zlib

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class StepSeed(keras.layers.Layer):
    """Any tensor to the seed of this training step, [2] int64; zeros when not training.

    Counts its training steps in a weight, so the count is part of checkpoints. Replicas of a
    distribution strategy get seeds of their own.

    Args:
        seed: Of the run.
    """

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.seed = seed

    def build(self, input_shape):
        """Makes the counter."""
        self.steps = self.add_weight(
            name="steps",
            shape=[],
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        super().build(input_shape)

    def call(self, inputs, training=None):
        """Yields the seed and counts."""
        if not training:
            return tf.zeros([2], tf.int64)
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.identity(self.steps)])
        with tf.control_dependencies([seed]):
            self.steps.assign_add(1)
        replica = tf.distribute.get_replica_context()
        return _folded(seed, replica.replica_id_in_sync_group if replica else 0)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="asd_tf")
class SeededDropout(keras.layers.Layer):
    """Dropout of values, called with [values, seed [2] of the step].

    Two of them in one network draw apart because their names differ.

    Args:
        rate: Share of values that are set to zero in training, in 0..1 (exclusive).
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs, training=None):
        """Drops values."""
        values, seed = inputs
        return dropped(values, self.rate, seed, self.name) if training else values

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable(package="asd_tf")
class LayerDrop(keras.layers.Layer):
    """Leaves out a whole layer for a whole batch (Fan et al., ICLR 2020).

    Called with [the layer's input, its output of the same shape, seed [2] of the step]: gives the
    output, or in training, with probability `rate`, the input.

    Args:
        rate: Probability that the layer is left out of a training step, in 0..1.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.rate = rate

    def call(self, inputs, training=None):
        """Chooses."""
        before, after, seed = inputs
        if not training:
            return after
        draw = tf.random.stateless_uniform([], _salted(seed, self.name))
        return tf.where(draw < self.rate, before, after)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "rate": self.rate}


def dropped(values: tf.Tensor, rate: float, seed: tf.Tensor, name: str) -> tf.Tensor:
    """Sets a share `rate` of the values to zero and scales up the others."""
    return tf.nn.experimental.stateless_dropout(values, rate, _salted(seed, name))


def _salted(seed: tf.Tensor, name: str) -> tf.Tensor:
    return _folded(seed, zlib.crc32(name.encode()) & 0x7FFFFFFF)


def _folded(seed: tf.Tensor, number: int | tf.Tensor) -> tf.Tensor:
    number = tf.cast(number, tf.int64)
    # Inputs of a block have lost their static length.
    seed = tf.ensure_shape(seed, [2])
    return tf.cast(tf.random.experimental.stateless_fold_in(seed, number), tf.int64)
