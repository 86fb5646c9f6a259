"""The Conformer block must compute the published function and resume its dropout."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.models.conformer import conformer_block
from asd_tf.models.layers.relative_attention import RelativeSelfAttention, relative_positions
from asd_tf.models.layers.stateless_dropout import CountedDropout

FRAMES, WIDTH, HEADS = 7, 6, 2


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def randomized(model):
    """Gives every weight distinct values, so that a missing one would change the result."""
    rng = np.random.default_rng(3)
    for weight in model.weights:
        if weight.dtype == tf.float32:
            weight.assign(rng.uniform(0.2, 1.0, weight.shape) * rng.choice([-1, 1], weight.shape))
        if "variance" in weight.name:
            weight.assign(tf.abs(weight))
    return model


def softmax(x):
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


def attention_in_loops(x, layer):
    """Computes each pair of frames separately, with the sinusoids of its distance."""
    dense = {
        name: getattr(layer, f"_{name}").get_weights()
        for name in ("query", "key", "value", "output", "position")
    }
    size = WIDTH // HEADS
    wavelengths = 10_000 ** (np.arange(WIDTH // 2) / (WIDTH // 2))
    attended = np.zeros([FRAMES, WIDTH])
    for head in range(HEADS):
        own = slice(head * size, (head + 1) * size)
        q, k, v = (
            (x @ dense[name][0] + dense[name][1])[:, own] for name in ("query", "key", "value")
        )
        u, v_bias = layer.content_bias.numpy()[head], layer.position_bias.numpy()[head]
        for i in range(FRAMES):
            logits = np.zeros(FRAMES)
            for j in range(FRAMES):
                angle = (i - j) / wavelengths
                r = np.concatenate([np.sin(angle), np.cos(angle)]) @ dense["position"][0]
                logits[j] = ((q[i] + u) @ k[j] + (q[i] + v_bias) @ r[own]) / np.sqrt(size)
            attended[i, own] = softmax(logits) @ v
    return attended @ dense["output"][0] + dense["output"][1]


def attention():
    layer = RelativeSelfAttention(HEADS)
    layer.build([None, FRAMES, WIDTH])
    return randomized(layer)


def test_attention_is_that_of_each_pair_of_frames():
    layer, x = attention(), noise(3, FRAMES, WIDTH)
    expected = [attention_in_loops(clip.astype(np.float64), layer) for clip in x]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-4)


def test_distances_count_from_the_past():
    """The middle row must be distance 0, the first row the largest distance."""
    table = relative_positions(3, 4)
    assert table.shape == (5, 4)
    np.testing.assert_allclose(table[2], [0, 0, 1, 1])
    np.testing.assert_allclose(
        table[0], [np.sin(2), np.sin(0.02), np.cos(2), np.cos(0.02)], rtol=1e-6
    )
    np.testing.assert_allclose(table[4], table[0] * [-1, -1, 1, 1])
    assert relative_positions(3, 5).shape == (5, 5)


def test_attention_needs_a_size_that_fits():
    with pytest.raises(ValueError, match=r"^heads must divide the width 6, got 4$"):
        RelativeSelfAttention(4).build([None, 5, 6])
    with pytest.raises(ValueError, match=r"^frames must be a fixed number"):
        RelativeSelfAttention(2).build([None, None, 6])


def block(kernel=3, dropout=0.1, frames=FRAMES):
    x = keras.Input([frames, WIDTH])
    y = conformer_block(
        x, itertools.count(), heads=HEADS, expansion=2, kernel=kernel, dropout=dropout
    )
    return keras.Model(x, y)


def of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def block_in_loops(x, model):
    """Gulati et al., Section 2.4, on one clip [frames, width], from the weights in their order."""
    dense = iter([layer.get_weights() for layer in of(model, keras.layers.Dense)])
    norms = iter([layer.get_weights() for layer in of(model, keras.layers.LayerNormalization)])

    def norm(y):
        gamma, beta = next(norms)
        spread = np.sqrt(y.var(axis=1, keepdims=True) + 1e-5)
        return (y - y.mean(axis=1, keepdims=True)) / spread * gamma + beta

    def linear(y):
        kernel, bias = next(dense)
        return y @ kernel + bias

    def sigmoid(y):
        return 1 / (1 + np.exp(-y))

    def half_dense(y):
        hidden = linear(norm(y))
        return y + linear(hidden * sigmoid(hidden)) / 2

    x = half_dense(x)
    x = x + attention_in_loops(norm(x), of(model, RelativeSelfAttention)[0])
    doubled = linear(norm(x))
    gated = doubled[:, :WIDTH] * sigmoid(doubled[:, WIDTH:])
    kernel, bias = of(model, keras.layers.DepthwiseConv1D)[0].get_weights()
    convolved = np.zeros_like(gated) + bias
    for frame, tap in np.ndindex(len(x), len(kernel)):
        source = frame + tap - len(kernel) // 2
        if 0 <= source < len(x):
            convolved[frame] += gated[source] * kernel[tap, :, 0]
    gamma, beta, mean, variance = of(model, keras.layers.BatchNormalization)[0].get_weights()
    normed = (convolved - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    x = x + linear(normed * sigmoid(normed))
    return norm(half_dense(x))


@pytest.mark.parametrize("kernel", [3, 5])
def test_a_block_is_the_published_one(kernel):
    model, x = randomized(block(kernel)), noise(2, FRAMES, WIDTH)
    expected = [block_in_loops(clip.astype(np.float64), model) for clip in x]
    np.testing.assert_allclose(model(x), expected, rtol=2e-3, atol=2e-3)


def test_dropout_goes_on_where_it_was(tmp_path):
    """A resumed training must drop the values that an uninterrupted one drops."""
    ones = tf.ones([8, 50])

    def built():
        inputs = keras.Input([50])
        return keras.Model(inputs, CountedDropout(0.3, seed=5)(inputs))

    whole, resumed = built(), built()
    masks = [whole(ones, training=True).numpy() for _ in range(2)]
    tf.train.Checkpoint(model=whole).write(str(tmp_path / "x"))
    masks += [whole(ones, training=True).numpy() for _ in range(2)]
    tf.train.Checkpoint(model=resumed).read(str(tmp_path / "x")).assert_consumed()
    again = [resumed(ones, training=True).numpy() for _ in range(2)]
    np.testing.assert_array_equal(again, masks[2:])
    assert len({mask.tobytes() for mask in masks}) == 4
    np.testing.assert_allclose(np.unique(masks), [0, 1 / 0.7], rtol=1e-6)
    assert np.mean(masks) == pytest.approx(1, abs=0.1)
    np.testing.assert_array_equal(whole(ones), ones)
    assert int(whole.layers[1].calls) == 4


def test_the_dropouts_of_a_block_differ():
    seeds = [layer.seed for layer in of(block(), (CountedDropout, RelativeSelfAttention))]
    assert len(set(seeds)) == len(seeds) == 7
    with pytest.raises(ValueError, match=r"^rate must be in \[0, 1\), got 1.0$"):
        CountedDropout(1.0, 0)


def test_a_block_is_saved_and_loaded(tmp_path):
    """All weights must be saved, also those of the layers inside the attention."""
    model, x = randomized(block()), noise(2, FRAMES, WIDTH)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(x), model(x), rtol=1e-5)


def test_long_clips_in_mixed_precision():
    """Logits beyond 65,504 must not overflow, and outputs must be float32."""
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = block(frames=40)
        outputs = model(100 * noise(2, 40, WIDTH), training=True)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert outputs.dtype == tf.float32
    assert np.isfinite(outputs).all()
