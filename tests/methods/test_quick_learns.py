"""Training must help: the quick recipe must beat the same network untrained, or without a loss."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from harness import exit_of
from scipy.stats import binom

from asd_tf.cli import train
from asd_tf.config import load_recipe
from asd_tf.data.simulation.dataset import SimulationOptions, simulate

SEEDS = (10, 11)

# About a third of the epochs of the quick recipes.
SHORTER = {
    "asai": ("--set=source.epochs=10", "--set=target.epochs=2", "--set=loss.subclusters=8"),
    "wilkinghoff": ("--set=train.epochs=9",),
    "geco": (),
}


def official_score(method, data_dir, run_dir, seed, *flags) -> float:
    status = exit_of(
        train.main, f"--method={method}", f"--data_dir={data_dir}", f"--run_dir={run_dir}",
        f"--seed={seed}", *SHORTER[method], *flags,
    )  # fmt: skip
    assert status == 0
    return json.loads((run_dir / "evaluation" / "metrics.json").read_text())["official_score"]


@pytest.mark.slow
@pytest.mark.parametrize("method", ("asai", "wilkinghoff"))
def test_quick_beats_untrained(method, tmp_path):
    """A third of the quick recipe's epochs on half of its data must beat no training."""
    data_dir = simulate(
        tmp_path / "data", SimulationOptions(machines=("fan", "valve"), seconds=1.0, test_normal=15,
                                             test_anomaly=15)
    )  # fmt: skip
    trained = [official_score(method, data_dir, tmp_path / f"t{seed}", seed) for seed in SEEDS]
    untrained = [
        official_score(method, data_dir, tmp_path / f"u{seed}", seed, "--untrained")
        for seed in SEEDS
    ]
    assert np.mean(trained) > np.mean(untrained)


@pytest.mark.slow
def test_the_contrastive_loss_of_geco_learns_and_helps(tmp_path):
    """L_con must fall well below that of guessing, and quick must beat its own lambda = 0.

    To tell originals from reconstructions is worth ln 2 a clip, in eq. 2 as in a cross-entropy.
    """
    data_dir = simulate(tmp_path / "data", SimulationOptions(machines=("fan", "valve")))
    guessed = loss_of_guessing(ids=4, batch=load_recipe("geco", "quick").train.batch_size)
    trained = official_score("geco", data_dir, tmp_path / "trained", SEEDS[0])
    flags = ("--set=loss.balance=0.0", f"--reuse={tmp_path / 'trained'}")
    without = official_score("geco", data_dir, tmp_path / "without", SEEDS[0], *flags)
    history = pd.read_csv(tmp_path / "trained" / "stages" / "classifier" / "history.csv")
    assert history["contrastive"].iloc[-1] < guessed - 0.5 * math.log(2)
    assert trained > without


def loss_of_guessing(ids: int, batch: int) -> float:
    """Returns eq. 2 where all embeddings of an id are equal: the mean of ln(|P| + |N|)."""
    positives = np.arange(batch)
    return float(np.sum(binom.pmf(positives, batch - 1, 1 / ids) * np.log(2 * positives + 1)))
