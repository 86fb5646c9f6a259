"""Which weights Zheng's system starts from, and what is said where they are missing or others."""

from pathlib import Path

import pytest
from harness import exit_of

from asd_tf.cli import train
from asd_tf.config import apply_overrides, load_recipe
from asd_tf.files import sha256_of
from asd_tf.methods.common import pretrained as weights

BEATS = Path(__file__).parents[1] / "golden" / "beats_tiny.pt"


def test_weights_decide_the_kind_of_encoder():
    """A recipe that names no kind must take that of a file that was recognized."""
    config = load_recipe("zheng", "paper")
    config.encoder.pretrained = str(BEATS.with_name("ced_tiny.pt"))
    weights.check_pretrained(config)
    assert config.encoder.kind == "ced"
    config = load_recipe("zheng", "paper")
    apply_overrides(config, ["encoder.pretrained=none", "encoder.size=tiny"])
    weights.check_pretrained(config)
    assert (config.encoder.kind, config.encoder.sha256) == ("beats", None)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "BEATs_iter3_plus_AS2M.pt, linked from github.com/microsoft/unilm"),
        (("--recipe=table1_ced",), "mispeech/ced-base on huggingface.co"),
        (("--recipe=table1_ced", f"--pretrained={BEATS}"), "holds beats, and encoder.kind is ced"),
        (
            (f"--pretrained={BEATS}", "--set=encoder.sha256=ab12"),
            f"its SHA-256 is {sha256_of(BEATS)}, and encoder.sha256 is ab12",
        ),
        (("--recipe=frozen", "--pretrained=none"), "tuning=frozen keeps pre-trained weights"),
        (
            ("--set=lora.layers=5-8", f"--pretrained={BEATS}"),
            "lora.layers=5-8: layers must be 'all', 'latter half', or numbers",
        ),
    ],
)
def test_weights_that_are_missing_or_others_are_one_line(flags, message, dataset, tmp_path, capsys):
    command = ("--method=zheng", "--recipe=paper", f"--data_dir={dataset}", *flags)
    assert exit_of(train.main, *command, f"--run_dir={tmp_path / 'run'}") == 2
    assert message in capsys.readouterr().err


def test_other_methods_take_no_weights(dataset, tmp_path, capsys):
    flags = ("--method=ae", f"--pretrained={BEATS}", f"--data_dir={dataset}")
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'run'}") == 2
    assert "ae takes no pre-trained weights" in capsys.readouterr().err
