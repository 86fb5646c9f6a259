"""Every network, loss and head must come back from the file of Keras that it was saved to."""

import functools
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf import augmentation, frontends, losses, models
from asd_tf.compat import sublayers
from asd_tf.models import encoders, heads, layers
from asd_tf.models.encoders import FAMILIES, Parts, build_encoder

FRAMES, BANDS, SAMPLES = 40, 32, 8000
MASKS = {"time_masks": 1, "time_width": (0, 4), "frequency_masks": 1, "frequency_width": (0, 4)}


def image(*shape):
    return keras.Input(shape or [FRAMES, BANDS])


def ids(*shape):
    return keras.Input(shape, dtype="int32")


def on(build, *inputs, **kwargs):
    """Returns the network that `build` adds to inputs."""
    return keras.Model(list(inputs), build(*inputs, **kwargs))


def called(layer, *inputs):
    """Returns the network of a layer that is called with a list."""
    return keras.Model(list(inputs), layer(list(inputs)))


def seeded(layer, *shapes):
    """Returns the network of a layer that is called with a list whose last tensor is a seed."""
    inputs = [image(*shape) for shape in shapes]
    return keras.Model(inputs, layer([*inputs, layers.StepSeed(3)(inputs[0])]))


def windows():
    return models.window_autoencoder(5, BANDS, hidden=4, depth=1, bottleneck=2)


def predictive():
    sizes = {"encoder": 8, "decoder": 4, "bottleneck": 2, "blocks": 1, "heads": 2}
    return models.predictive_autoencoder(5, BANDS, **sizes)


def conformer():
    return models.conformer_autoencoder(
        FRAMES, BANDS, groups=2, blocks=2, width=8, heads=2, kernel=3, bottleneck=3
    )


def block(wrapper=lambda block: block):
    """An encoder block in a wrapper, with a relative bias, dropout and low-rank matrices."""
    tokens = image(6, 8)
    seed = layers.StepSeed(1)(tokens)
    bias = encoders.attention.RelativePositionBias(2, 8, 16)(tokens)
    sizes = {"depth": 1, "width": 8, "heads": 2, "ffn": 8, "dropout": 0.1}
    transformer = encoders.Transformer(**sizes, pre_norm=True, attention_dropout=0.1)
    plan = encoders.LoraPlan(alpha=8.0, rank=2, dropout=0.1)
    parts = Parts(dense=plan.dense(1), wrap=wrapper, dense_dropout=0.1)
    return keras.Model(tokens, transformer(tokens, parts, seed, bias))


def head(layer, output, *inputs):
    return keras.Model(list(inputs), layer(output))


def ddcsad_scores():
    layer = losses.DDCSAD()
    embeddings, label, logits = image(6), image(1), image(1)
    layer([embeddings, label])
    return called(heads.DDCSADScores(layer), logits, embeddings)


def arcface_nll():
    layer = losses.ArcFace(3)
    embeddings = image(6)
    layer([embeddings, image(3)])
    return head(heads.ArcFaceNLL(layer), embeddings, embeddings)


def crops():
    crop = image(16, BANDS)
    network = keras.Model(crop, models.resnet18(crop, width=2, embedding=3))
    features = image()
    return head(heads.ApplyToCrops(network, [0, 5, 24]), features, features)


def on_features(layer):
    features = image()
    return head(layer, features, features)


def pooled():
    tokens = image(6, 8)
    return keras.Model(tokens, layers.pool_tokens(tokens, "attentive_statistics", 4))


def conformer_blocks():
    x = image(FRAMES, 8)
    return keras.Model(x, models.conformer_block(x, itertools.count(), heads=2, kernel=3))


def segments():
    waveform = image(300)
    network = keras.Model(waveform, keras.layers.Dense(2)(waveform))
    return encoders.mean_over_segments(network, 500)


def frontend(*chain):
    x = waveform = image(SAMPLES)
    for layer in chain:
        x = layer(x)
    return keras.Model(waveform, x)


def precisions():
    return np.stack([np.eye(BANDS), 2 * np.eye(BANDS)])


def long_term():
    return frontends.MagnitudeSpectrogram(), frontends.LogPower(), frontends.MedianOverTime()


NETWORKS = {
    "embedding_model": lambda: models.embedding_model(SAMPLES, width=2, dense=8),
    "spectrogram_resnet": lambda: on(models.spectrogram_resnet, image(40, 65), width=2, dense=4),
    "spectrum_cnn": lambda: on(models.spectrum_cnn, image(4096), dense=4),
    "log_mel_resnet": lambda: on(models.log_mel_resnet, image(), width=2, dense=4),
    "resnet18": lambda: on(models.resnet18, image(), width=2, embedding=3),
    "resnet34": lambda: on(models.resnet34, image(), width=2, blocks=(1, 1), l2=1e-4),
    "resnext50": lambda: on(models.resnext50, image(), width=2, groups=2, group_width=2),
    "efficientnet_b3": lambda: on(models.efficientnet_b3, image()),
    "mobilenet_v2": lambda: on(models.mobilenet_v2, image(), alpha=0.1, classes=3),
    "mobile_face_net": lambda: on(models.mobile_face_net, image(32, 32, 2), width=2, embedding=4),
    "stgram_mfn": lambda: on(
        models.stgram_mfn, image(), image(512 * (FRAMES - 1)), width=2, embedding=4
    ),
    "window_autoencoder": windows,
    "interpolation_dnn": lambda: models.interpolation_dnn(5, BANDS, widths=(4, 2)),
    "predictive_autoencoder": predictive,
    "conformer_autoencoder": conformer,
    "conformer_block": conformer_blocks,
    "pool_tokens": pooled,
    **{
        kind: lambda kind=kind: build_encoder(
            FAMILIES[kind].sizes["tiny"], max(SAMPLES, FAMILIES[kind].least_samples)
        )
        for kind in FAMILIES
        if kind != "ced"
    },
    "ced": lambda: build_encoder(
        encoders.CedConfig(depth=1, width=32, heads=2, ffn=64, dropout=0.1), SAMPLES
    ),
    "recomputed": lambda: block(encoders.Recomputed),
    "gradient_decay": lambda: block(lambda inner: encoders.GradientDecay(inner, 0.5)),
    "segments": segments,
    "layer_drop": lambda: seeded(layers.LayerDrop(0.5), [6], [6]),
    "statistics": lambda: frontend(
        frontends.LogMel(n_mels=BANDS),
        frontends.TemporalMeanNormalization(),
        frontends.TimeStatistics(),
    ),
    "deviation_pooling": lambda: frontend(
        frontends.LogMel(n_mels=BANDS), layers.DeviationPooling(2.0, 3.0)
    ),
    "changes": lambda: frontend(frontends.LogMel(n_mels=BANDS), frontends.DeviationOfDifferences()),
    "modulation": lambda: frontend(
        frontends.LogMel(n_mels=BANDS, frame_length=512, frame_step=160),
        frontends.ModulationSpectrum(),
    ),
    "long_term_bands": lambda: frontend(*long_term(), frontends.BandMeans(8)),
    "long_term_peaks": lambda: frontend(*long_term(), frontends.BandPeaks(16)),
    "root_mean_square": lambda: frontend(frontends.RootMeanSquare()),
    "adacos": lambda: called(losses.SubclusterAdaCos(3, 2), image(6), image(3)),
    "arcface": lambda: called(losses.ArcFace(3), image(6), image(3)),
    "ddcsad": lambda: called(losses.DDCSAD(), image(6), image(1)),
    "geco": lambda: called(
        losses.GenerativeContrastiveLoss(3, l2=1e-3), keras.Input([6], batch_size=8), ids()
    ),
    "spec_augment": lambda: seeded(augmentation.SpecAugment(**MASKS), [FRAMES, BANDS]),
    "mix_pairs": lambda: called(augmentation.MixPairs(), image(6), image(6), image(1)),
    "arcface_nll": arcface_nll,
    "ddcsad_scores": ddcsad_scores,
    "class_log_odds": lambda: head(heads.ClassLogOdds(), *[image(4)] * 2),
    "apply_to_crops": crops,
    "window_errors": lambda: on_features(heads.WindowErrors(windows())),
    "prediction_errors": lambda: on_features(heads.PredictionErrors(predictive())),
    "residual_distances": lambda: on_features(heads.ResidualDistances(windows(), precisions())),
    "replica_errors": lambda: called(
        heads.ReplicaErrors(conformer(), 2, replicas=2), image(), ids()
    ),
    "reconstruct_frames": lambda: called(
        layers.ReconstructFrames([predictive(), predictive()]), image(), ids(), ids(8)
    ),
}


def inputs_of(model, clips=4):
    """Returns noise, and zeros and ones for integers."""
    rng = np.random.default_rng(0)
    values = []
    for tensor in model.inputs:
        shape = [tensor.shape[0] or clips, *tensor.shape[1:]]
        is_float = tf.as_dtype(tensor.dtype).is_floating
        values.append(rng.normal(0, 0.1, shape) if is_float else rng.integers(0, 2, shape))
    values = [v.astype("float32" if v.dtype.kind == "f" else "int32") for v in values]
    return values if len(values) > 1 else values[0]


# Those of many layers, which take long to make, and none of which is of a kind of its own.
LARGE = ("efficientnet_b3", "mobilenet_v2", "mobile_face_net", "resnext50")
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in NETWORKS]


@functools.cache
def built(name: str) -> keras.Model:
    return NETWORKS[name]()


@pytest.mark.parametrize("name", NAMES)
def test_a_network_comes_back_with_its_weights(name, tmp_path):
    """A loaded network must have the same weights and compute the same."""
    model = built(name)
    rng = np.random.default_rng(1)
    for weight in model.weights:
        # Counters, biases and statistics too get values that a new network does not have.
        if len(weight.shape) < 2:
            change = rng.uniform(0.01, 0.1, weight.shape)
            weight.assign(weight.numpy() + (change if tf.as_dtype(weight.dtype).is_floating else 3))
    inputs = inputs_of(model)
    expected = model(inputs, training=False)
    assert np.isfinite(expected).all()
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(loaded(inputs, training=False), expected, rtol=1e-5, atol=1e-5)
    assert len(loaded.weights) == len(model.weights)
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_no_layer_is_left_out():
    """Every registered layer must be in one of these networks."""
    registered = {
        found
        for name, found in keras.saving.get_custom_objects().items()
        if name.startswith("asd_tf>") and issubclass(found, keras.layers.Layer)
    }
    used = {type(layer) for name in NETWORKS if name != LARGE for layer in sublayers(built(name))}
    assert len(registered) > 40
    assert not {kind.__name__ for kind in registered - used}
