"""Segments of inputs that are longer than the input of an encoder."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_choices, check_counts

LASTS = ("align", "zeros")


@keras.saving.register_keras_serializable(package="asd_tf")
class SplitSegments(keras.layers.Layer):
    """Tensor [batch, length, ...] to its segments [batch x count, size, ...], clip by clip.

    Args:
        size: Length of a segment.
        last: The last segment where the length is not a multiple of `size`: with `align` it ends
            where the input ends and overlaps the segment before it, with `zeros` it is padded with
            zeros.

    Raises:
        ValueError: If an argument is out of range, or an input to align is shorter than a segment.
    """

    def __init__(self, size: int, last: str = "align", **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(size=size)
        check_choices(LASTS, last=last)
        self.size = size
        self.last = last

    def build(self, input_shape):
        """Checks the length."""
        if self.last == "align" and input_shape[1] < self.size:
            raise ValueError(f"length must be at least {self.size}, got {input_shape[1]}")
        super().build(input_shape)

    def call(self, inputs):
        """Cuts."""
        length, rest = inputs.shape[1], inputs.shape[2:]
        count = segment_count(length, self.size)
        if self.last == "zeros":
            fill = count * self.size - length
            inputs = tf.pad(inputs, [[0, 0], [0, fill]] + [[0, 0]] * len(rest))
        else:
            whole = inputs[:, : (count - 1) * self.size]
            inputs = tf.concat([whole, inputs[:, length - self.size :]], axis=1)
        return tf.reshape(inputs, [-1, self.size, *rest])

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "size": self.size, "last": self.last}


@keras.saving.register_keras_serializable(package="asd_tf")
class JoinSegments(keras.layers.Layer):
    """Tokens of segments [batch x count, tokens, width] to [batch, count x tokens, width].

    Args:
        count: Segments per input.

    Raises:
        ValueError: If `count` is not a positive integer.
    """

    def __init__(self, count: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(count=count)
        self.count = count

    def call(self, inputs):
        """Joins."""
        _, tokens, width = inputs.shape
        return tf.reshape(inputs, [-1, self.count * tokens, width])

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "count": self.count}


def segment_count(length: int, size: int) -> int:
    """Returns the number of segments of `size` that cover an input of `length`."""
    return -(-length // size)


def mean_over_segments(network: keras.Model, samples: int) -> keras.Model:
    """Applies a network for short waveforms to long ones.

    A clip is cut into segments of the network's input length; the last one ends where the clip
    ends. The embedding of the clip is the mean over its segments (Zheng 2024, Section 3.2: segments
    of 2 s for Wav2Vec2 and Qwen-Audio; the mean is our choice).

    Args:
        network: Model from [batch, n] to [batch, D].
        samples: Length of a clip, at least n.

    Returns:
        A model from [batch, samples] to [batch, D], float32, with the same weights.
    """
    size = network.input_shape[1]
    waveform = keras.Input([samples], name="waveform")
    embeddings = network(SplitSegments(size)(waveform))
    x = keras.layers.Reshape([1, network.output.shape[-1]])(embeddings)
    x = JoinSegments(segment_count(samples, size))(x)
    mean = keras.layers.GlobalAveragePooling1D(dtype="float32", name="mean_over_segments")(x)
    return keras.Model(waveform, mean, name=network.name)
