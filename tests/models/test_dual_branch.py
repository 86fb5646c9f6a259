"""The network must have the paper's sizes with every option, also in half precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.frontends.mel import LogMel
from asd_tf.frontends.normalization import TemporalMeanNormalization
from asd_tf.frontends.spectrogram import MagnitudeSpectrogram
from asd_tf.frontends.spectrum import MagnitudeSpectrum
from asd_tf.losses.subcluster_adacos import SubclusterAdaCos
from asd_tf.models.dual_branch import embedding_model
from asd_tf.models.layers.convolutions import BlockConv1D, StemConv2D

SHORT = 8000
TINY = {"width": 2, "dense": 8}


@pytest.fixture(scope="module")
def full_model():
    return embedding_model(160000)


@pytest.fixture
def policy(request):
    keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    keras.mixed_precision.set_global_policy("float32")


def size_of(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables)


def noise(clips=3, samples=SHORT):
    return tf.random.stateless_normal([clips, samples], [1, 2], stddev=0.1)


def with_loss(network, classes, **kwargs):
    label = keras.Input([classes])
    probabilities = SubclusterAdaCos(classes, **kwargs)([network.output, label])
    return keras.Model([network.input, label], probabilities)


def sizes(model, *kinds):
    return [tuple(x.output.shape[1:]) for x in model.layers if isinstance(x, kinds)]


def test_parameters_are_those_of_the_published_network(full_model):
    training = with_loss(full_model, 342)
    assert size_of(training.trainable_variables) == 2_540_978
    assert size_of(training.non_trainable_variables) == 1_408_675
    assert full_model.output_shape == (None, 256)


def test_spectrogram_branch_has_the_sizes_of_table_1(full_model):
    assert sizes(full_model, MagnitudeSpectrogram) == [(311, 513)]
    convolutions = sizes(full_model, StemConv2D, keras.layers.Conv2D)
    convolutions = [size for size in convolutions if len(size) == 3]
    counts = [(size, convolutions.count(size)) for size in dict.fromkeys(convolutions)]
    assert counts == [
        ((156, 257, 16), 1),
        ((77, 128, 16), 4),
        ((39, 64, 32), 5),
        ((20, 32, 64), 5),
        ((10, 16, 128), 5),
    ]
    assert (1, 16, 128) in sizes(full_model, keras.layers.MaxPooling2D)
    # The table prints 2056.
    assert (2048,) in sizes(full_model, keras.layers.Flatten)


def test_spectrum_branch_has_the_sizes_of_table_2(full_model):
    assert sizes(full_model, MagnitudeSpectrum) == [(80000,)]
    assert sizes(full_model, BlockConv1D) == [(1250, 128), (40, 128), (10, 128)]
    assert (1280,) in sizes(full_model, keras.layers.Flatten)
    assert len([x for x in full_model.layers if isinstance(x, keras.layers.Dense)]) == 6


def test_every_bin_has_a_norm_of_its_own(full_model):
    norms = [x for x in full_model.layers if isinstance(x, keras.layers.BatchNormalization)]
    assert [x.gamma.shape[0] for x in norms].count(513) == 1
    assert all(x.epsilon == 1e-3 and x.momentum == 0.99 for x in norms)


@pytest.mark.parametrize("samples", [3072, 8000, 8001, 32000, 288000])
def test_clips_of_half_a_second_to_eighteen_have_embeddings(samples):
    model = embedding_model(samples, **TINY)
    assert model(noise(2, samples)).shape == (2, 16)


def test_two_seconds_are_61_frames_and_all_are_pooled():
    model = embedding_model(32000, branches="spectrogram", **TINY)
    assert sizes(model, MagnitudeSpectrogram) == [(61, 513)]
    assert sizes(model, keras.layers.MaxPooling2D)[-1] == (1, 16, 16)


def test_too_short_clips_are_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^samples must be at least 3072, got 3071$"):
        embedding_model(3071)


@pytest.mark.parametrize(
    "options",
    [
        {"branches": "spectrum", "use_bias": True},
        {
            "branches": "spectrogram",
            "spectrogram": "log_mel",
            "temporal_normalization": False,
            "graph": "bn_on_trunk_2023",
        },
        pytest.param({"combine": "add", "l2": 0.0}, marks=pytest.mark.slow),
    ],
    ids=["spectrum", "spectrogram", "add"],
)
def test_networks_with_other_options_learn_in_all_weights(options):
    keras.utils.set_random_seed(0)
    model = embedding_model(SHORT, **TINY, **options)
    training = with_loss(model, 3, subclusters=2)
    training.compile(keras.optimizers.Adam(1e-2), keras.losses.CategoricalCrossentropy())
    labels = np.eye(3, dtype=np.float32)
    before = [variable.numpy() for variable in model.trainable_variables]
    losses = [training.train_on_batch([noise(), labels], labels) for _ in range(8)]
    assert losses[-1] < losses[0]
    assert all(
        np.any(old != new.numpy())
        for old, new in zip(before, model.trainable_variables, strict=True)
    )


def test_options_do_what_they_say():
    def model(**options):
        return embedding_model(SHORT, **TINY, **options)

    def kinds(network):
        return {type(layer) for layer in network.layers}

    assert model(branches="spectrum").output_shape == (None, 8)
    assert not kinds(model(branches="spectrum")) & {MagnitudeSpectrogram, StemConv2D}
    assert not kinds(model(branches="spectrogram")) & {MagnitudeSpectrum, BlockConv1D}
    assert model(combine="add").output_shape == (None, 8)
    assert LogMel in kinds(model(spectrogram="log_mel"))
    assert TemporalMeanNormalization not in kinds(model(temporal_normalization=False))
    weighted = [x for x in model().layers if hasattr(x, "kernel")]
    assert all(x.bias is None for x in weighted)
    assert all(float(x.kernel_regularizer.l2) == pytest.approx(1e-5) for x in weighted)
    biased = [x for x in model(use_bias=True).layers if hasattr(x, "kernel")]
    assert len(biased) == len(weighted)
    assert all(x.bias is not None for x in biased)
    # The norm of the first residual path and that of the trunk have equally many parameters.
    old, new = model(graph="bn_on_trunk_2023"), model()
    assert old.count_params() == new.count_params()
    old.set_weights(new.get_weights())
    assert np.abs(old(noise()) - new(noise())).max() > 1e-6


@pytest.mark.parametrize("option", ["branches", "combine", "spectrogram", "graph"])
def test_unknown_options_are_refused(option):
    with pytest.raises(ValueError, match=rf"^{option} must be one of .*, got 'other'$"):
        embedding_model(SHORT, **{option: "other"})


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"], indirect=True)
def test_what_could_overflow_stays_float32(policy):
    model = embedding_model(SHORT, **TINY)
    wide = (
        MagnitudeSpectrum,
        MagnitudeSpectrogram,
        TemporalMeanNormalization,
        keras.layers.BatchNormalization,
        keras.layers.Reshape,
    )
    half = policy.removeprefix("mixed_")
    by_dtype = {dtype: [] for dtype in ("float32", half)}
    for layer in model.layers:
        by_dtype[layer.compute_dtype].append(layer)
    first, *others = [x for x in model.layers if isinstance(x, BlockConv1D)]
    assert first in by_dtype["float32"]
    assert all(x in by_dtype[half] for x in others)
    assert all(x in by_dtype[half] for x in model.layers if isinstance(x, keras.layers.Conv2D))
    assert all(x in by_dtype["float32"] for x in model.layers if isinstance(x, wide))
    assert model(noise()).dtype == tf.float32
    assert all(variable.dtype == tf.float32 for variable in model.variables)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_float16"], indirect=True)
def test_a_full_scale_tone_of_ten_seconds_trains_in_float16(policy):
    keras.utils.set_random_seed(0)
    network = embedding_model(160000, **TINY)
    training = with_loss(network, 2, subclusters=2)
    training.compile("adam", keras.losses.CategoricalCrossentropy())
    time = np.arange(160000) / 16000
    tones = np.sin(2 * np.pi * np.array([[1000], [400]]) * time).astype(np.float32)
    everything = keras.Model(network.input, [layer.output for layer in network.layers])
    for layer, outputs in zip(network.layers, everything(tones), strict=True):
        assert np.isfinite(outputs).all(), layer.name
    labels = np.eye(2, dtype=np.float32)
    assert np.isfinite(training.train_on_batch([tones, labels], labels))
    assert all(np.isfinite(variable).all() for variable in training.variables)


@pytest.mark.parametrize("graph", ["2024", "bn_on_trunk_2023"])
def test_is_saved_and_loaded(graph, tmp_path):
    model = embedding_model(SHORT, graph=graph, spectrogram="log_mel", **TINY)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(noise()), model(noise()), atol=1e-6)
