"""Frames that last as long at every sample rate."""

from scipy.fft import next_fast_len

RATE = 16000
"""Hz; the sample rate at which the systems were published, and their frames are given."""

_SAMPLES_TO_A_BAND = 4


def frames_at(
    sample_rate: int, frame_length: int = 1024, frame_step: int = 512, n_mels: int = 128
) -> tuple[int, int]:
    """Returns the length and the step of frames, in samples, that last as long as at 16 kHz.

    A clip then has as many frames at every rate, and a network the same shapes. Below 16 kHz frames
    may last longer, since mel bands need a fine enough spectrum.

    Args:
        sample_rate: In Hz.
        frame_length: Samples of a frame at 16 kHz.
        frame_step: Samples from frame to frame at 16 kHz.
        n_mels: Number of mel bands; at least four samples of a frame are kept for each.
    """
    if sample_rate == RATE:
        return frame_length, frame_step
    length = max(
        round(frame_length * sample_rate / RATE), min(frame_length, _SAMPLES_TO_A_BAND * n_mels)
    )
    step = max(round(frame_step * sample_rate / RATE), 1)
    return 2 * next_fast_len(-(-length // 2)), step
