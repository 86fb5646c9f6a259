"""Trainings in processes of their own, which are killed and gone on with."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from harness import run_python

from asd_tf.training.callbacks import EpochCheckpoint

COMMAND = ("-c", "from asd_tf.cli.train import main; main()")


def train(flags, run_dir: Path) -> subprocess.CompletedProcess:
    """Trains to the end."""
    return run_python(*COMMAND, *flags, f"--run_dir={run_dir}", cwd=run_dir.parent)


def kill_in_epoch(flags, run_dir: Path, stage: str, epoch: int) -> None:
    """Starts a training and kills it as soon as `epoch` epochs are in the history of a stage."""
    process = subprocess.Popen(
        [sys.executable, *COMMAND, *map(str, flags), f"--run_dir={run_dir}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    history = run_dir / "stages" / stage / "history.csv"
    deadline = time.monotonic() + 240
    while not (history.exists() and len(history.read_text().splitlines()) > epoch):
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (run_dir / "stages" / stage / "DONE").exists()


@contextlib.contextmanager
def interrupted_where(layer: str) -> Iterator[None]:
    """Interrupts, as Ctrl-C does, the first training of a model that has a layer of this name.

    The interrupt comes after the checkpoint of the first epoch.
    """
    save = EpochCheckpoint.on_epoch_end

    def save_and_break(self, epoch, logs=None):
        save(self, epoch, logs)
        if layer in [other.name for other in self.model.layers]:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EpochCheckpoint, "on_epoch_end", save_and_break)
        yield


def weights(run_dir: Path, stage: str) -> dict[str, np.ndarray]:
    """Returns all weights that a finished stage left, by name."""
    values = {}
    with h5py.File(run_dir / "stages" / stage / "final.weights.h5") as file:
        file.visititems(
            lambda name, item: values.update({name: item[()]}) if hasattr(item, "dtype") else None
        )
    return values


def assert_same(one: Path, other: Path, stage: str) -> None:
    """Asserts that a stage left the same weights and history in two runs."""
    expected, found = weights(one, stage), weights(other, stage)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    history = Path("stages", stage, "history.csv")
    assert (other / history).read_text() == (one / history).read_text()
