"""The magnitude spectrogram of a waveform."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts


@keras.saving.register_keras_serializable(package="asd_tf")
class MagnitudeSpectrogram(keras.layers.Layer):
    """Waveform [batch, N] to magnitudes [batch, frames, frame_length // 2 + 1].

    Periodic Hann window, no logarithm and no scaling (Wilkinghoff 2023, Section 2.1). Without
    padding, frames = 1 + (N - frame_length) // frame_step: 311 x 513 for 10 s at 16 kHz. Computed
    in float32 under every precision policy.

    Args:
        frame_length: Samples in a frame and points of its Fourier transform.
        frame_step: Samples from frame to frame.
        center: Whether the middle of frame t is sample t * frame_step. Then half a frame is
            mirrored at both ends, as in librosa and torchaudio, and frames = 1 + N // frame_step:
            313 for 10 s.

    Raises:
        ValueError: If a size is not a positive integer, or the waveform is shorter than one frame.
    """

    def __init__(
        self, frame_length: int = 1024, frame_step: int = 512, center: bool = False, **kwargs
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_counts(frame_length=frame_length, frame_step=frame_step)
        self.frame_length = frame_length
        self.frame_step = frame_step
        self.center = center

    def build(self, input_shape):
        """Checks that there is at least one frame."""
        check_samples(input_shape[-1], self.frame_length)
        super().build(input_shape)

    def call(self, waveform):
        """Computes the spectrogram."""
        if self.center:
            half = self.frame_length // 2
            waveform = tf.pad(waveform, [[0, 0], [half, half]], mode="REFLECT")
        return tf.abs(
            tf.signal.stft(
                waveform, self.frame_length, self.frame_step, fft_length=self.frame_length
            )
        )

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "frame_length": self.frame_length,
            "frame_step": self.frame_step,
            "center": self.center,
        }


def check_samples(samples: int | None, frame_length: int) -> None:
    """Checks that a waveform is at least one frame long.

    Args:
        samples: Length of the waveform; None where it is not fixed, which is not checked.
        frame_length: Samples in a frame.

    Raises:
        ValueError: If the waveform is shorter.
    """
    if samples is not None and samples < frame_length:
        raise ValueError(
            f"samples must be at least {frame_length} (one frame), got {samples}: use longer clips"
        )
