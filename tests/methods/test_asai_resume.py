"""Asai's two steps: killed in either, a run must end with the weights of an uninterrupted one."""

import pytest
from interruption import assert_same, kill_in_epoch, train

FLAGS = (
    "--method=asai",
    "--recipe=quick",
    "--set=data.seconds=0.5",
    "--set=network.width=4",
    "--set=loss.subclusters=2",
    "--set=optimizer.batch_size=8",
    "--set=source.epochs=4",
    "--set=source.steps_per_epoch=3",
    "--set=target.epochs=4",
    "--set=target.steps_per_epoch=3",
)


@pytest.mark.slow
@pytest.mark.parametrize("flag", ["--seed=0", "--strategy=mirrored"])
def test_killed_in_either_step_and_finished_with_equal_weights(dataset, tmp_path, flag):
    """A checkpoint must hold the moments of AdamP, the scale and the trained centers."""
    flags = (*FLAGS, f"--data_dir={dataset}", flag)
    result = train(flags, tmp_path / "whole")
    assert result.returncode == 0, result.stderr
    kill_in_epoch(flags, tmp_path / "killed", "source", 1)
    kill_in_epoch(flags, tmp_path / "killed", "target", 2)
    result = train(flags, tmp_path / "killed")
    assert result.returncode == 0, result.stderr
    for stage in ("source", "target"):
        assert_same(tmp_path / "whole", tmp_path / "killed", stage)
    scores = "evaluation/scores.csv"
    assert (tmp_path / "killed" / scores).read_text() == (tmp_path / "whole" / scores).read_text()
