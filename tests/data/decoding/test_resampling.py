"""Resampling must keep frequency, level and place, at both ends as well."""

import numpy as np
import pytest

from asd_tf.data.decoding.resampling import resample_part, resampled_length

RATE = 16000


def resampled(samples: np.ndarray, rate: int, sample_rate: int = RATE) -> np.ndarray:
    samples = samples.astype(np.float32)
    length = resampled_length(len(samples), rate, sample_rate)

    def read(first: int, count: int) -> np.ndarray:
        return samples[first : first + count]

    found = resample_part(read, len(samples), rate, sample_rate, 0, length)
    assert found.dtype == np.float32
    assert len(found) == length
    return found


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 16001])
def test_a_tone(rate):
    """Resampling must not delay, detune or weaken a tone, nor drop its start or end."""
    seconds = 1.5
    time = np.arange(round(seconds * rate)) / rate
    found = resampled(0.5 * np.sin(2 * np.pi * 440 * time), rate)
    assert len(found) == pytest.approx(seconds * RATE, abs=1)
    time = np.arange(len(found)) / RATE
    error = found - 0.5 * np.sin(2 * np.pi * 440 * time)
    # A hundredth of a sample late or early is an error of 0.0009.
    assert np.abs(error[200:-200]).max() < 1e-4
    # Beyond the ends the tone is thought to stand still.
    assert np.abs(error).max() < 0.1
    spectrum = np.abs(np.fft.rfft(found[:RATE] * np.hanning(RATE)))
    assert spectrum.argmax() == 440


def test_frequencies_above_the_lower_rate_are_removed():
    """Frequencies above half of the new rate must not alias."""
    time = np.arange(48000) / 48000
    found = resampled(0.5 * np.sin(2 * np.pi * 12000 * time), 48000)
    assert np.abs(found[100:-100]).max() < 1e-4


@pytest.mark.parametrize("length", [1, 2, 50])
@pytest.mark.parametrize("rate", [1000, 8000, 44100, 767_999])
def test_very_short_waveforms(length, rate):
    found = resampled(np.full(length, 0.25), rate)
    assert len(found) == max(1, round(length * RATE / rate))
    np.testing.assert_allclose(found, 0.25, atol=1e-4)


@pytest.mark.parametrize(
    ("rate", "sample_rate"),
    [(44100, RATE), (48000, RATE), (1000, RATE), (768_000, RATE), (16000, 44100), (384_000, 2000)],
)
def test_a_part_is_that_of_the_whole(rate, sample_rate):
    """A part must be what it is when all is resampled: what is read around it must suffice."""
    samples = np.random.default_rng(0).uniform(-1, 1, rate + 3).astype(np.float32)
    reads = []

    def read(first: int, count: int) -> np.ndarray:
        reads.append(count)
        assert first >= 0
        assert first + count <= len(samples)
        return samples[first : first + count]

    length = resampled_length(len(samples), rate, sample_rate)
    whole = resample_part(read, len(samples), rate, sample_rate, 0, length)
    for start in (0, length // 3, length // 2 + 7, length - 50):
        part = resample_part(read, len(samples), rate, sample_rate, start, 50)
        np.testing.assert_allclose(part, whole[start : start + 50], rtol=0, atol=2e-6)
    assert max(reads[1:]) < rate / 2
