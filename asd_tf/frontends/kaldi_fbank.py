"""The filter bank of Kaldi as torchaudio computes it: the input of BEATs."""

import keras
import numpy as np
import tensorflow as tf

from asd_tf.arguments import check_at_least
from asd_tf.frontends.mel_bands import mel_bands
from asd_tf.frontends.spectrogram import check_samples

# Kaldi's waveforms are 16-bit integers.
FULL_SCALE = 2.0**15
# Hz; below, frames of 25 ms have no band between 20 Hz and half the sample rate.
MINIMUM_SAMPLE_RATE = 100
PRE_EMPHASIS = 0.97
LOWEST_HERTZ = 20.0
# The distance from 1 to the next float32.
FLOOR = float(np.finfo(np.float32).eps)


@keras.saving.register_keras_serializable(package="asd_tf")
class KaldiFbank(keras.layers.Layer):
    """Waveform [batch, N] in -1..1 to log-mel energies [batch, frames, n_mels].

    Kaldi's defaults without dither. Frames of 25 ms start every 10 ms and are never padded: at
    16 kHz there are 1 + (N - 400) // 160. The steps on each frame are: subtract its mean;
    pre-emphasis of 0.97, where the first sample counts as its own predecessor; Povey's window;
    zeros up to a power of two; power spectrum; triangular bands from 20 Hz to half the sample rate;
    natural logarithm. Computed in float32 under every precision policy.

    Args:
        n_mels: Number of bands, at most the number of bins.
        sample_rate: In Hz, at least 100.

    Raises:
        ValueError: If an argument is out of range, or the waveform is shorter than one frame.
    """

    def __init__(self, n_mels: int = 128, sample_rate: int = 16000, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_at_least(MINIMUM_SAMPLE_RATE, sample_rate=sample_rate)
        self.n_mels = n_mels
        self.sample_rate = sample_rate
        self._length = sample_rate * 25 // 1000
        self._step = sample_rate * 10 // 1000
        self._points = 2 ** (self._length - 1).bit_length()
        # Numpy constants become part of the graph; weights and checkpoints do not hold them.
        self._window = (np.hanning(self._length) ** 0.85).astype(np.float32)
        self._bands = mel_bands(
            n_mels, self._points, sample_rate, LOWEST_HERTZ, sample_rate / 2, "htk"
        )

    def build(self, input_shape):
        """Checks that there is at least one frame."""
        check_samples(input_shape[-1], self._length)
        super().build(input_shape)

    def call(self, waveform):
        """Computes the filter bank."""
        frames = tf.signal.frame(waveform * FULL_SCALE, self._length, self._step)
        frames -= tf.reduce_mean(frames, axis=-1, keepdims=True)
        before = tf.concat([frames[..., :1], frames[..., :-1]], axis=-1)
        frames = (frames - PRE_EMPHASIS * before) * self._window
        power = tf.abs(tf.signal.rfft(frames, [self._points])) ** 2
        return tf.math.log(tf.maximum(tf.matmul(power, self._bands), FLOOR))

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "n_mels": self.n_mels,
            "sample_rate": self.sample_rate,
        }
