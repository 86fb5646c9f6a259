"""What tells an encoder where its tokens stand."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class ConvPositions(keras.layers.Layer):
    """Tokens [batch, tokens, width] to position features of the same shape: GELU(conv(tokens)).

    A grouped convolution over time with as many outputs as tokens (wav2vec 2.0, Section 2), whose
    kernel is a direction times a gain for each of its taps (weight norm). The groups are split and
    concatenated, since the grouped operation cannot be exported for a CPU. Weight norm and
    convolution are float32 under every precision policy.

    Args:
        taps: Length of the kernel.
        groups: Number of groups, a divisor of the width.
    """

    def __init__(self, taps: int = 128, groups: int = 16, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.taps = taps
        self.groups = groups

    def build(self, input_shape):
        """Makes the weights."""
        width = input_shape[-1]
        self.direction = self.add_weight(
            name="direction",
            shape=[self.taps, width // self.groups, width],
            initializer=keras.initializers.RandomNormal(stddev=(4 / (self.taps * width)) ** 0.5),
        )
        # The norms of such directions, near enough, so that the kernel starts as they are.
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
        # An even kernel has no middle: as published, there is one tap more before than after.
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
    """Adds a fixed row of a table to each token [batch, tokens, width]; the first rows are used.

    The table starts as sinusoids (Vaswani et al., 2017, Section 3.5, in the order of Whisper: first
    all sines, then all cosines) and is not trained.

    Args:
        rows: Of the table.
    """

    def __init__(self, rows: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.rows = rows

    def build(self, input_shape):
        """Makes the table."""
        if input_shape[1] > self.rows:
            raise ValueError(f"{input_shape[1]} tokens are more than the {self.rows} positions")
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
    """Initialises a table [rows, width]; periods grow from 2 pi to 20,000 pi."""
    rows, width = shape
    exponents = tf.range(width // 2, dtype=tf.float32) / (width // 2 - 1)
    angles = tf.range(rows, dtype=tf.float32)[:, tf.newaxis] * 10000.0**-exponents
    return tf.concat([tf.sin(angles), tf.cos(angles)], axis=1)


@keras.saving.register_keras_serializable(package="asd_tf")
class PatchPositions(keras.layers.Layer):
    """Adds to each patch [batch, bands, times, width] a row for its band and one for its time.

    Args:
        times: Rows of the table of times, of which the first are used.
    """

    def __init__(self, times: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.times = times

    def build(self, input_shape):
        """Makes the tables."""
        _, bands, times, width = input_shape
        if times > self.times:
            raise ValueError(f"{times} patches in time are more than the {self.times} positions")
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
