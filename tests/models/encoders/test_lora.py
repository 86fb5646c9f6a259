"""Low-rank adaptation must start as the pre-trained function, train only itself, and merge."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import of_kind

from asd_tf.checkpoints.adapter import load_adapter, merge_into, save_adapter
from asd_tf.checkpoints.mapping import variables_of
from asd_tf.errors import InputError
from asd_tf.models.encoders.beats import BeatsConfig
from asd_tf.models.encoders.blocks import Parts
from asd_tf.models.encoders.build import FAMILIES, build_encoder
from asd_tf.models.encoders.ced import CedConfig
from asd_tf.models.encoders.lora import (
    LoRADense,
    LoraPlan,
    freeze_all_but_lora,
    layers_of,
    lora_layers,
    parameter_counts,
)

SAMPLES = 4000
CONFIG = BeatsConfig(
    embed=16, depth=2, width=32, ffn=32, heads=2, conv_positions=4, conv_groups=2
)  # fmt: skip
PLAN = LoraPlan(alpha=8.0, rank=4, boost=1.5, boost_matrices=("v",), boost_layers="latter half")


@pytest.fixture(scope="module")
def wave():
    return np.random.default_rng(0).normal(size=(2, SAMPLES)).astype(np.float32)


def adapted(plan=PLAN, config=CONFIG, seed=0):
    keras.utils.set_random_seed(seed)
    encoder = build_encoder(config, SAMPLES, Parts(dense=plan.dense(config.depth)))
    freeze_all_but_lora(encoder)
    return encoder


@pytest.fixture(scope="module")
def trained():
    """An adapter that has moved far."""
    encoder = adapted()
    for layer in lora_layers(encoder):
        layer.lora_b.assign(tf.random.stateless_normal(layer.lora_b.shape, [0, 1]))
    return encoder


@pytest.fixture(scope="module")
def untouched():
    return adapted()


def test_training_begins_at_the_pretrained_function(wave, untouched):
    """Fine-tuning must start at the pre-trained function."""
    plain = build_encoder(CONFIG, SAMPLES)
    places = variables_of(untouched)
    for name, variable in variables_of(plain).items():
        variable.assign(places[name])
    # Up to rounding: the two kinds of dense layers can use different kernels of a CPU.
    np.testing.assert_allclose(untouched(wave), plain(wave), rtol=1e-5, atol=1e-5)


def test_only_the_low_rank_matrices_move(wave):
    """Training must change the adapter and keep the pre-trained weights."""
    encoder = adapted()
    before = {name: variable.numpy() for name, variable in variables_of(encoder).items()}
    encoder.compile(keras.optimizers.Adam(0.05), "mse")
    encoder.fit(wave, np.ones([2, *encoder.output_shape[1:]]), epochs=2, verbose=0)
    after = {name: variable.numpy() for name, variable in variables_of(encoder).items()}
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved == {
        f"layer_{layer}_{kind}/{weight}"
        for layer in (0, 1)
        for kind in "qv"
        for weight in ("lora_a", "lora_b")
    }


def test_unfreezing_everything_later_leaves_the_adapted_kernels_frozen():
    """The kernel must stay frozen if a network is set to trainable."""
    encoder = adapted()
    encoder.trainable = False
    encoder.trainable = True
    names = {id(variable): name for name, variable in variables_of(encoder).items()}
    trained_names = {names[id(weight)] for weight in encoder.trainable_weights}
    assert not {"layer_0_q/kernel", "layer_1_v/bias"} & trained_names
    assert "layer_0_k/kernel" in trained_names


def test_norms_with_statistics_stay_at_them_in_training():
    """The statistics of CED's first norm must not change while it is frozen."""
    config = CedConfig(width=32, heads=2, ffn=32, depth=1)
    keras.utils.set_random_seed(0)
    encoder = build_encoder(config, 16000, Parts(dense=PLAN.dense(1)))
    freeze_all_but_lora(encoder)
    norms = of_kind(encoder, keras.layers.BatchNormalization)
    assert norms
    before = norms[0].moving_mean.numpy()
    encoder.compile("sgd", "mse")
    wave = np.random.default_rng(0).normal(size=(2, 16000)).astype(np.float32)
    encoder.fit(wave, np.ones([2, *encoder.output_shape[1:]]), verbose=0)
    np.testing.assert_array_equal(norms[0].moving_mean.numpy(), before)


def test_merged_into_plain_layers_it_scores_the_same(wave, trained, untouched):
    """Merged weights must compute the function that was trained."""
    plain = build_encoder(CONFIG, SAMPLES)
    merge_into(plain, trained)
    assert not lora_layers(plain)
    assert np.abs(untouched(wave) - trained(wave)).max() > 0.1
    np.testing.assert_allclose(plain(wave), trained(wave), rtol=0, atol=5e-6)
    layer = next(layer for layer in lora_layers(trained) if layer.name == "layer_1_v")
    a, b, kernel = (
        x.numpy().astype(np.float64) for x in (layer.lora_a, layer.lora_b, layer.kernel)
    )
    merged = variables_of(plain)["layer_1_v/kernel"].numpy()
    np.testing.assert_array_equal(merged, (kernel + 8.0 / 6 * a @ b).astype(np.float32))


def test_other_encoders_are_not_merged(trained):
    """Merging different encoders must be refused without changing anything."""
    other = build_encoder(FAMILIES["beats"].sizes["tiny"], SAMPLES)
    before = other.get_weights()
    with pytest.raises(InputError, match="not the same"):
        merge_into(other, trained)
    for one, two in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_adapter_alone_restores_the_function(wave, trained, tmp_path):
    """A saved adapter must be small and restore the function."""
    save_adapter(tmp_path / "a.safetensors", trained, PLAN)
    fresh = adapted()
    load_adapter(tmp_path / "a.safetensors", fresh, PLAN)
    np.testing.assert_array_equal(fresh(wave), trained(wave))
    values = parameter_counts(trained)[0]
    assert 4 * values < (tmp_path / "a.safetensors").stat().st_size < 4 * values + 2000


@pytest.mark.parametrize("damage", ["cut", "altered", "missing", "plan", "depth"])
def test_adapters_that_do_not_fit_change_nothing(damage, trained, untouched, tmp_path):
    """A damaged or foreign adapter must be refused without changing anything."""
    path = tmp_path / "a.safetensors"
    save_adapter(path, trained, PLAN)
    content = path.read_bytes()
    fresh, plan = untouched, PLAN
    if damage == "cut":
        path.write_bytes(content[:-7])
    elif damage == "altered":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "missing":
        path.unlink()
    elif damage == "plan":
        plan = LoraPlan(alpha=16.0, rank=4)
    else:
        fresh = adapted(config=BeatsConfig(embed=16, depth=1, width=32, ffn=32, heads=2,
                                           conv_positions=4, conv_groups=2))  # fmt: skip
    before = fresh.get_weights()
    with pytest.raises(InputError, match=r"a\.safetensors: "):
        load_adapter(path, fresh, plan)
    for one, two in zip(before, fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


TABLES = {  # trained matrices by kind, and their parameters in BEATs' base size
    "table 2, r=64": (LoraPlan(alpha=8.0), 2_359_296),
    "table 2, r=4": (LoraPlan(alpha=8.0, rank=4), 147_456),
    "table 3, k": (LoraPlan(alpha=8.0, matrices=("k",)), 1_179_648),
    "table 5, 1-4,9-12": (LoraPlan(alpha=8.0, layers="1-4,9-12"), 1_572_864),
    "table 6, (1)": (LoraPlan(alpha=8.0, boost=1.5, boost_matrices=("v",)), 2_949_120),
    "table 6, (2)": (
        LoraPlan(alpha=8.0, boost=1.5, boost_matrices=("q", "v"), boost_layers="latter half"),
        2_949_120,
    ),
    "table 6, (3)": (
        LoraPlan(alpha=8.0, boost=1.5, boost_matrices=("v",), boost_layers="7-12"),
        2_654_208,
    ),
    "frozen": (LoraPlan(alpha=8.0, matrices=()), 0),
}


@pytest.mark.parametrize("row", TABLES)
def test_the_rows_of_the_tables(row):
    """The plans of the paper's tables must adapt the stated matrices and ranks."""
    plan, expected = TABLES[row]
    found = 0
    for layer in range(12):
        for kind in ("q", "k", "v", "out", "ffn1", "ffn2"):
            made = plan.dense(12)(768, name=f"layer_{layer}_{kind}", kind=kind, layer=layer)
            if isinstance(made, LoRADense):
                found += made.rank * (768 + 768)
                assert made.factor == plan.alpha / made.rank
    assert found == expected


def test_counts_of_what_is_trained(untouched):
    """Numbers of parameters must be those of the network."""
    trainable, total = parameter_counts(untouched)
    plain = parameter_counts(build_encoder(CONFIG, SAMPLES))
    assert trainable == (4 + 4 + 4 + 6) * (32 + 32)
    assert plain == (total - trainable, total - trainable)
    assert parameter_counts(adapted(LoraPlan(alpha=1.0, matrices=()))) == (0, plain[1])


def test_dropout_is_drawn_by_the_seed_of_the_step_and_never_in_scoring():
    """A repeated step must drop the same values."""
    layer = LoRADense(3, rank=2, alpha=2.0, dropout=0.5, name="layer_0_q")
    x, seeds = tf.ones([4, 8]), [tf.constant([0, step], tf.int64) for step in (0, 1)]
    layer([x, seeds[0]])
    layer.lora_b.assign(tf.ones([2, 3]))
    first, again, other = (layer([x, seeds[i]], training=True).numpy() for i in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(layer([x, seeds[0]]), layer([x, seeds[1]]))


def test_the_layer_is_saved_with_a_network(tmp_path):
    """A network with adapters must be saved and loaded."""
    x = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    network = keras.Sequential([keras.Input([5]), LoRADense(4, rank=2, alpha=3.0)])
    network.layers[0].lora_b.assign(tf.ones([2, 4]))
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(loaded(x), network(x))
    assert parameter_counts(loaded) == (18, 42)


def test_half_precision_keeps_the_weights_in_single():
    """Weights must stay float32 in mixed precision."""
    layer = LoRADense(3, rank=2, alpha=2.0, dtype=keras.mixed_precision.Policy("mixed_float16"))
    assert layer(tf.ones([4, 8])).dtype == tf.float16
    assert {tf.as_dtype(weight.dtype) for weight in layer.weights} == {tf.float32}


@pytest.mark.parametrize(
    "values",
    [{"alpha": 0.0}, {"rank": 0}, {"matrices": ("qv",)}, {"dropout": 1.0}, {"boost": 0.0},
     {"boost_matrices": ("k",)}],
)  # fmt: skip
def test_plans_that_mean_nothing_are_refused(values):
    """Values out of range and unknown matrices must be refused."""
    with pytest.raises(ValueError, match=" must "):
        LoraPlan(**{"alpha": 8.0, **values})


@pytest.mark.parametrize("text", ["1-13", "0-3", "4-2", "last", "", "1,,2"])
def test_layers_that_are_not_there_are_refused(text):
    """Layers that the encoder does not have must be refused."""
    with pytest.raises(ValueError, match="1-12"):
        layers_of(text, 12)
    assert layers_of("2, 11-12", 12) == {1, 10, 11}
