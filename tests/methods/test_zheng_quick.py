"""The encoder of zheng's quick recipe: installed weights, or a tiny one that is told."""

import logging

import pytest
from harness import exit_of

from asd_tf.checkpoints.speech_embedding import installed_file
from asd_tf.cli import train
from asd_tf.config import apply_overrides, load_recipe
from asd_tf.errors import UsageError
from asd_tf.methods.zheng import quick_encoder, system

needs_wheel = pytest.mark.skipif(
    installed_file() is None, reason="pyopen-wakeword has no wheel here: pip install '.[speech]'"
)


def filled(*overrides):
    config = load_recipe("zheng", "quick")
    apply_overrides(config, ["data.seconds=2.0", *overrides])
    system.fill_in(config, "folder")
    return config


@needs_wheel
def test_installed_weights_are_fine_tuned_as_a_whole():
    config = filled()
    assert config.encoder.pretrained == "speech_embedding"
    assert (config.tuning, config.train.learning_rate) == ("full", 1e-4)
    given = filled("tuning=frozen", "train.learning_rate=0.5")
    assert (given.tuning, given.train.learning_rate) == ("frozen", 0.5)


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (("encoder.kind=ced",), "encoder.kind=ced has no weights"),
        (("data.seconds=0.5",), "takes 0.782 s at least, and clips have 0.5 s"),
    ],
)
def test_the_tiny_encoder_is_told(overrides, reason, caplog):
    with caplog.at_level(logging.INFO):
        config = filled(*overrides)
    assert config.encoder.pretrained is None
    assert (config.tuning, config.train.learning_rate) == ("lora", 1e-3)
    assert reason in caplog.text
    assert "a tiny encoder is trained from scratch instead" in caplog.text


def test_without_the_wheel_a_line_says_what_to_install(caplog, monkeypatch):
    monkeypatch.setattr(quick_encoder, "installed_file", lambda: None)
    with caplog.at_level(logging.INFO):
        assert filled().encoder.pretrained is None
    assert "speech_embedding is not installed (pip install 'asd_tf[speech]')" in caplog.text


@needs_wheel
def test_low_ranks_of_a_convolution_are_refused(dataset, tmp_path, capsys):
    flags = ("--method=zheng", "--recipe=quick", "--set=tuning=lora", "--set=data.seconds=1.0")
    folder = tmp_path / "run"
    assert exit_of(train.main, *flags, f"--data_dir={dataset}", f"--run_dir={folder}") == 2
    assert "tuning=lora: speech_embedding has no dense layers" in capsys.readouterr().err
    assert not folder.exists()


def test_a_value_of_an_open_type_is_refused_and_not_dropped():
    """A path that a recipe has no type for must not vanish."""
    config = load_recipe("zheng", "quick")
    config.encoder.size = None
    with pytest.raises(UsageError, match=r"encoder\.size=tiny: this recipe leaves the type"):
        apply_overrides(config, ["encoder.size=tiny"])
