"""A store of features on disk: the features of a run's clips are computed only once."""

import hashlib
import logging
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from asd_tf.data.fingerprints import NONE, fingerprints_of
from asd_tf.data.groups import Group
from asd_tf.extraction.extractor import Extractor
from asd_tf.files import atomic_path, create_array, is_intact, write_seal

_logger = logging.getLogger(__name__)

_FEATURES, _INDEX = "features.npy", "index.npz"


class EmbeddingStore:
    """The folders `embeddings/<extractor>/<split>/` of a run, with features.npy and index.npz.

    Stored features are used only if the files of the extractor, the sample rate and the clips are
    the same, the audio files have the same fingerprints (of those that are still there) and, if the
    extractor needs them, the numbers of the sections are the same. Damaged ones are computed anew.
    Features are written and read by memory maps, since those of all frames of a large dataset may
    not fit in memory.

    Args:
        folder: The folder `embeddings`.
        reuse: The folder `embeddings` of another run, which is searched second; it is only read.
    """

    def __init__(self, folder: Path, reuse: Path | None = None):
        self._folders = [folder] if reuse is None else [folder, reuse]

    def part(self, name: str) -> "EmbeddingStore":
        """Returns the store of a part of a fused detector: the subfolder with its name."""
        return EmbeddingStore(*(folder / name for folder in self._folders))

    def features(
        self,
        name: str,
        extractor: Extractor,
        clips: pd.DataFrame,
        sample_rate: int,
        progress: Callable[[int], None],
        split: str,
        section_ids: Mapping[Group, int] | None = None,
        measures: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the features of clips from the store; missing ones are computed and stored.

        Args:
            name: Name of the extractor.
            extractor: The extractor.
            clips: The clip table.
            sample_rate: Sample rate of the waveforms, in Hz.
            progress: Called after each batch with the number of clips that are newly done.
            split: Name of the folder: `train` or `test`.
            section_ids: Number of each machine and section, if the extractor needs it.
            measures: Array [clips, measures] for the measures of the waveforms, which are stored
                with the features; those of features that were stored without stay as they are.

        Returns:
            Features [clips, ...], a read-only memory map, with NaN for unreadable clips; and ok
            [clips] bool.
        """
        key = _key(extractor, clips, sample_rate, section_ids)
        # Before the files are read: one that changes meanwhile is noticed the next time.
        audio = np.array(list(fingerprints_of(clips).values()), str)
        for folder in self._folders:
            stored = _load(folder / name / split, key, clips, audio, measures)
            if stored is not None:
                progress(len(clips))
                return stored
        target = self._folders[0] / name / split
        with atomic_path(target) as temporary:
            temporary.mkdir()
            shape = (len(clips), *extractor.feature_shape)
            values = create_array(temporary / _FEATURES, shape)
            _, ok = extractor.features(
                clips, sample_rate, progress=progress, section_ids=section_ids, out=values,
                measures=measures,
            )  # fmt: skip
            values.flush()
            write_seal(temporary / _FEATURES)
            ids = clips["clip_id"].to_numpy(str)
            arrays = {"clip_id": ids, "ok": ok, "audio": audio}
            if measures is not None:
                arrays["measures"] = measures
            np.savez(temporary / _INDEX, key=key, **arrays)
        return _read(target, ok)


def _key(
    extractor: Extractor,
    clips: pd.DataFrame,
    sample_rate: int,
    section_ids: Mapping[Group, int] | None,
) -> str:
    columns = clips[["clip_id", "start_s", "duration_s", "channel"]]
    group = extractor.section_ids_of(clips, section_ids)
    if group is not None:
        columns = columns.assign(group=group)
    table = columns.to_csv(index=False)
    return hashlib.sha256(f"{extractor.digest} {sample_rate} {table}".encode()).hexdigest()


def _load(
    folder: Path, key: str, clips: pd.DataFrame, audio: np.ndarray, measures: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray] | None:
    if not (folder / _INDEX).exists():
        return None
    try:
        with np.load(folder / _INDEX, allow_pickle=False) as index:
            if index["key"].item() != key:
                return None
            ok = index["ok"]
            # Earlier versions knew names only.
            stored = index.get("audio")
            measured = index.get("measures")
            if measures is not None and measured is not None:
                if measured.shape != measures.shape:
                    _logger.info("%s: lacks measures of today; computed anew", folder)
                    return None
                measures[:] = measured
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        ok = None
    if ok is None or not is_intact(folder / _FEATURES):
        _logger.warning("%s: damaged; its features are computed anew", folder)
        return None
    return None if _is_stale(folder, clips, stored, audio) else _read(folder, ok)


def _is_stale(
    folder: Path, clips: pd.DataFrame, stored: np.ndarray | None, audio: np.ndarray
) -> bool:
    """Returns whether a file may be another than the one that the features are of; logs which."""
    is_there = audio != NONE
    different = np.flatnonzero(is_there & (True if stored is None else stored != audio))
    if not len(different):
        return False
    path = clips["path"].iloc[different[0]]
    _logger.info(
        "%s: the features are computed anew, since %d of %d files %s: %s",
        folder, len(different), len(clips),
        "cannot be compared with those of an earlier version" if stored is None else "have changed",
        path if len(different) == 1 else f"{path} and others",
    )  # fmt: skip
    return True


def _read(folder: Path, ok: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.load(folder / _FEATURES, mmap_mode="r", allow_pickle=False), ok
