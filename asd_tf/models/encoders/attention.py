"""Multi-head attention without projections, and the gated relative positions of BEATs."""

import math

import keras
import numpy as np
import tensorflow as tf

from asd_tf.arguments import check_at_least, check_counts, check_rates
from asd_tf.models.layers.stateless_dropout import dropped

# Outputs of the gate's projection: two gates, each the sum of four values, as published.
_GATES, _SUMMANDS = 2, 4


@keras.saving.register_keras_serializable(package="asd_tf")
class DotProductAttention(keras.layers.Layer):
    """Multi-head attention: softmax(q k^T / sqrt(width / heads) + gate x bias) v in each head.

    Called with a list of queries, keys and values, each [batch, tokens, width]; if it is gated,
    then the gate [batch, heads, tokens, 1] and the bias [1, heads, tokens, tokens]; if it has
    dropout, then the seed [2] of the step. Returns [batch, tokens, width]. Logits and softmax are
    float32 under every precision policy.

    Args:
        heads: Number of heads, a divisor of the width.
        gated: Whether a gated bias is added to the logits.
        dropout: Rate of the attention weights in training, in [0, 1).

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, heads: int, gated: bool = False, dropout: float = 0.0, **kwargs):
        # Gate and bias are float32 and must not be cast to half precision.
        super().__init__(**{**kwargs, "autocast": False})
        check_counts(heads=heads)
        check_rates(dropout=dropout)
        self.heads = heads
        self.gated = gated
        self.dropout = dropout

    def call(self, inputs, training=None):
        """Attends."""
        query, key, value = (split_heads(tensor, self.heads) for tensor in inputs[:3])
        query = tf.cast(query, tf.float32) / math.sqrt(query.shape[-1])
        logits = tf.matmul(query, tf.cast(key, tf.float32), transpose_b=True)
        if self.gated:
            gate, bias = inputs[3:5]
            logits += gate * bias
        weights = tf.nn.softmax(logits)
        if training and self.dropout:
            weights = dropped(weights, self.dropout, inputs[-1], self.name)
        mixed = tf.transpose(tf.matmul(tf.cast(weights, value.dtype), value), [0, 2, 1, 3])
        return tf.reshape(mixed, [-1, mixed.shape[1], self.heads * mixed.shape[3]])

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "heads": self.heads,
            "gated": self.gated,
            "dropout": self.dropout,
        }


@keras.saving.register_keras_serializable(package="asd_tf")
class RelativePositionBias(keras.layers.Layer):
    """Tokens [batch, tokens, width] to a bias [1, heads, tokens, tokens] of query and key.

    The bias is a function of the distance between query and key, see `distance_buckets`. All layers
    share one table. Float32 under every precision policy.

    Args:
        heads: Number of heads.
        buckets: Rows of the table, at least 4.
        max_distance: Distance from which on all distances share a bucket; above buckets // 4.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, heads: int, buckets: int = 320, max_distance: int = 800, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(heads=heads)
        check_at_least(4, buckets=buckets)
        check_at_least(buckets // 4 + 1, max_distance=max_distance)
        self.heads = heads
        self.buckets = buckets
        self.max_distance = max_distance

    def build(self, input_shape):
        """Creates the table."""
        self.table = self.add_weight(
            name="table", shape=[self.buckets, self.heads], initializer="random_normal"
        )
        super().build(input_shape)

    def call(self, tokens):
        """Looks up the bias of each distance."""
        count = tokens.shape[1]
        # The graph holds one constant per distance: constants per pair would be large.
        indices = distance_buckets(np.arange(1 - count, count), self.buckets, self.max_distance)
        by_distance = tf.gather(tf.transpose(self.table), indices, axis=1)
        position = tf.range(count)
        pairs = position[tf.newaxis] - position[:, tf.newaxis] + count - 1
        return tf.gather(by_distance, pairs, axis=1)[tf.newaxis]

    def compute_output_shape(self, input_shape):
        """Leaves the first axis open, as the inputs of blocks do."""
        return (None, self.heads, input_shape[1], input_shape[1])

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "heads": self.heads,
            "buckets": self.buckets,
            "max_distance": self.max_distance,
        }


def distance_buckets(distance: np.ndarray, buckets: int, max_distance: int) -> np.ndarray:
    """Returns the bucket of each distance (Raffel et al., JMLR 2020, Section 2.1).

    One half of the buckets is for keys after the query. In each half, the first half of the buckets
    holds one distance each; the widths of the others grow logarithmically up to `max_distance`.

    Args:
        distance: Integers of any shape: position of the key minus position of the query.
        buckets: Number of buckets.
        max_distance: Distance from which on all distances share a bucket.

    Returns:
        Integers in 0..buckets - 1, of the shape of `distance`.
    """
    half = buckets // 2
    exact = half // 2
    far = np.maximum(np.abs(distance), exact).astype(np.float32) / np.float32(exact)
    # In float32, as published: at the edge of a bucket rounding decides.
    steps = np.log(far) / np.float32(math.log(max_distance / exact)) * np.float32(half - exact)
    wide = np.minimum(exact + steps.astype(np.int64), half - 1)
    near = np.abs(distance) < exact
    return np.where(distance > 0, half, 0) + np.where(near, np.abs(distance), wide)


@keras.saving.register_keras_serializable(package="asd_tf")
class RelativeGate(keras.layers.Layer):
    """Queries [batch, tokens, width] to the gate [batch, heads, tokens, 1] of the relative bias.

    The gate is a (b c - 1) + 2, where a and b are sigmoids of a projection of each head's query and
    c is a learned factor for each head (Chi et al., ACL 2022, "gated relative position bias"). The
    query is the output of its dense layer, before scaling. Float32 under every precision policy.

    Args:
        heads: Number of heads, a divisor of the width.
    """

    def __init__(self, heads: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(heads=heads)
        self.heads = heads

    def build(self, input_shape):
        """Creates the projection, which all heads share, and the factors."""
        size = _GATES * _SUMMANDS
        self.kernel = self.add_weight(name="kernel", shape=[input_shape[-1] // self.heads, size])
        self.bias = self.add_weight(name="bias", shape=[size], initializer="zeros")
        self.factor = self.add_weight(name="factor", shape=[self.heads], initializer="ones")
        super().build(input_shape)

    def call(self, query):
        """Computes the gate."""
        projected = tf.matmul(split_heads(query, self.heads), self.kernel) + self.bias
        shape = [-1, self.heads, query.shape[1], _GATES, _SUMMANDS]
        gates = tf.sigmoid(tf.reduce_sum(tf.reshape(projected, shape), axis=-1))
        first, second = tf.split(gates, _GATES, axis=-1)
        return first * (second * self.factor[:, tf.newaxis, tf.newaxis] - 1) + 2

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "heads": self.heads}


def split_heads(tensor: tf.Tensor, heads: int) -> tf.Tensor:
    """Returns [batch, tokens, width] as [batch, heads, tokens, width / heads]."""
    _, tokens, width = tensor.shape
    split = tf.reshape(tensor, [-1, tokens, heads, width // heads])
    return tf.transpose(split, [0, 2, 1, 3])
