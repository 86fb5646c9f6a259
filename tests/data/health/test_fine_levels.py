"""Fine levels must show small shifts of lines, and depend on level and sound alone."""

import numpy as np
import pytest

from asd_tf.data.health.fine_levels import FINE_BANDS, fine_levels

RATE = 16000


def noise(seconds=2.0, level=0.05, rate=RATE, seed=0):
    return np.random.default_rng(seed).normal(0, level, round(seconds * rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [2000, 8000, 16000, 48000, 192000])
@pytest.mark.parametrize("seconds", [0.01, 0.5, 30.0])
def test_every_rate_and_length_has_all_levels(rate, seconds):
    """The number of levels must not depend on the recording, and none may be infinite."""
    found = fine_levels(noise(seconds, rate=rate), rate)
    assert found.shape == (FINE_BANDS,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.isfinite(fine_levels(np.zeros(100, np.float32), rate)).all()


def test_gain_moves_all_levels_alike():
    """Twice the amplitude must be four times the power in every band."""
    quiet, loud = fine_levels(noise(), RATE), fine_levels(2 * noise(), RATE)
    np.testing.assert_allclose(loud - quiet, np.log(4), atol=1e-3)


def test_a_shift_of_a_line_by_8_percent_is_another_band():
    """A change of speed must show, also where a half octave would hold both lines."""
    time = np.arange(2 * RATE) / RATE
    for hertz in (400, 1500, 4000):
        bands = [
            np.argmax(fine_levels(np.sin(2 * np.pi * f * time).astype(np.float32), RATE))
            for f in (hertz, 1.08 * hertz)
        ]
        assert bands[1] > bands[0]
