"""Resampling of a waveform, or of a part of it, aligned in time."""

import math
from collections.abc import Callable

import numpy as np
import soxr

_QUALITY = "HQ"

# Samples of the lower rate beyond which the filter of this quality has no effect: half of its
# length, which is below 100 (tested).
_REACH = 128


def resampled_length(frames: int, rate: int, sample_rate: int) -> int:
    """Returns how many samples `frames` samples at `rate` Hz become, at least 1."""
    return max((frames * sample_rate + rate // 2) // rate, 1)


def resample_part(
    read: Callable[[int, int], np.ndarray],
    frames: int,
    rate: int,
    sample_rate: int,
    start: int,
    count: int,
) -> np.ndarray:
    """Resamples a part of a waveform as if the whole were resampled, but reads that part alone.

    Sample k of the result lies at the time k / `sample_rate` of the waveform. Before its beginning
    and after its end the waveform is thought to continue with its first and last value.

    Args:
        read: Function of a first sample and a number of samples that returns this part of the
            waveform, float32.
        frames: Number of samples of the waveform, above 0.
        rate: Its sample rate in Hz.
        sample_rate: Sample rate of the result in Hz.
        start: The first sample of the result.
        count: Number of samples of the result, at most up to `resampled_length`.

    Returns:
        [count] float32.
    """
    # Both rates have a sample at the same time once in `step` samples of the waveform.
    step = rate // math.gcd(rate, sample_rate)
    reach = math.ceil(_REACH * max(rate / sample_rate, 1))
    begin = (start * rate // sample_rate - reach) // step * step
    end = math.ceil((start + count) * rate / sample_rate) + reach
    first, last = min(max(begin, 0), frames - 1), min(end, frames)
    samples = np.pad(read(first, last - first), (first - begin, end - last), mode="edge")
    found = soxr.resample(samples, rate, sample_rate, quality=_QUALITY)
    skipped = start - begin * sample_rate // rate
    return found[skipped : skipped + count]
