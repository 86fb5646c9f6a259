"""The features of a run's clips: computed once and kept, for many backends to judge."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.detector.base import Group
from asd_tf.detector.extractor import Extractor
from asd_tf.files import atomic_path


class EmbeddingStore:
    """The folders `embeddings/<extractor>/<split>` of a run.

    One is used only where the extractor's bytes, the sample rate and the clips are the same, and
    their sections' numbers, if the extractor needs them. Features go to disk batch by batch and
    come back as a memory map, so that memory does not grow with the data.

    Args:
        folder: The folder.
        reuse: The same folder of another run, looked into second.
    """

    def __init__(self, folder: Path, reuse: Path | None = None):
        self._folders = [folder] if reuse is None else [folder, reuse]

    def part(self, name: str) -> "EmbeddingStore":
        """Returns the store of a part of the run, in the folder of its name."""
        return EmbeddingStore(*(folder / name for folder in self._folders))

    def features(
        self,
        name: str,
        extractor: Extractor,
        clips: pd.DataFrame,
        sample_rate: int,
        progress: Callable[[int], None],
        split: str,
        numbers: Mapping[Group, int] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the features of clips, from the store or computed and then stored.

        Args:
            name: Name of the extractor.
            extractor: The extractor.
            clips: The clip table.
            sample_rate: Of the waveforms, in Hz.
            progress: Told the number of clips after each batch.
            split: Name of the folder.
            numbers: Machine and section to their number, for an extractor that needs it.

        Returns:
            Features [clips, ...] on disk, not to be changed, with NaN for unreadable clips, and ok
            [clips].
        """
        key = _key(extractor, clips, sample_rate, numbers)
        for folder in self._folders:
            stored = _load(folder / name / split, key)
            if stored is not None:
                progress(len(clips))
                return stored
        place = self._folders[0] / name / split
        with atomic_path(place) as temporary:
            temporary.mkdir()

            def on_disk(shape: tuple[int, ...]) -> np.ndarray:
                return np.lib.format.open_memmap(
                    temporary / "features.npy", mode="w+", dtype=np.float32, shape=shape
                )

            _, ok = extractor.features(
                clips, sample_rate, progress=progress, numbers=numbers, make_array=on_disk
            )
            ids = clips["clip_id"].to_numpy(str)
            np.savez(temporary / "index.npz", key=key, clip_id=ids, ok=ok)
        return _load(place, key)


def _key(
    extractor: Extractor,
    clips: pd.DataFrame,
    sample_rate: int,
    numbers: Mapping[Group, int] | None,
) -> str:
    columns = clips[["clip_id", "start_s", "duration_s", "channel"]]
    group = extractor.group_of(clips, numbers)
    if group is not None:
        columns = columns.assign(group=group)
    parts = columns.to_csv(index=False)
    return hashlib.sha256(f"{extractor.digest} {sample_rate} {parts}".encode()).hexdigest()


def _load(folder: Path, key: str) -> tuple[np.ndarray, np.ndarray] | None:
    if not (folder / "index.npz").exists():
        return None
    with np.load(folder / "index.npz", allow_pickle=False) as index:
        if index["key"].item() != key:
            return None
        ok = index["ok"]
    return np.load(folder / "features.npy", mmap_mode="r", allow_pickle=False), ok
