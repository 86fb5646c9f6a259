"""How often recordings of the same kind are called drifted, and how many changes are found.

    python benchmarks/drift.py                                  about five minutes
    python benchmarks/drift.py --method=statistics --recordings=20

Of simulated machines, 60 recordings of each section train a detector; 60 others are scored as they
are and with each change. Random parts of these are then judged, again and again. Parts overlap, and
the detector is always the same, so that shares vary more than those of independent recordings.
"""

import argparse
import collections
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

import asd_tf
from asd_tf.data.layouts.inputs import Inputs
from asd_tf.data.simulation.dataset import SimulationOptions, simulate
from asd_tf.detector import Detector
from asd_tf.service.drift.find import judge_all
from asd_tf.service.drift.observed import Listener

_TRAINING = _FRESH = 60

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]

CHANGES: Mapping[str, Change] = {
    "none": lambda wave, rng: wave,
    "gain -3 dB": lambda wave, rng: 0.708 * wave,
    "gain -6 dB": lambda wave, rng: 0.5 * wave,
    "noise at -6 dB": lambda wave, rng: wave + 0.5 * wave.std() * rng.normal(size=len(wave)),
    "noise at 0 dB": lambda wave, rng: wave + wave.std() * rng.normal(size=len(wave)),
    "5 % faster": lambda wave, rng: _faster(wave, 1.05),
    "15 % faster": lambda wave, rng: _faster(wave, 1.15),
}


def _faster(wave: np.ndarray, factor: float) -> np.ndarray:
    """Returns the recording as if all of the machine ran faster, repeated to its length."""
    places = np.arange(0, len(wave) - 1, factor)
    return np.resize(np.interp(places, np.arange(len(wave)), wave), len(wave))


def machines(folder: Path) -> pd.DataFrame:
    """Simulates normal recordings of the source domain: path, machine, section and split."""
    options = SimulationOptions(
        seconds=1.0, train_source=_TRAINING + _FRESH, train_target=1, test_normal=1, test_anomaly=1
    )
    rows = []
    for path in sorted(simulate(folder, options).glob("*/*/train/*_source_*")):
        rows.append((str(path), path.parts[-3], path.name.split("_")[1]))
    table = pd.DataFrame(rows, columns=["path", "machine", "section"]).sample(
        frac=1, random_state=0
    )
    number = table.groupby(["machine", "section"]).cumcount()
    return table.assign(split=np.where(number < _TRAINING, "train", "test")).sort_index()


def changed(table: pd.DataFrame, change: Change, folder: Path) -> pd.DataFrame:
    """Writes the recordings of a table with a change, and returns the table of these."""
    rng, paths = np.random.default_rng(0), []
    for index, path in enumerate(table["path"]):
        wave, rate = soundfile.read(path)
        paths.append(folder / f"{index}.wav")
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(paths[-1], np.clip(change(wave, rng), -1, 1), rate, subtype="PCM_16")
    return table.assign(path=list(map(str, paths)))


def judged(
    detector: Detector, manifest: Path, recordings: int, repeats: int, level: float
) -> collections.Counter[str]:
    """Judges random parts of recordings; counts parts, those called drifted, and the reasons."""
    windows = detector.recordings.windows_of(Inputs([manifest], detector.channel).table())
    scores, rng = detector.score_with_details(windows), np.random.default_rng(0)
    counts: collections.Counter[str] = collections.Counter()
    for _ in range(repeats):
        shuffled = windows.sample(frac=1, random_state=rng)
        rows = shuffled.groupby(["machine", "section"]).head(recordings).index.to_numpy()
        listener = Listener(detector)
        listener.add(windows.iloc[rows].reset_index(drop=True), scores.of(rows))
        for drift in judge_all(detector, listener, level).values():
            counts.update({"parts": 1, "drifted": int(bool(drift.reasons))})
            counts.update(drift.reasons)
    return counts


def main() -> None:
    """Prints a line for each change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="mahalanobis")
    parser.add_argument("--recordings", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--level", type=float, default=0.01)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = machines(folder / "data")
        table.to_csv(folder / "all.csv", index=False)
        run = asd_tf.train(flags.method, data_dir=folder / "all.csv", run_dir=folder / "run")
        for what, change in CHANGES.items():
            manifest = folder / "recent.csv"
            fresh = changed(table[table["split"] == "test"], change, folder / "recent")
            fresh.to_csv(manifest, index=False)
            found = judged(run.detector, manifest, flags.recordings, flags.repeats, flags.level)
            parts = found.pop("parts")
            shares = ", ".join(f"{key} {100 * n / parts:.1f} %" for key, n in found.items())
            print(f"{what:<16} {parts} parts: {shares}", flush=True)


if __name__ == "__main__":
    main()
