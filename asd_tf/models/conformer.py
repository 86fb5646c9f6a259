"""The Conformer block (Gulati et al., Interspeech 2020, Section 2)."""

from collections.abc import Iterator

import keras
import tensorflow as tf

from asd_tf.models.counted_dropout import CountedDropout
from asd_tf.models.layers import fast_batch_norm
from asd_tf.models.relative_attention import RelativeSelfAttention


@keras.saving.register_keras_serializable(package="asd_tf")
class GatedLinearUnit(keras.layers.Layer):
    """Multiplies one half of the last axis by the sigmoid of the other: [..., 2D] to [..., D]."""

    def call(self, inputs):
        """Gates."""
        values, gates = tf.split(inputs, 2, axis=-1)
        return values * tf.sigmoid(gates)


@keras.saving.register_keras_serializable(package="asd_tf")
class Swish(keras.layers.Layer):
    """x times the sigmoid of x.

    Keras's own has a gradient of its own, which TensorFlow cannot follow into a loop: a network
    that is called in one, and exported, could not be fine-tuned.
    """

    def call(self, inputs):
        """Activates."""
        return inputs * tf.sigmoid(inputs)


def conformer_block(
    x,
    seeds: Iterator[int],
    *,
    heads: int = 4,
    expansion: int = 4,
    kernel: int = 31,
    dropout: float = 0.1,
):
    """Adds a block: half a dense part, attention, convolution, half a dense part, and a norm.

    Args:
        x: [batch, frames, width], a Keras tensor whose number of frames is fixed.
        seeds: Gives each dropout a seed of its own; the block takes seven.
        heads: Of the self-attention with relative positions; divides the width.
        expansion: Of the width within a dense part.
        kernel: Frames that the convolution sees.
        dropout: Rate at the end of each part, within the dense ones and of the attention's weights.

    Returns:
        [batch, frames, width] float32, a Keras tensor.
    """
    x = keras.layers.Add()([x, _half_dense(x, seeds, expansion, dropout)])
    attended = RelativeSelfAttention(heads, dropout, next(seeds))(_norm(x))
    x = keras.layers.Add()([x, CountedDropout(dropout, next(seeds))(attended)])
    convolved = CountedDropout(dropout, next(seeds))(_convolution(x, kernel))
    x = keras.layers.Add()([x, convolved])
    x = keras.layers.Add()([x, _half_dense(x, seeds, expansion, dropout)])
    return _norm(x)


def _norm(x):
    return keras.layers.LayerNormalization(epsilon=1e-5, dtype="float32")(x)


def _half_dense(x, seeds, expansion, dropout):
    """The feed-forward part (Section 2.3), times a half."""
    width = x.shape[-1]
    hidden = Swish()(keras.layers.Dense(expansion * width)(_norm(x)))
    y = keras.layers.Dense(width)(CountedDropout(dropout, next(seeds))(hidden))
    return keras.layers.Rescaling(0.5)(CountedDropout(dropout, next(seeds))(y))


def _convolution(x, kernel):
    """The convolution part (Section 2.2), before its dropout."""
    width = x.shape[-1]
    y = GatedLinearUnit()(keras.layers.Dense(2 * width)(_norm(x)))
    y = keras.layers.DepthwiseConv1D(kernel, padding="same")(y)
    y = Swish()(fast_batch_norm()(y))
    return keras.layers.Dense(width)(y)
