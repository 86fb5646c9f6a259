"""Statistics over time and frequency that describe a whole clip and need no training."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts, check_positive


@keras.saving.register_keras_serializable(package="asd_tf")
class MedianOverTime(keras.layers.Layer):
    """Features [batch, frames, bins] to the median of each bin [batch, bins].

    Of an even number of frames it is the mean of the middle two. Computed in float32 under every
    precision policy.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, features):
        """Computes the medians."""
        return median(tf.transpose(features, [0, 2, 1]))


@keras.saving.register_keras_serializable(package="asd_tf")
class DeviationOfDifferences(keras.layers.Layer):
    """Features [batch, frames, bins] to [batch, bins], how much they change from frame to frame.

    It is the standard deviation over time of the differences of successive frames; 0 of a single
    difference. Computed in float32 under every precision policy.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, features):
        """Computes the standard deviations."""
        return tf.math.reduce_std(features[:, 1:] - features[:, :-1], axis=1)


@keras.saving.register_keras_serializable(package="asd_tf")
class LogPower(keras.layers.Layer):
    """Magnitudes of any shape to ln(magnitude^2 + floor). Computed in float32.

    Args:
        floor: Power that is added, greater than 0; a full-scale sine has about (frame_length / 4)^2
            in its bin.

    Raises:
        ValueError: If the floor is not positive.
    """

    def __init__(self, floor: float = 1e-9, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_positive(floor=floor)
        self.floor = floor

    def call(self, magnitude):
        """Computes the logarithms."""
        return tf.math.log(tf.square(magnitude) + self.floor)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "floor": self.floor}


@keras.saving.register_keras_serializable(package="asd_tf")
class BandMeans(keras.layers.Layer):
    """Values [batch, bins] to the means of neighboring bins [batch, bins // width].

    Bins that do not fill a band, at the upper end, are left out.

    Args:
        width: Bins in a band.

    Raises:
        ValueError: If the width is not a positive integer.
    """

    def __init__(self, width: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(width=width)
        self.width = width

    def call(self, values):
        """Computes the means."""
        return tf.reduce_mean(_in_bands(values, self.width), axis=-1)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable(package="asd_tf")
class BandPeaks(keras.layers.Layer):
    """Values [batch, bins] to how far the highest of a band stands out [batch, bins // width].

    From each value the median of the `span` bins around it is subtracted; the spectrum is mirrored
    at its ends. The result is the largest difference in each band. Tones stand out of the noise
    beside them, whatever the level and color of the noise.

    Args:
        width: Bins in a band; bins that do not fill one, at the upper end, are left out.
        span: Odd number of bins of which the median is taken, at most twice the number of bins.

    Raises:
        ValueError: If a number is not a positive integer, or `span` is even or too large.
    """

    def __init__(self, width: int, span: int = 65, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(width=width, span=span)
        if span % 2 == 0:
            raise ValueError(f"span must be odd, got {span}")
        self.width = width
        self.span = span

    def build(self, input_shape):
        """Checks that the spectrum can be mirrored by half a span."""
        if self.span // 2 >= input_shape[-1]:
            raise ValueError(f"span must be below {2 * input_shape[-1]}, got {self.span}")
        super().build(input_shape)

    def call(self, values):
        """Computes the peaks."""
        half = self.span // 2
        mirrored = tf.pad(values, [[0, 0], [half, half]], mode="REFLECT")
        around = tf.signal.frame(mirrored, self.span, 1)
        return tf.reduce_max(_in_bands(values - median(around), self.width), axis=-1)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "width": self.width, "span": self.span}


def median(values: tf.Tensor) -> tf.Tensor:
    """Returns the median over the last axis, whose size is known; of an even size, the middle's."""
    size = values.shape[-1]
    half = size // 2 + 1
    # The upper half, from the largest down, ends with the middle.
    upper = tf.math.top_k(values, half).values
    return upper[..., -1] if size % 2 else (upper[..., -1] + upper[..., -2]) / 2


def _in_bands(values: tf.Tensor, width: int) -> tf.Tensor:
    """Returns [batch, bands, width] of [batch, bins]."""
    bands = values.shape[-1] // width
    return tf.reshape(values[:, : bands * width], [-1, bands, width])
