"""The classifiers of log-mel crops must be the published networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import after

from asd_tf.models.mobilenet_v2 import mobilenet_v2
from asd_tf.models.resnet import resnet18

SMALL = {
    "resnet18": lambda x: resnet18(x, width=2),
    "resnet18_dense": lambda x: resnet18(x, width=2, embedding=5, l2=1e-3),
    "mobilenet_v2_logits": lambda x: mobilenet_v2(x, alpha=0.05, classes=4),
}


def on_crops(build, frames=65, bands=128):
    crops = keras.Input([frames, bands])
    return keras.Model(crops, build(crops))


@pytest.fixture(params=SMALL, ids=str, scope="module")
def build(request):
    return SMALL[request.param]


@pytest.fixture(scope="module")
def model(build):
    keras.utils.set_random_seed(0)
    return on_crops(build)


@pytest.fixture(scope="module")
def full_resnet():
    return on_crops(resnet18)


def noise(*shape):
    return np.random.default_rng(0).normal(scale=20, size=shape).astype(np.float32)


def trainable(model):
    return sum(int(tf.size(weight)) for weight in model.trainable_weights)


def test_resnet18_has_the_parameters_of_torchvisions(full_resnet):
    """Those 11,689,512 have a head of 513,000 for ImageNet and a stem of three colors."""
    assert trainable(full_resnet) == 11_689_512 - 513_000 - 2 * 64 * 7 * 7
    assert full_resnet.output_shape == (None, 512)
    crops = keras.Input([65, 128])
    with_dense = keras.Model(crops, resnet18(crops, embedding=128))
    assert trainable(with_dense) == trainable(full_resnet) + 512 * 128 + 128
    assert with_dense.output_shape == (None, 128)


def test_resnet18_has_the_sizes_of_table_1(full_resnet):
    """Stem, then two blocks a stage; convolutions of shortcuts make 20 out of 17."""
    convolutions = [x for x in full_resnet.layers if isinstance(x, keras.layers.Conv2D)]
    assert len(convolutions) == 1 + 4 * 4 + 3
    sizes = [
        tuple(x.output.shape[1:]) for x in full_resnet.layers if isinstance(x, keras.layers.Add)
    ]
    stages = [(17, 32, 64), (9, 16, 128), (5, 8, 256), (3, 4, 512)]
    assert sizes == [size for size in stages for _ in range(2)]
    assert all(x.bias is None for x in convolutions)
    assert [x.kernel_size[0] for x in convolutions].count(1) == 3


def test_every_convolution_of_resnet18_is_followed_by_a_norm(full_resnet):
    for layer in full_resnet.layers:
        if isinstance(layer, keras.layers.Conv2D):
            (norm,) = after(full_resnet, layer)
            assert isinstance(norm, keras.layers.BatchNormalization)
            assert (norm.momentum, norm.epsilon) == (0.9, 1e-5)


def test_resnet18_decays_its_kernels_only():
    crops = keras.Input([65, 128])
    model = keras.Model(crops, resnet18(crops, width=2, embedding=3, l2=5e-5))
    kernels = [x.kernel for x in model.layers if hasattr(x, "kernel")]
    assert len(kernels) == 21
    expected = 5e-5 * sum(float(tf.reduce_sum(kernel**2)) for kernel in kernels)
    assert float(tf.add_n(model.losses)) == pytest.approx(expected, rel=1e-5)


# Expansion, channels, blocks and stride of Table 2 of Sandler et al. (2018).
TABLE_2 = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
    (6, 320, 1, 1),
]  # fmt: skip


def test_mobilenet_v2_has_the_parameters_of_its_table():
    """Half as many filters, rounded to multiples of 8, and three channels of input."""

    def filters(count):
        rounded = max(8, int(count * 0.5 + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * count * 0.5 else rounded

    inputs = filters(32)
    expected = 3 * 9 * inputs + 2 * inputs
    for expansion, channels, blocks, _ in TABLE_2:
        for _ in range(blocks):
            wide, outputs = expansion * inputs, filters(channels)
            expected += inputs * wide + 2 * wide if expansion > 1 else 0
            expected += 9 * wide + 2 * wide + wide * outputs + 2 * outputs
            inputs = outputs
    expected += inputs * 1280 + 2 * 1280
    model = on_crops(mobilenet_v2, 64)
    assert trainable(model) == expected
    assert model.output_shape == (None, 1280)
    with_head = on_crops(lambda crops: mobilenet_v2(crops, classes=3), 64)
    assert trainable(with_head) == expected + 1280 * 3 + 3
    assert with_head.output_shape == (None, 3)


def test_mobilenet_v2_sees_the_spectrogram_three_times():
    model = on_crops(lambda crops: mobilenet_v2(crops, alpha=0.05), 64)
    colors = keras.Model(model.input, model.get_layer("colors").output)(noise(2, 64, 128))
    for color in range(3):
        np.testing.assert_array_equal(colors[..., color], noise(2, 64, 128))


def test_crops_of_half_the_length_have_outputs_of_the_same_size(build, model):
    assert on_crops(build, 32).output_shape == model.output_shape


def test_all_weights_learn(model):
    model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)  # compiling takes longer
    before = [weight.numpy() for weight in model.trainable_weights]
    target = noise(4, model.output_shape[1])
    model.train_on_batch(noise(4, 65, 128), target)
    for old, new in zip(before, model.trainable_weights, strict=True):
        assert np.any(old != new.numpy()), new.name


def test_a_crops_output_does_not_depend_on_the_others(model):
    crops = noise(3, 65, 128)
    alone = np.concatenate([model(crop[np.newaxis]) for crop in crops])
    np.testing.assert_allclose(model(crops), alone, rtol=1e-3, atol=1e-5)


def test_output_is_float32_under_mixed_precision(build):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = on_crops(build)
        outputs = model(noise(2, 65, 128))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert outputs.dtype == tf.float32
    assert np.isfinite(outputs).all()


def test_is_saved_and_loaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(noise(2, 65, 128)), model(noise(2, 65, 128)), atol=1e-6)
