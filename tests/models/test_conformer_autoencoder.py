"""The Conformer autoencoder must keep the section and fixed masks, and learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.augmentation.feature_masks import dropout_mask, spec_augment_mask
from asd_tf.extraction.extractor import Extractor, export_extractor
from asd_tf.models.conformer_autoencoder import AppendSectionId, conformer_autoencoder
from asd_tf.models.heads.replica_errors import ReplicaErrors

FRAMES, BANDS = 20, 8
MASKS = {"time_masks": 3, "frequency_masks": 1, "frequency_widths": (0, 2)}
LEVELS = np.random.default_rng(0).normal(size=[5, FRAMES, BANDS]).astype(np.float32)
GROUP = np.array([0, 1, 2, 0, 1], np.int32)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return small()


def small(**kwargs):
    sizes = {"blocks": 2, "width": 8, "heads": 2, "expansion": 2, "kernel": 3, **kwargs}
    return conformer_autoencoder(FRAMES, BANDS, groups=3, **sizes)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_sections_have_mean_0_and_variance_1(groups):
    """The band of the section must have variance 1 for any number of sections."""
    values = AppendSectionId(groups)([tf.ones([groups, 4, 3]), tf.range(groups)]).numpy()
    assert values.shape == (groups, 4, 4)
    np.testing.assert_array_equal(values[..., :3], 1)
    np.testing.assert_array_equal(values[..., 3], np.repeat(values[:, :1, 3], 4, axis=1))
    assert values[:, 0, 3].mean() == pytest.approx(0, abs=1e-6)
    assert values[:, 0, 3].std() == pytest.approx(float(groups > 1), rel=1e-6)
    assert np.all(np.diff(values[:, 0, 3]) > 0)


def test_what_is_masked_is_not_seen(network):
    keep = spec_augment_mask(LEVELS.shape, [0, 1], **MASKS).numpy()
    assert 0 < np.mean(keep) < 1
    hidden = network([LEVELS, GROUP, keep])
    other = network([LEVELS + 9 * (1 - keep), GROUP, keep])
    np.testing.assert_array_equal(other, hidden)
    assert hidden.shape == (5, FRAMES, BANDS + 1)
    whole = network([LEVELS, GROUP, np.ones_like(LEVELS)])
    assert np.abs(whole - hidden).max() > 1e-3


def test_the_section_is_seen(network):
    keep = np.ones_like(LEVELS)
    one, other = (network([LEVELS, np.full(5, group, np.int32), keep]) for group in (0, 2))
    assert np.abs(one - other).max() > 1e-3


def test_a_bottleneck_lies_behind_half_of_the_blocks():
    model = small(blocks=3, bottleneck=2)
    assert model.get_layer("bottleneck").output.shape == (None, FRAMES, 2)
    names = [layer.name for layer in model.layers]
    attentions = [i for i, name in enumerate(names) if name.startswith("relative")]
    assert sum(i < names.index("bottleneck") for i in attentions) == 2
    assert len(attentions) == 3


def test_it_learns_levels_and_section():
    """The network must learn from clips that are masked differently in each step."""
    keras.utils.set_random_seed(0)
    model, target = small(blocks=1, width=16), AppendSectionId(3)([LEVELS, GROUP])
    model.compile(keras.optimizers.Adam(0.02), "mae")

    def example(step):
        seed = tf.stack([step, 0])
        keep = spec_augment_mask(LEVELS.shape, seed, **MASKS) * dropout_mask(LEVELS.shape, seed)
        return (LEVELS, GROUP, keep), target

    model.fit(tf.data.Dataset.range(80).map(example), verbose=0)
    errors = np.abs(model([LEVELS, GROUP, np.ones_like(LEVELS)]) - target)
    assert errors.mean() < 0.6 * np.abs(target).mean()
    assert errors[..., -1].mean() < 0.3


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_errors_are_those_of_the_replicas_pooled(network, pool):
    layer = ReplicaErrors(network, 3, replicas=3, pool=pool, dropout=0.2, seed=4, masks=MASKS)
    found = layer([LEVELS, GROUP]).numpy()
    keep = layer.keep.numpy()
    assert keep.shape == (3, FRAMES, BANDS)
    np.testing.assert_allclose(np.unique(keep), [0, 1.25])
    target = AppendSectionId(3)([LEVELS, GROUP]).numpy()
    errors = [
        np.abs(network([LEVELS, GROUP, np.repeat(one[None], 5, axis=0)]) - target) for one in keep
    ]
    assert np.abs(errors[0] - errors[1]).max() > 1e-3
    expected = np.mean(errors, axis=0) if pool == "mean" else np.max(errors, axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_clip_has_one_score(network):
    """A clip's errors must depend on the clip and the layer's seed only."""
    make = {"replicas": 2, "seed": 4, "masks": MASKS}
    both = [ReplicaErrors(network, 3, **make)([LEVELS, GROUP]).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*both)
    alone = ReplicaErrors(network, 3, **make)([LEVELS[3:4], GROUP[3:4]])
    np.testing.assert_allclose(alone, both[0][3:4], rtol=1e-4, atol=1e-5)
    make["seed"] = 5
    other = ReplicaErrors(network, 3, **make)([LEVELS, GROUP])
    assert np.abs(other - both[0]).max() > 1e-3


def test_errors_are_saved(network, tmp_path):
    """Saved errors must keep their masks."""
    log_mel, group = keras.Input([FRAMES, BANDS]), keras.Input([], dtype=tf.int32)
    layer = ReplicaErrors(network, 3, replicas=3, pool="max", seed=4, masks=MASKS)
    model = keras.Model([log_mel, group], layer([log_mel, group]))
    layer.keep.assign(tf.reverse(layer.keep, [0]) / 2)
    expected = model([LEVELS, GROUP])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded([LEVELS, GROUP]), expected, rtol=1e-5)


@pytest.mark.slow
def test_the_export_can_be_fine_tuned(network, tmp_path):
    """Every weight must have a gradient through the loop over the replicas."""
    waveform = keras.Input([FRAMES * BANDS], name="waveform")
    group = keras.Input([], dtype=tf.int32, name="group")
    log_mel = keras.layers.Reshape([FRAMES, BANDS])(waveform)
    errors = ReplicaErrors(network, 3, replicas=2, masks=MASKS)([log_mel, group])
    model = keras.Model([waveform, group], errors)
    export_extractor(model, tmp_path / "extractor")
    flat = LEVELS.reshape(5, -1)
    extractor = Extractor(tmp_path / "extractor")
    for clips in (2, 5):
        expected = model([flat[:clips], GROUP[:clips]])
        assert expected.shape == (clips, FRAMES, BANDS + 1)
        found = extractor(flat[:clips], GROUP[:clips])
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    root = tf.saved_model.load(str(tmp_path / "extractor"))
    assert len(root.trainable_variables) == len(network.trainable_variables)
    with tf.GradientTape() as tape:
        error = tf.reduce_mean(root({"waveform": flat, "group": GROUP}, training=True))
    gradients = tape.gradient(error, root.trainable_variables)
    assert all(gradient is not None for gradient in gradients)


def test_impossible_arguments_are_refused(network):
    with pytest.raises(ValueError, match="pool must be one of mean, max, got 'median'"):
        ReplicaErrors(network, 3, pool="median")
    with pytest.raises(ValueError, match=r"replicas must be .* got 0"):
        ReplicaErrors(network, 3, replicas=0)
    with pytest.raises(ValueError, match=r"groups must be .* got 0"):
        AppendSectionId(0)
