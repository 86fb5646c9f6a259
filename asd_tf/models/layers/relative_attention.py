"""Self-attention with relative positions (Dai et al., ACL 2019, Section 3.3)."""

import keras
import numpy as np
import tensorflow as tf

from asd_tf.arguments import check_counts, check_divisors
from asd_tf.models.layers.stateless_dropout import CountedDropout


@keras.saving.register_keras_serializable(package="asd_tf")
class RelativeSelfAttention(keras.layers.Layer):
    """Multi-head self-attention over [batch, frames, width] by content and by relative position.

    q, k and v are linear in the frames, r is linear in the sinusoids of a distance. In each head,
    the weights of frame i are the softmax over the frames j of

        ((q_i + content_bias) . k_j + (q_i + position_bias) . r_(i - j)) / sqrt(width / heads)

    Logits and softmax are float32 under every precision policy.

    Args:
        heads: Number of heads; a divisor of the width.
        dropout: Rate of the attention weights in training, in [0, 1).
        seed: Seed of the dropout.

    Raises:
        ValueError: If an argument is out of range, the number of frames is not fixed, or `heads`
            does not divide the width.
    """

    def __init__(self, heads: int, dropout: float = 0.0, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        check_counts(heads=heads)
        self.heads = heads
        self.dropout = dropout
        self.seed = seed
        self._drop = CountedDropout(dropout, seed, name="drop")

    def build(self, input_shape):
        """Creates the linear layers and the two biases."""
        frames, width = input_shape[1:]
        if frames is None:
            raise ValueError("frames must be a fixed number, got None")
        check_divisors(width, heads=self.heads)
        self._query, self._key, self._value, self._output = (
            self._linear(name, width) for name in ("query", "key", "value", "output")
        )
        self._position = self._linear("position", width, use_bias=False)
        self.content_bias, self.position_bias = (
            self.add_weight(
                name=name, shape=[self.heads, width // self.heads], initializer="glorot_uniform"
            )
            for name in ("content_bias", "position_bias")
        )
        self._drop.build([None, self.heads, frames, frames])
        super().build(input_shape)

    def call(self, inputs, training=False):
        """Attends."""
        frames, width = inputs.shape[1:]
        query, key, value = (
            self._by_head(linear(inputs)) for linear in (self._query, self._key, self._value)
        )
        table = tf.constant(relative_positions(frames, width), self.compute_dtype)
        position = self._by_head(self._position(table))
        # Scaled before the products, which would overflow in float16 otherwise.
        scale = (width // self.heads) ** -0.5
        content_query = scale * (query + tf.cast(self.content_bias, query.dtype))
        position_query = scale * (query + tf.cast(self.position_bias, query.dtype))
        logits = _product("bihd,bjhd->bhij", content_query, key) + by_key(
            _product("bihd,rhd->bhir", position_query, position)
        )
        weights = self._drop(tf.nn.softmax(logits), training=training)
        attended = tf.einsum("bhij,bjhd->bihd", tf.cast(weights, value.dtype), value)
        return self._output(tf.reshape(attended, [-1, frames, width]))

    def get_config(self):
        """Returns the arguments."""
        config = {"heads": self.heads, "dropout": self.dropout, "seed": self.seed}
        return {**super().get_config(), **config}

    def _linear(self, name, width, **kwargs):
        """Builds a linear layer from width to width."""
        layer = keras.layers.Dense(width, name=name, **kwargs)
        layer.build([None, width])
        return layer

    def _by_head(self, x):
        """Splits the last axis into heads: [..., heads, size]."""
        size = x.shape[-1] // self.heads
        return tf.reshape(x, [*_shape(x)[:-1], self.heads, size])


def relative_positions(frames: int, width: int) -> np.ndarray:
    """Computes the sinusoids of all distances between frames (Vaswani et al. 2017, Section 3.5).

    Args:
        frames: T.
        width: Number of sinusoids: sines in the first half, cosines of the same frequencies in the
            second half; for an odd width, one cosine less.

    Returns:
        [2T - 1, width] float32, for the distances T - 1 down to -(T - 1).
    """
    distances = np.arange(frames - 1, -frames, -1)
    sines = -(-width // 2)
    angles = np.outer(distances, 10_000.0 ** (-2 * np.arange(sines) / width))
    table = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    return table[:, :width].astype(np.float32)


def by_key(values: tf.Tensor) -> tf.Tensor:
    """Turns values per query and distance into values per query and key, without a gather.

    Args:
        values: [batch, heads, T, 2T - 1]: for each query, the distances T - 1 down to -(T - 1).

    Returns:
        [batch, heads, T, T]: for query i and key j, the value of distance i - j.
    """
    heads, frames, distances = values.shape[1:]
    # With one more column, rows of length T are shifted by one position from row to row.
    padded = tf.pad(values, [[0, 0], [0, 0], [0, 0], [1, 0]])
    moved = tf.reshape(padded, [-1, heads, distances + 1, frames])[:, :, 1:]
    return tf.reshape(moved, [-1, heads, frames, distances])[..., :frames]


def _product(equation, first, second):
    """An einsum in float32, so that logits do not overflow under mixed precision."""
    return tf.einsum(equation, tf.cast(first, tf.float32), tf.cast(second, tf.float32))


def _shape(x):
    """Returns the shape of a tensor with -1 for the axis that is not fixed."""
    return [-1 if size is None else size for size in x.shape]
