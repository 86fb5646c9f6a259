"""Small data sets of real files, and commands run as a user runs them."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

SAMPLE_RATE = 16000


def write_tone(
    path: Path, hertz: float, seconds: float = 0.5, seed: int = 0, rate: int = SAMPLE_RATE
) -> None:
    """Writes a tone in noise as 16-bit PCM."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.3 * np.sin(2 * np.pi * hertz * time + rng.uniform(0, 6)) + 0.05 * rng.normal(
        size=len(time)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, (wave * 32767).astype(np.int16))


def write_dataset(
    folder: Path,
    machines=("fan", "valve"),
    sections=("00", "01"),
    source: int = 6,
    target: int = 2,
    test: int = 3,
    seconds: float = 0.5,
    rate: int = SAMPLE_RATE,
) -> Path:
    """Writes a tree in the layout of DCASE 2022; anomalies are an octave higher."""
    seed = 0
    for m, machine in enumerate(machines):
        for s, section in enumerate(sections):
            for d, (domain, count) in enumerate((("source", source), ("target", target))):
                hertz = 200 + 300 * m + 130 * s + 40 * d
                for i in range(count):
                    seed += 1
                    name = f"section_{section}_{domain}_train_normal_{i:04d}_spd_{d}.wav"
                    path = folder / "dev_data" / machine / "train" / name
                    write_tone(path, hertz, seconds, seed, rate)
                for label, factor in (("normal", 1), ("anomaly", 2)):
                    for i in range(test):
                        seed += 1
                        name = f"section_{section}_{domain}_test_{label}_{i:04d}_spd_{d}.wav"
                        path = folder / "dev_data" / machine / "test" / name
                        write_tone(path, hertz * factor, seconds, seed, rate)
    return folder


def run_python(*arguments: str, cwd: Path, **kwargs) -> subprocess.CompletedProcess:
    """Runs a Python command in a process of its own."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        **kwargs,
    )


def exit_of(main, *arguments) -> int:
    """Runs a command line in this process and returns its exit status."""
    with pytest.raises(SystemExit) as stopped:
        main(["command", *map(str, arguments)])
    return stopped.value.code


def scored(capsys, *arguments) -> tuple[int, list[dict[str, str]], str]:
    """Runs `asd-score` in this process; returns exit status, rows and standard error."""
    from asd_tf.cli import score

    status = exit_of(score.main, *arguments)
    captured = capsys.readouterr()
    return status, list(csv.DictReader(io.StringIO(captured.out))), captured.err
