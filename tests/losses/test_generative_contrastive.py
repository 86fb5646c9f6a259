"""GeCo's loss must be that of the paper, and keep its balance factor."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.losses.generative_contrastive import GenerativeContrastiveLoss, contrastive_losses

# The last one's only other sample is its own reconstruction.
IDS = np.array([2, 0, 2, 1, 2, 0, 3], np.int32)
CLASSES, WIDTH = 4, 5
FORMS = ("bce", "contrastive")


def batch(seed=0, unit=False):
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=[2 * len(IDS), WIDTH]).astype(np.float32)
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True) if unit else embeddings


def built(form="bce", **kwargs):
    keras.utils.set_random_seed(0)
    layer = GenerativeContrastiveLoss(CLASSES, form, **kwargs)
    layer.build([[None, WIDTH], [None]])
    layer.bias.assign(np.linspace(-1, 1, CLASSES))
    return layer


def eq_2(embeddings, temperature=1.0):
    """The loss of each anchor, with the sums of the paper written out."""
    originals, reconstructions = np.split(embeddings.astype(np.float64), 2)
    losses = []
    for anchor, z in enumerate(originals):
        others = [i for i in range(len(IDS)) if IDS[i] == IDS[anchor] and i != anchor]
        negatives = [i for i in range(len(IDS)) if IDS[i] == IDS[anchor]]
        positive = [np.exp(z @ originals[i] / temperature) for i in others]
        negative = [np.exp(z @ reconstructions[i] / temperature) for i in negatives]
        terms = [np.log(p / (sum(positive) + sum(negative))) for p in positive]
        losses.append(-sum(terms) / len(terms) if terms else 0.0)
    return np.array(losses)


def unit(vectors, axis=-1):
    return vectors / np.linalg.norm(vectors, axis=axis, keepdims=True)


def bce(embeddings, pairs, temperature, normalize):
    """The loss of each sample, as a sigmoid of the difference of its two logits."""
    losses = []
    for index, z in enumerate(embeddings.astype(np.float64)):
        own = IDS[index % len(IDS)]
        w_p, w_n = pairs[:, 2 * own], pairs[:, 2 * own + 1]
        if normalize:
            z, w_p, w_n = unit(z), unit(w_p), unit(w_n)
        difference = (z @ w_p - z @ w_n) / temperature
        towards = difference if index < len(IDS) else -difference
        losses.append(-np.log(1 / (1 + np.exp(-towards))))
    return np.array(losses)


def cross_entropy(embeddings, layer):
    logits = embeddings @ layer.kernel.numpy() + layer.bias.numpy()
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return -np.mean(np.log(shares[np.arange(len(shares)), np.tile(IDS, 2)]))


def loss_of(layer, embeddings):
    layer([embeddings, IDS])
    return float(tf.add_n(layer.losses))


@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_contrastive_losses_are_eq_2(temperature):
    found = contrastive_losses(batch(unit=True), IDS, temperature)
    np.testing.assert_allclose(found, eq_2(batch(unit=True), temperature), rtol=1e-5, atol=1e-6)


def test_an_anchor_without_positives_counts_zero():
    found = contrastive_losses(batch(unit=True), IDS).numpy()
    assert found[[3, 6]].tolist() == [0, 0]
    assert (found[[0, 1, 2, 4, 5]] > 0).all()
    alone = contrastive_losses(batch(unit=True), np.arange(len(IDS)))
    np.testing.assert_array_equal(alone, np.zeros(len(IDS)))


def test_other_ids_and_reconstructions_as_anchors_have_no_part():
    before = contrastive_losses(batch(unit=True), IDS).numpy()
    changed = batch(unit=True)
    changed[3] *= -1  # the only original of id 1
    changed[len(IDS) + 3] *= -1
    np.testing.assert_allclose(contrastive_losses(changed, IDS), before, rtol=1e-6)
    changed[len(IDS) + 1] *= -1  # a reconstruction of id 0
    differs = np.abs(contrastive_losses(changed, IDS) - before) > 1e-4
    assert differs.tolist() == (IDS == 0).tolist()


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_eq_2_is_numerically_safe(scale):
    embeddings = tf.constant(scale * batch())
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        losses = contrastive_losses(embeddings, IDS, 0.01)
    assert np.isfinite(losses).all()
    assert np.isfinite(tape.gradient(losses, embeddings)).all()


@pytest.mark.parametrize("temperature", [1.0, 0.2])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_the_loss_is_eq_3(form, normalize, temperature):
    layer = built(form, temperature=temperature, normalize=normalize, balance=2.5)
    embeddings = batch()
    compared = unit(embeddings) if normalize else embeddings
    if form == "contrastive":
        contrastive = eq_2(compared, temperature).mean()
    else:
        contrastive = bce(embeddings, layer.pairs.numpy(), temperature, normalize).mean()
    expected = cross_entropy(embeddings, layer) + 2.5 * contrastive
    assert loss_of(layer, embeddings) == pytest.approx(expected, rel=1e-5)
    found = {metric.name: float(metric.result()) for metric in layer.metrics}
    assert found["cross_entropy"] == pytest.approx(cross_entropy(embeddings, layer), rel=1e-5)
    assert found["contrastive"] == pytest.approx(contrastive, rel=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_without_balance_only_the_cross_entropy_counts(form):
    layer = built(form)
    assert loss_of(layer, batch()) == pytest.approx(cross_entropy(batch(), layer), rel=1e-5)


def test_bce_sees_the_weights_of_the_own_class_only():
    layer = built(balance=1.0)
    with tf.GradientTape() as tape:
        layer([batch()[[0, 7]], IDS[:1]])
        loss = tf.add_n(layer.losses)
    moved = np.abs(tape.gradient(loss, layer.pairs)).max(0) > 0
    assert moved.tolist() == [column // 2 == IDS[0] for column in range(2 * CLASSES)]


def test_weight_decay_is_of_the_matrices():
    plain, decayed = built(balance=1.0), built(balance=1.0, l2=1e-2)
    assert len(decayed.losses) == 2
    squares = [np.sum(np.square(w)) for w in (decayed.kernel.numpy(), decayed.pairs.numpy())]
    difference = loss_of(decayed, batch()) - loss_of(plain, batch())
    assert difference == pytest.approx(1e-2 * sum(squares), rel=1e-3)


def training_model(**kwargs):
    """Originals and reconstructions enter side by side; the network sees one batch of both."""
    keras.utils.set_random_seed(0)
    original, reconstruction = keras.Input([6]), keras.Input([6])
    machine_id = keras.Input([], dtype=tf.int32)
    network = keras.Sequential([keras.layers.Dense(16, "relu"), keras.layers.Dense(WIDTH)])
    both = keras.layers.Concatenate(axis=0)([original, reconstruction])
    loss = GenerativeContrastiveLoss(CLASSES, name="loss", **kwargs)
    logits = loss([network(both), machine_id])
    model = keras.Model([original, reconstruction, machine_id], logits)
    model.compile(keras.optimizers.Adam(0.02))
    return model


def examples(clips=64):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, CLASSES, clips).astype(np.int32)
    original = (3 * rng.normal(size=[CLASSES, 6])[ids] + rng.normal(size=[clips, 6])).astype("f")
    return original, original + np.float32(0.8), ids


@pytest.mark.parametrize("form", FORMS)
def test_fit_lowers_both_terms(form):
    model = training_model(form=form, balance=10.0)
    history = model.fit(examples(), batch_size=32, epochs=40, verbose=0).history
    assert set(history) == {"loss", "cross_entropy", "contrastive"}
    assert history["cross_entropy"][-1] < 0.3 * history["cross_entropy"][0]
    assert history["contrastive"][-1] < 0.95 * history["contrastive"][0]
    last = history["cross_entropy"][-1] + 10 * history["contrastive"][-1]
    assert history["loss"][-1] == pytest.approx(last, rel=1e-4)


def test_balance_is_no_trainable_weight_and_can_be_set_between_steps():
    model = training_model()
    loss = model.get_layer("loss")
    assert all("balance" not in weight.name for weight in model.trainable_weights)
    logs = [model.train_on_batch(list(examples()), return_dict=True)]
    loss.balance.assign(10.0)
    logs.append(model.train_on_batch(list(examples()), return_dict=True))
    for log, balance in zip(logs, (0, 10), strict=True):
        expected = log["cross_entropy"] + balance * log["contrastive"]
        assert log["loss"] == pytest.approx(expected, rel=1e-5)
    assert float(loss.balance) == 10


def test_balance_is_checkpointed(tmp_path):
    """The balance factor must be part of the checkpoint."""
    model, other = training_model(), training_model()
    model.get_layer("loss").balance.assign(3.5)
    path = tf.train.Checkpoint(model=model).save(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(model=other).restore(path).expect_partial()
    assert float(other.get_layer("loss").balance) == 3.5
    model.save_weights(tmp_path / "final.weights.h5")
    again = training_model()
    again.load_weights(tmp_path / "final.weights.h5")
    assert float(again.get_layer("loss").balance) == 3.5


@pytest.mark.parametrize("form", FORMS)
def test_is_saved_and_loaded(form, tmp_path):
    model = training_model(form=form, temperature=0.5, normalize=False, balance=2.0, l2=1e-3)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("loss").get_config() == model.get_layer("loss").get_config()
    inputs = list(examples())
    assert loaded.evaluate(inputs, verbose=0) == pytest.approx(model.evaluate(inputs, verbose=0))


def test_stays_float32_under_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        layer = GenerativeContrastiveLoss(CLASSES, balance=10.0)
        logits = layer([tf.constant(30 * batch(), tf.float16), IDS])
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert logits.dtype == layer.losses[0].dtype == tf.float32
    assert all(weight.dtype == tf.float32 for weight in layer.weights)
    assert np.isfinite(float(layer.losses[0]))


@pytest.mark.parametrize("bad", [{"classes": 1}, {"form": "triplet"}, {"temperature": 0.0}])
def test_what_is_no_loss_is_refused(bad):
    with pytest.raises(ValueError, match=r"must be .* got"):
        GenerativeContrastiveLoss(**{"classes": 3} | bad)
