"""What earlier versions wrote, unpacked as if it had lain there since."""

import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from harness import write_dataset, write_tone

GOLDEN = Path(__file__).parents[1] / "golden"

DETECTORS_OF_0_1 = (
    "autoencoder", "cosine", "densities", "fused", "loudness", "neighbors", "nested",
)  # fmt: skip


def detector_of_0_1(name: str, folder: Path) -> Path:
    """Unpacks a detector of 0.1.0 and returns its folder, `folder / name`."""
    return _unpacked(GOLDEN / "detectors_0.1" / f"{name}.zip", folder / name)


def scores_of_0_1(name: str) -> pd.DataFrame:
    """Returns what 0.1.0 scored with a detector, one row for each clip of `write_scored_clips`."""
    types = {"section": str, "decision": "Int64"}
    table = pd.read_csv(GOLDEN / "detectors_0.1" / "scores.csv", dtype=types)
    return table[table["detector"] == name].reset_index(drop=True)


def features_of_0_1() -> np.ndarray:
    """Returns the features [clips, 16] of the clips that have a score.

    Those of the detectors `cosine`, `densities` and `neighbors`, whose extractors are the same.
    """
    return np.load(GOLDEN / "detectors_0.1" / "features.npy")


def write_scored_clips(folder: Path) -> list[Path]:
    """Writes the clips of `scores_of_0_1`, in its order."""
    clips = pd.read_csv(GOLDEN / "detectors_0.1" / "clips.csv")
    for clip in clips.itertuples():
        write_tone(folder / clip.path, clip.hertz, seed=clip.seed)
    return [folder / path for path in clips["path"]]


def run_of_0_1(folder: Path) -> Path:
    """Unpacks a finished run of 0.1.0 with its data and returns its folder, `folder / "run"`.

    The data lie in `folder / "data"`, and `clips.csv` and `evaluation/scores.csv` name their files
    by absolute paths, as in any run.
    """
    data = write_dataset(folder / "data", machines=("fan",), source=10, target=4, test=2)
    run = _unpacked(GOLDEN / "run_0.1" / "run.zip", folder / "run")
    for table in (run / "clips.csv", run / "evaluation" / "scores.csv"):
        table.write_text(table.read_text().replace(",dev_data/", f",{data}/dev_data/"))
    return run


def _unpacked(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


def keep_detector(target: Path, folder: Path, flags: Sequence[str]) -> None:
    """Trains a detector on a small data set, and writes `target`.zip and what it scores as .csv.

    Args:
        target: Path of the files, without their suffix.
        folder: Folder to work in.
        flags: Flags of the training: method, recipe, and what is changed in that.
    """
    from asd_tf.detector import Detector

    write_dataset(folder / "tones", machines=("fan",), source=10, target=4, test=2)
    code = "from asd_tf.cli.train import main; main()"
    command = [sys.executable, "-c", code, *flags, "--data_dir=tones", "--run_dir=run"]
    subprocess.run(command, cwd=folder, check=True)
    table = Detector.load(folder / "run" / "detector").score(write_scored_clips(folder))
    table["path"] = [Path(path).relative_to(folder).as_posix() for path in table["path"]]
    columns = ["path", "machine", "section", "score", "threshold", "decision", "status"]
    table[columns].to_csv(target.with_name(f"{target.name}.csv"), index=False)
    write_zip(target.with_name(f"{target.name}.zip"), folder / "run" / "detector")


def write_zip(path: Path, folder: Path) -> None:
    """Packs a folder; equal contents make equal files."""
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            # With a fixed date.
            name = zipfile.ZipInfo(file.relative_to(folder).as_posix())
            name.external_attr = 0o644 << 16
            packed.writestr(name, file.read_bytes(), zipfile.ZIP_DEFLATED)
