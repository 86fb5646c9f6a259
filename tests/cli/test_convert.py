"""asd-convert must make published weights into a folder that training accepts."""

import json

import numpy as np
import pytest
from harness import exit_of
from published import GOLDEN, hugging_face_folder
from torch_archive import write_torch_zip

from asd_tf.checkpoints.load import load_encoder, pretrained_encoder
from asd_tf.cli import convert
from asd_tf.errors import InputError


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    out = tmp_path_factory.mktemp("converted") / "beats"
    assert exit_of(convert.main, GOLDEN / "beats_tiny_finetuned.pt", out) == 0
    return out


def test_the_converted_encoder_is_the_published_one(converted):
    """The converted folder alone must give the recorded features."""
    with np.load(GOLDEN / "beats_tiny_finetuned.npz") as file:
        expected = dict(file)
    pretrained = load_encoder(converted)
    model = pretrained_encoder(pretrained, 32479, "converted", head=True)
    features = model(expected["waveform"]).numpy()
    np.testing.assert_allclose(features, expected["features"], atol=1e-4)
    # Keras itself reads the weights too.
    again = pretrained_encoder(load_encoder(converted), 32479, "converted", head=True)
    again.set_weights([value * 0 for value in again.get_weights()])
    again.load_weights(converted / "weights.h5")
    np.testing.assert_array_equal(again(expected["waveform"]).numpy(), features)


def test_every_kind_is_converted(tmp_path, capsys):
    """Every kind of file that the help names must be converted, and described in the output."""
    for name, source in {
        "ced": GOLDEN / "ced_tiny.pt",
        "wav2vec2": hugging_face_folder("wav2vec2_tiny", tmp_path / "w"),
        "whisper": hugging_face_folder("whisper_tiny", tmp_path / "h"),
    }.items():
        assert exit_of(convert.main, source, tmp_path / name) == 0
        assert f"{name}, 2 layers of width 48" in capsys.readouterr().out
        found, expected = load_encoder(tmp_path / name), load_encoder(source)
        assert found.config == expected.config
        assert found.weights.keys() == expected.weights.keys()
        for key, array in expected.weights.items():
            np.testing.assert_array_equal(found.weights[key], array)


def test_changed_weights_are_noticed(converted, tmp_path):
    """Weights that were cut or edited after the conversion must be refused."""
    copy = tmp_path / "copy"
    copy.mkdir()
    manifest = json.loads((converted / "encoder.json").read_text())
    weights = bytearray((converted / "weights.h5").read_bytes())

    def write(manifest, weights):
        (copy / "encoder.json").write_text(json.dumps(manifest))
        (copy / "weights.h5").write_bytes(weights)

    for values, message in (
        ({**manifest, "format": 2}, "is of format 2"),
        ({**manifest, "encoder": "hubert"}, "got 'hubert'"),
        ({**manifest, "config": {"depth": 2, "color": 1}}, "has no color"),
        ({"format": 1}, "is not a description"),
        ({**manifest, "config": {**manifest["config"], "depth": 3}}, "lacks the variable layer_2"),
    ):
        write(values, weights)
        with pytest.raises(InputError, match=message):
            load_encoder(copy)
    weights[-1] ^= 1
    write(manifest, weights)
    with pytest.raises(InputError, match="is not as it was written"):
        load_encoder(copy)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("x")
    assert exit_of(convert.main, GOLDEN / "ced_tiny.pt", tmp_path) == 1
    assert "exists and is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_refused_checkpoint_leaves_nothing(tmp_path, capsys):
    """It must give one line, leave no half-written folder, and run no code of the file."""
    bad = tmp_path / "bad.pt"
    write_torch_zip(bad, {}, f"cos\nsystem\n(S'touch {tmp_path / 'done'}'\ntR.".encode())
    assert exit_of(convert.main, bad, tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and "os.system" in error
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pt"]


def test_a_wrong_command_is_told_how(capsys):
    assert exit_of(convert.main, "one") == 2
    assert "--help" in capsys.readouterr().err
