"""The networks on windows of frames must be the published ones, and exportable."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.models.interpolation_dnn import interpolation_dnn
from asd_tf.models.window_autoencoder import window_autoencoder

NETWORKS = {
    "autoencoder": lambda: window_autoencoder(5, 6, hidden=8, depth=2, bottleneck=3, std=2.0),
    "interpolation": lambda: interpolation_dnn(5, 6, widths=(8, 4, 8), mean=-30.0, std=10.0),
}


@pytest.fixture(params=NETWORKS, ids=str)
def network(request):
    keras.utils.set_random_seed(0)
    return NETWORKS[request.param]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def widths(model):
    return [x.units for x in model.layers if isinstance(x, keras.layers.Dense)]


def test_the_autoencoder_is_the_baselines():
    """Widths must be 640 - 128 x 4 - 8 - 128 x 4 - 640, with norms and ReLUs."""
    model = window_autoencoder()
    assert widths(model) == [128] * 4 + [8] + [128] * 4 + [640]
    kinds = [type(x).__name__ for x in model.layers]
    hidden = ["Dense", "BatchNormalization", "ReLU"] * 9
    assert kinds == ["InputLayer", "Rescaling", "Flatten", *hidden, "Dense", "Reshape", "Rescaling"]
    sizes = [640, *[128] * 4, 8, *[128] * 4, 640]
    dense = sum(a * b + b for a, b in itertools.pairwise(sizes))
    assert model.count_params() == dense + 4 * sum(sizes[1:-1]) == 269_992
    assert model.output_shape == (None, 5, 128)


def test_the_interpolation_dnn_is_the_published_one():
    """Widths must be 512 - 64 - 32 - 16 - 32 - 64 - 128, with ReLUs and no norm."""
    model = interpolation_dnn()
    assert widths(model) == [64, 32, 16, 32, 64, 128]
    activations = [x.activation.__name__ for x in model.layers if hasattr(x, "activation")]
    assert activations == ["relu"] * 5 + ["linear"]
    sizes = [512, 64, 32, 16, 32, 64, 128]
    expected = sum(a * b + b for a, b in itertools.pairwise(sizes))
    assert model.count_params() == expected
    assert model.output_shape == (None, 128)


@pytest.mark.parametrize("frames", [3, 5, 7])
def test_the_middle_frame_is_not_seen_and_all_others_are(frames):
    model = interpolation_dnn(frames, 6)
    windows = noise(2, frames, 6)
    expected = model(windows).numpy()
    for frame in range(frames):
        changed = windows.copy()
        changed[:, frame] += 5
        seen = np.abs(model(changed) - expected).max() > 1e-4
        assert seen == (frame != frames // 2)


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_windows_without_a_middle_frame_are_refused(frames):
    with pytest.raises(ValueError, match=rf"^frames must be odd and at least 3, got {frames}$"):
        interpolation_dnn(frames, 6)


def test_standardization_is_undone_at_the_end(network):
    """The output must be in the units of the log-mels."""
    model = network()
    rescalings = [x for x in model.layers if isinstance(x, keras.layers.Rescaling)]
    first, last = rescalings
    log_mel = noise(4, 5, 6)
    np.testing.assert_allclose(last(first(log_mel)), log_mel, rtol=1e-4, atol=1e-4)
    assert last.name == model.layers[-1].name
    mean, std = last.offset, last.scale
    np.testing.assert_allclose(first(np.full([1, 5, 6], mean + std, np.float32)), 1, rtol=1e-5)


def test_learns(network):
    """Training must improve the prediction of a smooth signal."""
    model = network()
    rng = np.random.default_rng(0)
    time = rng.uniform(0, 6, [256, 1, 1]) + 0.3 * np.arange(5)[:, np.newaxis]
    windows = (-30 + 10 * np.sin(time + np.arange(6))).astype(np.float32)
    target = windows if model.output_shape[1:] == (5, 6) else windows[:, 2]
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    losses = model.fit(windows, target, batch_size=64, epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]


def test_output_is_float32_under_mixed_precision(network):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = network()
        outputs = model(100 * noise(3, 5, 6))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert outputs.dtype == tf.float32
    assert np.isfinite(outputs).all()
    dense = [x for x in model.layers if isinstance(x, keras.layers.Dense)]
    assert [x.compute_dtype for x in dense] == ["float16"] * (len(dense) - 1) + ["float32"]


def test_is_saved_and_loaded(network, tmp_path):
    model = network()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(noise(3, 5, 6)), model(noise(3, 5, 6)))
