"""Scoring of recordings beside the network alone, and its memory, as ratios.

    python benchmarks/recordings.py                     many minutes on two cores
    python benchmarks/recordings.py --only=speed --windows=256

Speed: `asd-score` on many files of ten seconds, and on one file that is as long as all of them,
beside the network alone, which computes as many windows from memory. All is done once before, and
then in random order in each round. The start of the process is measured apart. Memory: the peak of
a process that scores two hours beside those of 10 and 40 minutes, and 10,000 files beside 1,000.
The network is that of wilkinghoff; for the many files, mahalanobis.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf

import asd_tf
from asd_tf.data.layouts.inputs import Inputs
from asd_tf.detector import Detector
from asd_tf.extraction.extractor import Extractor
from asd_tf.service.bulk import BulkScoring

RATE, SECONDS, BATCH = 16000, 10, 32
COLUMNS = ("path", "machine", "section", "score", "threshold", "decision", "status")
SCORE = (sys.executable, "-c", "from asd_tf.cli.score import main; main()")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=512, help="windows scored in a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds in random order")
    parser.add_argument("--only", choices=["speed", "memory"], help="measure one of the two")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(folder, "wilkinghoff", SECONDS)
        if arguments.only != "memory":
            speed(folder, arguments.windows, arguments.rounds)
        if arguments.only != "speed":
            memory(folder)


def speed(folder: Path, windows: int, rounds: int) -> None:
    """Prints the speeds of scoring as ratios of that of the network."""
    many, long = folder / "many" / "fan" / "test", folder / "long" / "fan" / "test"
    for number in range(windows):
        write(many / f"{number:04d}.wav", SECONDS, number)
    write(long / "0.wav", windows * SECONDS, 0)
    detector = Detector.load(folder / "wilkinghoff" / "detector")
    network = detector.extractors["embedding"]
    ways: dict[str, Callable[[], None]] = {
        "network": lambda: alone(network, windows),
        "files": lambda: scored(detector, many),
        "long file": lambda: scored(detector, long),
    }
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    draw = random.Random(0)
    for number in range(rounds + 1):
        for way in draw.sample(list(ways), len(ways)):
            found = timed(ways[way])
            if number:  # the first round warms up
                times[way].append(found)
    started = timed(lambda: run_score(folder / "wilkinghoff", many / "0000.wav"))[0]
    print(
        f"{windows} windows of {SECONDS} s, {rounds} rounds in random order; 1 is the network alone"
    )
    for way in ("files", "long file"):
        for kind, unit in enumerate(("time", "CPU time")):
            ratios = np.array(times["network"])[:, kind] / np.array(times[way])[:, kind]
            print(
                f"  {way}, by {unit}: {np.median(ratios):.2f} ({ratios.min():.2f} to "
                f"{ratios.max():.2f})"
            )
    seconds = float(np.median(np.array(times["network"])[:, 0])) / windows
    print(f"  a process that scores one file takes as long as {started / seconds:.0f} windows")


def memory(folder: Path) -> None:
    """Prints the peaks of memory of processes that score more, as ratios."""
    for suffix in ("wav", "flac"):
        peaks = {}
        for minutes in (10, 40, 120):
            path = folder / suffix / str(minutes) / "fan" / "test" / f"0.{suffix}"
            write(path, minutes * 60, 0)
            peaks[minutes] = peak(folder / "wilkinghoff", path)
        for longer, shorter in ((120, 10), (120, 40)):
            ratio = peaks[longer] / peaks[shorter]
            print(f"peak memory, {longer} / {shorter} minutes, {suffix}: {ratio:.3f}")
    train(folder, "mahalanobis", 0.5)
    peaks = []
    for count in (1000, 10_000):
        place = folder / f"count{count}" / "fan" / "test"
        write(place / "0.wav", 0.5, 0)
        for number in range(1, count):
            os.link(place / "0.wav", place / f"{number}.wav")
        peaks.append(peak(folder / "mahalanobis", place, f"--output={folder / 'scores.csv'}"))
    print(f"peak memory, 10,000 files / 1,000 files: {peaks[1] / peaks[0]:.3f}")


def train(folder: Path, method: str, seconds: float) -> None:
    """Makes a detector of a network without training."""
    data = folder / f"data-{method}"
    for machine in ("fan", "pump"):
        for number in range(4):
            write(data / machine / "train" / f"{number}.wav", seconds, number)
    run_dir = folder / method
    asd_tf.train(method, data_dir=data, recipe="quick", untrained=True, run_dir=run_dir)


def write(path: Path, seconds: float, seed: int) -> None:
    """Writes noise, a minute at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng, left = np.random.default_rng(seed), round(seconds * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        while left:
            count = min(left, 60 * RATE)
            file.write(rng.normal(0, 0.1, count).astype(np.float32))
            left -= count


def alone(network: Extractor, windows: int) -> None:
    """Computes windows that are in memory."""
    waveforms = tf.zeros([BATCH, network.samples])
    for _ in range(windows // BATCH):
        network(waveforms)


def scored(detector: Detector, place: Path) -> None:
    """Scores as asd-score does, but for the text of the table."""
    for batch in BulkScoring(detector, Inputs([place], detector.channel), COLUMNS).batches():
        assert all(row[-1] == "ok" for row in batch.rows)


def timed(function: Callable[[], object]) -> tuple[float, float]:
    """Returns time and CPU time in seconds."""
    start, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - start, time.process_time() - cpu


def run_score(run_dir: Path, *arguments: object) -> None:
    """Runs asd-score in a process of its own."""
    command = [*SCORE, str(run_dir / "detector"), *map(str, arguments), "--section=00"]
    subprocess.run(command, check=True, capture_output=True)


def peak(run_dir: Path, *arguments: object) -> int:
    """Returns the peak memory of asd-score in a process of its own."""
    command = [*SCORE, str(run_dir / "detector"), *map(str, arguments), "--section=00"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return usage.ru_maxrss


if __name__ == "__main__":
    main()
