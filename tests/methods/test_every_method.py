"""What every method must do: fit, score, save, load, export, and score the same later."""

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from harness import exit_of, run_python

from asd_tf.cli import train
from asd_tf.config import method_names
from asd_tf.detector import Detector, FusedDetector

FRESH_PROCESS = """
import json, sys
from asd_tf.detector import Detector
folders, files = json.loads(sys.argv[1]), sys.argv[2:]
print(json.dumps([Detector.load(folder).score(files)["score"].tolist() for folder in folders]))
"""

# TF-Hub imports its own Keras (tf_keras). After that, Keras itself can no longer load saved models
# in the same process, so that TF-Hub runs in another.
HUB_PROCESS = """
import json, sys
import keras, numpy as np, tensorflow_hub as hub
from pathlib import Path

folder = Path(sys.argv[1])
for index, extractor in enumerate(json.loads(sys.argv[2])):
    with np.load(folder / f"{index}.npz") as given:
        given = dict(given)
    places = {name: keras.Input(v.shape[1:], dtype=v.dtype) for name, v in given.items()}
    if len(given) == 1:
        given, places = given["waveform"], places["waveform"]
    loaded, layer = hub.load(extractor), hub.KerasLayer(extractor, trainable=True)
    np.savez(folder / f"{index}-found.npz", loaded=loaded(given), layer=layer(given))
    if not layer.trainable_weights:
        continue
    model = keras.Model(places, keras.layers.Dense(1)(layer(places)))
    model.compile("adam", "mse")
    before = [weight.numpy() for weight in layer.trainable_weights]
    model.fit(given, np.ones([4, 1]), epochs=1, verbose=0)
    after = [weight.numpy() for weight in layer.trainable_weights]
    moved = [not np.array_equal(*pair) for pair in zip(before, after, strict=True)]
    print(extractor, len(moved), all(moved))
"""


# GeCo and Kuroyanagi have quick tests of their own; here the tests of all others are slow.
QUICK = ("asai", "wilkinghoff", "zheng")
OTHERS = tuple(name for name in method_names() if name not in QUICK)
METHODS = (*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS))

# Methods whose networks have nothing to train.
# The ensemble has too few clips there for parts with networks, and begins with statistics anyway.
UNTRAINED = ("ensemble", "frozen", "loudness", "mahalanobis", "statistics")


def quick_test_flags(method: str) -> list[str]:
    """Returns flags with which the quick recipe of a method takes seconds."""
    recipe = importlib.import_module(f"asd_tf.configs.{method}.quick")
    return ["--recipe=quick", *(f"--set={assignment}" for assignment in recipe.TEST)]


@pytest.fixture(scope="module")
def run_of(dataset, tmp_path_factory) -> Callable[[str], Path]:
    """Returns the finished run of a method, which is trained at the first call."""
    folder = tmp_path_factory.mktemp("runs")

    @functools.cache
    def finished(method: str) -> Path:
        flags = (f"--method={method}", f"--data_dir={dataset}", f"--run_dir={folder / method}")
        # A tenth that is held out of so few clips cannot promise less.
        few = "--set=calibration.false_alarms=0.4"
        assert exit_of(train.main, *flags, few, *quick_test_flags(method)) == 0
        return folder / method

    return finished


@pytest.fixture(scope="module")
def files(dataset) -> list[str]:
    return [str(path) for path in sorted((dataset / "dev_data").glob("*/test/*.wav"))][::5]


@pytest.fixture(params=METHODS)
def run(request, run_of) -> Path:
    return run_of(request.param)


def test_the_run_is_evaluated(run):
    """A run must leave scores, metrics and plots."""
    metrics = json.loads((run / "evaluation" / "metrics.json").read_text())
    assert 0 <= metrics["official_score"] <= 1
    assert metrics["terms"] == {"used": 12, "expected": 12}
    table = pd.read_csv(run / "evaluation" / "metrics.csv", dtype={"section": str})
    assert list(zip(table["machine"], table["section"], strict=True)) == [
        ("fan", "00"), ("fan", "01"), ("valve", "00"), ("valve", "01"),
    ]  # fmt: skip
    drawn = {path.name for path in (run / "evaluation").glob("*.png")}
    assert drawn == {"roc.png", "scores.png", "reliability.png"}


def test_a_loaded_detector_scores_as_the_run_did(run, dataset, files):
    """A saved detector must give the scores of the evaluation, for any order or choice of clips."""
    stored = pd.read_csv(run / "evaluation" / "scores.csv", dtype={"section": str})
    stored = stored.set_index("path")["score"]
    detector = Detector.load(run / "detector")
    for some in (files, files[::-1], files[:1]):
        table = detector.score(some)
        assert (table["status"] == "ok").all()
        assert table["threshold"].notna().all()
        assert table["decision"].eq(1).tolist() == table["p_value"].le(0.4).tolist()
        np.testing.assert_allclose(table["score"], stored[some], rtol=1e-5, atol=1e-6)


def extractor_of(run):
    detector = Detector.load(run / "detector")
    while isinstance(detector, FusedDetector):
        detector = next(iter(detector.parts.values()))
    return next(iter(detector.extractors.values()))


def features_of(extractor, inputs: dict[str, np.ndarray]) -> np.ndarray:
    return extractor(tf.constant(inputs["waveform"]), inputs.get("group"))


def inputs_of(extractor, clips: int) -> dict[str, np.ndarray]:
    """Returns noise, and a section id if the network needs one."""
    noise = np.random.default_rng(0).normal(scale=0.1, size=[clips, extractor.samples])
    inputs = {"waveform": noise.astype(np.float32)}
    return inputs | (
        {"group": np.arange(clips, dtype=np.int32) % 2} if extractor.needs_group else {}
    )


def test_the_extractor_is_a_saved_model(run):
    """The SavedModel must give the features that were scored, without asd_tf."""
    extractor = extractor_of(run)
    loaded = tf.saved_model.load(str(extractor.folder))
    for clips in (1, 3):
        inputs = inputs_of(extractor, clips)
        found = loaded(inputs if extractor.needs_group else inputs["waveform"])
        np.testing.assert_allclose(found, features_of(extractor, inputs), rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(
    importlib.util.find_spec("tensorflow_hub") is None,
    reason="TF-Hub is made for Keras 2; TFSMLayer of Keras 3 is tested instead",
)
@pytest.mark.parametrize("methods", [QUICK, pytest.param(OTHERS, marks=pytest.mark.slow)])
def test_hub_loads_and_fine_tunes_every_network(methods, run_of, tmp_path):
    """An extractor must work, and be trainable, as a layer of any Keras model."""
    extractors = [extractor_of(run_of(method)) for method in methods]
    folders = [str(extractor.folder) for extractor in extractors]
    inputs = [inputs_of(extractor, 4) for extractor in extractors]
    for index, given in enumerate(inputs):
        np.savez(tmp_path / f"{index}.npz", **given)
    result = run_python("-c", HUB_PROCESS, tmp_path, json.dumps(folders), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for index, extractor in enumerate(extractors):
        with np.load(tmp_path / f"{index}-found.npz") as found:
            for name in ("loaded", "layer"):
                expected = features_of(extractor, inputs[index])
                np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-5)
    lines = [line.rsplit(" ", 2) for line in result.stdout.splitlines()]
    trainable = [method for method in methods if method not in UNTRAINED]
    for method, (folder, weights, moved) in zip(trainable, lines, strict=True):
        assert f"/{method}/" in folder
        assert int(weights) > 10
        assert moved == "True"


@pytest.mark.skipif(
    not hasattr(keras.layers, "TFSMLayer"), reason="Keras 2.15 has no TFSMLayer; TF-Hub is tested"
)
def test_keras_takes_an_extractor_as_a_layer(run):
    """An extractor must work as a layer of any network, and pass gradients to all its weights."""
    extractor = extractor_of(run)
    layer = keras.layers.TFSMLayer(str(extractor.folder), call_endpoint="__call__")
    given = {name: tf.constant(value) for name, value in inputs_of(extractor, 4).items()}
    places = {name: keras.Input(v.shape[1:], dtype=v.dtype) for name, v in given.items()}
    expected = features_of(extractor, given)
    if not extractor.needs_group:
        given, places = given["waveform"], places["waveform"]
    network = keras.Model(places, layer(places))
    np.testing.assert_allclose(network(given), expected, rtol=1e-5, atol=1e-5)
    # Not by an optimizer of Keras 3.15, which refuses the names of these variables.
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(network(given))
    weights = [weight.value for weight in layer.trainable_weights]
    assert bool(weights) == (run.name not in UNTRAINED)
    assert all(gradient is not None for gradient in tape.gradient(total, weights))


@pytest.mark.parametrize(
    ("methods", "onednn", "tolerance"),
    [
        (QUICK, "1", 1e-5),
        pytest.param(OTHERS, "1", 1e-5, marks=pytest.mark.slow),
        pytest.param(QUICK, "0", 1e-4, marks=pytest.mark.slow),
    ],
)
def test_a_fresh_process_scores_the_same(run_of, files, tmp_path, methods, onednn, tolerance):
    """A detector must give the same scores in a new process, with and without oneDNN."""
    folders = [str(run_of(method) / "detector") for method in methods]
    there = run_python(
        "-c", FRESH_PROCESS, json.dumps(folders), *files, cwd=tmp_path,
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn},
    )  # fmt: skip
    assert there.returncode == 0, there.stderr
    for folder, scores in zip(folders, json.loads(there.stdout), strict=True):
        here = Detector.load(folder).score(files)["score"]
        np.testing.assert_allclose(scores, here, rtol=tolerance, atol=tolerance)


def test_saved_model_cli_runs_the_network(run_of, tmp_path):
    """The network must run without asd_tf, as on a server."""
    folder = run_of("wilkinghoff") / "detector" / "extractors" / "embedding"
    np.save(tmp_path / "wave.npy", np.zeros([2, 8000], np.float32) + 0.1)
    command = Path(sys.executable).with_name("saved_model_cli")
    result = subprocess.run(
        [
            command, "run", "--dir", folder, "--tag_set", "serve",
            "--signature_def", "serving_default",
            "--inputs", f"waveform={tmp_path / 'wave.npy'}", "--outdir", tmp_path,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert np.load(tmp_path / "features.npy").shape == (2, 256)
