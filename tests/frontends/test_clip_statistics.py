"""Statistics of clips must follow their definitions, and stand by numpy."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from asd_tf.frontends import (
    BandMeans,
    BandPeaks,
    DeviationOfDifferences,
    LogPower,
    MedianOverTime,
    ModulationSpectrum,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("frames", [1, 6, 7])
def test_medians_over_time_are_numpys(rng, frames):
    """The median of each bin must be numpy's, of odd and of even numbers of frames."""
    values = rng.normal(size=(3, frames, 5)).astype(np.float32)
    np.testing.assert_allclose(MedianOverTime()(values), np.median(values, axis=1), rtol=1e-6)


def test_changes_are_deviations_of_differences(rng):
    """A level that rises evenly must not count as a change."""
    values = rng.normal(size=(3, 9, 5)).astype(np.float32)
    expected = np.diff(values, axis=1).std(axis=1)
    np.testing.assert_allclose(DeviationOfDifferences()(values), expected, rtol=1e-5)
    rising = values + np.arange(9, dtype=np.float32)[:, np.newaxis]
    np.testing.assert_allclose(DeviationOfDifferences()(rising), expected, rtol=1e-5)


def test_log_power_of_silence_is_that_of_the_floor():
    """Silence must be finite."""
    found = LogPower(1e-9)(np.array([[0.0, 2.0]], np.float32))
    np.testing.assert_allclose(found, np.log([[1e-9, 4.0]]), rtol=1e-6)


def test_band_means_leave_out_what_fills_no_band():
    """Bins at the upper end that fill no band must not be used."""
    values = np.arange(11, dtype=np.float32)[np.newaxis]
    np.testing.assert_array_equal(BandMeans(4)(values), [[1.5, 5.5]])


def test_band_peaks_are_the_largest_rise_above_the_running_median(rng):
    """The running median must be scipy's, with a spectrum that is mirrored at its ends."""
    values = rng.normal(size=(2, 40)).astype(np.float32)
    around = ndimage.median_filter(values, size=(1, 9), mode="mirror")
    expected = (values - around).reshape(2, 5, 8).max(axis=2)
    np.testing.assert_allclose(BandPeaks(8, 9)(values), expected, atol=1e-6)


def test_a_tone_stands_out_whatever_the_noise_beside_it(rng):
    """Levels and slopes of the spectrum must not count as tones."""
    flat = rng.normal(0, 0.1, size=(1, 256)).astype(np.float32)
    tone = flat.copy()
    tone[0, 100] += 5
    slope = np.linspace(0, 20, 256, dtype=np.float32)
    peaks = BandPeaks(16)
    assert np.argmax(peaks(tone)) == 100 // 16
    np.testing.assert_allclose(peaks(flat + 30), peaks(flat), atol=1e-4)
    assert np.abs(np.subtract(peaks(tone + slope), peaks(tone))).max() < 3


def test_modulation_is_found_in_its_band(rng):
    """A band whose level swings 4 times in a second must have its power at 3.5 to 5 Hz."""
    seconds = np.arange(1000) / 100
    log_mel = rng.normal(0, 0.01, size=(1, 1000, 3)).astype(np.float32)
    log_mel[0, :, 1] += np.sin(2 * np.pi * 4 * seconds)
    found = np.array(ModulationSpectrum()(log_mel)).reshape(3, 12)
    assert np.argmax(found[1]) == 4
    assert found[1, 4] > found[0].max() + 5


def test_modulation_is_the_mean_power_of_half_overlapping_windows(rng):
    """The sums must be those of numpy's spectra of windows without their means."""
    log_mel = rng.normal(size=(2, 70, 3)).astype(np.float32)
    layer = ModulationSpectrum(10.0, (1.0, 2.0, 5.0), seconds=2.0, floor=1e-4)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(20) / 20)
    windows = np.stack([log_mel[:, i : i + 20] for i in range(0, 51, 10)], axis=1)
    windows = (windows - windows.mean(axis=2, keepdims=True)) * hann[:, np.newaxis]
    power = (np.abs(np.fft.rfft(windows, axis=2)) ** 2).mean(axis=1)
    expected = np.stack([power[:, 2:4].sum(axis=1), power[:, 4:10].sum(axis=1)], axis=-1)
    np.testing.assert_allclose(
        np.reshape(layer(log_mel), expected.shape), np.log(expected + 1e-4), atol=1e-4
    )


def test_the_modulation_of_a_short_clip_is_defined(rng):
    """A clip that is shorter than a window must have finite values of the same number."""
    log_mel = rng.normal(size=(1, 98, 3)).astype(np.float32)
    found = np.array(ModulationSpectrum()(log_mel))
    assert found.shape == (1, 36) and np.isfinite(found).all()


LAYERS = [
    (MedianOverTime(), (7, 20)),
    (DeviationOfDifferences(), (7, 20)),
    (LogPower(1e-3), (20,)),
    (BandMeans(3), (20,)),
    (BandPeaks(3, 5), (20,)),
    (ModulationSpectrum(10.0, (1.0, 2.0, 5.0)), (70, 3)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=[layer.name for layer, _ in LAYERS])
def test_layers_are_saved_with_their_arguments_and_stay_float32(layer, shape, rng, tmp_path):
    """A loaded layer must compute the same, also where the policy is half precision."""
    entry = keras.Input(shape)
    half = type(layer).from_config(layer.get_config() | {"dtype": "mixed_float16"})
    model = keras.Model(entry, half(entry))
    model.save(tmp_path / "model.keras")
    values = rng.normal(size=(2, *shape)).astype(np.float32)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(values), layer(values))


@pytest.mark.parametrize(
    "make",
    [
        lambda: LogPower(0.0),
        lambda: BandMeans(0),
        lambda: BandPeaks(4, 4),
        lambda: BandPeaks(4, 65)(np.zeros((1, 32), np.float32)),
        lambda: ModulationSpectrum(edges=(2.0, 1.0)),
        lambda: ModulationSpectrum(edges=(0.1, 1.0)),
        lambda: ModulationSpectrum(frame_rate=50.0),
    ],
)
def test_impossible_arguments_are_refused(make):
    """Sizes and edges that cannot be must be refused, with what is allowed."""
    with pytest.raises(ValueError, match="must be"):
        make()
