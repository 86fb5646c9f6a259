"""Pseudo-faults as recordings: files in a folder, and their clip table."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from asd_tf.data.decoding.inspection import inspect_clips
from asd_tf.data.decoding.reader import read_samples
from asd_tf.data.pseudo_faults import KINDS, MIXED, pseudo_fault
from asd_tf.seeds import stable_seed


def write_pseudo_faults(
    clips: pd.DataFrame,
    others: pd.DataFrame,
    folder: Path,
    *,
    samples: int,
    sample_rate: int,
    most: int,
    seed: int,
) -> pd.DataFrame:
    """Writes pseudo-faults of normal clips as WAV files of 32-bit floats.

    A clip is used once for each kind at most. The clips that are used first, and the kinds that are
    made of them, depend on the names of the clips and the seed alone.

    Args:
        clips: The clip table of the normal clips, all of one machine.
        others: That of normal clips of other machines; without any, nothing is mixed in. At most
            `most` of either are used.
        folder: Folder to write to.
        samples: Length of the faults; of longer clips the first samples are taken, and shorter
            clips stay shorter.
        sample_rate: Sample rate of the faults in Hz.
        most: Largest number of faults.
        seed: Seed of everything random.

    Returns:
        A clip table of the files, labeled as anomalous, with the machine, section and domain of the
        clips that they were made of, and the columns `kind` and `source` (the clip_id of that).

    Raises:
        InputError: If a clip cannot be read.
    """
    clips, others = _shuffled(clips, seed).head(most), _shuffled(others, seed).head(most)
    read, read_other = (_Reader(table, samples, sample_rate) for table in (clips, others))
    kinds = [kind for kind in KINDS if kind != MIXED or len(others)]
    rows = []
    for number, (index, kind) in enumerate(_plan(len(clips), kinds, most)):
        source = clips.iloc[index]
        rng = np.random.default_rng(stable_seed(seed, "pseudo-fault", source["clip_id"], kind))
        waveform, other = read(index), None
        if kind == MIXED:
            other = np.resize(read_other(int(rng.integers(len(others)))), len(waveform))
        path = folder / f"{number:05d}-{kind}.wav"
        fault = pseudo_fault(kind, waveform, sample_rate, rng, other)
        soundfile.write(path, fault, sample_rate, subtype="FLOAT")
        rows.append({"path": str(path), "kind": kind, "source": source["clip_id"], "at": index})
    made = pd.DataFrame(rows, columns=["path", "kind", "source", "at"])
    table = clips.iloc[made.pop("at").astype(int)].reset_index(drop=True)
    names = [Path(path).name for path in made["path"]]
    # The file is the clip: mono, and no longer than a window.
    whole = {
        "start_s": 0.0,
        "duration_s": np.nan,
        "channel": pd.array([pd.NA] * len(made), "Int64"),
    }
    table = table.assign(**made, **whole, clip_id=names, recording_id=names)
    return table.assign(label=pd.array([1] * len(made), "Int64"), split="test")


def _plan(clips: int, kinds: list[str], most: int) -> Iterator[tuple[int, str]]:
    """Yields the index of a clip and a kind: all clips in turn, with another kind each time."""
    for number in range(min(most, clips * len(kinds))):
        turn, index = divmod(number, clips)
        yield index, kinds[(index + turn) % len(kinds)]


def _shuffled(clips: pd.DataFrame, seed: int) -> pd.DataFrame:
    keys = clips["clip_id"].map(lambda clip: stable_seed(seed, "pseudo-fault", clip))
    return clips.loc[keys.sort_values(kind="stable").index].reset_index(drop=True)


class _Reader:
    """Reads clips of a table by their index, as a detector reads them."""

    def __init__(self, clips: pd.DataFrame, samples: int, sample_rate: int):
        self._paths = list(clips["path"])
        self._report = inspect_clips(clips) if len(clips) else clips
        self._how = {"samples": samples, "sample_rate": sample_rate}

    def __call__(self, index: int) -> np.ndarray:
        row = self._report.iloc[index]
        return read_samples(
            self._paths[index], int(row["channel"]), first=int(row["first"]),
            frames=int(row["frames"]), **self._how,
        )  # fmt: skip
