"""Long inputs in pieces: what an encoder sees of a clip that is longer than its input."""

import keras
import tensorflow as tf

LASTS = ("align", "zeros")


@keras.saving.register_keras_serializable(package="asd_tf")
class SplitSegments(keras.layers.Layer):
    """Tensor [batch, length, ...] to its segments [batch x count, size, ...], one after another.

    Args:
        size: Length of a segment.
        last: Where the length is no multiple of it, the last segment ends with the input and
            overlaps the one before (`align`), or is filled with zeros (`zeros`).

    Raises:
        ValueError: If `last` is another, or an input to align is shorter than a segment.
    """

    def __init__(self, size: int, last: str = "align", **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if last not in LASTS:
            raise ValueError(f"last {last!r} is not known: use one of {', '.join(LASTS)}")
        self.size = size
        self.last = last

    def build(self, input_shape):
        """Checks the length."""
        if self.last == "align" and input_shape[1] < self.size:
            raise ValueError(f"{input_shape[1]} values are shorter than a segment of {self.size}")
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
    """What was made of segments, [batch x count, tokens, width], to [batch, count x tokens, width].

    Args:
        count: Segments of an input.
    """

    def __init__(self, count: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.count = count

    def call(self, inputs):
        """Joins."""
        _, tokens, width = inputs.shape
        return tf.reshape(inputs, [-1, self.count * tokens, width])

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "count": self.count}


def segment_count(length: int, size: int) -> int:
    """Returns how many segments there are of an input."""
    return -(-length // size)


def mean_over_segments(network: keras.Model, samples: int) -> keras.Model:
    """Lets a network of short waveforms embed long ones.

    The clip is cut into segments of the network's input, of which the last ends with the clip; its
    embedding is the mean of theirs (Zheng 2024, Section 3.2: segments of 2 s for Wav2Vec2 and
    Qwen-Audio; that it is the mean is a choice).

    Args:
        network: From [batch, n] to [batch, D].
        samples: Length of a clip, at least n.

    Returns:
        A model from [batch, samples] to [batch, D], float32, with the same weights.
    """
    size = network.input_shape[1]
    waveform = keras.Input([samples], name="waveform")
    embeddings = network(SplitSegments(size)(waveform))
    rows = keras.layers.Reshape([1, network.output_shape[-1]])(embeddings)
    rows = JoinSegments(segment_count(samples, size))(rows)
    mean = keras.layers.GlobalAveragePooling1D(dtype="float32", name="mean_over_segments")(rows)
    return keras.Model(waveform, mean, name=network.name)
