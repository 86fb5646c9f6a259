"""The classifiers of 256 x 256 log-mels must be the published networks."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import of_kind

from asd_tf.models.efficientnet_b3 import efficientnet_b3
from asd_tf.models.layers.convolutions import GroupedConv2D
from asd_tf.models.resnet import resnet34, resnext50

SMALL = {
    "resnet34": lambda x: resnet34(x, width=2, embedding=5, l2=1e-4),
    "resnext50": lambda x: resnext50(x, width=2, groups=2, group_width=2),
    "efficientnet_b3": efficientnet_b3,  # Keras has no smaller one
}


def on_log_mel(build, frames=64, bands=48):
    log_mel = keras.Input([frames, bands])
    return keras.Model(log_mel, build(log_mel))


# They have up to 384 layers, which take long to make; one of them is enough for quick tests.
OTHERS = pytest.mark.slow


@pytest.fixture(
    params=[
        "resnet34",
        pytest.param("resnext50", marks=OTHERS),
        pytest.param("efficientnet_b3", marks=OTHERS),
    ],
    scope="module",
)
def model(request):
    keras.utils.set_random_seed(0)
    return on_log_mel(SMALL[request.param])


@functools.cache
def of_paper(build):
    return on_log_mel(build, 256, 256)


def noise(*shape):
    return np.random.default_rng(0).normal(scale=20, size=shape).astype(np.float32)


def trainable(model):
    return sum(int(tf.size(weight)) for weight in model.trainable_weights)


# Of torchvision and PyTorch Image Models, with three colors, and the 1,000 classes of ImageNet.
PUBLISHED = {
    resnet34: (21_797_672, 512, 2 * 64 * 7 * 7),
    resnext50: (25_028_904, 2048, 2 * 64 * 7 * 7),
    efficientnet_b3: (12_233_232, 1536, 0),
}


@pytest.mark.parametrize(
    "build", [resnet34, resnext50, pytest.param(efficientnet_b3, marks=OTHERS)]
)
def test_the_parameters_are_the_published_ones(build):
    """Without the head for ImageNet; the residual networks see one channel, not three."""
    full = of_paper(build)
    total, size, colors = PUBLISHED[build]
    assert trainable(full) == total - 1000 * (size + 1) - colors
    assert full.output_shape == (None, size)
    if build is efficientnet_b3:
        assert not any(layer.rate for layer in of_kind(full, keras.layers.Dropout))
        return
    sizes = [tuple(layer.output.shape[1:3]) for layer in of_kind(full, keras.layers.Add)]
    assert sorted(sizes, reverse=True) == (
        [(64, 64)] * 3 + [(32, 32)] * 4 + [(16, 16)] * 6 + [(8, 8)] * 3
    )


def test_resnext_has_its_strides_in_32_groups_of_3x3():
    """Table 1 of Xie et al.: 4, 8, 16 and 32 filters a group; shortcuts in all four stages."""
    full = of_paper(resnext50)
    grouped = of_kind(full, GroupedConv2D)
    assert len(grouped) == 16
    assert {(x.groups, x.kernel_size, x.kernel.shape[2], x.filters) for x in grouped} == {
        (32, (3, 3), n, 32 * n) for n in (4, 8, 16, 32)
    }
    assert [x.strides[0] for x in grouped].count(2) == 3
    plain = [x for x in of_kind(full, keras.layers.Conv2D) if x not in grouped]
    assert len(plain) == 1 + 2 * 16 + 4
    assert all(x.bias is None for x in [*plain, *grouped])


@pytest.mark.parametrize("strides", [1, 2])
def test_a_grouped_convolution_is_what_numpy_computes(strides):
    """Each output sees its own group, under its own part of the kernel."""
    layer = GroupedConv2D(6, 3, strides, padding="same", groups=3, activation="relu")
    x = noise(2, 7, 5, 12)
    found = layer(x).numpy()
    layer.bias.assign(np.arange(6) - 3.0)
    biased = layer(x).numpy()
    kernel = layer.kernel.numpy().astype(np.float64)
    assert kernel.shape == (3, 3, 4, 6)
    padded = np.pad(x.astype(np.float64), [(0, 0), (1, 1), (1, 1), (0, 0)])
    expected = np.zeros(found.shape)
    for row, column, output in np.ndindex(*found.shape[1:]):
        group = output // 2
        top, left = row * strides, column * strides
        patch = padded[:, top : top + 3, left : left + 3, 4 * group : 4 * group + 4]
        expected[:, row, column, output] = (patch * kernel[..., output]).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-3)
    np.testing.assert_allclose(biased, np.maximum(expected + np.arange(6) - 3, 0), atol=1e-3)


def test_levels_become_the_greys_of_an_image():
    """Log-mels must be mapped to the range that the network divides by 255."""
    log_mel = keras.Input([32, 32])
    model = keras.Model(log_mel, efficientnet_b3(log_mel, lowest=-80, highest=20))
    (colors,) = of_kind(model, keras.layers.Concatenate)
    image = keras.Model(log_mel, colors.output)(np.full([1, 32, 32], -30.0)).numpy()
    assert image.shape == (1, 32, 32, 3)
    np.testing.assert_allclose(image, 127.5, rtol=1e-5)
    with pytest.raises(ValueError, match=r"^highest must be above lowest = 0 dB, got -1$"):
        efficientnet_b3(log_mel, lowest=0, highest=-1)


def test_the_loss_reaches_all_weights(model):
    """Every weight must have a gradient."""
    with tf.GradientTape() as tape:
        outputs = model(noise(4, 64, 48), training=True)
        loss = tf.reduce_sum(outputs * noise(4, model.output_shape[1]))
    gradients = tape.gradient(loss, model.trainable_weights)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert np.any(gradient != 0), weight.name


def test_an_embedding_does_not_depend_on_the_other_clips(model):
    clips = noise(3, 64, 48)
    alone = np.concatenate([model(clip[np.newaxis]) for clip in clips])
    largest = np.abs(alone).max()
    np.testing.assert_allclose(model(clips), alone, atol=3e-5 * largest)
    assert np.abs(alone[0] - alone[1]).max() > 2e-4 * largest


def test_is_saved_and_exported_without_xla(model, tmp_path):
    """No operation may require XLA, as Keras' own grouped convolutions do."""
    model.save(tmp_path / "model.keras")
    clips = noise(2, 64, 48)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(clips), model(clips), atol=1e-5)
    embed = tf.function(lambda x: model(x, training=False))
    graph = embed.get_concrete_function(tf.TensorSpec([None, 64, 48])).graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    assert not [node.name for node in nodes if node.attr["_XlaMustCompile"].b]


@pytest.mark.parametrize(
    "name", ["resnet34", "resnext50", pytest.param("efficientnet_b3", marks=OTHERS)]
)
def test_outputs_are_float32_under_mixed_precision(name):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        outputs = on_log_mel(SMALL[name])(noise(2, 64, 48))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert outputs.dtype == tf.float32
    assert np.isfinite(outputs).all()
