"""The spectrum of the envelopes of bands: how regularly a machine knocks, pumps or hums."""

import itertools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from asd_tf.arguments import check_positive

# Hz. Rotation and strokes of machines lie in this range; the bands grow with the frequency.
EDGES = (0.5, 1.0, 1.5, 2.5, 3.5, 5.0, 7.0, 10.0, 14.0, 20.0, 28.0, 38.0, 50.0)


@keras.saving.register_keras_serializable(package="asd_tf")
class ModulationSpectrum(keras.layers.Layer):
    """Log-mels [batch, frames, bands] to their powers of modulation [batch, bands x rates].

    The envelope of each band is cut into windows with half of their length between their starts.
    Of each, the mean is removed, and the power spectrum taken under a periodic Hann window; the
    mean over windows is summed between the edges, and its logarithm taken. A clip that is shorter
    than a window is one window, filled with zeros. Computed in float32 under every precision
    policy.

    Args:
        frame_rate: Frames per second.
        edges: Modulation frequencies in Hz that bound the sums, ascending. Those above half the
            frame rate must not occur.
        seconds: Length of a window, at least 1 / the first edge.
        floor: Power that is added before the logarithm, greater than 0.

    Raises:
        ValueError: If the edges do not ascend, or are outside what the window resolves.
    """

    def __init__(
        self,
        frame_rate: float = 100.0,
        edges: Sequence[float] = EDGES,
        seconds: float = 2.0,
        floor: float = 1e-4,
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_positive(frame_rate=frame_rate, seconds=seconds, floor=floor)
        edges = [float(edge) for edge in edges]
        if len(edges) < 2 or np.any(np.diff(edges) <= 0):
            raise ValueError(f"edges must be ascending, got {edges}")
        # Frame steps are whole samples, so that the frame rate may be off by a thousandth.
        if edges[0] < 0.999 / seconds or edges[-1] > 1.01 * frame_rate / 2:
            raise ValueError(
                f"edges must be in [{1 / seconds:g}, {frame_rate / 2:g}] Hz, got {edges}"
            )
        self.frame_rate = frame_rate
        self.edges = edges
        self.seconds = seconds
        self.floor = floor
        self._length = round(seconds * frame_rate)
        hertz = np.fft.rfftfreq(self._length, 1 / frame_rate)
        tolerance = 0.25 / seconds
        bands = [
            (hertz >= low - tolerance) & (hertz < high - tolerance)
            for low, high in itertools.pairwise(edges)
        ]
        # A numpy constant becomes part of the graph; weights and checkpoints do not hold it.
        self._bands = np.stack(bands, axis=1).astype(np.float32)

    def call(self, log_mel):
        """Computes the logarithms of the powers."""
        envelopes = tf.transpose(log_mel, [0, 2, 1])
        given = min(self._length, log_mel.shape[1])
        windows = tf.signal.frame(envelopes, given, max(1, self._length // 2))
        windows -= tf.reduce_mean(windows, axis=-1, keepdims=True)
        windows *= tf.signal.hann_window(given)
        spectrum = tf.abs(tf.signal.rfft(windows, [self._length]))
        power = tf.reduce_mean(tf.square(spectrum), axis=2)
        sums = tf.tensordot(power, self._bands, 1)
        flat = tf.reshape(sums, [-1, log_mel.shape[2] * len(self.edges[1:])])
        return tf.math.log(flat + self.floor)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "frame_rate": self.frame_rate,
            "edges": self.edges,
            "seconds": self.seconds,
            "floor": self.floor,
        }
