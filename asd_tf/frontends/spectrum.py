"""The magnitude spectrum of a whole waveform."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class MagnitudeSpectrum(keras.layers.Layer):
    """Waveform [batch, N] to magnitudes [batch, N // 2] of its discrete Fourier transform.

    One transform of the whole clip has the highest frequency resolution (Wilkinghoff 2023, Section
    2.1). The bins go from 0 Hz to just below the Nyquist frequency, without logarithm, window or
    scaling. A full-scale tone of N samples has a magnitude of N / 2, which overflows float16 from
    N = 131,040 on, so this is computed in float32 under every precision policy.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, waveform):
        """Computes the spectrum."""
        return tf.abs(tf.signal.rfft(waveform))[:, : waveform.shape[-1] // 2]
