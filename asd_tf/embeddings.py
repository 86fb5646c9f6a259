"""Features of a run's clips, computed once and kept, so that many backends need one extraction."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.detector.base import Group
from asd_tf.detector.extractor import Extractor
from asd_tf.files import atomic_path


class EmbeddingStore:
    """The folder `embeddings/<extractor>/<split>.npz` of a run.

    A file is used only where the extractor's bytes, the sample rate and the clips are the same, and
    their sections' numbers, if the extractor needs them.

    Args:
        folder: The folder.
        reuse: The same folder of another run, looked into second.
    """

    def __init__(self, folder: Path, reuse: Path | None = None):
        self._folders = [folder] if reuse is None else [folder, reuse]

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
            split: Name of the file.
            numbers: Machine and section to their number, for an extractor that needs it.

        Returns:
            Features [clips, ...] with NaN for unreadable clips, and ok [clips].
        """
        key = _key(extractor, clips, sample_rate, numbers)
        for folder in self._folders:
            stored = _load(folder / name / f"{split}.npz", key)
            if stored is not None:
                progress(len(clips))
                return stored
        values, ok = extractor.features(clips, sample_rate, progress=progress, numbers=numbers)
        with (
            atomic_path(self._folders[0] / name / f"{split}.npz") as temporary,
            temporary.open("wb") as file,
        ):
            np.savez(file, key=key, clip_id=clips["clip_id"].to_numpy(str), features=values, ok=ok)
        return values, ok


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


def _load(path: Path, key: str) -> tuple[np.ndarray, np.ndarray] | None:
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as stored:
        if stored["key"].item() != key:
            return None
        return stored["features"], stored["ok"]
