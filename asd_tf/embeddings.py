"""Features of a run's clips, computed once and kept, so that many backends need one extraction."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.detector.base import Group
from asd_tf.detector.extractor import Extractor
from asd_tf.files import atomic_path

_FEATURES, _INDEX = "features.npy", "index.npz"


class EmbeddingStore:
    """The folders `embeddings/<extractor>/<split>/` of a run: features.npy and index.npz.

    Features are used only where the extractor's bytes, the sample rate and the clips are the same,
    and their sections' numbers, if the extractor needs them. They are written and read through
    memory maps: frames of a large dataset fill more memory than there is.

    Args:
        folder: The folder.
        reuse: The same folder of another run, looked into second.
    """

    def __init__(self, folder: Path, reuse: Path | None = None):
        self._folders = [folder] if reuse is None else [folder, reuse]

    def part(self, name: str) -> "EmbeddingStore":
        """Returns the store of a part of a fused detector, in the subfolder of its name."""
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
            Features [clips, ...] with NaN for unreadable clips, a read-only memory map; and ok
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
            values = np.lib.format.open_memmap(
                temporary / _FEATURES,
                mode="w+",
                dtype=np.float32,
                shape=(len(clips), *extractor.feature_shape),
            )
            _, ok = extractor.features(
                clips, sample_rate, progress=progress, numbers=numbers, out=values
            )
            values.flush()
            ids = clips["clip_id"].to_numpy(str)
            np.savez(temporary / _INDEX, key=key, clip_id=ids, ok=ok)
        return _read(place, ok)


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
    if not (folder / _INDEX).exists():
        return None
    with np.load(folder / _INDEX, allow_pickle=False) as index:
        return _read(folder, index["ok"]) if index["key"].item() == key else None


def _read(folder: Path, ok: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.load(folder / _FEATURES, mmap_mode="r", allow_pickle=False), ok
