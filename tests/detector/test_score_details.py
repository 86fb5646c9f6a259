"""Items, parts, features and members of scores must be right, also of nested detectors."""

import keras
import numpy as np
import pandas as pd
import pytest
import soundfile

from asd_tf.backends.registry import build_backend
from asd_tf.data.clips import check_clips
from asd_tf.detector import Detector
from asd_tf.detector.fused import write_fused_detector
from asd_tf.detector.writing import write_detector
from asd_tf.extraction.extractor import Extractor, export_extractor
from asd_tf.extraction.store import EmbeddingStore
from asd_tf.scoring.fusion import Fusion
from asd_tf.scoring.group_scorer import GroupScorer
from asd_tf.scoring.scorers import Scorer
from asd_tf.scoring.scores import Scores
from asd_tf.scoring.thresholds import Threshold

RATE, SAMPLES, ITEMS = 16000, 400, 4
GROUPS = [("fan", "00"), ("pump", "00")]
GAMMA = 0.25


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Ten clips of noise of each machine in each subset, of both domains; one is unreadable."""
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
    """Writes a detector with an extractor for each machine; features are [batch, ITEMS, 1 or 2]."""
    extractors, scorers = {}, {}
    rng = np.random.default_rng(seed)
    backend = {
        "members": {"s": {"estimator": estimator, "domain": "source"}} if estimator == "AsScore"
        else {domain: {"estimator": estimator, "params": {"gamma": GAMMA}, "domain": domain}
              for domain in ("source", "target")},
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
    thresholds = dict.fromkeys(GROUPS, Threshold(0.5, "conformal", 30, "group", 0.1))
    description = {"method": "m", "recipe": "r", "sample_rate": RATE, "samples": SAMPLES}
    write_detector(
        folder, {**description, "channel": None}, extractors, scorers, thresholds, calibration, []
    )
    return folder


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    """A fused detector whose first part is a fused detector."""
    folder = tmp_path_factory.mktemp("detectors")
    models = {f"model_{i}": write_tiny(folder / f"m{i}", "AsScore", 1 + i, i) for i in range(2)}
    write_fused_detector(folder / "ae", models, Fusion("mean"))
    parts = {"ae": folder / "ae", "bc": write_tiny(folder / "bc", "PosteriorDistance", 1, 5)}
    write_fused_detector(folder / "all", parts, Fusion("sum"))
    return Detector.load(folder / "all")


def test_a_detector_of_fused_detectors_has_the_scores_of_its_parts(nested, clips):
    """Scores, items and parts of nested detectors must belong together, clip by clip."""
    counts = []
    found = nested.score_with_details(clips, counts.append)
    assert sum(counts) == len(clips)
    assert all(isinstance(done, int) for done in counts)
    assert np.flatnonzero(np.isnan(found.clip)).tolist() == [7]
    assert [index for index, items in enumerate(found.items) if items is None] == [7]
    table, items = nested.score(clips, items=True)
    np.testing.assert_allclose(found.clip, table["score"])
    assert set(items) == set(clips["clip_id"].drop(7))
    np.testing.assert_allclose(found.items[3], items["3.wav"])
    assert items["3.wav"].shape == (ITEMS,)
    assert list(found.parts) == ["ae", "bc"]
    for name, values in found.parts.items():
        np.testing.assert_allclose(values, nested.parts[name].score_with_details(clips).clip)
    assert found.members() == {}


def test_features_of_parts_are_means_of_their_items(nested, clips):
    """Features must be named by part and extractor, and be NaN for other machines."""
    features = nested.score_with_details(clips).features
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
    """Each part must use its own stored features."""
    store = EmbeddingStore(tmp_path)
    first = nested.score_with_details(clips, store=store)
    assert (tmp_path / "ae" / "model_1" / "pump" / "test" / "features.npy").exists()

    def refuse(*arguments, **named):
        raise AssertionError("computed again")

    monkeypatch.setattr(Extractor, "__call__", refuse)
    again = nested.score_with_details(clips, store=store)
    np.testing.assert_array_equal(again.clip, first.clip)
    with pytest.raises(AssertionError, match="computed again"):
        nested.score_with_details(clips)


def test_distances_are_standardized_over_all_test_clips_of_a_subset(nested, clips):
    """Distances must be standardized as in eq. 7; parts without distances keep their scores."""
    found, classifier = nested.score_with_details(clips), nested.parts["bc"]
    expected = np.full(len(clips), np.nan)
    readable = np.arange(len(clips)) != 7
    for machine, _ in GROUPS:
        folder = classifier.folder / "extractors" / machine
        values = Extractor(folder).features(clips, RATE)[0]
        for subset in ("dev", "eval"):
            mask = readable & (clips["machine"] == machine) & (clips["subset"] == subset)
            indices = np.flatnonzero(mask)
            means = values[indices].mean(axis=1)[:, 1]
            distances = (values[indices, :, 1] - means.mean()) / means.std()
            scores = GAMMA * values[indices, :, 0] + (1 - GAMMA) * distances
            expected[indices] = scores.mean(axis=1)
    transductive = classifier.score_with_details(clips).transductive()
    np.testing.assert_allclose(transductive, expected, rtol=1e-4, atol=1e-5)
    both = nested.fuse({"ae": Scores(found.parts["ae"]), "bc": Scores(expected)}, clips).clip
    np.testing.assert_allclose(found.transductive(), both, rtol=1e-4, atol=1e-5)
    assert not np.allclose(found.transductive(), found.clip, equal_nan=True)
    assert nested.parts["ae"].score_with_details(clips).transductive() is None
