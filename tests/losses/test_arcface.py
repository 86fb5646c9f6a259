"""ArcFace must put the published margin on the true class."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.losses.arcface import ArcFace


def with_angles(angles, **kwargs):
    """A layer of as many classes as angles, and one embedding at these angles to their centers."""
    layer = ArcFace(len(angles), **kwargs)
    layer.build([[None, len(angles) + 1], [None, len(angles)]])
    # All centers lie off the last axis, along which the embedding points.
    centers = np.zeros([len(angles) + 1, len(angles)])
    for index, angle in enumerate(angles):
        centers[index, index], centers[-1, index] = np.sin(angle), np.cos(angle)
    layer.centers.assign(3 * centers)
    embedding = np.zeros([1, len(angles) + 1], np.float32)
    embedding[0, -1] = 0.2
    return layer, embedding


def published(angles, true, margin, scale, easy_margin=False):
    """The logits as the code of STgram-MFN states them."""
    cosines = np.cos(angles)
    sines = np.sqrt(1 - cosines**2)
    phi = cosines * np.cos(margin) - sines * np.sin(margin)
    if easy_margin:
        phi = np.where(cosines > 0, phi, cosines)
    else:
        threshold, shift = np.cos(np.pi - margin), np.sin(np.pi - margin) * margin
        phi = np.where(cosines - threshold > 0, phi, cosines - shift)
    one_hot = np.eye(len(angles))[true]
    return scale * (one_hot * phi + (1 - one_hot) * cosines)


@pytest.mark.parametrize("easy_margin", [False, True])
@pytest.mark.parametrize("true", range(7))
def test_logits_are_the_published_ones(true, easy_margin):
    """Logits must follow the formula, also near pi - m."""
    angles = [0.05, 0.8, 1.5, 1.6, 2.4, 2.5, 3.1]
    layer, embedding = with_angles(angles, margin=0.7, scale=30.0, easy_margin=easy_margin)
    found = layer([embedding, np.eye(7, dtype=np.float32)[[true]]])
    expected = published(angles, true, 0.7, 30.0, easy_margin)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-3)


def test_the_margin_lowers_the_true_class_only():
    angles = [0.5, 1.0, 1.5]
    layer, embedding = with_angles(angles, margin=0.5, scale=30.0)
    plain = layer([embedding, np.zeros([1, 3], np.float32)])[0]
    np.testing.assert_allclose(plain, 30 * np.cos(angles), rtol=1e-5, atol=1e-5)
    for true in range(3):
        logits = layer([embedding, np.eye(3, dtype=np.float32)[[true]]])[0]
        lower = np.asarray(logits) < np.asarray(plain) - 1
        assert lower.tolist() == [index == true for index in range(3)]


def test_the_margin_never_makes_the_true_class_more_likely():
    """Gradients must be finite, also at pi - m and at the poles."""
    layer = ArcFace(2, margin=0.7)
    layer.build([[None, 2], [None, 2]])
    layer.centers.assign(np.eye(2))
    angles = np.linspace(0, np.pi, 401)
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    labels = np.tile(np.float32([[1, 0]]), [401, 1])
    logits = layer([embeddings, labels])[:, 0].numpy()
    assert np.all(logits[1:-1] < layer([embeddings, 0 * labels])[1:-1, 0])
    assert np.all(np.diff(logits) < 1e-3)


def test_mixed_labels_have_their_share_of_the_margin():
    layer, embedding = with_angles([0.5, 1.0, 1.5], margin=0.5)
    shares = np.float32([[0.7, 0.3, 0]])
    plain, full = (layer([embedding, np.full([1, 3], x, np.float32)]) for x in (0, 1))
    np.testing.assert_allclose(
        layer([embedding, shares]), shares * full + (1 - shares) * plain, rtol=1e-5
    )


def test_gradients_are_finite_where_embedding_and_center_agree():
    layer = ArcFace(3)
    layer.build([[None, 3], [None, 3]])
    layer.centers.assign(np.eye(3))
    embeddings = tf.constant([[1.0, 0, 0], [-1.0, 0, 0], [0, 2.0, 0]])
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        logits = layer([embeddings, np.eye(3, dtype=np.float32)])
    gradients = tape.gradient(logits, [embeddings, layer.centers])
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_trains_as_a_layer():
    """Training must gather embeddings around centers, closer with a margin."""
    rng = np.random.default_rng(0)
    labels = np.eye(4, dtype=np.float32)[rng.integers(0, 4, 64)]
    inputs = (labels @ rng.normal(size=[4, 6]) + rng.normal(size=[64, 6])).astype(np.float32)

    def similarity(margin):
        keras.utils.set_random_seed(0)
        features, label = keras.Input([6]), keras.Input([4])
        layer = ArcFace(4, margin=margin, scale=10.0)
        network = keras.Sequential([keras.layers.Dense(16, "relu"), keras.layers.Dense(8)])
        model = keras.Model([features, label], layer([network(features), label]))
        model.compile(
            keras.optimizers.Adam(0.01), keras.losses.CategoricalCrossentropy(from_logits=True)
        )
        model.fit([inputs, labels], labels, epochs=150, batch_size=64, verbose=0)
        return np.mean((labels * layer([network(inputs), 0 * labels])).numpy().sum(1)) / 10

    without, with_margin = similarity(0.0), similarity(0.5)
    assert without > 0.5
    assert with_margin > without


def test_stays_float32_under_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        layer = ArcFace(3)
        logits = layer([tf.ones([2, 4], tf.float16), tf.eye(3)[:2]])
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert logits.dtype == layer.centers.dtype == tf.float32


def test_is_saved_and_loaded(tmp_path):
    embedding, label = keras.Input([8]), keras.Input([5])
    layer = ArcFace(5, margin=0.7, scale=20.0, easy_margin=True)
    model = keras.Model([embedding, label], layer([embedding, label]))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_config() == layer.get_config()
    inputs = [np.random.default_rng(0).normal(size=[5, 8]).astype(np.float32), np.eye(5)]
    np.testing.assert_array_equal(loaded(inputs), model(inputs))


@pytest.mark.parametrize("bad", [{"classes": 1}, {"margin": -0.1}, {"margin": 3}, {"scale": 0.0}])
def test_what_is_no_loss_is_refused(bad):
    with pytest.raises(ValueError, match=r"must be .* got"):
        ArcFace(**{"classes": 3} | bad)
