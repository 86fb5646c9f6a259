"""The numbers of a window must be those that its name says, at any rate, length and level."""

import numpy as np
import pytest

from asd_tf.data.health.measures import (
    CLIPPED,
    DROPOUTS,
    HUM,
    IN_BANDS,
    IN_FINE_BANDS,
    LEVEL,
    measure,
)

RATE = 16000


def noise(seconds=2.0, level=0.05, rate=RATE, seed=0):
    return np.random.default_rng(seed).normal(0, level, round(seconds * rate)).astype(np.float32)


def measured(wave, rate=RATE):
    return measure(wave[np.newaxis], rate)[0]


def test_level_is_that_of_the_signal_without_its_offset():
    """An offset of the input must not count, however large it is beside the signal."""
    wave = noise(level=0.01)
    assert measured(wave)[LEVEL] == pytest.approx(-40, abs=0.1)
    for offset in (0.02, 0.5):
        assert measured(wave + np.float32(offset))[LEVEL] == pytest.approx(-40, abs=0.1)


@pytest.mark.parametrize("rate", [2000, 16000, 48000, 192000])
def test_bands_add_up_to_the_level(rate):
    """No part of a spectrum may be left out but the lowest few hertz."""
    found = measured(noise(rate=rate), rate)
    total = 10 * np.log10(np.sum(10 ** (found[IN_BANDS] / 10)))
    assert total == pytest.approx(found[LEVEL], abs=0.3)
    # Half octaves of white noise: each has 1.5 dB more than the one below.
    np.testing.assert_allclose(np.diff(found[IN_BANDS][5:]), 1.5, atol=1.5)


def test_a_band_holds_its_frequencies():
    time = np.arange(2 * RATE) / RATE
    for hertz, band in ((100, 0), (200, 1), (2500, 8), (4500, 10), (7000, 11)):
        tone = 0.1 * np.sin(2 * np.pi * hertz * time, dtype=np.float64).astype(np.float32)
        assert np.argmax(measured(tone)[IN_BANDS]) == band


def test_clipped_samples_are_counted():
    """Those at a limit of any height must be counted, and not the peaks of noise or of a tone."""
    wave = noise()
    assert measured(wave)[CLIPPED] < 1e-3
    for share in (0.02, 0.2):
        limit = np.quantile(np.abs(wave), 1 - share)
        assert measured(np.clip(wave, -limit, limit))[CLIPPED] == pytest.approx(share, rel=0.1)
    one_side = np.minimum(wave, np.quantile(wave, 0.95))
    assert measured(one_side)[CLIPPED] == pytest.approx(0.05, rel=0.1)


def test_missing_pieces_are_counted():
    """Zeros, and a value that is held, must count; a pause in which noise is left must not."""
    for value in (0.0, 0.1):
        wave = noise()
        wave[3200:6400] = value
        assert measured(wave)[DROPOUTS] == pytest.approx(0.1, abs=0.01)
    wave = noise()
    wave[3200:6400] *= 0.01
    assert measured(wave)[DROPOUTS] == 0


@pytest.mark.parametrize("mains", [50, 60])
def test_hum_is_a_comb_of_lines(mains):
    """Harmonics of the mains must be told from one tone at the same place, and from noise."""
    time, wave = np.arange(2 * RATE) / RATE, noise()
    assert measured(wave)[HUM] < 3
    tone = 0.05 * np.sin(2 * np.pi * 2 * mains * time)
    assert measured((wave + tone).astype(np.float32))[HUM] < 6
    comb = sum(0.03 / k * np.sin(2 * np.pi * k * mains * time + k) for k in range(1, 7))
    assert measured((wave + comb).astype(np.float32))[HUM] > 12


def test_any_window_has_numbers():
    """Silence and a few samples must give finite numbers, in a batch as alone."""
    for count in (1, 3, 160, 4095, 4096, 50_000):
        for wave in (np.zeros(count, np.float32), noise()[:count]):
            assert np.isfinite(measured(wave)).all()
    silent = measured(np.full(RATE, 0.25, np.float32))
    assert (silent[LEVEL], silent[DROPOUTS]) == (pytest.approx(-120), 1)
    batch = np.stack([noise(seed=seed) for seed in range(3)])
    found = measure(batch, RATE)
    assert found.shape == (3, IN_FINE_BANDS.stop)
    np.testing.assert_array_equal(found[2], measured(batch[2]))
    assert measure(batch[:0], RATE).shape == (0, IN_FINE_BANDS.stop)
