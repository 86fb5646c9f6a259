"""Detectors of detectors are evaluated by other scores, features or evidence than they have."""

import keras
import numpy as np
import pandas as pd
import pytest
import soundfile

from asd_tf.backends.registry import build_backend
from asd_tf.calibration import Threshold
from asd_tf.data.clips import check_clips
from asd_tf.detector import Detector
from asd_tf.detector.extractor import Extractor, export_extractor
from asd_tf.detector.fused import write_fused_detector
from asd_tf.detector.fusion import Fusion
from asd_tf.detector.single import write_detector
from asd_tf.embeddings import EmbeddingStore
from asd_tf.scoring import GroupScorer, Scorer

RATE, SAMPLES, ITEMS = 16000, 400, 4
GROUPS = [("fan", "00"), ("pump", "00")]
GAMMA = 0.25


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Ten noises of each machine in each subset, of both domains, of which one cannot be read."""
    folder, rows = tmp_path_factory.mktemp("noises"), []
    rng = np.random.default_rng(0)
    for index in range(40):
        path = folder / f"{index}.wav"
        soundfile.write(path, 0.1 * rng.uniform(0.2, 2) * rng.normal(size=SAMPLES), RATE)
        domain, subset = ("source", "target")[index // 2 % 2], ("dev", "eval")[index // 20]
        rows.append((path.name, str(path), *GROUPS[index % 2], "test", domain, subset))
    (folder / "7.wav").write_bytes(b"nothing")
    names = ["clip_id", "path", "machine", "section", "split", "domain", "subset"]
    return check_clips(pd.DataFrame(rows, columns=names))


def write_tiny(folder, estimator, scale, seed):
    """Writes a detector with an extractor for each machine: [batch, ITEMS, 2] of its samples."""
    extractors, scorers = {}, {}
    rng = np.random.default_rng(seed)
    backend = {
        "members": {"s": {"estimator": estimator, "domain": "source"}} if estimator == "AsScore"
        else {which: {"estimator": estimator, "params": {"gamma": GAMMA},
                      "domain": which}
              for which in ("source", "target")},
        "combine": "known",
    }  # fmt: skip
    width = 1 if estimator == "AsScore" else 2
    for machine, section in GROUPS:
        waveform = keras.Input([SAMPLES], name="waveform")
        rows = keras.layers.Reshape([ITEMS, SAMPLES // ITEMS])(waveform)
        values = keras.layers.Dense(width, "relu", use_bias=False)(rows)
        model = keras.Model(waveform, values)
        model.set_weights([scale * rng.normal(size=[SAMPLES // ITEMS, width])])
        extractors[machine] = folder.parent / f"{folder.name}-{machine}"
        export_extractor(model, extractors[machine])
        scorer = Scorer(machine, build_backend(backend), score_on="items")
        scorers[machine, section] = GroupScorer([scorer]).fit(
            {machine: rng.uniform(size=[8, ITEMS, width])}, ["source", "target"] * 4
        )
    calibration = pd.DataFrame(
        [(*group, f"normal{i}", "source", rng.normal()) for group in GROUPS for i in range(30)],
        columns=["machine", "section", "clip_id", "domain", "score"],
    )
    thresholds = dict.fromkeys(GROUPS, Threshold(0.5, "empirical", 30, "group", 0.9))
    description = {"method": "m", "recipe": "r", "sample_rate": RATE, "samples": SAMPLES}
    write_detector(
        folder, {**description, "channel": None}, extractors, scorers, thresholds, calibration, []
    )
    return folder


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    """Two errors fused by their mean, and that fused with a classifier."""
    folder = tmp_path_factory.mktemp("detectors")
    models = {f"model_{i}": write_tiny(folder / f"m{i}", "AsScore", 1 + i, i) for i in range(2)}
    write_fused_detector(folder / "ae", models, Fusion("mean"))
    parts = {"ae": folder / "ae", "bc": write_tiny(folder / "bc", "PosteriorDistance", 1, 5)}
    write_fused_detector(folder / "all", parts, Fusion("sum"))
    return Detector.load(folder / "all")


def test_a_detector_of_fused_detectors_is_examined_by_its_parts(nested, clips):
    told = []
    found = nested.examine(clips, told.append)
    assert sum(told) == len(clips)
    assert all(isinstance(done, int) for done in told)
    scores, items = nested.anomaly_scores(clips)
    np.testing.assert_allclose(found.scores, scores)
    assert np.flatnonzero(np.isnan(found.scores)).tolist() == [7]
    assert set(found.items) == set(items) == set(clips["clip_id"].drop(7))
    np.testing.assert_allclose(found.items["3.wav"], items["3.wav"])
    assert items["3.wav"].shape == (ITEMS,)
    assert list(found.parts) == ["ae", "bc"]
    for name, values in found.parts.items():
        np.testing.assert_allclose(values, nested.parts[name].anomaly_scores(clips)[0])
    assert found.members() == {}


def test_features_of_parts_are_means_of_their_items(nested, clips):
    """Named by their part, and missing where an extractor does not see the machine."""
    features = nested.examine(clips).features
    assert list(features) == [
        f"{part}: {name}"
        for part in ("ae: model_0", "ae: model_1", "bc")
        for name in ("fan", "pump")
    ]
    folder = nested.folder / "parts" / "ae" / "parts" / "model_1" / "extractors" / "pump"
    expected = Extractor(folder).features(clips, RATE)[0].mean(axis=1)
    expected[(clips["machine"] != "pump").to_numpy()] = np.nan
    np.testing.assert_allclose(features["ae: model_1: pump"], expected, rtol=1e-5)


def test_stored_features_of_parts_are_not_computed_again(nested, clips, tmp_path, monkeypatch):
    store = EmbeddingStore(tmp_path)
    first = nested.examine(clips, store=store)
    assert (tmp_path / "ae" / "model_1" / "pump" / "test" / "features.npy").exists()

    def refuse(*arguments, **named):
        raise AssertionError("computed again")

    monkeypatch.setattr(Extractor, "__call__", refuse)
    again = nested.examine(clips, store=store)
    np.testing.assert_array_equal(again.scores, first.scores)
    with pytest.raises(AssertionError, match="computed again"):
        nested.examine(clips)


def test_distances_are_standardised_over_all_test_clips_of_a_subset(nested, clips):
    """Eq. 7, with both domains together; parts without distances keep their scores."""
    found, classifier = nested.examine(clips), nested.parts["bc"]
    expected = np.full(len(clips), np.nan)
    readable = np.arange(len(clips)) != 7
    for machine, _ in GROUPS:
        folder = classifier.folder / "extractors" / machine
        values = Extractor(folder).features(clips, RATE)[0]
        for subset in ("dev", "eval"):
            rows = readable & (clips["machine"] == machine) & (clips["subset"] == subset)
            rows = np.flatnonzero(rows)
            means = values[rows].mean(axis=1)[:, 1]
            distances = (values[rows, :, 1] - means.mean()) / means.std()
            scores = GAMMA * values[rows, :, 0] + (1 - GAMMA) * distances
            expected[rows] = scores.mean(axis=1)
    np.testing.assert_allclose(classifier.examine(clips).refitted(), expected, rtol=1e-4, atol=1e-5)
    both = nested.fuse(np.stack([found.parts["ae"], expected]), clips)
    np.testing.assert_allclose(found.refitted(), both, rtol=1e-4, atol=1e-5)
    assert not np.allclose(found.refitted(), found.scores, equal_nan=True)
    assert nested.parts["ae"].examine(clips).refitted() is None
