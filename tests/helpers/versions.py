"""Detectors of both kinds whose versions are tested, and new recordings for them."""

from pathlib import Path

import pytest
from harness import exit_of, write_tone

from asd_tf.cli import detector as command
from asd_tf.cli import train
from asd_tf.detector.fused import write_fused_detector
from asd_tf.files import file_names, sha256_of
from asd_tf.scoring.fusion import Fusion

METHODS = ("mahalanobis", "statistics")
"""Two that need no training; the weights of the second depend on all sections of a machine."""

SLOW_SINGLE = tuple(pytest.param(method, marks=pytest.mark.slow) for method in METHODS)
KINDS = (*SLOW_SINGLE, "fused")
"""A fused detector has the single ones in it, so that its tests alone are quick ones."""


def make_detectors(dataset: Path, folder: Path) -> Path:
    """Makes the detectors `folder / KIND`."""
    for method in METHODS:
        flags = (f"--data_dir={dataset}", f"--run_dir={folder / 'runs' / method}")
        length = ("--set", "data.seconds=0.6")  # the second method needs a little more than 0.5 s
        assert exit_of(train.main, f"--method={method}", *length, *flags) == 0
        (folder / "runs" / method / "detector").rename(folder / method)
    write_fused_detector(folder / "fused", {name: folder / name for name in METHODS}, Fusion())
    return folder


def write_tones(folder: Path, section: str, count: int, hertz: float = 215, word="train") -> Path:
    """Writes normal recordings of a fan, new for each section and word."""
    for index in range(count):
        name = f"section_{section}_source_{word}_normal_{index:04d}_n.wav"
        seed = sum(map(ord, f"{section}{word}")) * 100 + index
        write_tone(folder / "fan" / word / name, hertz, 0.5, seed)
    return folder


def run(capsys, *arguments) -> tuple[int, str, str]:
    """Returns exit status, standard output and standard error of `asd-detector`."""
    capsys.readouterr()
    status = exit_of(command.main, *arguments)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def contents(folder: Path) -> dict[str, str]:
    """Returns the digest of each file of a folder."""
    return {name: sha256_of(folder / name) for name in file_names(folder)}
