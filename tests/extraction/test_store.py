"""Stored features must be those of the clips, and be read by memory maps."""

import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from harness import SAMPLE_RATE, write_tone

from asd_tf.data.clips import check_clips
from asd_tf.extraction.extractor import Extractor, export_extractor
from asd_tf.extraction.store import EmbeddingStore

CLIPS = 5


@pytest.fixture(scope="module")
def extractor(tmp_path_factory):
    """An extractor that divides a waveform into ten items of 800 samples."""
    folder = tmp_path_factory.mktemp("extractor") / "frames"
    waveform = keras.Input([8000], name="waveform")
    export_extractor(keras.Model(waveform, keras.layers.Reshape([10, 800])(waveform)), folder)
    return Extractor(folder)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Clips; the second one cannot be read."""
    folder, rows = tmp_path_factory.mktemp("clips"), []
    for index in range(CLIPS):
        path = folder / f"{index}.wav"
        write_tone(path, 300 + 100 * index, seed=index)
        rows.append((path.name, str(path), "fan", "00", "test"))
    (folder / "1.wav").write_bytes(b"nothing")
    names = ["clip_id", "path", "machine", "section", "split"]
    return check_clips(pd.DataFrame(rows, columns=names))


def looked_up(store, extractor, clips):
    """Returns features, ok and the arguments of the calls of progress."""
    counts = []
    return *store.features("frames", extractor, clips, SAMPLE_RATE, counts.append, "test"), counts


def test_features_lie_on_disk_and_are_computed_once(extractor, clips, tmp_path):
    """Features must be a read-only memory map, with NaN for unreadable clips."""
    expected, readable = extractor.features(clips, SAMPLE_RATE)
    assert readable.tolist() == [True, False, True, True, True]
    for expected_counts in ([CLIPS - 1, 1], [CLIPS]):
        values, ok, counts = looked_up(EmbeddingStore(tmp_path), extractor, clips)
        assert counts == expected_counts
        assert isinstance(values, np.memmap)
        assert not values.flags.writeable
        assert values.shape == (CLIPS, 10, 800)
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(ok, readable)
        assert np.isnan(values[1]).all()
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        "features.npy", "features.npy.sha256", "index.npz",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["features.npy", "index.npz"])
def test_damaged_features_are_computed_anew(extractor, clips, tmp_path, caplog, name):
    """A flipped bit in a stored file must be found, and must change no feature."""
    expected, readable, _ = looked_up(EmbeddingStore(tmp_path), extractor, clips)
    expected = np.array(expected)
    path = tmp_path / "frames" / "test" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    values, ok, counts = looked_up(EmbeddingStore(tmp_path), extractor, clips)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(ok, readable)
    if counts != [CLIPS]:
        assert "damaged" in caplog.text
    elif name == "features.npy":
        raise AssertionError("damaged features were used")


def test_what_breaks_leaves_nothing_behind(extractor, clips, tmp_path):
    """An interrupted extraction must leave no files."""

    def broken(done):
        raise KeyboardInterrupt

    store = EmbeddingStore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        store.features("frames", extractor, clips, SAMPLE_RATE, broken, "test")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_parts_have_stores_of_their_own(extractor, clips, tmp_path):
    """Parts must not share features, nor in a reused run, though extractor names are equal."""
    looked_up(EmbeddingStore(tmp_path / "old").part("ae"), extractor, clips)
    assert (tmp_path / "old" / "ae" / "frames" / "test" / "features.npy").exists()
    store = EmbeddingStore(tmp_path / "new", tmp_path / "old")
    assert looked_up(store.part("ae"), extractor, clips)[2] == [CLIPS]
    assert looked_up(store.part("classifier"), extractor, clips)[2] == [CLIPS - 1, 1]


def test_no_clips_have_no_features(extractor, clips, tmp_path):
    """An empty table must give empty arrays."""
    for _ in range(2):
        values, ok, _ = looked_up(EmbeddingStore(tmp_path), extractor, clips.head(0))
        assert values.shape == (0, 10, 800)
        assert ok.shape == (0,)


def test_a_replaced_file_has_new_features(extractor, clips, tmp_path, caplog):
    """A file replaced under its name, with equal size and time, must not keep its features."""
    caplog.set_level("INFO")
    paths = [Path(shutil.copy(path, tmp_path)) for path in clips["path"]]
    clips, store = clips.assign(path=[str(path) for path in paths]), EmbeddingStore(tmp_path / "e")
    before = np.array(looked_up(store, extractor, clips)[0])
    status = paths[2].stat()
    write_tone(paths[2], 900, seed=9)
    os.utime(paths[2], ns=(status.st_atime_ns, status.st_mtime_ns))
    assert paths[2].stat().st_size == status.st_size
    values, _, counts = looked_up(store, extractor, clips)
    assert counts == [CLIPS - 1, 1]
    differs = (before != values) & np.isfinite(values)
    assert differs.any(axis=(1, 2)).tolist() == [False, False, True, False, False]
    assert f"1 of 5 files have changed: {paths[2]}" in caplog.text
    assert looked_up(store, extractor, clips)[2] == [CLIPS]


def test_features_survive_moved_and_missing_audio(extractor, clips, tmp_path):
    """Data that were copied elsewhere, or removed since, must keep their features."""
    looked_up(EmbeddingStore(tmp_path / "e"), extractor, clips)
    moved = [str(shutil.copy(path, tmp_path)) for path in clips["path"]]
    for paths in (moved, [f"{path}.gone" for path in moved]):
        store = EmbeddingStore(tmp_path / "e")
        assert looked_up(store, extractor, clips.assign(path=paths))[2] == [CLIPS]


def test_features_of_unknown_audio_are_computed_anew(extractor, clips, tmp_path, caplog):
    """Features of an earlier version, which knew names only, must be used without audio alone."""
    caplog.set_level("INFO")
    looked_up(EmbeddingStore(tmp_path), extractor, clips)
    path = tmp_path / "frames" / "test" / "index.npz"
    with np.load(path) as index:
        old = {name: index[name] for name in index if name != "audio"}
    np.savez(path, **old)
    gone = clips.assign(path=clips["path"] + ".gone")
    assert looked_up(EmbeddingStore(tmp_path), extractor, gone)[2] == [CLIPS]
    assert looked_up(EmbeddingStore(tmp_path), extractor, clips)[2] == [CLIPS - 1, 1]
    assert "cannot be compared with those of an earlier version" in caplog.text
