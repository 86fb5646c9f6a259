"""Centroids must be the means of the training set, also after a resume."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.losses.ddcsad import DDCSAD
from asd_tf.training.centroids import CentroidUpdate
from asd_tf.training.one_cycle import one_cycle_rate
from asd_tf.training.optimizers.layerwise_adam import LayerwiseAdam
from asd_tf.training.stage import Stage, fit_stage

CLIPS = 23
STEPS = 3
RNG = np.random.default_rng(0)
X = RNG.normal(1, 2, [CLIPS, 6]).astype(np.float32)
LABELS = (np.arange(CLIPS) % 3 == 0).astype(np.float32)


def training_set(labels=LABELS, batch_size=4):
    return tf.data.Dataset.from_tensor_slices((X, labels)).batch(batch_size)


def network():
    """Vectors to logits, with a batch norm, whose inference differs from its training."""
    keras.utils.set_random_seed(0)
    inputs, label = keras.Input([6]), keras.Input([])
    x = keras.layers.BatchNormalization(momentum=0.5)(keras.layers.Dense(5)(inputs))
    embedding = keras.layers.Dense(4)(x)
    ddcsad = DDCSAD(weight=0.1, name="ddcsad")
    logits = keras.layers.Dense(1)(ddcsad([embedding, label]))
    model = keras.Model([inputs, label], logits)
    model.compile(
        LayerwiseAdam(one_cycle_rate(0.05, 4 * STEPS)),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    return model, keras.Model(inputs, embedding)


def centroids(model):
    layer = model.get_layer("ddcsad")
    return np.stack([layer.normal_centroid.numpy(), layer.outlier_centroid.numpy()])


def means(embedder):
    """Both means over all clips at once."""
    z = embedder(X, training=False).numpy().astype(np.float64)
    return np.stack([z[LABELS > 0].mean(axis=0), z[LABELS == 0].mean(axis=0)])


@pytest.mark.parametrize("batch_size", [1, 4, 23])
def test_they_are_the_means_of_both_kinds(batch_size):
    """Centroids must not depend on the batch size."""
    model, embedder = network()
    update = CentroidUpdate(model.get_layer("ddcsad"), embedder, training_set(LABELS, batch_size))
    assert not centroids(model).any()
    update.update()
    np.testing.assert_allclose(centroids(model), means(embedder), rtol=1e-5, atol=1e-6)


def test_norms_are_adapted_before_the_first_step():
    """Only the statistics of norms may change, by their momentum."""
    model, embedder = network()
    update = CentroidUpdate(model.get_layer("ddcsad"), embedder, training_set(), adapt_norms=True)
    dense, norm = embedder.layers[1], embedder.layers[2]
    trained = [weight.numpy() for weight in model.trainable_weights]
    mean, variance = np.zeros(5), np.ones(5)
    for x, _ in training_set():
        x = x.numpy() @ dense.kernel.numpy() + dense.bias.numpy()
        mean, variance = (mean + x.mean(axis=0)) / 2, (variance + x.var(axis=0)) / 2
    update.on_epoch_begin(1)
    assert not centroids(model).any()
    update.on_epoch_begin(0)
    np.testing.assert_allclose(norm.moving_mean, mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, variance, rtol=1e-4)
    np.testing.assert_allclose(centroids(model), means(embedder), rtol=1e-5, atol=1e-6)
    for old, new in zip(trained, model.trainable_weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())


def test_a_training_set_of_one_kind_is_refused():
    model, embedder = network()
    clips = training_set(np.ones([CLIPS, 1], np.float32))
    with pytest.raises(ValueError, match=r"^clips must hold .* got 23 normal clips and 0 outl"):
        CentroidUpdate(model.get_layer("ddcsad"), embedder, clips).update()


class Watch(keras.callbacks.Callback):
    """Records the centroids of each step and the expected ones of each epoch."""

    def __init__(self, embedder):
        super().__init__()
        self.embedder, self.used, self.expected = embedder, [], []

    def on_epoch_begin(self, epoch, logs=None):
        """Computes the expected centroids with the current weights."""
        self.expected.append(means(self.embedder))

    def on_train_batch_end(self, batch, logs=None):
        """Records the current centroids."""
        self.used.append(centroids(self.model))


def train(folder, epochs):
    """Trains, or resumes, the network."""
    model, embedder = network()

    def batches(first_step):
        def batch(step):
            index = tf.random.stateless_uniform([8], tf.stack([step, 1]), 0, CLIPS, tf.int32)
            x, labels = tf.gather(X, index), tf.gather(LABELS, index)
            return (x, labels), labels

        return tf.data.Dataset.range(first_step, 1000).map(batch)

    watch = Watch(embedder)
    update = CentroidUpdate(model.get_layer("ddcsad"), embedder, training_set(), adapt_norms=True)
    stage = Stage(folder / "01-source", folder / "tensorboard", seed=0)
    fit_stage(
        stage, model, batches, epochs=epochs, steps_per_epoch=STEPS, callbacks=[update, watch]
    )
    return model, embedder, watch


def test_each_epoch_has_those_of_its_network_also_after_a_resume(tmp_path):
    model, embedder, watch = train(tmp_path / "whole", 4)
    assert len(watch.used) == 4 * STEPS
    for step, used in enumerate(watch.used):
        np.testing.assert_allclose(used, watch.expected[step // STEPS], rtol=1e-4, atol=1e-5)
    assert np.abs(watch.expected[0] - watch.expected[-1]).max() > 0.05
    np.testing.assert_allclose(centroids(model), means(embedder), rtol=1e-4, atol=1e-5)
    _, _, first = train(tmp_path / "broken", 2)
    resumed, _, second = train(tmp_path / "broken", 4)
    assert len(second.used) == 2 * STEPS
    np.testing.assert_array_equal([*first.used, *second.used], watch.used)
    for one, other in zip(model.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.name)


def test_a_finished_training_is_left_as_it_is(tmp_path):
    """A training killed after its last epoch must restore its centroids."""
    model, _, _ = train(tmp_path, 2)
    again, _, watch = train(tmp_path, 2)
    assert not watch.used
    np.testing.assert_array_equal(centroids(again), centroids(model))
