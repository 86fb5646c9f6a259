"""Frontends must follow their definitions, stay float32, and be saved and loaded."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.frontends.kaldi_fbank import KaldiFbank
from asd_tf.frontends.mel import LogMel
from asd_tf.frontends.mel_bands import mel_bands as mel_weights
from asd_tf.frontends.normalization import TemporalMeanNormalization
from asd_tf.frontends.spectrogram import MagnitudeSpectrogram
from asd_tf.frontends.spectrum import MagnitudeSpectrum
from asd_tf.frontends.statistics import RootMeanSquare, TimeStatistics
from asd_tf.frontends.windows import FrameWindows

GOLDEN = Path(__file__).parents[1] / "golden"
FRAME, STEP = 64, 32

OF_WAVEFORM = [
    MagnitudeSpectrogram(FRAME, STEP),
    MagnitudeSpectrum(),
    LogMel(8000, 5, FRAME, STEP, fmin=100.0, fmax=3000.0, power=1, scale="ln", floor=1e-3),
    LogMel(8000, 5, FRAME, STEP, bands="slaney", center=True, name="centered_log_mel"),
    LogMel(8000, 5, FRAME, STEP, bands="torchaudio", name="torchaudio_log_mel"),
    RootMeanSquare(),
]
OF_FEATURES = [TemporalMeanNormalization(), TimeStatistics()]


@pytest.fixture
def waveform():
    return np.random.default_rng(0).normal(size=[3, 301]).astype(np.float32)


@pytest.fixture
def half_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    yield
    keras.mixed_precision.set_global_policy("float32")


def frames_of(waveform):
    """The magnitudes of windowed frames, by numpy in double precision."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    starts = range(0, waveform.shape[1] - FRAME + 1, STEP)
    frames = np.stack([waveform[:, start : start + FRAME] * window for start in starts], axis=1)
    return np.abs(np.fft.rfft(frames.astype(np.float64), axis=-1))


def mel_bands(sample_rate, n_mels, fmin, fmax):
    """Triangles on the HTK mel scale, one column a band."""

    def mel(hertz):
        return 2595 * np.log10(1 + hertz / 700)

    corners = np.linspace(mel(fmin), mel(fmax), n_mels + 2)
    bins = mel(np.arange(FRAME // 2 + 1) * sample_rate / FRAME)[:, np.newaxis]
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    return np.maximum(0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)))


def test_spectrogram_is_the_windowed_transform_of_each_frame(waveform):
    expected = frames_of(waveform)
    assert expected.shape == (3, 8, 33)
    np.testing.assert_allclose(MagnitudeSpectrogram(FRAME, STEP)(waveform), expected, atol=1e-4)


def test_spectrogram_of_ten_seconds_has_the_size_of_table_1():
    assert MagnitudeSpectrogram()(tf.zeros([1, 160000])).shape == (1, 311, 513)


@pytest.mark.parametrize("samples", [300, 301])
def test_spectrum_is_the_transform_without_the_nyquist_bin(waveform, samples):
    waveform = waveform[:, :samples]
    expected = np.abs(np.fft.fft(waveform.astype(np.float64)))[:, : samples // 2]
    np.testing.assert_allclose(MagnitudeSpectrum()(waveform), expected, atol=1e-4)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize(
    ("scale", "factor"), [("ln", lambda power: 1), ("db", lambda power: 20 / power / np.log(10))]
)
def test_log_mel_sums_magnitudes_in_htk_bands(waveform, power, scale, factor):
    layer = LogMel(8000, 5, FRAME, STEP, fmin=100.0, fmax=3000.0, power=power, scale=scale)
    sums = frames_of(waveform) ** power @ mel_bands(8000, 5, 100.0, 3000.0)
    np.testing.assert_allclose(layer(waveform), factor(power) * np.log(sums), atol=1e-3)


def test_slaney_log_mel_is_librosas():
    """Log-mels with `slaney` bands must be those of librosa."""
    with np.load(GOLDEN / "librosa_log_mel.npz") as golden:
        np.testing.assert_allclose(
            mel_weights(32, 512, 16000, 0.0, 8000.0, "slaney"), golden["bands"], atol=1e-7
        )
        layer = LogMel(16000, 32, 512, 128, bands="slaney", center=True)
        np.testing.assert_allclose(
            layer(golden["waveform"][np.newaxis])[0], golden["log_mel"], atol=2e-3
        )


def test_torchaudio_bands_are_interpolated_between_edges_in_hertz():
    """Log-mels with `torchaudio` bands must be those of torchaudio's defaults."""
    edges = 700 * np.expm1(np.linspace(*np.log1p(np.array([50, 7000]) / 700), 34))
    hertz = np.arange(513) * 16000 / 1024
    expected = [np.interp(hertz, edges[i : i + 3], [0, 1, 0]) for i in range(32)]
    found = mel_weights(32, 1024, 16000, 50.0, 7000.0, "torchaudio")
    np.testing.assert_allclose(found, np.transpose(expected), atol=1e-4)
    assert np.abs(found - mel_weights(32, 1024, 16000, 50.0, 7000.0, "htk")).max() > 5e-3


def test_torchaudio_log_mel_of_a_tone_is_its_power_in_decibels():
    """A tone in the middle of a bin must have the power amplitude^2 (sum of window)^2 / 4."""
    hertz = 100 * 16000 / 1024
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(16000) / 16000).astype(np.float32)
    level = LogMel(bands="torchaudio", center=True)(tone[np.newaxis])[0, 15]
    weights = mel_weights(128, 1024, 16000, 0.0, 8000.0, "torchaudio")
    bins = (0.5 * 512) ** 2 / 4 * np.eye(513)[100]
    for neighbor in (99, 101):  # the periodic Hann window has half its sum there
        bins[neighbor] = bins[100] / 4
    band = np.argmax(weights[100])
    np.testing.assert_allclose(level[band], 10 * np.log10(bins @ weights[:, band]), atol=0.01)


def test_centered_frames_of_ten_seconds_are_313():
    assert LogMel(center=True)(tf.zeros([1, 160000])).shape == (1, 313, 128)


def test_log_mel_of_silence_is_its_floor():
    level = LogMel(floor=1e-7)(tf.zeros([1, 1024]))
    np.testing.assert_allclose(level, np.full([1, 1, 128], -70.0), rtol=1e-5)


def test_log_mel_reaches_to_half_the_sample_rate():
    time = np.arange(1024) / 8000
    tone = np.sin(2 * np.pi * 3900 * time).astype(np.float32)
    assert np.argmax(LogMel(8000, 10)(tone[np.newaxis])[0, 0]) == 9


def test_statistics_are_numpys(waveform):
    features = frames_of(waveform).astype(np.float32)
    expected = np.concatenate([features.mean(1), features.std(1)], axis=-1)
    np.testing.assert_allclose(TimeStatistics()(features), expected, rtol=1e-4)
    np.testing.assert_allclose(
        TemporalMeanNormalization()(features), features - features.mean(1, keepdims=True), atol=1e-5
    )


def test_root_mean_square_of_a_full_scale_square_wave_is_one():
    wave = np.array([[1, -1, -1, 1], [0.5, 0.5, -0.5, -0.5]], np.float32)
    np.testing.assert_allclose(RootMeanSquare()(wave), [[1], [0.5]], rtol=1e-6)


def test_a_full_scale_tone_stays_finite_under_mixed_precision(half_precision):
    """A magnitude of 80,000 must not overflow in mixed precision."""
    time = np.arange(160000) / 16000
    tone = np.sin(2 * np.pi * 1000 * time).astype(np.float32)[np.newaxis]
    spectrum = MagnitudeSpectrum()(tone)
    assert spectrum.dtype == tf.float32
    np.testing.assert_allclose(np.max(spectrum), 80000, rtol=1e-4)
    level = LogMel()(tone)
    assert level.dtype == tf.float32
    assert np.isfinite(level).all()


@pytest.mark.parametrize("layer", OF_WAVEFORM + OF_FEATURES, ids=lambda layer: layer.name)
def test_layers_stay_float32_under_mixed_precision(layer, half_precision, waveform):
    layer = type(layer).from_config(layer.get_config() | {"dtype": "mixed_float16"})
    inputs = frames_of(waveform) if layer.name in {x.name for x in OF_FEATURES} else waveform
    assert layer.compute_dtype == "float32"
    assert layer(inputs.astype(np.float32)).dtype == tf.float32


@pytest.mark.parametrize("layer", OF_WAVEFORM + OF_FEATURES, ids=lambda layer: layer.name)
def test_layers_are_saved_and_loaded_with_their_arguments(layer, waveform, tmp_path):
    inputs = waveform
    if layer in OF_FEATURES:
        inputs = frames_of(waveform).astype(np.float32)
    entry = keras.Input(inputs.shape[1:])
    model = keras.Model(entry, layer(entry))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


@pytest.mark.parametrize("layer", [MagnitudeSpectrogram(), LogMel()], ids=lambda layer: layer.name)
def test_a_clip_shorter_than_a_frame_is_refused_in_one_line(layer):
    with pytest.raises(ValueError, match=r"^samples must be at least 1024 .* got 1023: use "):
        layer(tf.zeros([1, 1023]))


@pytest.mark.parametrize(
    ("layer", "argument", "value"),
    [
        (LogMel, "power", 3),
        (LogMel, "scale", "bel"),
        (LogMel, "floor", 0.0),
        (LogMel, "bands", "bark"),
        (LogMel, "n_mels", 0),
        (LogMel, "n_mels", 514),
        (LogMel, "sample_rate", 0),
        (LogMel, "fmin", -1),
        (LogMel, "fmax", 9000),
        (LogMel, "fmax", 0),
        (LogMel, "frame_length", 0),
        (LogMel, "frame_step", 0),
        (KaldiFbank, "n_mels", 258),
        (KaldiFbank, "sample_rate", 99),
        (MagnitudeSpectrogram, "frame_length", -1),
        (MagnitudeSpectrogram, "frame_step", 2.5),
        (FrameWindows, "size", 0),
    ],
)
def test_arguments_out_of_range_are_refused(layer, argument, value):
    """The message must name the argument, its range and the value."""
    with pytest.raises(ValueError, match=rf"{argument}.* must .*got .*{value}"):
        layer(**{argument: value})


def test_a_clip_shorter_than_a_window_is_refused():
    with pytest.raises(ValueError, match=r"at least 5 .* got 4$"):
        FrameWindows(5)(tf.zeros([1, 4, 3]))
