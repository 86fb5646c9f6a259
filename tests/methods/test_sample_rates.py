"""Every method must take every sample rate with `--set data.sample_rate=...` alone."""

import importlib

import keras
import numpy as np
import pytest
from harness import write_dataset, write_tone

import asd_tf
from asd_tf.config import apply_overrides, load_recipe, method_names
from asd_tf.data.layouts.readers import read_clips
from asd_tf.errors import UsageError
from asd_tf.experiment.sample_rates import LIMITS
from asd_tf.frontends import frames_at
from asd_tf.methods import asai, stgram, wilkinghoff
from asd_tf.methods.common.checks import samples_of
from asd_tf.methods.common.log_mel import log_mel_layer
from asd_tf.methods.common.log_mel_cache import log_mel_model
from asd_tf.methods.kuroyanagi import classifier_networks
from asd_tf.methods.registry import load_method
from asd_tf.run.frames import frame_sizes, frames_lines

SECONDS = 2.0
PUBLISHED = 16000
RATES = (2000, 96000, 192000)
# Their encoders are published, and take 16 kHz.
ENCODERS = ("frozen", "zheng")
METHODS = tuple(name for name in method_names() if name not in ENCODERS)
OTHERS = tuple(name for name in METHODS if name != "mahalanobis")


def quick(method, rate, *assignments):
    config = load_recipe(method, "quick")
    assignments = (f"data.seconds={SECONDS}", f"data.sample_rate={rate}", *assignments)
    apply_overrides(config, assignments)
    return config


@pytest.fixture(scope="module")
def clips(dataset):
    return read_clips(dataset)[0]


@pytest.mark.parametrize("rate", [*RATES, 2500, 8000, 11025, 44100])
@pytest.mark.parametrize("method", METHODS)
def test_the_quick_recipe_takes_every_rate(method, rate, clips):
    load_method(method).check(quick(method, rate), clips)


@pytest.mark.parametrize("rate", RATES)
def test_a_clip_has_as_many_frames_at_every_rate(rate):
    """Crops and windows of frames must mean the same time, and networks have the same shapes."""
    for method in ("ae", "resnet18"):
        expected = log_mel_model(quick(method, PUBLISHED)).output.shape
        frontend = log_mel_model(quick(method, rate))
        assert tuple(frontend.output.shape) == tuple(expected)
        check_features(frontend, rate)
    frontend = classifier_networks.log_mel_model(
        quick("kuroyanagi_bc", rate), round(SECONDS * rate)
    )
    check_features(frontend, rate)
    config = quick("kuroyanagi_bc", rate)
    crop = classifier_networks.log_mel_model(config, classifier_networks.crop_samples(config))
    assert crop.output.shape[1] == config.crop.frames


def check_features(frontend, rate):
    """A tone in the upper half of the spectrum must be found in the upper half of the bands."""
    time = np.arange(round(SECONDS * rate)) / rate
    features = frontend(np.sin(2 * np.pi * 0.4 * rate * time)[np.newaxis].astype(np.float32))
    features = np.mean(features[0], axis=0)
    assert np.isfinite(features).all()
    assert np.argmax(features) > 0.7 * len(features)


def asai_network(config):
    bands = config.frontend.n_mels
    layer = keras.layers.Normalization(mean=[0.0] * bands, variance=[1.0] * bands)
    return asai.build_parts(config, samples_of(config), layer).network


def mahalanobis_network(config):
    waveform = keras.Input([samples_of(config)])
    return keras.Model(waveform, log_mel_layer(config)(waveform))


BUILDERS = {
    "asai": asai_network,
    "mahalanobis": mahalanobis_network,
    "stgram": lambda config: stgram.build_network(config, samples_of(config)),
    "wilkinghoff": lambda config: wilkinghoff.build_network(config, samples_of(config), "both"),
}


@pytest.mark.parametrize("rate", [2000, 96000, pytest.param(192000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", sorted(BUILDERS))
def test_a_network_of_waveforms_embeds_at_every_rate(method, rate):
    network = BUILDERS[method](quick(method, rate))
    noise = np.random.default_rng(0).normal(scale=0.1, size=[2, round(SECONDS * rate)])
    embeddings = np.asarray(network(noise.astype(np.float32)))
    assert np.isfinite(embeddings).all()
    assert embeddings.std() > 0


# The recipes of these have no frames to tell of.
WITHOUT_FRAMES = ("loudness", "statistics")


def train_tiny(method, rate, folder):
    seconds = SECONDS if rate < PUBLISHED else 1.1
    data = write_dataset(folder / "data", seconds=seconds, rate=rate)
    tiny = importlib.import_module(f"asd_tf.configs.{method}.quick").TEST
    values = [*tiny, f"data.seconds={seconds}", f"data.sample_rate={rate}"]
    return asd_tf.train(
        method, data_dir=data, recipe="quick", values=values, run_dir=folder / "run"
    )


@pytest.mark.parametrize(
    ("method", "rate"),
    [
        ("mahalanobis", 2000),
        ("mahalanobis", 192000),
        *(pytest.param(name, 2000, marks=pytest.mark.slow) for name in OTHERS),
        *(pytest.param(name, 96000, marks=pytest.mark.slow) for name in OTHERS),
    ],
)
def test_training_and_scoring(method, rate, tmp_path, caplog):
    """A detector of the rate must come of it, and the frames be told in milliseconds."""
    caplog.set_level("INFO")
    result = train_tiny(method, rate, tmp_path)
    assert result.detector.manifest.get("sample_rate") == rate
    assert result.evaluation.scored["score"].notna().all()
    assert ("frames of" in caplog.text) == (method not in WITHOUT_FRAMES)


def test_frames_are_told_in_milliseconds():
    assert frames_lines(quick("ae", 16000)) == [
        "frames of 64 ms every 32 ms (1024 and 512 samples)"
    ]
    assert frames_lines(quick("wilkinghoff", 96000)) == [
        "frames of 64 ms every 32 ms (6144 and 3072 samples at 96000 Hz, about as long as at "
        "16000 Hz)"
    ]
    assert len(frames_lines(quick("kuroyanagi", 2000))) == 2
    assert frames_lines(quick("loudness", 2000)) == []


@pytest.mark.parametrize("rate", [LIMITS[0], 2500, 8000, 16000, 22050, 44100, 48000, LIMITS[1]])
def test_frames_last_as_long_at_every_rate(rate):
    for length, step, bands in ((1024, 512, 128), (2048, 512, 256), (1024, 256, 64)):
        found_length, found_step = frames_at(rate, length, step, bands)
        assert found_step / rate == pytest.approx(step / PUBLISHED, rel=0.02)
        assert found_length % 2 == 0
        assert found_length >= min(4 * bands, length)
        if rate >= PUBLISHED:
            assert found_length / rate == pytest.approx(length / PUBLISHED, rel=0.05)
    assert frames_at(PUBLISHED, 1000, 300) == (1000, 300)


def test_the_keys_of_frames_are_samples_at_the_published_rate():
    config = quick("kuroyanagi_bc", 8000, "frontend.frame_length=2048", "frontend.frame_step=400")
    assert frame_sizes(config) == (1024, 200)


def test_a_published_encoder_has_its_own_rate(clips):
    config, method = quick("zheng", 8000), load_method("zheng")
    method.fill_in(config, "folder")
    with pytest.raises(UsageError, match=r"data.sample_rate=8000: .*--set data.sample_rate=16000"):
        method.check(config, clips)


def test_a_rate_above_that_of_the_recordings_is_refused(tmp_path):
    """What lies above half their rate is nothing to learn from; the line says what to set."""
    for number in range(4):
        rate = 8000 if number == 2 else 48000
        write_tone(tmp_path / f"data/pump/train/{number}.wav", 300, 1.0, number, rate)
    pattern = (
        r"data.sample_rate=16000: 1 of 4 training clips have less, .*2.wav has 8000 Hz, .*4000 Hz "
        r"to learn from: --set data.sample_rate=8000, or leave them out"
    )
    with pytest.raises(UsageError, match=pattern):
        asd_tf.train("loudness", data_dir=tmp_path / "data", run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    asd_tf.train(
        "loudness", data_dir=tmp_path / "data", values={"data.sample_rate": 8000},
        run_dir=tmp_path / "run",
    )  # fmt: skip
