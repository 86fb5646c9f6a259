"""A training that was killed must end with the weights of one that was not."""

import pytest
from harness import exit_of
from interruption import assert_same, kill_in_epoch, train

from asd_tf.cli import train as command

FLAGS = (
    "--method=wilkinghoff",
    "--recipe=quick",
    "--set=data.seconds=0.5",
    "--set=train.batch_size=8",
    "--set=train.epochs=3",
    "--set=train.steps_per_epoch=3",
)
STAGE = "embedding"


@pytest.fixture(scope="module")
def flags(dataset):
    return (*FLAGS, f"--data_dir={dataset}")


@pytest.fixture(scope="module")
def uninterrupted(flags, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "uninterrupted"
    result = train(flags, run_dir)
    assert result.returncode == 0, result.stderr
    return run_dir


@pytest.mark.slow
def test_killed_and_finished_with_equal_weights(flags, uninterrupted, tmp_path):
    """A killed run, started again, must end with equal weights and history."""
    run_dir = tmp_path / "killed"
    kill_in_epoch(flags, run_dir, STAGE, 1)
    result = train(flags, run_dir)
    assert result.returncode == 0, result.stderr
    assert_same(uninterrupted, run_dir, STAGE)
    metrics = "evaluation/metrics.csv"
    assert (run_dir / metrics).read_text() == (uninterrupted / metrics).read_text()


@pytest.mark.slow
def test_a_finished_run_is_evaluated_and_not_trained_again(flags, uninterrupted, capsys):
    """A finished run must not be trained again."""
    path = uninterrupted / "stages" / STAGE / "final.weights.h5"
    before = path.stat().st_mtime_ns
    assert exit_of(command.main, *flags, f"--run_dir={uninterrupted}") == 0
    captured = capsys.readouterr()
    assert "official score" in captured.out
    assert "epochs of" not in captured.err
    assert path.stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["--strategy=mirrored", "--deterministic"])
def test_other_settings_resume_exactly_too(flags, tmp_path, flag):
    """A resume must be exact with distribution and determinism too."""
    result = train((*flags, flag), tmp_path / "whole")
    assert result.returncode == 0, result.stderr
    kill_in_epoch((*flags, flag), tmp_path / "killed", STAGE, 1)
    result = train((*flags, flag), tmp_path / "killed")
    assert result.returncode == 0, result.stderr
    assert_same(tmp_path / "whole", tmp_path / "killed", STAGE)
