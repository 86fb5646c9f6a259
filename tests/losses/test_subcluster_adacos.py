"""Sub-cluster AdaCos must be the published loss, and train only what is trainable."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.losses.subcluster_adacos import SubclusterAdaCos

GOLDEN = Path(__file__).parents[1] / "golden" / "subcluster_adacos.npz"


def built(classes=7, subclusters=4, width=8, **kwargs):
    keras.utils.set_random_seed(0)
    layer = SubclusterAdaCos(classes, subclusters, **kwargs)
    layer.build([[None, width], [None, classes]])
    return layer


def batch(classes=7, width=8, clips=10, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.eye(classes, dtype=np.float32)[rng.integers(0, classes, clips)]
    return rng.normal(size=[clips, width]).astype(np.float32), labels


def expected_scale(layer, embeddings, labels):
    """The published update in double precision, with the sums written out."""
    centers = layer.centers.numpy().astype(np.float64)
    centers /= np.linalg.norm(centers, axis=0)
    cosines = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True) @ centers
    repeated = np.repeat(labels, layer.subclusters, axis=1)
    angles = (repeated * np.arccos(cosines)).sum(1) * np.count_nonzero(labels, axis=1)
    median = np.sort(angles)[round((len(angles) - 1) / 2)]
    log_mean = np.log(np.mean(np.exp(float(layer.scale) * cosines).sum(axis=1)))
    return log_mean / np.cos(min(np.pi / 4, median)) + 1e-7, median


def test_equals_the_published_code_in_all_steps():
    golden = np.load(GOLDEN)
    layer = built(7, 4, 32)
    layer.centers.assign(golden["centers"])
    for step in range(4):
        inputs = [golden["embeddings"][step], golden["labels"][step]]
        before, after = golden["scale_before_after"][step]
        assert float(layer.scale) == pytest.approx(before, rel=1e-5)
        np.testing.assert_allclose(layer(inputs), golden["probabilities"][step, 0], atol=1e-5)
        updated = layer(inputs, training=True)
        assert float(layer.scale) == pytest.approx(after, rel=1e-5)
        np.testing.assert_allclose(updated, golden["probabilities"][step, 1], atol=1e-5)


def test_scale_starts_as_the_papers_342_classes_of_16_have_it():
    layer = built(342, 16)
    assert float(layer.scale) == pytest.approx(math.sqrt(2) * math.log(342 * 16 - 1))
    assert float(layer.scale) == pytest.approx(12.1724, abs=1e-4)
    assert layer.centers.shape == (8, 342 * 16)
    assert float(built(initial_scale=30.0).scale) == 30


@pytest.mark.parametrize("clips", [9, 10, 12])
def test_median_angle_counts_where_embeddings_are_near_their_only_center(clips):
    """With one center a class the median falls under pi / 4; half a batch is given from there."""
    layer = built(subclusters=1)
    embeddings, labels = batch(clips=clips)
    embeddings += 3 * labels @ np.transpose(layer.centers / tf.norm(layer.centers, axis=0))
    expected, median = expected_scale(layer, embeddings, labels)
    assert median < np.pi / 4
    layer([embeddings, labels], training=True)
    assert float(layer.scale) == pytest.approx(expected, rel=1e-5)


def test_mixed_labels_weight_the_angles():
    layer = built(subclusters=1)
    embeddings, labels = batch()
    embeddings += 30 * labels @ np.transpose(layer.centers)
    labels = 0.7 * labels + 0.3 * labels[::-1]
    expected, _ = expected_scale(layer, embeddings, labels)
    layer([embeddings, labels], training=True)
    assert float(layer.scale) == pytest.approx(expected, rel=1e-5)


def test_scale_moves_in_training_only():
    layer = built()
    before = float(layer.scale)
    layer(list(batch()))
    layer(list(batch()), training=False)
    assert float(layer.scale) == before
    layer(list(batch()), training=True)
    assert float(layer.scale) != before
    fixed = built(dynamic_scale=False)
    fixed(list(batch()), training=True)
    assert float(fixed.scale) == before


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_any_scale_is_numerically_safe(scale):
    layer = built(initial_scale=scale)
    probabilities = layer(list(batch()), training=True)
    assert np.isfinite(float(layer.scale))
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1, rtol=1e-5)


def test_probability_of_a_class_is_the_sum_over_its_own_columns():
    layer = built(classes=3, subclusters=2, width=6)
    layer.centers.assign(5 * np.eye(6))
    probabilities = layer([np.eye(6, dtype=np.float32), np.zeros([6, 3], np.float32)]).numpy()
    assert probabilities.argmax(axis=1).tolist() == [0, 0, 1, 1, 2, 2]
    scale = float(layer.scale)
    assert probabilities[0, 0] == pytest.approx((np.exp(scale) + 1) / (np.exp(scale) + 5), rel=1e-5)


@pytest.mark.parametrize("trainable", [False, True])
def test_centers_learn_only_if_asked(trainable):
    keras.utils.set_random_seed(0)
    embeddings, labels = batch(width=5)
    waveform, label = keras.Input([5]), keras.Input([7])
    hidden = keras.layers.Dense(8, use_bias=False)(waveform)
    layer = SubclusterAdaCos(7, 4, trainable_centers=trainable)
    model = keras.Model([waveform, label], layer([hidden, label]))
    model.compile("adam", keras.losses.CategoricalCrossentropy())
    kernel, centers = model.layers[1].kernel, layer.centers
    before = kernel.numpy(), centers.numpy()
    for _ in range(3):
        model.train_on_batch([embeddings, labels], labels)
    assert not np.array_equal(kernel.numpy(), before[0])
    assert np.array_equal(centers.numpy(), before[1]) is not trainable
    assert len(layer.trainable_weights) == trainable


def test_no_gradient_flows_through_the_scale():
    layer, (embeddings, labels) = built(), batch()
    embeddings = tf.constant(embeddings)

    def gradient(training):
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            probabilities = layer([embeddings, labels], training=training)
            loss = keras.losses.CategoricalCrossentropy()(labels, probabilities)
        return tape.gradient(loss, embeddings)

    in_training = gradient(True)
    with_that_scale = gradient(False)
    np.testing.assert_allclose(in_training, with_that_scale, atol=1e-7)


def test_stays_float32_under_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        layer = SubclusterAdaCos(7, 4)
        embeddings, labels = batch()
        probabilities = layer([tf.cast(embeddings, tf.float16), labels], training=True)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert probabilities.dtype == layer.centers.dtype == layer.scale.dtype == tf.float32


def test_is_saved_and_loaded_with_its_scale(tmp_path):
    embedding, label = keras.Input([8]), keras.Input([7])
    layer = SubclusterAdaCos(7, 3, trainable_centers=True, dynamic_scale=True, initial_scale=9.0)
    model = keras.Model([embedding, label], layer([embedding, label]))
    inputs = list(batch())
    model(inputs, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_config() == layer.get_config()
    assert float(loaded.layers[-1].scale) == float(layer.scale)
    np.testing.assert_allclose(loaded(inputs), model(inputs), atol=1e-6)


@pytest.mark.parametrize("bad", [(1, 16), (2, 0)])
def test_too_few_classes_are_refused(bad):
    with pytest.raises(ValueError, match=r"must be .* got"):
        SubclusterAdaCos(*bad)
