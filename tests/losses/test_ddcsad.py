"""DDCSAD must be the published loss, and finite at a centroid."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.losses.ddcsad import DDCSAD
from asd_tf.models.heads.ddcsad_scores import DDCSADScores

Z = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0], [2.0, 2.0, 2.0], [0.5, 0.0, 0.0]], np.float32)
NORMAL, OUTLIER = np.array([1.0, 1.0, 0.0]), np.array([-2.0, 0.5, 1.0])


def built(**kwargs):
    layer = DDCSAD(**kwargs)
    layer.build([[None, 3], [None]])
    layer.normal_centroid.assign(NORMAL)
    layer.outlier_centroid.assign(OUTLIER)
    return layer


def loss_of(layer, labels, z=Z):
    """What the layer adds to the losses of a model."""
    layer([tf.constant(z), tf.constant(labels)])
    return float(tf.add_n(layer.losses))


def written_out(labels, epsilon):
    """Eq. 5 term by term, with y in +1, -1."""
    total = 0.0
    for z, label in zip(Z.astype(np.float64), labels, strict=True):
        y = 1 if label > 0 else -1
        for centroid, power in ((NORMAL, y), (OUTLIER, -y)):
            squared = sum((a - b) ** 2 for a, b in zip(z, centroid, strict=True))
            total += squared if power > 0 else 1 / (squared + epsilon)
    return total / len(labels)


@pytest.mark.parametrize("labels", [[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
def test_the_loss_is_eq_5(labels):
    for epsilon in (1e-6, 0.5):
        expected = written_out(labels, epsilon)
        layer = built(weight=0.25, epsilon=epsilon)
        assert loss_of(layer, labels) == pytest.approx(0.25 * expected, rel=1e-5)
        assert loss_of(layer, np.reshape(labels, [4, 1])) == pytest.approx(0.25 * expected, 1e-5)


def test_mixed_labels_mix_both_kinds():
    """A mixed label must weight the losses of both kinds."""
    one, other, mixed = (loss_of(built(), [label] * 4) for label in (1.0, 0.0, 0.3))
    assert mixed == pytest.approx(0.3 * one + 0.7 * other, rel=1e-5)
    assert abs(one - other) > 0.1


@pytest.mark.parametrize("label", [0, 1])
def test_nothing_is_infinite_at_a_centroid(label):
    """Loss and gradient must be finite at a centroid."""
    for offset in (0.0, 1e-20, 1e-3):
        layer = built()
        at = tf.Variable([NORMAL + offset, OUTLIER + offset], dtype=tf.float32)
        with tf.GradientTape() as tape:
            layer([at, tf.constant([label, label])])
            loss = tf.add_n(layer.losses)
        assert np.isfinite(loss)
        assert np.isfinite(tape.gradient(loss, at)).all()


def test_it_draws_and_repels():
    """A gradient step must move a normal clip to its centroid, away from the other."""
    layer, z = built(), tf.Variable(Z)
    start = np.linalg.norm(Z - NORMAL, axis=1)
    for _ in range(60):
        with tf.GradientTape() as tape:
            layer([z, tf.ones([4])])
            loss = tf.add_n(layer.losses)
        z.assign_sub(0.1 * tape.gradient(loss, z))
    end = np.linalg.norm(z - NORMAL, axis=1)
    assert np.all(end < 0.3 * start)


def test_the_centroids_do_not_learn_by_the_gradient():
    assert not built().trainable_weights
    assert len(built().non_trainable_weights) == 2


def network():
    """A network as a method would build it, and what scores with its layers."""
    keras.utils.set_random_seed(0)
    inputs, label = keras.Input([6]), keras.Input([])
    embedding = keras.layers.Dense(3, name="embedding")(inputs)
    ddcsad = DDCSAD(weight=0.1, name="ddcsad")
    head = keras.layers.Dense(1, dtype="float32", name="head")
    model = keras.Model([inputs, label], head(ddcsad([embedding, label])))
    scores = DDCSADScores(ddcsad, name="scores")([head(embedding), embedding])
    return model, keras.Model(inputs, scores)


def test_it_trains_beside_cross_entropy():
    """Eq. 6: `fit` must minimize the sum of both losses and report DDCSAD without its weight."""
    model, _ = network()
    rng = np.random.default_rng(0)
    labels = np.arange(8, dtype=np.float32) % 2
    x = rng.normal(size=[8, 6]).astype(np.float32)
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    model.get_layer("ddcsad").outlier_centroid.assign([1, 2, 3])
    logits = model([x, labels]).numpy()[:, 0]
    cross_entropy = np.mean(np.log1p(np.exp(-logits * (2 * labels - 1))))
    logs = model.train_on_batch([x, labels], labels, return_dict=True)
    assert logs["loss"] == pytest.approx(cross_entropy + 0.1 * logs["ddcsad"], rel=1e-5)


def test_scores_are_the_parts_of_eq_7(tmp_path):
    """1 - p and the squared distance to the normal centroid, also when loaded from a file."""
    model, scoring = network()
    model.get_layer("ddcsad").normal_centroid.assign(NORMAL)
    model.get_layer("ddcsad").outlier_centroid.assign(OUTLIER)
    x = np.random.default_rng(1).normal(size=[5, 6]).astype(np.float32)
    kernel, bias = (w.numpy() for w in model.get_layer("embedding").weights)
    z = x @ kernel + bias
    kernel, bias = (w.numpy() for w in model.get_layer("head").weights)
    p = 1 / (1 + np.exp(-(z @ kernel + bias)[:, 0]))
    expected = np.stack([1 - p, ((z - NORMAL) ** 2).sum(axis=1)], axis=1)
    np.testing.assert_allclose(scoring(x), expected, rtol=1e-4)
    scoring.save(tmp_path / "scoring.keras")
    loaded = keras.models.load_model(tmp_path / "scoring.keras")
    np.testing.assert_allclose(loaded(x), expected, rtol=1e-4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("ddcsad").get_config() == model.get_layer("ddcsad").get_config()
    np.testing.assert_array_equal(loaded.get_layer("ddcsad").outlier_centroid, OUTLIER)


def test_a_sure_network_keeps_the_order_of_clips():
    """Scores must keep their digits where p rounds to 1."""
    layer = built()
    logits = tf.constant([20.0, 25.0, 30.0, 35.0])
    scores = DDCSADScores(layer)([logits, Z]).numpy()[:, 0]
    np.testing.assert_allclose(scores, np.exp(-logits.numpy()), rtol=1e-4)


def test_everything_is_float32_under_mixed_precision():
    """Squared distances must not overflow in mixed precision."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        layer = built()
        outputs = layer([tf.constant(Z * 200, tf.float16), tf.ones([4])])
        loss = tf.add_n(layer.losses)
        scores = DDCSADScores(layer)([tf.ones([4, 1], tf.float16), outputs])
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert scores.dtype == outputs.dtype == tf.float32
    assert float(scores[1, 1]) > 65504
    assert np.isfinite(loss)


@pytest.mark.parametrize("kwargs", [{"weight": -1.0}, {"epsilon": 0.0}])
def test_impossible_arguments_are_refused(kwargs):
    with pytest.raises(ValueError, match=r"must be .* got"):
        DDCSAD(**kwargs)
