"""A training that was killed must end with the weights of one that was not."""

import numpy as np
import pytest
from interruption import assert_same, kill_in_epoch, train, weights

FLAGS = (
    "--method=wilkinghoff",
    "--recipe=quick",
    "--set=data.seconds=0.5",
    "--set=train.batch_size=8",
    "--set=train.epochs=6",
    "--set=train.steps_per_epoch=3",
)
STAGE = "01-embedding"


@pytest.fixture(scope="module")
def flags(dataset):
    return (*FLAGS, f"--data_dir={dataset}")


@pytest.fixture(scope="module")
def uninterrupted(flags, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "uninterrupted"
    result = train(flags, run_dir)
    assert result.returncode == 0, result.stderr
    return run_dir


def test_killed_twice_and_finished_with_equal_weights(flags, uninterrupted, tmp_path):
    """SIGKILL at any moment, the same command again: weights and history are the same."""
    run_dir = tmp_path / "killed"
    for epoch in (2, 4):
        kill_in_epoch(flags, run_dir, STAGE, epoch)
    result = train(flags, run_dir)
    assert result.returncode == 0, result.stderr
    assert_same(uninterrupted, run_dir, STAGE)
    metrics = "evaluation/metrics.csv"
    assert (run_dir / metrics).read_text() == (uninterrupted / metrics).read_text()


def test_a_finished_run_is_evaluated_and_not_trained_again(flags, uninterrupted):
    """The same command on a finished run must not train for hours again."""
    path = uninterrupted / "stages" / STAGE / "final.weights.h5"
    before = path.stat().st_mtime_ns
    result = train(flags, uninterrupted)
    assert result.returncode == 0, result.stderr
    assert "official score" in result.stdout
    assert "epochs of" not in result.stdout
    assert path.stat().st_mtime_ns == before


def test_another_seed_gives_other_weights(flags, uninterrupted, tmp_path):
    """Seeds must matter, or all runs of an ensemble are one."""
    result = train((*flags, "--seed=1"), tmp_path / "seed1")
    assert result.returncode == 0, result.stderr
    first, second = weights(uninterrupted, STAGE), weights(tmp_path / "seed1", STAGE)
    assert any(not np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["--strategy=mirrored", "--deterministic"])
def test_other_settings_resume_exactly_too(flags, tmp_path, flag):
    """Distribution and determinism have state of their own, which must be in the checkpoint."""
    result = train((*flags, flag), tmp_path / "whole")
    assert result.returncode == 0, result.stderr
    kill_in_epoch((*flags, flag), tmp_path / "killed", STAGE, 3)
    result = train((*flags, flag), tmp_path / "killed")
    assert result.returncode == 0, result.stderr
    assert_same(tmp_path / "whole", tmp_path / "killed", STAGE)
