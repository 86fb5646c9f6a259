"""Dropout and layer drop whose random state is part of a checkpoint.

Keras' own dropout draws from a generator that checkpoints do not hold. Here every draw is a
function of a seed and of a counter that is a weight, so that a resumed training draws the same
values. `CountedDropout` counts its own calls. The layers of the encoders share one counter of
steps, `StepSeed`, so that a block that is recomputed for its gradient draws the same values again.
"""

import zlib

import keras
import tensorflow as tf

from asd_tf.arguments import check_probabilities, check_rates
from asd_tf.compat import Layer


@keras.saving.register_keras_serializable(package="asd_tf")
class CountedDropout(Layer):
    """Dropout whose draws are a function of a seed and of the number of draws before.

    The number of draws is a weight that is not trainable and is saved and checkpointed with the
    layer, so that a resumed training draws what an uninterrupted one would have drawn. Replicas
    under tf.distribute draw differently. Layers of one network need different seeds.

    Args:
        rate: Probability that a value is set to 0 in training, in [0, 1); the others are divided by
            1 - rate.
        seed: Seed of the draws.

    Raises:
        ValueError: If the rate is out of range.
    """

    def __init__(self, rate: float, seed: int, **kwargs):
        super().__init__(**kwargs)
        check_rates(rate=rate)
        self.rate = rate
        self.seed = seed

    def build(self, input_shape):
        """Creates the number of draws."""
        self.calls = _counter(self, "calls")
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
        """Returns the seed [2] of this draw, and counts the draw."""
        return tf.random.experimental.stateless_fold_in(*_counted(self.seed, self.calls))


@keras.saving.register_keras_serializable(package="asd_tf")
class StepSeed(Layer):
    """Returns the seed [2] int64 of the training step, or zeros when not training.

    Called with any tensor, whose values are ignored. Training steps are counted in a weight, so
    that the count is part of checkpoints. Replicas under tf.distribute get different seeds.

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(**{**kwargs, "dtype": "int64"})
        self.seed = seed

    def build(self, input_shape):
        """Creates the counter."""
        self.steps = _counter(self, "steps")
        super().build(input_shape)

    def call(self, inputs, training=None):
        """Returns the seed and counts the step."""
        if not training:
            return tf.zeros([2], tf.int64)
        return _folded(*_counted(self.seed, self.steps))

    def compute_output_shape(self, input_shape):
        """Leaves the axis open, as the inputs of blocks do."""
        return (None,)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="asd_tf")
class SeededDropout(keras.layers.Layer):
    """Dropout of values, called with [values, seed [2] of the step].

    Layers of one network draw differently because their names differ.

    Args:
        rate: Probability that a value is set to 0 in training, in [0, 1).

    Raises:
        ValueError: If the rate is out of range.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        check_rates(rate=rate)
        self.rate = rate

    def call(self, inputs, training=None):
        """Drops values in training."""
        values, seed = inputs
        return dropped(values, self.rate, seed, self.name) if training else values

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable(package="asd_tf")
class LayerDrop(keras.layers.Layer):
    """Skips a whole layer for a whole batch (Fan et al., ICLR 2020).

    Called with [the layer's input, its output of the same shape, seed [2] of the step]. Returns the
    output, or in training, with probability `rate`, the input.

    Args:
        rate: Probability that the layer is skipped in a training step, in [0, 1].

    Raises:
        ValueError: If the rate is out of range.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_probabilities(rate=rate)
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
    """Sets values to 0 with probability `rate` and divides the others by 1 - rate."""
    return tf.nn.experimental.stateless_dropout(values, rate, _salted(seed, name))


def _counter(layer: Layer, name: str) -> tf.Variable:
    """Adds a counter that is a weight, and so a part of checkpoints and saved models."""
    return layer.add_weight(
        name=name,
        shape=[],
        dtype="int64",
        initializer="zeros",
        trainable=False,
        aggregation="only_first_replica",
    )


def _counted(seed: int, counter: tf.Variable) -> tuple[tf.Tensor, int | tf.Tensor]:
    """Returns [seed, count] and the index of the replica, and increments the count."""
    pair = tf.stack([tf.constant(seed, tf.int64), tf.identity(counter)])
    with tf.control_dependencies([pair]):
        counter.assign_add(1)
    context = tf.distribute.get_replica_context()
    return pair, context.replica_id_in_sync_group if context else 0


def _salted(seed: tf.Tensor, name: str) -> tf.Tensor:
    return _folded(seed, zlib.crc32(name.encode()) & 0x7FFFFFFF)


def _folded(seed: tf.Tensor, number: int | tf.Tensor) -> tf.Tensor:
    number = tf.cast(number, tf.int64)
    # The inputs of a block have no static first axis.
    seed = tf.ensure_shape(seed, [2])
    return tf.cast(tf.random.experimental.stateless_fold_in(seed, number), tf.int64)
