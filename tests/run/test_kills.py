"""Commands that are killed at random moments: the next one must end as if nothing had been."""

import itertools
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import run_python, write_dataset

from asd_tf.detector import Detector
from asd_tf.files import is_leftover

KILLS = 20
TRAIN = "from asd_tf.cli.train import main; main()"
EVALUATE = "from asd_tf.cli.evaluate import main; main()"
FUSE = "from asd_tf.cli.fuse import main; main()"
SMALL = (
    "--method=ae", "--recipe=quick", "--set=data.seconds=0.5", "--set=train.epochs=4",
    "--set=train.steps_per_epoch=2", "--set=train.batch_size=8", "--set=network.hidden=8",
    "--set=network.depth=1",
    "--set=calibration.held_out=0.5",  # leaves as many held-out clips as a fusion needs
)  # fmt: skip


@pytest.fixture(scope="module")
def flags(tmp_path_factory):
    data = write_dataset(tmp_path_factory.mktemp("kills") / "data", source=12, target=2, test=3)
    return (*SMALL, f"--data_dir={data}")


@pytest.fixture(scope="module")
def whole(flags, tmp_path_factory):
    return trained_whole(flags, tmp_path_factory.mktemp("whole"))


def trained_whole(flags, parent: Path) -> tuple[Path, float]:
    """Returns a run that nothing interrupted, and the seconds it took."""
    parent.mkdir(exist_ok=True)
    folder = parent / "run"
    start = time.monotonic()
    result = run_python("-c", TRAIN, *flags, f"--run_dir={folder}", cwd=folder.parent)
    assert result.returncode == 0, result.stderr
    return folder, time.monotonic() - start


def killed_after(seconds: float, *command) -> bool:
    """Runs a command and kills it; returns whether it was still running."""
    process = subprocess.Popen(
        [sys.executable, "-c", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True


def finished(folder: Path, *command) -> None:
    """Runs a command to its end, after which nothing half may be left."""
    result = run_python("-c", *command, cwd=folder.parent)
    assert result.returncode == 0, result.stderr
    assert not [path for path in folder.parent.rglob("*") if is_leftover(path.name)]


def contents(folder: Path, *names: str) -> list[str]:
    return [(folder / name).read_text() for name in names]


def assert_survives_kills(whole, flags, tmp_path, kills):
    """Kills trainings at random moments; each must end as the whole one did."""
    expected, seconds = whole
    rng, left, names = random.Random(1), kills, ("evaluation/scores.csv", "evaluation/metrics.csv")
    number = itertools.count()
    histories = [path.relative_to(expected) for path in expected.rglob("stages/*/history.csv")]
    while left:
        folder = tmp_path / f"{next(number)}" / "run"
        folder.parent.mkdir()
        command = (TRAIN, *flags, f"--run_dir={folder}")
        while left and killed_after(rng.uniform(0.2, 1.0) * seconds, *command):
            left -= 1
        finished(folder, *command)
        assert histories
        names_of_run = (*names, *map(str, histories))
        assert contents(folder, *names_of_run) == contents(expected, *names_of_run)


@pytest.mark.slow
def test_a_training_that_is_killed_at_random_moments(whole, flags, tmp_path):
    """Each run must end with equal weights and scores, and without half files."""
    assert_survives_kills(whole, flags, tmp_path, KILLS)


@pytest.mark.slow
def test_a_training_of_several_networks_that_is_killed(flags, tmp_path):
    """The same where each clip is scored by a network that has not seen it."""
    flags = (*flags, "--set=calibration.method=cross_fit_network")
    whole = trained_whole(flags, tmp_path / "whole")
    assert len(list((whole[0] / "networks").iterdir())) == 3
    assert_survives_kills(whole, flags, tmp_path, KILLS // 4)


@pytest.mark.slow
def test_an_evaluation_that_is_killed_at_random_moments(whole, tmp_path):
    """Its files must be those of the evaluation before or after, and in the end be complete."""
    expected, seconds = whole
    folder, rng = shutil.copytree(expected, tmp_path / "run"), random.Random(2)
    names = ("evaluation/scores.csv", "evaluation/metrics.csv", "evaluation/metrics.json")
    for _ in range(KILLS):
        killed_after(rng.uniform(0.2, 0.8) * seconds, EVALUATE, f"--run_dir={folder}")
        assert contents(folder, *names) == contents(expected, *names)
    finished(folder, EVALUATE, f"--run_dir={folder}")
    assert contents(folder, *names) == contents(expected, *names)


@pytest.mark.slow
def test_a_detector_whose_writing_is_killed_at_random_moments(whole, tmp_path):
    """There must be no detector, or a whole one."""
    detector, folder, rng = whole[0] / "detector", tmp_path / "fused", random.Random(3)
    command = (FUSE, folder, detector, detector, "--false_alarms=0.5")
    start = time.monotonic()
    finished(folder, *command)
    seconds = time.monotonic() - start
    for _ in range(KILLS):
        shutil.rmtree(folder, ignore_errors=True)
        killed_after(rng.uniform(0.5, 1.0) * seconds, *command)
        if folder.exists():
            assert Detector.load(folder).load_all()
    shutil.rmtree(folder, ignore_errors=True)
    finished(folder, *command)
