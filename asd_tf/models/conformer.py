"""The Conformer block (Gulati et al., Interspeech 2020, Section 2)."""

from collections.abc import Iterator

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts, check_divisors, check_rates
from asd_tf.models.layers.factory import fast_batch_norm
from asd_tf.models.layers.relative_attention import RelativeSelfAttention
from asd_tf.models.layers.stateless_dropout import CountedDropout


@keras.saving.register_keras_serializable(package="asd_tf")
class GatedLinearUnit(keras.layers.Layer):
    """[..., 2D] to [..., D]: the first half times the sigmoid of the second half."""

    def call(self, inputs):
        """Gates."""
        values, gates = tf.split(inputs, 2, axis=-1)
        return values * tf.sigmoid(gates)


@keras.saving.register_keras_serializable(package="asd_tf")
class Swish(keras.layers.Layer):
    """x times the sigmoid of x.

    Keras' swish has a custom gradient that TensorFlow cannot compute inside a loop: a network that
    is called in a loop and exported could not be fine-tuned.
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
    """Adds a block: feed-forward, attention, convolution and feed-forward parts, and a layer norm.

    The outputs of the feed-forward parts are multiplied by 1/2.

    Args:
        x: Keras tensor [batch, frames, width] with a fixed number of frames.
        seeds: The next seven values are the seeds of the block's dropouts.
        heads: Heads of the self-attention with relative positions; a divisor of the width.
        expansion: Width of the hidden layer of a feed-forward part, as a multiple of `width`.
        kernel: Frames of the convolution kernel.
        dropout: Rate at the end of each part, inside the feed-forward parts, and of the attention
            weights, in [0, 1).

    Returns:
        Keras tensor [batch, frames, width], float32.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_counts(expansion=expansion, kernel=kernel)
    check_divisors(x.shape[-1], heads=heads)
    check_rates(dropout=dropout)
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
    """The feed-forward part (Section 2.3), multiplied by 1/2."""
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
