"""The encoders must compute the functions of the published ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from published import GOLDEN, hugging_face_folder
from scipy.special import erf

from asd_tf.checkpoints.load import load_encoder, pretrained_encoder
from asd_tf.checkpoints.mapping import variables_of
from asd_tf.extraction.extractor import export_extractor
from asd_tf.models.encoders.attention import RelativePositionBias, distance_buckets
from asd_tf.models.encoders.beats import BeatsConfig
from asd_tf.models.encoders.blocks import Parts
from asd_tf.models.encoders.build import FAMILIES, build_encoder
from asd_tf.models.encoders.segments import SplitSegments, mean_over_segments


def golden(name):
    with np.load(GOLDEN / f"{name}.npz") as file:
        return dict(file)


def run(model, waveform):
    return model(tf.constant(waveform), training=False).numpy()


def until(model, name):
    return keras.Model(model.input, model.get_layer(name).output)


@pytest.fixture(scope="module")
def beats():
    return load_encoder(GOLDEN / "beats_tiny.pt")


def test_beats_agrees_with_the_published_code(beats):
    """BEATs' input must be that of its training."""
    expected = golden("beats_tiny")
    model = pretrained_encoder(beats, 24000, "beats_tiny")
    bank = run(until(model, "filter_bank"), expected["waveform"])
    np.testing.assert_allclose(bank, expected["fbank"], atol=1e-3)
    features = run(model, expected["waveform"])
    np.testing.assert_allclose(features, expected["features"], atol=1e-4)
    # One clip alone, and one whose last samples fill no frame.
    alone = run(model, expected["waveform"][:1])
    np.testing.assert_allclose(alone, expected["features"][:1], atol=1e-4)
    longer = np.pad(expected["waveform"], [[0, 0], [0, 79]])
    odd = run(pretrained_encoder(beats, 24079, "beats_tiny"), longer)
    np.testing.assert_allclose(odd, expected["features"], atol=1e-4)


def test_fine_tuned_beats_agrees_with_the_published_code():
    """The predictor of fine-tuned checkpoints must work, and must be optional."""
    expected = golden("beats_tiny_finetuned")
    pretrained = load_encoder(GOLDEN / "beats_tiny_finetuned.pt")
    model = pretrained_encoder(pretrained, 32479, "fine-tuned", head=True)
    bank = run(until(model, "filter_bank"), expected["waveform"])
    np.testing.assert_allclose(bank, expected["fbank"], atol=1e-3)
    np.testing.assert_allclose(run(model, expected["waveform"]), expected["features"], atol=1e-4)
    tokens = run(pretrained_encoder(pretrained, 32479, "x"), expected["waveform"])
    assert tokens.shape == (2, 201 // 16 * 8, 48)


def test_ced_agrees_with_the_published_code():
    expected = golden("ced_tiny")
    pretrained = load_encoder(GOLDEN / "ced_tiny.pt")
    model = pretrained_encoder(pretrained, 40000, "ced_tiny", head=True)
    mel = run(until(model, "scaled_log_mel"), expected["waveform"])
    np.testing.assert_allclose(mel.transpose(0, 2, 1), expected["log_mel"], atol=1e-2)
    tokens = run(until(model, "encoder_norm"), expected["waveform"])
    np.testing.assert_allclose(tokens, expected["tokens"], atol=1e-3)
    np.testing.assert_allclose(
        run(model, expected["waveform"]), expected["probabilities"], atol=1e-3
    )


def test_ced_hears_long_clips_in_pieces():
    """A clip of 12 s has more frames than CED has positions: no part may get lost."""
    pretrained = load_encoder(GOLDEN / "ced_tiny.pt")
    wave = np.random.default_rng(0).normal(size=(1, 192000)).astype(np.float32) * 0.1
    tokens = run(pretrained_encoder(pretrained, 192000, "ced_tiny"), wave)
    per_piece = 63 * 4
    assert tokens.shape == (1, 2 * per_piece, 48)
    # The first piece is a clip of its own, but for the frames at its end.
    first = run(pretrained_encoder(pretrained, 1011 * 160, "ced_tiny"), wave[:, : 1011 * 160])
    assert np.abs(tokens[:, :per_piece] - first).mean() < 0.01
    wave[:, -16000:] = 0
    changed = run(pretrained_encoder(pretrained, 192000, "ced_tiny"), wave)
    assert np.abs(changed - tokens)[:, per_piece:].max() > 0.1


@pytest.mark.parametrize("name", ["wav2vec2_tiny", "wav2vec2_tiny_stable"])
def test_wav2vec2_agrees_with_the_published_code(name, tmp_path):
    expected = golden(name)
    pretrained = load_encoder(hugging_face_folder(name, tmp_path))
    model = pretrained_encoder(pretrained, 32000, name)
    tokens = run(model, expected["waveform"])
    np.testing.assert_allclose(tokens, expected["last_hidden_state"], atol=1e-4)
    # The encoder is deaf to gain, because it standardizes by itself.
    louder = run(model, 3 * expected["waveform"][:1])
    np.testing.assert_allclose(louder, tokens[:1], atol=1e-3)


def test_whisper_agrees_with_the_published_code(tmp_path):
    expected = golden("whisper_tiny")
    pretrained = load_encoder(hugging_face_folder("whisper_tiny", tmp_path))
    model = pretrained_encoder(pretrained, 32000, "whisper_tiny", pad=True)
    mel = run(until(model, "scaled_log_mel"), expected["waveform"]).transpose(0, 2, 1)
    np.testing.assert_allclose(mel[:, :, :200], expected["log_mel"], atol=1e-3)
    np.testing.assert_allclose(mel[:, :1, -1], expected["log_mel_padding"], atol=1e-3)
    tokens = run(model, expected["waveform"])
    assert tokens.shape == (2, 1500, 48)
    np.testing.assert_allclose(tokens[:, :110], expected["last_hidden_state"], atol=1e-3)


def test_qwen_audio_sees_the_segment_alone_and_pools_before_the_norm(tmp_path):
    """Two seconds must give 50 tokens, each the norm of the mean of two of Whisper's."""
    pretrained = load_encoder(hugging_face_folder("whisper_tiny", tmp_path))
    waveform = golden("whisper_tiny")["waveform"]
    whole = pretrained_encoder(pretrained, 32000, "whisper_tiny")
    before = whole.get_layer("encoder_norm").input
    values = keras.Model(whole.input, before)(waveform).numpy().astype(np.float64)
    means = values.reshape(2, 50, 2, 48).mean(axis=2)
    centered = means - means.mean(axis=-1, keepdims=True)
    norm = centered / np.sqrt(centered.var(axis=-1, keepdims=True) + 1e-5)
    gamma, beta = (weight.numpy() for weight in whole.get_layer("encoder_norm").weights)
    pooled = pretrained_encoder(
        pretrained._replace(config=with_pool(pretrained.config)), 32000, "qwen"
    )
    np.testing.assert_allclose(run(pooled, waveform), norm * gamma + beta, atol=1e-4)


def with_pool(config):
    return type(config)(**{**vars(config), "pool": True})


def numpy_layer(values, x):
    """One layer of BEATs in float64: post-norm, deep norm, gated relative positions."""
    w = {name: value.astype(np.float64) for name, value in values.items()}
    tokens, heads = len(x), 12

    def linear(x, name):
        return x @ w[f"layer_0_{name}/kernel"] + w[f"layer_0_{name}/bias"]

    def norm(x, name):
        centered = x - x.mean(-1, keepdims=True)
        scaled = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * w[f"layer_0_{name}/gamma"] + w[f"layer_0_{name}/beta"]

    query, key, value = (linear(x, name) for name in "qkv")
    mixed = np.zeros_like(x)
    for head in range(heads):
        part = slice(head * 64, head * 64 + 64)
        gates = linear(query[:, part], "gate").reshape(tokens, 2, 4).sum(-1)
        a, b = (1 / (1 + np.exp(-gates))).T
        gate = a * (b * w["layer_0_gate/factor"][head] - 1) + 2
        logits = query[:, part] @ key[:, part].T / 8
        for i in range(tokens):
            for j in range(tokens):
                distance = abs(i - j)
                row = distance if distance < 80 else int(80 + 80 * np.log10(distance / 80))
                row = min(row, 159) + (160 if j > i else 0)
                logits[i, j] += gate[i] * w["relative_bias/table"][row, head]
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        mixed[:, part] = weights / weights.sum(-1, keepdims=True) @ value[:, part]
    alpha = 24**0.25
    x = norm(alpha * x + linear(mixed, "out"), "attention_norm")
    hidden = linear(x, "ffn1")
    hidden = hidden * 0.5 * (1 + erf(hidden / np.sqrt(2)))
    return norm(alpha * x + linear(hidden, "ffn2"), "ffn_norm")


def test_a_layer_of_full_width_agrees_with_float64():
    """Attention must be right at full width, with all heads and far distances."""
    rng = np.random.default_rng(0)
    tokens = keras.Input([96, 768])
    bias = RelativePositionBias(12, 320, 800, name="relative_bias")(tokens)
    block = BeatsConfig().transformer().block(0, [tokens, bias], Parts())
    model = keras.Model(tokens, block([tokens, bias]))
    values = {}
    for name, variable in variables_of(model).items():
        scale = 0.5 if "table" in name else 0.04
        start = 1.0 if "gamma" in name or "factor" in name else 0.0
        variable.assign(rng.normal(start, scale, variable.shape))
        values[name] = variable.numpy()
    x = rng.normal(size=(96, 768))
    expected = numpy_layer(values, x)
    found = model(tf.constant(x[np.newaxis], tf.float32)).numpy()[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_far_distances_share_buckets():
    """Buckets must be right for the far distances of long clips."""
    distance = np.array([0, -1, 1, -79, 79, -80, 80, -252, 252, -253, 253, -799, 799, -5000, 5000])
    # ln(253 / 80) / ln(10) is the first above a half.
    expected = [0, 1, 161, 79, 239, 80, 240, 119, 279, 120, 280, 159, 319, 159, 319]
    np.testing.assert_array_equal(distance_buckets(distance, 320, 800), expected)


def test_segments_are_embedded_alone_and_averaged():
    """A clip of 2.5 segments must be three, of which the last ends with the clip."""
    waveform = keras.Input([100])
    both_ends = keras.layers.Dense(2, use_bias=False)
    ends = both_ends(waveform)
    both_ends.set_weights([np.eye(100)[:, [0, 99]]])
    clip = np.arange(250, dtype=np.float32)[np.newaxis].repeat(2, axis=0)
    clip[1] += 1000
    found = run(mean_over_segments(keras.Model(waveform, ends), 250), clip)
    mean = [(0 + 100 + 150) / 3, (99 + 199 + 249) / 3]
    np.testing.assert_allclose(found, [mean, np.add(mean, 1000)], rtol=1e-6)
    zeros = SplitSegments(100, "zeros")(clip).numpy()
    np.testing.assert_array_equal(zeros[2], np.pad(clip[0, 200:], [0, 50]))


@pytest.mark.parametrize(("kind", "samples"), [("beats", 2799), ("ced", 2399), ("wav2vec2", 399),
                                               ("whisper", 480001)])  # fmt: skip
def test_clips_that_do_not_fit_are_refused(kind, samples):
    with pytest.raises(ValueError, match=r"samples|frames"):
        build_encoder(FAMILIES[kind].sizes["tiny"], samples)


def test_half_precision_computes_nearly_the_same(beats):
    """Half precision must not make logits and norms overflow."""
    expected = golden("beats_tiny")
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = pretrained_encoder(beats, 24000, "beats_tiny")
    finally:
        keras.mixed_precision.set_global_policy("float32")
    features = run(model, expected["waveform"])
    assert features.dtype == np.float32
    assert np.abs(features - expected["features"]).max() < 0.05


def test_encoders_are_exported_with_free_batch(beats, tmp_path):
    """What was trained must be scored by a bare SavedModel."""
    expected = golden("beats_tiny")
    model = pretrained_encoder(beats, 24000, "beats_tiny")
    export_extractor(model, tmp_path / "encoder")
    loaded = tf.saved_model.load(str(tmp_path / "encoder"))
    for batch in (1, 2):
        features = loaded(expected["waveform"][:batch], training=False).numpy()
        np.testing.assert_allclose(features, expected["features"][:batch], atol=1e-4)


@pytest.mark.parametrize("kind", list(FAMILIES))
def test_encoders_are_saved_by_keras(kind, tmp_path):
    """A loaded encoder must be equal, and must take pre-trained weights."""
    config = FAMILIES[kind].sizes["tiny"]
    if kind == "ced":
        config = type(config)(depth=1, width=32, heads=2, ffn=64, dropout=0.1)
    samples = 16000 if kind == "speech_embedding" else 8000  # which has windows of 0.78 s
    model = build_encoder(config, samples)
    model.save(tmp_path / "encoder.keras")
    again = keras.models.load_model(tmp_path / "encoder.keras")
    wave = np.random.default_rng(0).normal(size=(2, samples)).astype(np.float32)
    np.testing.assert_array_equal(run(model, wave), run(again, wave))
    assert [value.shape for value in model.get_weights()] == [
        value.shape for value in again.get_weights()
    ]
    assert set(variables_of(model)) == set(variables_of(again))
