"""An exported network must work without asd_tf, embed equally, and be fine-tunable."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from harness import run_python

from asd_tf.models.dual_branch import embedding_model

SAMPLES = 8000

# Runs where neither Keras nor asd_tf is imported.
LOAD = """
import sys
import numpy as np, tensorflow as tf

exported = tf.saved_model.load(sys.argv[1])
waveform = np.load(sys.argv[2] + "/waveform.npy")
np.save(sys.argv[2] + "/embedding.npy", exported.embed(waveform))
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(exported.train(waveform) * np.load(sys.argv[2] + "/upstream.npy"))
gradients = tape.gradient(loss, list(exported.weights))
np.savez(sys.argv[2] + "/gradients.npz", *gradients)
assert "asd_tf" not in sys.modules
"""


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return embedding_model(SAMPLES, width=2, dense=8)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    waveform = tf.TensorSpec([None, SAMPLES], tf.float32)
    root = tf.train.Checkpoint()
    root.model_variables = model.variables
    root.weights = model.trainable_variables
    root.embed = tf.function(lambda x: model(x, training=False), input_signature=[waveform])
    root.train = tf.function(lambda x: model(x, training=True), input_signature=[waveform])
    tf.saved_model.save(root, str(folder))
    return folder


def noise(clips):
    return np.random.default_rng(0).normal(scale=0.1, size=[clips, SAMPLES]).astype(np.float32)


@pytest.mark.parametrize("clips", [1, 2, 5])
def test_loads_without_custom_objects_for_any_batch_size(model, exported, clips):
    loaded = tf.saved_model.load(str(exported))
    np.testing.assert_allclose(loaded.embed(noise(clips)), model(noise(clips)), atol=1e-5)


def test_embedding_does_not_depend_on_the_other_clips(model):
    together = model(noise(4))
    alone = np.concatenate([model(clip[np.newaxis]) for clip in noise(4)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_fresh_process_embeds_and_differentiates_it(model, exported, tmp_path):
    upstream = np.random.default_rng(1).normal(size=[3, 16]).astype(np.float32)
    np.save(tmp_path / "upstream.npy", upstream)
    np.save(tmp_path / "waveform.npy", noise(3))
    ran = run_python("-c", LOAD, exported, tmp_path, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr[-2000:]
    np.testing.assert_allclose(np.load(tmp_path / "embedding.npy"), model(noise(3)), atol=1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(noise(3), training=True) * upstream)
    expected = tape.gradient(loss, model.trainable_variables)
    found = np.load(tmp_path / "gradients.npz")
    for index, gradient in enumerate(expected):
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(found[f"arr_{index}"] / scale, gradient / scale, atol=1e-3)
