"""Features that are kept must be those of the clips, and not fill the memory."""

import keras
import numpy as np
import pandas as pd
import pytest
from harness import SAMPLE_RATE, write_tone

from asd_tf.data.clips import check_clips
from asd_tf.detector.extractor import Extractor, export_extractor
from asd_tf.embeddings import EmbeddingStore

CLIPS = 5


@pytest.fixture(scope="module")
def extractor(tmp_path_factory):
    """Ten items of 800 samples."""
    folder = tmp_path_factory.mktemp("extractor") / "frames"
    waveform = keras.Input([8000], name="waveform")
    export_extractor(keras.Model(waveform, keras.layers.Reshape([10, 800])(waveform)), folder)
    return Extractor(folder)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Clips of which the second cannot be read."""
    folder, rows = tmp_path_factory.mktemp("clips"), []
    for index in range(CLIPS):
        path = folder / f"{index}.wav"
        write_tone(path, 300 + 100 * index, seed=index)
        rows.append((path.name, str(path), "fan", "00", "test"))
    (folder / "1.wav").write_bytes(b"nothing")
    names = ["clip_id", "path", "machine", "section", "split"]
    return check_clips(pd.DataFrame(rows, columns=names))


def looked_up(store, extractor, clips):
    """Returns features, ok and what progress was told."""
    told = []
    return *store.features("frames", extractor, clips, SAMPLE_RATE, told.append, "test"), told


def test_features_lie_on_disk_and_are_computed_once(extractor, clips, tmp_path):
    """As a map that nothing can write to, the unreadable clip being no number."""
    expected, readable = extractor.features(clips, SAMPLE_RATE)
    assert readable.tolist() == [True, False, True, True, True]
    for told_of in ([CLIPS - 1, 1], [CLIPS]):
        values, ok, told = looked_up(EmbeddingStore(tmp_path), extractor, clips)
        assert told == told_of
        assert isinstance(values, np.memmap)
        assert not values.flags.writeable
        assert values.shape == (CLIPS, 10, 800)
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(ok, readable)
        assert np.isnan(values[1]).all()
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        "features.npy", "index.npz",
    }  # fmt: skip


def test_what_breaks_leaves_nothing_behind(extractor, clips, tmp_path):
    def broken(done):
        raise KeyboardInterrupt

    store = EmbeddingStore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        store.features("frames", extractor, clips, SAMPLE_RATE, broken, "test")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_parts_have_stores_of_their_own(extractor, clips, tmp_path):
    """Of the run and of the one that is reused: equal names of extractors must not meet."""
    looked_up(EmbeddingStore(tmp_path / "old").part("ae"), extractor, clips)
    assert (tmp_path / "old" / "ae" / "frames" / "test" / "features.npy").exists()
    store = EmbeddingStore(tmp_path / "new", tmp_path / "old")
    assert looked_up(store.part("ae"), extractor, clips)[2] == [CLIPS]
    assert looked_up(store.part("classifier"), extractor, clips)[2] == [CLIPS - 1, 1]


def test_no_clips_have_no_features(extractor, clips, tmp_path):
    """As of a machine without test clips."""
    for _ in range(2):
        values, ok, _ = looked_up(EmbeddingStore(tmp_path), extractor, clips.head(0))
        assert values.shape == (0, 10, 800)
        assert ok.shape == (0,)
