"""A network that depends on the section must get the section of each clip."""

import keras
import numpy as np
import pandas as pd
import pytest
import soundfile
import tensorflow as tf

from asd_tf.backends.registry import build_backend
from asd_tf.data.clips import check_clips
from asd_tf.detector import Detector
from asd_tf.detector.writing import write_detector
from asd_tf.errors import UsageError
from asd_tf.extraction.extractor import Extractor, Extractors, export_extractor
from asd_tf.extraction.store import EmbeddingStore
from asd_tf.scoring.group_scorer import GroupScorer
from asd_tf.scoring.scorers import Scorer
from asd_tf.scoring.thresholds import Threshold

SAMPLES, RATE = 400, 16000
NUMBERS = {("fan", "02"): 1, ("fan", "07"): 2, ("pump", "00"): 0}


class Distance(keras.layers.Layer):
    """The distance of ten times the mean of a waveform from the number of its section."""

    def call(self, inputs):
        """Returns [batch, 1] distances."""
        waveform, group = inputs
        level = 10 * tf.reduce_mean(waveform, axis=1)
        return tf.abs(level - tf.cast(group, tf.float32))[:, tf.newaxis]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of an extractor."""
    waveform = keras.Input([SAMPLES], name="waveform")
    group = keras.Input([], dtype=tf.int32, name="group")
    model = keras.Model([waveform, group], Distance()([waveform, group]))
    folder = tmp_path_factory.mktemp("conditioned") / "extractor"
    export_extractor(model, folder)
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Clips with a mean of a tenth of their section's number; the last one has another mean."""
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
    """A detector whose score is the distance, without calibration scores."""
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
    thresholds = dict.fromkeys(NUMBERS, Threshold(0.5, "conformal", 2, "group", 0.1))
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


def test_each_clip_has_its_own_section(folder, clips):
    """Sections must belong to their clips, also in a smaller last batch."""
    values, ok = Extractor(folder).features(clips, RATE, batch_size=3, section_ids=NUMBERS)
    assert ok.all()
    np.testing.assert_allclose(values[:, 0], [0, 0, 0, 1], atol=2e-3)


def test_rows_follow_a_clip_that_cannot_be_read(folder, clips, tmp_path):
    """An unreadable clip must not shift the sections of the clips after it."""
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    broken = clips.assign(path=[str(tmp_path / "bad.wav"), *clips["path"][1:]])
    values, ok = Extractor(folder).features(broken, RATE, section_ids=NUMBERS)
    assert ok.tolist() == [False, True, True, True]
    np.testing.assert_allclose(values[1:, 0], [0, 0, 1], atol=2e-3)


@pytest.mark.parametrize("numbers", [None, {("fan", "02"): 1}])
def test_a_section_without_a_number_is_named(folder, clips, numbers):
    """A missing number must be an error that names the section."""
    missing = "02" if numbers is None else "07"
    with pytest.raises(UsageError, match=f"^fan, section {missing}: it has no number"):
        Extractor(folder).features(clips, RATE, section_ids=numbers)


def test_the_root_takes_waveform_and_group(folder):
    """The root must take a dict of inputs, as `hub.KerasLayer` passes them."""
    root = tf.saved_model.load(str(folder))
    given = {"waveform": tf.ones([2, SAMPLES]), "group": tf.constant([4, 12])}
    np.testing.assert_allclose(root(given), [[6], [2]], atol=1e-4)
    np.testing.assert_allclose(root(given, training=True), [[6], [2]], atol=1e-4)


def test_other_inputs_are_refused(tmp_path):
    """A network with unknown inputs must not be exported."""
    waveform, other = keras.Input([8], name="waveform"), keras.Input([], name="machine")
    model = keras.Model([waveform, other], Distance()([waveform, other]))
    with pytest.raises(ValueError, match="inputs waveform, machine cannot be exported"):
        export_extractor(model, tmp_path / "x")


def test_networks_are_loaded_again_where_memory_is_short(folder, monkeypatch):
    """Extractors must compute the same after they were released and loaded again."""
    monkeypatch.setattr(Extractors, "MAX_LOADED", -1)
    extractors = Extractors({"one": folder, "other": folder})
    waveform, group = tf.ones([2, SAMPLES]), np.array([4, 12])
    first = extractors["one"]
    before = first(waveform, group)
    np.testing.assert_array_equal(extractors["other"](waveform, group), before)
    assert all(tf.size(variable.read_value()) == 0 for variable in first._root.variables)
    assert extractors["one"] is not first
    np.testing.assert_array_equal(extractors["one"](waveform, group), before)


def test_stored_features_are_those_of_the_same_sections(folder, clips, tmp_path):
    """Stored features must not be used with other numbers of the sections."""
    store, extractor, counts = EmbeddingStore(tmp_path), Extractor(folder), []

    def stored(numbers):
        counts.clear()
        return store.features("x", extractor, clips, RATE, counts.append, "test", numbers)[0][:, 0]

    first = stored(NUMBERS)
    assert len(counts) == 2  # a batch, and the unreadable clips
    np.testing.assert_array_equal(stored(dict(NUMBERS)), first)
    assert counts == [len(clips)]
    renumbered = {group: number + 1 for group, number in NUMBERS.items()}
    np.testing.assert_allclose(stored(renumbered), [1, 1, 1, 0], atol=2e-3)


def test_a_detector_knows_the_numbers(detector, clips):
    """A detector must keep the numbers of its sections."""
    assert detector.section_ids == NUMBERS
    scored = detector.score(clips)
    np.testing.assert_allclose(scored["score"], [0, 0, 0, 1], atol=2e-3)
    assert (scored["score"] > scored["threshold"]).tolist() == [False, False, False, True]


def test_any_section_is_tried_with_its_own_number(detector, clips):
    """With section `any`, features must be computed with the number of each section."""
    scored = detector.score(clips, section="any")
    assert scored["section"].tolist() == ["02", "07", "00", "07"]
    np.testing.assert_allclose(scored["score"], 0, atol=2e-3)


class Inverse(keras.layers.Layer):
    """The inverse of the mean, which silence has none of."""

    def call(self, waveform):
        """Returns [batch, 1]."""
        return 1 / tf.reduce_mean(waveform, axis=1, keepdims=True)


def test_features_that_are_not_finite_cost_their_clip_alone(clips, tmp_path, caplog):
    """They must not reach a backend, which would refuse all clips."""
    waveform = keras.Input([SAMPLES], name="waveform")
    export_extractor(keras.Model(waveform, Inverse()(waveform)), tmp_path / "extractor")
    values, ok = Extractor(tmp_path / "extractor").features(clips, RATE)
    silent = clips["clip_id"] == "2.wav"
    assert ok.tolist() == (~silent).tolist()
    assert np.isnan(values[silent]).all()
    assert "2.wav: its features are not finite" in caplog.text
