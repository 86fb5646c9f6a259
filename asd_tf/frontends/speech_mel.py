"""The log-mel spectrogram that Google's speech_embedding takes, as openWakeWord computes it."""

import keras
import numpy as np
import tensorflow as tf

from asd_tf.frontends.dynamic_range import DynamicRange
from asd_tf.frontends.kaldi_fbank import FULL_SCALE
from asd_tf.frontends.mel_bands import mel_bands
from asd_tf.frontends.spectrogram import check_samples

SAMPLE_RATE = 16000
BANDS = 32
FRAME_STEP = 160
FRAME_LENGTH = 512
# The Hann window is shorter than the frame, in whose middle it lies.
_WINDOW = 400
_LOWEST_HERTZ, _HIGHEST_HERTZ = 60.0, 3800.0
_FLOOR = 1e-10
_RANGE_DB = 80.0


@keras.saving.register_keras_serializable(package="asd_tf")
class SpeechMel(keras.layers.Layer):
    """Waveform [batch, N] in -1..1 at 16 kHz to log-mels [batch, frames, 32].

    Frames of 512 samples start every 160, without padding: frames = 1 + (N - 512) // 160. A
    periodic Hann window of 400 samples lies in the middle of each. Its power spectrum, of a
    waveform with the range of 16-bit integers, is summed in 32 of librosa's mel bands from 60 to
    3,800 Hz. Values in dB that are more than 80 dB below the largest one of the clip are raised to
    that level; a tenth of the result plus 2 is returned. Computed in float32 under every precision
    policy.

    Raises:
        ValueError: If the waveform is shorter than one frame.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        # Numpy constants become part of the graph; weights and checkpoints do not hold them.
        beside = (FRAME_LENGTH - _WINDOW) // 2
        self._window = np.pad(np.hanning(_WINDOW + 1)[:-1], beside).astype(np.float32)
        self._bands = mel_bands(
            BANDS, FRAME_LENGTH, SAMPLE_RATE, _LOWEST_HERTZ, _HIGHEST_HERTZ, "slaney"
        )
        self._limit = DynamicRange(_RANGE_DB)

    def build(self, input_shape):
        """Checks that there is at least one frame."""
        check_samples(input_shape[-1], FRAME_LENGTH)
        super().build(input_shape)

    def call(self, waveform):
        """Computes the log-mel spectrogram."""
        frames = tf.signal.frame(waveform * FULL_SCALE, FRAME_LENGTH, FRAME_STEP) * self._window
        power = tf.abs(tf.signal.rfft(frames)) ** 2
        sums = tf.maximum(tf.matmul(power, self._bands), _FLOOR)
        decibels = tf.math.log(sums) * (10 / float(np.log(10)))
        return self._limit(decibels) / 10 + 2
