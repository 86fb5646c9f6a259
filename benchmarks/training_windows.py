"""Training on fixed windows of long recordings beside random parts of them, on simulated data.

    python benchmarks/training_windows.py --data_seeds=0,1,2,3 --output_dir=/tmp/windows

Both trainings see each recording equally often, and both detectors are fitted to the same windows
and score the same windows. With random parts, each window of a batch begins anywhere in its
recording, in place of at a multiple of N. Methods on frames of spectrograms, such as pae, take
their few frames from anywhere in a recording in both cases, and have nothing to compare.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import asd_tf
from asd_tf.data.simulation.dataset import SimulationOptions, simulate
from asd_tf.methods import wilkinghoff

VALUES = {
    "data.windows": "all", "data.seconds": 1.0, "train.epochs": 8, "train.steps_per_epoch": 50,
    "train.batch_size": 32,
}  # fmt: skip


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_seeds", default="0,1", help="seeds of the simulation")
    parser.add_argument("--seeds", default="0", help="seeds of the training")
    parser.add_argument("--output_dir", type=Path, required=True, help="folder for data and runs")
    arguments = parser.parse_args()
    rows = []
    for data_seed in map(int, arguments.data_seeds.split(",")):
        data = simulated(arguments.output_dir / f"data{data_seed}", data_seed)
        for seed in map(int, arguments.seeds.split(",")):
            for way, batches in WAYS.items():
                folder = arguments.output_dir / f"{way}-data{data_seed}-seed{seed}"
                wilkinghoff.training_batches = batches
                rows.append({"way": way, "data": data_seed, **trained(data, folder, seed)})
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    print(table.groupby("way").mean().round(2).to_string())
    both = table.pivot(index=["data", "seed"], columns="way", values="auc")
    gain = both["random"] - both["fixed"]
    print(f"random - fixed: {gain.mean():.2f} +- {gain.std():.2f} ({len(gain)} pairs)")


def simulated(folder: Path, seed: int) -> Path:
    """Makes minutes of two machines with two sections each."""
    options = SimulationOptions(
        machines=("fan", "valve"), sections=2, seconds=60.0, train_source=3, train_target=1,
        test_normal=10, test_anomaly=10, seed=seed,
    )  # fmt: skip
    simulate(folder, options)
    return folder


def trained(data: Path, folder: Path, seed: int) -> dict[str, float]:
    """Trains and evaluates; returns percentages of recordings, as means over the sections."""
    result = asd_tf.train(
        "wilkinghoff", data_dir=data, recipe="quick", values=VALUES, run_dir=folder, seed=seed
    )
    metrics = result.evaluation.official.score
    scored = result.evaluation.scored
    aucs = [auc(group) for _, group in scored.groupby(["machine", "section"])]
    return {"seed": seed, "official": 100 * metrics, "auc": 100 * float(np.mean(aucs))}


def auc(scored: pd.DataFrame) -> float:
    """Returns the share of pairs of a normal and an anomalous recording in the right order."""
    normal, anomalous = (scored.loc[scored["label"] == label, "score"] for label in (0, 1))
    difference = anomalous.to_numpy()[:, np.newaxis] - normal.to_numpy()
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def of_random_parts(clips: pd.DataFrame, **kwargs):
    """Streams batches in which a window is a random part of its recording."""
    span = clips.assign(end=clips["start_s"] + clips["duration_s"]).groupby("recording_id")
    start, end = span["start_s"].transform("min"), span["end"].transform("max")
    return FIXED(clips.assign(start_s=start, duration_s=end - start), **kwargs)


FIXED = wilkinghoff.training_batches
WAYS = {"fixed": FIXED, "random": of_random_parts}


if __name__ == "__main__":
    main()
