"""Runs of asd_tf 0.1: they are evaluated, and neither continued nor reused."""

import json

import numpy as np
import pandas as pd
from harness import exit_of
from released import run_of_0_1

from asd_tf.cli import evaluate, train
from asd_tf.run.folder import LOCK


def test_a_run_of_0_1_is_evaluated_as_before(tmp_path):
    """Scores and official score must be those that 0.1 wrote."""
    run = run_of_0_1(tmp_path)
    then = pd.read_csv(run / "evaluation" / "scores.csv", dtype={"section": str})
    official = json.loads((run / "evaluation" / "metrics.json").read_text())["official_score"]
    assert exit_of(evaluate.main, f"--run_dir={run}") == 0
    now = pd.read_csv(run / "evaluation" / "scores.csv", dtype={"section": str})
    np.testing.assert_allclose(now["score"], then["score"], rtol=1e-4)
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    np.testing.assert_allclose(metrics["official_score"], official, rtol=1e-6)


def test_a_run_of_0_1_is_not_continued(tmp_path, capsys):
    """One line must say what can be done with it; nothing in its folder changes but the lock."""
    run = run_of_0_1(tmp_path)
    before = sorted(path.name for path in run.rglob("*"))
    flags = ("--method=mahalanobis", "--recipe=quick", f"--data_dir={tmp_path / 'data'}")
    assert exit_of(train.main, *flags, f"--run_dir={run}") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "holds a run of asd_tf 0.1.0" in line
    assert f"asd-evaluate --run_dir={run}" in line
    assert sorted(path.name for path in run.rglob("*") if path.name != LOCK) == before
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'new'}", f"--reuse={run}") == 2
    assert not (tmp_path / "new").exists()
