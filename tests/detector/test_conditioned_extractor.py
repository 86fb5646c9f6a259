"""A network that is told the section hears of another one, or of none."""

import keras
import numpy as np
import pandas as pd
import pytest
import soundfile
import tensorflow as tf

from asd_tf.backends.registry import build_backend
from asd_tf.calibration import Threshold
from asd_tf.data.clips import check_clips
from asd_tf.detector import Detector
from asd_tf.detector.extractor import Extractor, Extractors, export_extractor
from asd_tf.detector.single import write_detector
from asd_tf.embeddings import EmbeddingStore
from asd_tf.errors import UsageError
from asd_tf.scoring import GroupScorer, Scorer

SAMPLES, RATE = 400, 16000
NUMBERS = {("fan", "02"): 1, ("fan", "07"): 2, ("pump", "00"): 0}


class Distance(keras.layers.Layer):
    """How far ten times the level of a clip is from its section's number."""

    def call(self, inputs):
        """Computes it."""
        waveform, group = inputs
        level = 10 * tf.reduce_mean(waveform, axis=1)
        return tf.abs(level - tf.cast(group, tf.float32))[:, tf.newaxis]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An extractor, exported."""
    waveform = keras.Input([SAMPLES], name="waveform")
    group = keras.Input([], dtype=tf.int32, name="group")
    model = keras.Model([waveform, group], Distance()([waveform, group]))
    folder = tmp_path_factory.mktemp("conditioned") / "extractor"
    export_extractor(model, folder)
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Clips whose levels are a tenth of their sections' numbers, and one which is not."""
    folder = tmp_path_factory.mktemp("levels")
    rows = []
    for index, (group, level) in enumerate([*NUMBERS.items(), (("fan", "02"), 2)]):
        path = folder / f"{index}.wav"
        soundfile.write(path, np.full(SAMPLES, level / 10), RATE)
        rows.append((path.name, str(path), *group, "test"))
    return check_clips(
        pd.DataFrame(rows, columns=["clip_id", "path", "machine", "section", "split"])
    )


@pytest.fixture(scope="module")
def detector(folder, tmp_path_factory):
    """A detector whose score is the distance; calibrated to nothing."""
    backend = {"members": {"own": {"estimator": "AsScore", "domain": "all"}}}
    scorers = {
        group: GroupScorer([Scorer("distance", build_backend(backend))]).fit(
            {"distance": np.zeros([4, 1])}
        )
        for group in NUMBERS
    }
    place = tmp_path_factory.mktemp("detector") / "detector"
    calibration = pd.DataFrame(columns=["machine", "section", "clip_id", "domain", "score"])
    description = {"method": "m", "recipe": "r", "sample_rate": RATE, "samples": SAMPLES}
    thresholds = dict.fromkeys(NUMBERS, Threshold(0.5, "empirical", 2, "group", 0.9))
    write_detector(
        place,
        {**description, "channel": None},
        {"distance": folder},
        scorers,
        thresholds,
        calibration,
        [],
        NUMBERS,
    )
    return Detector.load(place)


def test_each_clip_is_told_its_own_section(folder, clips):
    """Also in the last batch, which has fewer clips."""
    values, ok = Extractor(folder).features(clips, RATE, batch_size=3, numbers=NUMBERS)
    assert ok.all()
    np.testing.assert_allclose(values[:, 0], [0, 0, 0, 1], atol=2e-3)


def test_rows_follow_a_clip_that_cannot_be_read(folder, clips, tmp_path):
    """The sections of those behind it would be those of their neighbours."""
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    broken = clips.assign(path=[str(tmp_path / "bad.wav"), *clips["path"][1:]])
    values, ok = Extractor(folder).features(broken, RATE, numbers=NUMBERS)
    assert ok.tolist() == [False, True, True, True]
    np.testing.assert_allclose(values[1:, 0], [0, 0, 1], atol=2e-3)


@pytest.mark.parametrize("numbers", [None, {("fan", "02"): 1}])
def test_a_section_without_a_number_is_named(folder, clips, numbers):
    missing = "02" if numbers is None else "07"
    with pytest.raises(UsageError, match=f"^fan, section {missing}: it has no number"):
        Extractor(folder).features(clips, RATE, numbers=numbers)


def test_the_root_takes_waveform_and_group(folder):
    """As Hub calls it: with a dict where there are several inputs."""
    root = tf.saved_model.load(str(folder))
    given = {"waveform": tf.ones([2, SAMPLES]), "group": tf.constant([4, 12])}
    np.testing.assert_allclose(root(given), [[6], [2]], atol=1e-4)
    np.testing.assert_allclose(root(given, training=True), [[6], [2]], atol=1e-4)


def test_other_inputs_are_refused(tmp_path):
    waveform, other = keras.Input([8], name="waveform"), keras.Input([], name="machine")
    model = keras.Model([waveform, other], Distance()([waveform, other]))
    with pytest.raises(ValueError, match="inputs waveform, machine cannot be exported"):
        export_extractor(model, tmp_path / "x")


def test_networks_are_loaded_again_where_memory_is_short(folder, monkeypatch):
    """An ensemble of hundreds must score alike, whichever of them are in memory."""
    monkeypatch.setattr(Extractors, "MOST_LOADED", 1)
    extractors = Extractors({"one": folder, "other": folder})
    waveform, group = tf.ones([2, SAMPLES]), np.array([4, 12])
    first = extractors["one"]
    before = first(waveform, group)
    np.testing.assert_array_equal(extractors["other"](waveform, group), before)
    assert all(tf.size(variable.read_value()) == 0 for variable in first._root.variables)
    assert extractors["one"] is not first
    np.testing.assert_array_equal(extractors["one"](waveform, group), before)


def test_stored_features_are_those_of_the_same_sections(folder, clips, tmp_path):
    """Features of another numbering, or of the clips in other sections, are no features."""
    store, extractor, told = EmbeddingStore(tmp_path), Extractor(folder), []

    def stored(numbers):
        told.clear()
        return store.features("x", extractor, clips, RATE, told.append, "test", numbers)[0][:, 0]

    first = stored(NUMBERS)
    assert len(told) == 2  # a batch, and what could not be read
    np.testing.assert_array_equal(stored(dict(NUMBERS)), first)
    assert told == [len(clips)]
    renumbered = {group: number + 1 for group, number in NUMBERS.items()}
    np.testing.assert_allclose(stored(renumbered), [1, 1, 1, 0], atol=2e-3)


def test_a_detector_knows_the_numbers(detector, clips):
    assert detector.numbers == NUMBERS
    scored = detector.score(clips)
    np.testing.assert_allclose(scored["score"], [0, 0, 0, 1], atol=2e-3)
    assert scored["decision"].tolist() == [0, 0, 0, 1]


def test_any_section_is_tried_with_its_own_number(detector, clips):
    """Features of one section, judged in all, would make the first one that is tried the best."""
    scored = detector.score(clips, section="any")
    assert scored["section"].tolist() == ["02", "07", "00", "07"]
    np.testing.assert_allclose(scored["score"], 0, atol=2e-3)
