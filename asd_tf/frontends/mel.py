"""The log-mel spectrogram of a waveform."""

import math

import keras
import tensorflow as tf

from asd_tf.frontends.mel_bands import mel_bands
from asd_tf.frontends.spectrogram import MagnitudeSpectrogram

SCALES = ("ln", "db")


@keras.saving.register_keras_serializable(package="asd_tf")
class LogMel(keras.layers.Layer):
    """Waveform [batch, N] to log-mel energies [batch, frames, n_mels].

    Frames as in `MagnitudeSpectrogram`, bands as in `mel_bands`. With many bands, the lowest can be
    narrower than a bin of the spectrum and hold none: they are constant, at `floor`. Computed in
    float32 under every precision policy.

    Args:
        sample_rate: In Hz.
        n_mels: Number of bands.
        frame_length: Samples in a frame.
        frame_step: Samples from frame to frame.
        fmin: Lower edge of the lowest band, in Hz.
        fmax: Upper edge of the highest band, in Hz; None is half the sample rate.
        power: Of the magnitudes that are summed in a band: 1 or 2.
        scale: `ln` for the natural logarithm of the sums; `db` for their level in decibels, which
            is 20 or 10 log10 of them if `power` is 1 or 2.
        floor: Smaller sums count as this one.
        bands: `htk`, `slaney` or `torchaudio`.
        center: Whether frames are centred on multiples of `frame_step`.

    Raises:
        UsageError: If the waveform is shorter than one frame.
        ValueError: If `power`, `scale` or `bands` is another, or `floor` is not positive.
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
            raise ValueError(f"power {power} of the magnitudes is not known: use 1 or 2")
        if scale not in SCALES:
            raise ValueError(f"scale {scale!r} is not known: use one of {', '.join(SCALES)}")
        if floor <= 0:
            raise ValueError(f"floor {floor} has no logarithm: use a positive one")
        self.sample_rate = sample_rate
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.power = power
        self.scale = scale
        self.floor = floor
        self.bands = bands
        self._spectrogram = MagnitudeSpectrogram(frame_length, frame_step, center)
        # As a numpy constant it lies in the graph, and neither in the weights nor in checkpoints.
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
