"""Self-attention with relative positions (Dai et al., ACL 2019, Section 3.3)."""

import keras
import numpy as np
import tensorflow as tf

from asd_tf.models.counted_dropout import CountedDropout


@keras.saving.register_keras_serializable(package="asd_tf")
class RelativeSelfAttention(keras.layers.Layer):
    """Lets each frame of [batch, frames, width] gather from all, by content and by distance.

    With q, k and v linear in the frames, and r linear in the sinusoids of a distance, frame i
    weighs the frames j, in each head, by the softmax over j of

        ((q_i + content_bias) . k_j + (q_i + position_bias) . r_(i - j)) / sqrt(width / heads)

    Logits and softmax are float32 under every precision policy.

    Args:
        heads: Number of heads; divides the width.
        dropout: Rate of the weights in training.
        seed: Of the dropout.

    Raises:
        ValueError: If the number of frames is open, or `heads` does not divide the width.
    """

    def __init__(self, heads: int, dropout: float = 0.0, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads
        self.dropout = dropout
        self.seed = seed
        self._drop = CountedDropout(dropout, seed, name="drop")

    def build(self, input_shape):
        """Makes the linear layers and the two biases."""
        frames, width = input_shape[1:]
        if frames is None or width % self.heads:
            raise ValueError(
                f"an input [{frames}, {width}] cannot be attended to by {self.heads} heads: fix "
                "its number of frames, and use heads that divide its width"
            )
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
        of_content = scale * (query + tf.cast(self.content_bias, query.dtype))
        of_position = scale * (query + tf.cast(self.position_bias, query.dtype))
        logits = _product("bihd,bjhd->bhij", of_content, key) + by_key(
            _product("bihd,rhd->bhir", of_position, position)
        )
        weights = self._drop(tf.nn.softmax(logits), training=training)
        attended = tf.einsum("bhij,bjhd->bihd", tf.cast(weights, value.dtype), value)
        return self._output(tf.reshape(attended, [-1, frames, width]))

    def get_config(self):
        """Returns the arguments."""
        config = {"heads": self.heads, "dropout": self.dropout, "seed": self.seed}
        return {**super().get_config(), **config}

    def _linear(self, name, width, **kwargs):
        """Makes a linear layer from width to width, with its weights."""
        layer = keras.layers.Dense(width, name=name, **kwargs)
        layer.build([None, width])
        return layer

    def _by_head(self, x):
        """Divides the last axis among the heads."""
        size = x.shape[-1] // self.heads
        return tf.reshape(x, [*_shape(x)[:-1], self.heads, size])


def relative_positions(frames: int, width: int) -> np.ndarray:
    """Computes the sinusoids of all distances between frames (Vaswani et al. 2017, Section 3.5).

    Args:
        frames: T.
        width: The first half are sines, the second cosines of the same frequencies; an odd width
            has one cosine less.

    Returns:
        [2T - 1, width] float32, for the distances T - 1 down to -(T - 1).
    """
    distances = np.arange(frames - 1, -frames, -1)
    sines = -(-width // 2)
    angles = np.outer(distances, 10_000.0 ** (-2 * np.arange(sines) / width))
    table = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    return table[:, :width].astype(np.float32)


def by_key(values: tf.Tensor) -> tf.Tensor:
    """Turns values of distances into values of keys, without a gather.

    Args:
        values: [batch, heads, T, 2T - 1]: of query i, for the distances T - 1 down to -(T - 1).

    Returns:
        [batch, heads, T, T]: of query i and key j, the value of the distance i - j.
    """
    heads, frames, distances = values.shape[1:]
    # One column more, and reading on in rows of T, starts each row one place later than the last.
    padded = tf.pad(values, [[0, 0], [0, 0], [0, 0], [1, 0]])
    moved = tf.reshape(padded, [-1, heads, distances + 1, frames])[:, :, 1:]
    return tf.reshape(moved, [-1, heads, frames, distances])[..., :frames]


def _product(equation, first, second):
    """An einsum whose result is float32: under mixed precision, logits must not overflow."""
    return tf.einsum(equation, tf.cast(first, tf.float32), tf.cast(second, tf.float32))


def _shape(x):
    """Returns the sizes of a tensor whose first one alone may be open."""
    return [-1 if size is None else size for size in x.shape]
