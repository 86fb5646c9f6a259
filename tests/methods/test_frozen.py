"""Frozen encoders: which features they have, and what is said where they cannot be had."""

import logging
from pathlib import Path

import numpy as np
import pytest
from harness import exit_of

from asd_tf.checkpoints.load import load_encoder, pretrained_encoder
from asd_tf.checkpoints.speech_embedding import installed_file
from asd_tf.cli import train
from asd_tf.config import apply_overrides, load_recipe
from asd_tf.data.layouts.readers import read_clips
from asd_tf.methods import frozen
from asd_tf.methods.common.pretrained import read_pretrained

BEATS = Path(__file__).parents[1] / "golden" / "beats_tiny.pt"
needs_wheel = pytest.mark.skipif(
    installed_file() is None, reason="pyopen-wakeword has no wheel here: pip install '.[speech]'"
)


def network_of(recipe, *overrides):
    config = load_recipe("frozen", recipe)
    apply_overrides(config, ["data.seconds=1.0", *overrides])
    return frozen.build_network(config, read_pretrained(config))


def noise(samples=16000):
    return np.random.default_rng(0).normal(0, 0.1, (2, samples)).astype(np.float32)


@needs_wheel
@pytest.mark.parametrize(
    ("recipe", "width"),
    [("quick", 8 * 72), ("beam", 4 * 96), ("paper", 96), ("rdp", 96), ("cluster_exits", 96)],
)
def test_recipes_have_the_features_that_they_state(recipe, width):
    assert network_of(recipe)(noise()).shape == (2, width)


def test_tokens_of_beats_are_mean_over_time_and_band():
    """The mean over bands and frames must be that over all tokens, as in zheng."""
    tokens = pretrained_encoder(load_encoder(BEATS), 16000, "golden")(noise()).numpy()
    found = network_of("paper", f"encoder.pretrained={BEATS}")(noise())
    np.testing.assert_allclose(found, tokens.mean(axis=1), atol=1e-5)
    kept = network_of("paper", f"encoder.pretrained={BEATS}", "pooling.bands=keep")(noise())
    by_band = tokens.reshape(2, -1, 8, tokens.shape[2]).mean(axis=1)
    np.testing.assert_allclose(kept, by_band.reshape(2, -1), atol=1e-5)


def test_without_an_encoder_the_features_are_log_mels():
    network = network_of("quick", "encoder.pretrained=none")
    assert network(noise()).shape == (2, 128)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--pretrained=none", "--set=encoder.kind=beats"), "there is no encoder with"),
        (("--set=encoder.layer=20",), "encoder.layer"),
        pytest.param(("--set=data.seconds=0.5",), "takes 0.79 s at least", marks=needs_wheel),
        pytest.param(
            ("--recipe=beam", "--set=backend.members.bands.params.bands=5"),
            "must divide the 384 features", marks=needs_wheel,
        ),
        (("--set=pooling.bands=all",), "pooling.bands"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(flags, message, dataset, tmp_path, capsys):
    command = ("--method=frozen", "--recipe=quick", "--set=data.seconds=1.0",
               f"--data_dir={dataset}", *flags)  # fmt: skip
    assert exit_of(train.main, *command, f"--run_dir={tmp_path / 'run'}") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("weights", "features"), [("none", "log-mels"), (BEATS, "the tokens of beats")]
)
def test_layers_of_other_encoders_are_told(weights, features, dataset, caplog):
    config = load_recipe("frozen", "quick")
    apply_overrides(config, ["data.seconds=1.0", f"encoder.pretrained={weights}"])
    with caplog.at_level(logging.INFO):
        frozen.check(config, read_clips(dataset)[0])
    assert f"encoder.layer is of speech_embedding: {features} are used" in caplog.text


def test_missing_weights_say_what_to_install(dataset, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("asd_tf.checkpoints.speech_embedding.installed_file", lambda: None)
    command = ("--method=frozen", "--recipe=quick", "--set=data.seconds=1.0")
    flags = (f"--data_dir={dataset}", f"--run_dir={tmp_path / 'run'}")
    assert exit_of(train.main, *command, *flags) == 2
    assert "pip install 'asd_tf[speech]'" in capsys.readouterr().err
