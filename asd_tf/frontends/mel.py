"""The log-mel spectrogram of a waveform."""

import math

import keras
import tensorflow as tf

from asd_tf.arguments import check_choices, check_positive
from asd_tf.frontends.mel_bands import mel_bands
from asd_tf.frontends.spectrogram import MagnitudeSpectrogram

SCALES = ("ln", "db")


@keras.saving.register_keras_serializable(package="asd_tf")
class LogMel(keras.layers.Layer):
    """Waveform [batch, N] to log-mel energies [batch, frames, n_mels].

    Frames are those of `MagnitudeSpectrogram`, bands those of `mel_bands`. Where there are many
    bands, the lowest ones can be so narrow that no bin of the spectrum lies in them; their sums are
    constant, equal to `floor`. Computed in float32 under every precision policy.

    Args:
        sample_rate: In Hz.
        n_mels: Number of bands, at most the number of bins, frame_length // 2 + 1.
        frame_length: Samples in a frame.
        frame_step: Samples from frame to frame.
        fmin: Lower edge of the lowest band, in Hz, at least 0.
        fmax: Upper edge of the highest band, in Hz, at most half the sample rate; None for half the
            sample rate.
        power: Exponent of the magnitudes before they are summed in a band: 1 or 2.
        scale: `ln` for the natural logarithm of the sums; `db` for decibels: 20 log10 of the sums
            if `power` is 1, 10 log10 of them if it is 2.
        floor: Lower bound of the sums before the logarithm, greater than 0.
        bands: `htk`, `slaney` or `torchaudio`.
        center: Whether frames are centered on multiples of `frame_step`.

    Raises:
        ValueError: If an argument is out of range, or the waveform is shorter than one frame.
    """

    def __init__(
        self,
        sample_rate: int = 16000,
        n_mels: int = 128,
        frame_length: int = 1024,
        frame_step: int = 512,
        fmin: float = 0.0,
        fmax: float | None = None,
        power: int = 2,
        scale: str = "db",
        floor: float = 1e-10,
        bands: str = "htk",
        center: bool = False,
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if power not in (1, 2):
            raise ValueError(f"power must be 1 or 2, got {power}")
        check_choices(SCALES, scale=scale)
        check_positive(floor=floor)
        self.sample_rate = sample_rate
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.power = power
        self.scale = scale
        self.floor = floor
        self.bands = bands
        self._spectrogram = MagnitudeSpectrogram(frame_length, frame_step, center)
        # A numpy constant becomes part of the graph; weights and checkpoints do not hold it.
        highest = sample_rate / 2 if fmax is None else fmax
        self._weights = mel_bands(n_mels, frame_length, sample_rate, fmin, highest, bands)

    def build(self, input_shape):
        """Checks that there is at least one frame."""
        self._spectrogram.build(input_shape)
        super().build(input_shape)

    def call(self, waveform):
        """Computes the log-mel spectrogram."""
        sums = tf.matmul(self._spectrogram(waveform) ** self.power, self._weights)
        logarithm = tf.math.log(tf.maximum(sums, self.floor))
        return logarithm if self.scale == "ln" else logarithm * (20 / self.power / math.log(10))

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "sample_rate": self.sample_rate,
            "n_mels": self.n_mels,
            "frame_length": self._spectrogram.frame_length,
            "frame_step": self._spectrogram.frame_step,
            "fmin": self.fmin,
            "fmax": self.fmax,
            "power": self.power,
            "scale": self.scale,
            "floor": self.floor,
            "bands": self.bands,
            "center": self._spectrogram.center,
        }
