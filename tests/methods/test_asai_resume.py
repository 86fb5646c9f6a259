"""Asai's two steps: killed in either of them, they must end where they would have."""

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
    """Moments of AdamP, the scale and trained centres are state that a checkpoint must hold."""
    flags = (*FLAGS, f"--data_dir={dataset}", flag)
    result = train(flags, tmp_path / "whole")
    assert result.returncode == 0, result.stderr
    kill_in_epoch(flags, tmp_path / "killed", "02-source", 1)
    kill_in_epoch(flags, tmp_path / "killed", "03-target", 2)
    result = train(flags, tmp_path / "killed")
    assert result.returncode == 0, result.stderr
    for stage in ("02-source", "03-target"):
        assert_same(tmp_path / "whole", tmp_path / "killed", stage)
    scores = "evaluation/scores.csv"
    assert (tmp_path / "killed" / scores).read_text() == (tmp_path / "whole" / scores).read_text()
