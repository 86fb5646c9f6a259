"""STgram-MFN must be the published network, for clips of any length."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.frontends.mel import LogMel
from asd_tf.models.stgram import stgram_mfn, tgram

SHORT = 8000


def network(samples, **kwargs):
    waveform = keras.Input([samples])
    sgram = LogMel(bands="torchaudio", center=True)(waveform)
    return keras.Model(waveform, stgram_mfn(sgram, waveform, **kwargs))


@pytest.fixture(scope="module")
def full_model():
    return network(160000)


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return network(SHORT, width=4, embedding=6)


def noise(clips, samples=SHORT, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.1, size=[clips, samples]).astype(np.float32)


def trainable(model):
    return sum(int(tf.size(weight)) for weight in model.trainable_weights)


def counted_by_hand():
    """The weights of net.py of the published code, module by module, without its heads."""

    def convolution(inputs, outputs, size, prelu=True):
        return inputs * outputs * size + 2 * outputs + prelu * outputs

    def depthwise(channels, size, prelu=True):
        return convolution(1, channels, size, prelu)

    total = 128 * 1024 + 3 * (2 * 313 + 128 * 128 * 3)
    total += convolution(2, 64, 9) + depthwise(64, 9)
    inputs = 64
    for expansion, channels, blocks in (
        (2, 64, 5), (4, 128, 1), (2, 128, 6), (4, 128, 1), (2, 128, 2),
    ):  # fmt: skip
        for _ in range(blocks):
            wide = expansion * inputs
            total += convolution(inputs, wide, 1) + depthwise(wide, 9)
            total += convolution(wide, channels, 1, prelu=False)
            inputs = channels
    total += convolution(128, 512, 1) + depthwise(512, 8 * 20, prelu=False)
    return total + convolution(512, 128, 1, prelu=False)


def test_the_parameters_are_those_of_the_published_code(full_model):
    assert trainable(full_model) == counted_by_hand() == 1_339_798
    assert full_model.output_shape == (None, 128)


def test_the_sizes_of_ten_seconds(full_model):
    assert full_model.get_layer("sgram_and_tgram").output.shape == (None, 313, 128, 2)
    depthwise = [x for x in full_model.layers if isinstance(x, keras.layers.DepthwiseConv2D)]
    assert depthwise[0].output.shape == (None, 157, 64, 64)
    assert depthwise[-1].kernel_size == (20, 8)
    assert depthwise[-1].output.shape == (None, 1, 1, 512)
    assert [tuple(x.output.shape[1:3]) for x in depthwise if x.strides == (2, 2)] == [
        (79, 32), (40, 16), (20, 8),
    ]  # fmt: skip


def test_the_layers_are_those_of_the_published_code(full_model):
    """Norms and slopes are PyTorch's; blocks that keep their size have a shortcut."""

    def of(kind):
        return [x for x in full_model.layers if isinstance(x, kind)]

    assert len(of(keras.layers.Add)) == 4 + 6 + 2
    norms, slopes = of(keras.layers.BatchNormalization), of(keras.layers.PReLU)
    assert (len(norms), len(slopes)) == (2 + 3 * 15 + 3, 2 + 2 * 15 + 1)
    assert {(x.momentum, x.epsilon) for x in norms} == {(0.9, 1e-5)}
    assert all(np.all(x.alpha == np.float32(0.25)) and x.alpha.shape[:2] == [1, 1] for x in slopes)
    convolutions = [*of(keras.layers.Conv1D), *of(keras.layers.Conv2D)]
    assert all(x.bias is None for x in convolutions)


@pytest.mark.parametrize("samples", [SHORT, 8192, 8193])
def test_tgram_is_what_numpy_computes(samples):
    """The first convolution must be one with filters of 1024 samples."""
    waveform = keras.Input([samples])
    model = keras.Model(waveform, tgram(waveform, bands=3))
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=w.shape) / 10 for w in model.get_weights()]
    model.set_weights(weights)
    padded = np.pad(noise(1, samples)[0].astype(np.float64), 512)
    starts = range(0, samples + 1, 512)
    filters = weights[0].reshape(1024, 3)
    x = np.stack([padded[start : start + 1024] @ filters for start in starts])
    for gamma, beta, kernel in zip(weights[1::3], weights[2::3], weights[3::3], strict=True):
        assert gamma.shape == (len(starts),)
        x = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) * gamma[:, None] + beta[:, None]
        x = np.where(x > 0, x, 0.2 * x)
        x = np.pad(x, [(1, 1), (0, 0)])
        x = sum(x[tap : tap + len(starts)] @ kernel[tap] for tap in range(3))
    np.testing.assert_allclose(model(noise(1, samples))[0], x, atol=1e-4)


def test_the_first_convolution_pads_one_on_either_side(full_model):
    """Padding with stride 2 must be one value on either side, unlike Keras' own."""
    image = full_model.get_layer("sgram_and_tgram").output
    first = next(x for x in full_model.layers if isinstance(x, keras.layers.Conv2D))
    part = keras.Model(image, first.output)
    first.set_weights([np.ones(first.kernel.shape)])
    sums = part(np.ones([1, 313, 128, 2], np.float32))[0, :, :, 0]
    assert np.allclose([sums[0, 0], sums[0, -1], sums[-1, 0], sums[5, 5]], [8, 12, 8, 18])


@pytest.mark.parametrize("samples", [1024, 5000, 32000])
def test_clips_of_other_lengths_have_embeddings(samples):
    assert network(samples, width=2, embedding=6)(noise(2, samples)).shape == (2, 6)


def test_both_views_matter(small):
    """The embedding must depend on the waveform and on the spectrogram."""
    names = {x.name: x for x in small.layers}
    image = names["sgram_and_tgram"]
    part = keras.Model(image.output, small.output)
    values = keras.Model(small.input, image.output)(noise(2)).numpy()
    expected = part(values).numpy()
    for channel in (0, 1):
        changed = values.copy()
        changed[..., channel] = changed[::-1, :, :, channel]
        assert np.abs(part(changed) - expected).max() > 1e-4


@pytest.mark.slow
def test_all_weights_learn(small):
    small.compile(keras.optimizers.SGD(0.1), "mse")
    before = [weight.numpy() for weight in small.trainable_weights]
    small.train_on_batch(noise(4), np.random.default_rng(1).normal(size=[4, 6]))
    for old, new in zip(before, small.trainable_weights, strict=True):
        assert np.any(old != new.numpy()), new.name


def test_frames_of_another_hop_are_refused():
    waveform = keras.Input([SHORT])
    sgram = LogMel(bands="torchaudio")(waveform)
    with pytest.raises(ValueError, match=r"^frames .* must be 16 for 8000 samples, got 14: use "):
        stgram_mfn(sgram, waveform)


def test_what_could_lose_the_waveform_stays_float32():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = network(SHORT, width=2, embedding=6)
        outputs = model(np.sign(noise(2)))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert outputs.dtype == tf.float32
    assert np.isfinite(outputs).all()
    assert model.get_layer("tgram").compute_dtype == "float32"
    assert model.get_layer("tgram_1").compute_dtype == "float16"


def test_is_saved_and_loaded(small, tmp_path):
    small.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(noise(2)), small(noise(2)), atol=1e-6)


def test_exports_without_xla(small, tmp_path):
    """No operation may require XLA, as Keras' own grouped convolutions do."""
    clips = tf.TensorSpec([None, SHORT], tf.float32)
    root = tf.train.Checkpoint()
    root.model_variables = small.variables
    root.embed = tf.function(lambda x: small(x, training=False), input_signature=[clips])
    graph = root.embed.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    flagged = [node.name for node in nodes if node.attr["_XlaMustCompile"].b]
    assert not flagged
    tf.saved_model.save(root, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(loaded.embed(noise(3)), small(noise(3)), atol=1e-5)
