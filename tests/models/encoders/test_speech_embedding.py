"""speech_embedding must compute the published function, over whole clips."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from harness import exit_of
from published import GOLDEN

from asd_tf.checkpoints.load import load_encoder, pretrained_encoder
from asd_tf.checkpoints.speech_embedding import NAME, installed_file
from asd_tf.cli import convert
from asd_tf.errors import InputError, UsageError
from asd_tf.frontends import SpeechMel
from asd_tf.models.encoders.build import FAMILIES, build_encoder

needs_wheel = pytest.mark.skipif(
    installed_file() is None, reason="pyopen-wakeword has no wheel here: pip install '.[speech]'"
)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "speech_embedding.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def waveform(golden):
    return tf.constant(golden["waveform"][np.newaxis] / np.float32(2**15))


def encoder(samples):
    return pretrained_encoder(load_encoder(NAME), samples, NAME)


def test_the_frontend_agrees_with_tensorflow_lite(golden, waveform):
    np.testing.assert_allclose(SpeechMel()(waveform)[0], golden["log_mel"], atol=1e-4)


def test_quiet_values_follow_the_loudest_of_the_same_clip(waveform):
    """A clip's score must not depend on the clips of its batch."""
    both = SpeechMel()(tf.concat([waveform, waveform / 1000], 0)).numpy()
    alone = SpeechMel()(waveform / 1000)[0].numpy()
    np.testing.assert_allclose(both[1], alone, atol=1e-5)
    assert np.ptp(alone) <= 8 + 1e-5


@needs_wheel
def test_a_whole_clip_has_the_values_of_its_windows(golden, waveform):
    """One pass over a clip must equal TensorFlow Lite on windows of 76 frames, every 8 frames."""
    tokens = encoder(waveform.shape[1])(waveform)[0].numpy()
    assert tokens.shape == golden["embeddings"].shape == (6, 96)
    np.testing.assert_allclose(tokens, golden["embeddings"], rtol=1e-5, atol=2e-4)
    # The same network on one window, which its samples alone decide if the level has no limit.
    start, length = 2 * 8 * 160, FAMILIES[NAME].least_samples
    window = encoder(length)(waveform[:, start : start + length])[0].numpy()
    np.testing.assert_allclose(window, golden["embeddings"][2:3], rtol=1e-5, atol=1e-3)


@needs_wheel
def test_the_network_alone_agrees_to_ten_thousandths(golden):
    """What remains of the difference must be the frontend's."""
    model = encoder(len(golden["waveform"]))
    layers = [layer for layer in model.layers if layer.name.startswith(("conv", "act", "pool"))]
    x = tf.constant(golden["log_mel"][np.newaxis, :, :, np.newaxis])
    for layer in layers:
        kernel = getattr(layer, "kernel_size", (1, 1))
        x = layer(tf.pad(x, [[0, 0], [0, 0], [kernel[1] // 2] * 2, [0, 0]]))
    np.testing.assert_allclose(x[0, :, 0], golden["embeddings"], atol=1e-4)


@needs_wheel
def test_no_code_of_the_wheel_runs():
    """Reading the weights must import neither the wheel nor TensorFlow Lite."""
    program = (
        "import sys\nfrom asd_tf.checkpoints.load import load_encoder\n"
        "load_encoder('speech_embedding')\n"
        "print(any('pyopen_wakeword' in name for name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.stdout.strip() == "False", found.stderr


@needs_wheel
def test_converted_weights_are_the_same(tmp_path, waveform):
    path = installed_file()
    assert exit_of(convert.main, path, tmp_path / "converted") == 0
    model = pretrained_encoder(load_encoder(tmp_path / "converted"), waveform.shape[1], "converted")
    np.testing.assert_array_equal(model(waveform), encoder(waveform.shape[1])(waveform))


@needs_wheel
def test_other_contents_are_refused(tmp_path):
    """A file with another digest must be refused before anything in it is believed."""
    content = bytearray(installed_file().read_bytes())
    content[-1] ^= 1
    (tmp_path / "embedding_model.tflite").write_bytes(content)
    with pytest.raises(InputError, match=r"its SHA-256 is [0-9a-f]{64}, and that of the one known"):
        load_encoder(tmp_path / "embedding_model.tflite")
    with pytest.raises(InputError, match="there is no such file"):
        load_encoder(tmp_path / "other.tflite")


def test_missing_weights_are_one_line(monkeypatch):
    """Without the wheel, the line must say what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"not installed: pip install 'asd_tf\[speech\]'"):
        load_encoder(NAME)


def test_short_waveforms_are_refused():
    config = FAMILIES[NAME].sizes["tiny"]
    assert build_encoder(config, 12512).output.shape[1:] == (1, 16)
    assert build_encoder(config, 12512 + 8 * 160 - 1).output.shape[1:] == (1, 16)
    assert build_encoder(config, 12512 + 8 * 160).output.shape[1:] == (2, 16)
    with pytest.raises(ValueError, match="at least 12512"):
        build_encoder(config, 12511)
