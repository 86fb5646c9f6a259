"""Position embeddings of the encoders."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts, check_divisors


@keras.saving.register_keras_serializable(package="asd_tf")
class ConvPositions(keras.layers.Layer):
    """Tokens [batch, tokens, width] to position features of the same shape: GELU(conv(tokens)).

    A grouped convolution over time with one output per token (wav2vec 2.0, Section 2). Its kernel
    has weight norm: a direction times a gain per tap. Groups are computed one by one and
    concatenated, since the grouped operation cannot be exported for a CPU. Weight norm and
    convolution are float32 under every precision policy.

    Args:
        taps: Length of the kernel.
        groups: Number of groups, a divisor of the width.

    Raises:
        ValueError: If an argument is not a positive integer, or `groups` does not divide the width.
    """

    def __init__(self, taps: int = 128, groups: int = 16, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(taps=taps, groups=groups)
        self.taps = taps
        self.groups = groups

    def build(self, input_shape):
        """Creates the weights."""
        width = input_shape[-1]
        check_divisors(width, groups=self.groups)
        self.direction = self.add_weight(
            name="direction",
            shape=[self.taps, width // self.groups, width],
            initializer=keras.initializers.RandomNormal(stddev=(4 / (self.taps * width)) ** 0.5),
        )
        # About the norm of the initial directions, so that the initial kernel is about these.
        gain = (4 / self.taps * width / self.groups) ** 0.5
        self.gain = self.add_weight(
            name="gain", shape=[self.taps, 1, 1], initializer=keras.initializers.Constant(gain)
        )
        self.bias = self.add_weight(name="bias", shape=[width], initializer="zeros")
        super().build(input_shape)

    def call(self, tokens):
        """Convolves."""
        norm = tf.sqrt(tf.reduce_sum(self.direction**2, axis=[1, 2], keepdims=True))
        kernels = tf.split(self.direction * (self.gain / norm), self.groups, axis=-1)
        # An even kernel has one tap more before the token than after it, as published.
        after = self.taps - 1 - self.taps // 2
        padded = tf.pad(tokens, [[0, 0], [self.taps // 2, after], [0, 0]])
        parts = [
            tf.nn.conv1d(part, kernel, 1, "VALID")
            for part, kernel in zip(tf.split(padded, self.groups, axis=-1), kernels, strict=True)
        ]
        return tf.nn.gelu(tf.concat(parts, axis=-1) + self.bias)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "taps": self.taps, "groups": self.groups}


@keras.saving.register_keras_serializable(package="asd_tf")
class PositionTable(keras.layers.Layer):
    """Adds row t of a table to token t of [batch, tokens, width].

    The table is initialized with sinusoids (Vaswani et al., 2017, Section 3.5), all sines before
    all cosines as in Whisper, and is not trainable.

    Args:
        rows: Rows of the table.

    Raises:
        ValueError: If `rows` is not a positive integer, or there are more tokens than rows.
    """

    def __init__(self, rows: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(rows=rows)
        self.rows = rows

    def build(self, input_shape):
        """Creates the table."""
        if input_shape[1] > self.rows:
            raise ValueError(f"tokens must be at most {self.rows}, got {input_shape[1]}")
        self.table = self.add_weight(
            name="table",
            shape=[self.rows, input_shape[-1]],
            initializer=_sinusoids,
            trainable=False,
        )
        super().build(input_shape)

    def call(self, tokens):
        """Adds."""
        return tokens + self.table[: tokens.shape[1]]

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "rows": self.rows}


def _sinusoids(shape, dtype=None, **kwargs):
    """Returns a table [rows, width] of sinusoids whose periods grow from 2 pi to 20,000 pi."""
    rows, width = shape
    exponents = tf.range(width // 2, dtype=tf.float32) / (width // 2 - 1)
    angles = tf.range(rows, dtype=tf.float32)[:, tf.newaxis] * 10000.0**-exponents
    return tf.concat([tf.sin(angles), tf.cos(angles)], axis=1)


@keras.saving.register_keras_serializable(package="asd_tf")
class PatchPositions(keras.layers.Layer):
    """Adds an embedding of its band and one of its time to each patch [batch, bands, times, width].

    Args:
        times: Rows of the table of times; only the first ones are used.

    Raises:
        ValueError: If `times` is not a positive integer, or there are more patches in time.
    """

    def __init__(self, times: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(times=times)
        self.times = times

    def build(self, input_shape):
        """Creates the tables."""
        _, bands, times, width = input_shape
        if times > self.times:
            raise ValueError(f"patches in time must be at most {self.times}, got {times}")
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.time = self.add_weight(name="time", shape=[self.times, width], initializer=start)
        start = keras.initializers.RandomNormal(stddev=0.02)
        self.band = self.add_weight(name="band", shape=[bands, width], initializer=start)
        super().build(input_shape)

    def call(self, patches):
        """Adds."""
        return patches + self.time[: patches.shape[2]] + self.band[:, tf.newaxis]

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "times": self.times}
