"""The Kuroyanagi system: what its recipes build, and which values are refused."""

from pathlib import Path

import keras
import ml_collections
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from small_kuroyanagi import SMALL

from asd_tf.compat import path_of
from asd_tf.config import apply_overrides, load_recipe, recipe_names
from asd_tf.errors import UsageError
from asd_tf.methods.common import ensembles
from asd_tf.methods.kuroyanagi import autoencoder, autoencoder_networks, classifier
from asd_tf.methods.kuroyanagi.classifier_networks import BinaryNetwork, binary_network
from asd_tf.training.one_cycle import one_cycle_rate

# Those that build the networks of others once more are slow tests.
ALIKE = {("kuroyanagi", "paper"), ("kuroyanagi", "mix")}
RECIPES = [
    pytest.param(method, recipe, marks=[pytest.mark.slow] if (method, recipe) in ALIKE else [])
    for method in SMALL
    for recipe in recipe_names(method)
]


def small_recipe(method: str, recipe: str) -> ml_collections.ConfigDict:
    config = load_recipe(method, recipe)
    apply_overrides(config, SMALL[method])
    return config


def one_step(part: str, recipe: ml_collections.ConfigDict) -> float:
    """Returns the loss of one eager step of a candidate; compiling would take longer."""
    if part == "ae":
        model = autoencoder_networks.training_model(recipe, (12, 16), 2, 0)
        log_mel = np.random.default_rng(0).normal(size=[2, 12, 16]).astype(np.float32)
        batch = [log_mel, np.arange(2), np.ones_like(log_mel)], np.ones([2, 12, 17])
    else:
        network = classifier_of(recipe)
        model = network.training
        waveform = np.random.default_rng(0).normal(size=[2, network.samples])
        label = np.array([[1.0], [0.0]])
        targets = {"posterior": label, "arcface": np.eye(2)}
        batch = [waveform, label], {name: targets[name] for name in model.output_names}
    model.run_eagerly = True
    return np.atleast_1d(model.train_on_batch(*batch))[0]


def classifier_of(recipe: ml_collections.ConfigDict) -> BinaryNetwork:
    keras.utils.set_random_seed(0)
    standardize = keras.layers.Normalization(axis=None, mean=-30.0, variance=100.0)
    return binary_network(recipe, recipe.train, standardize)


@pytest.mark.parametrize(("method", "recipe"), RECIPES)
def test_every_recipe_trains(method, recipe):
    """Each recipe must load, and its first two networks must train."""
    config = small_recipe(method, recipe)
    parts = {"ae": autoencoder, "bc": classifier}
    for part, module in parts.items():
        own = config if method.endswith(part) else config.get(part)
        if own is not None:
            whole = {**own.to_dict(), "data": config.data, "calibration": config.calibration}
            recipes = ensembles.candidates(ml_collections.ConfigDict(whole), module.OF_NETWORK)
            for candidate in recipes[:2]:
                if "blocks" in own.ensemble.vary.get("network", {}):
                    apply_overrides(candidate, SMALL[f"kuroyanagi_{part}"])
                assert np.isfinite(one_step(part, candidate))


def test_the_networks_that_vote_are_averaged():
    """Of bc_ens and `machines`, the score must be the mean over all that did not reject a clip."""
    config = load_recipe("kuroyanagi_bc", "bc_ens")
    apply_overrides(config, ["ensemble.sections=all_but_rejecting"])
    chosen = {
        ("fan", section): [
            classifier.Classifier(f"{section}-{policy}", Path(), 1, 0.0, policy)
            for policy in ("both", "machines")
        ]
        for section in ("00", "01", "02")
    }
    found = classifier.scorers_of(config, chosen, ("fan", "01"))
    weights = {scorer.extractor: scorer.weight for scorer in found}
    assert weights == dict.fromkeys(["01-both", "01-machines", "00-machines", "02-machines"], 1 / 4)


def test_the_networks_of_an_ensemble_vary_in_their_outliers():
    """Section 3.2: the choice of pseudo-anomalous examples changes from network to network."""
    recipes = ensembles.candidates(load_recipe("kuroyanagi_bc", "bc_ens"), classifier.OF_NETWORK)
    assert [recipe.outliers.source for recipe in recipes] == ["both", "same_dataset", "both"]


@pytest.mark.slow
def test_efficientnet_learns_in_the_same_place():
    """Its convolutions must have the smaller learning rate, and its dense layer the larger."""
    config = small_recipe("kuroyanagi_bc", "baseline_bc")
    config.network.kind, config.crop.frames = "efficientnet_b3", 32
    network = classifier_of(config)
    assert network.encoder.output_shape == (None, 8)
    factors = network.training.optimizer.get_config()["factors"]
    kernels = [path_of(w) for w in network.encoder.trainable_weights if len(w.shape) == 4]
    assert {factors[name] for name in kernels} == {0.5}
    assert "embedding/kernel" not in factors


def test_the_rates_are_the_papers():
    """They must be 1e-3 for dense layers and 5e-4 for convolutions, in one cycle of 8,000 steps."""
    network = classifier_of(small_recipe("kuroyanagi_bc", "baseline_bc"))
    optimizer = network.training.optimizer
    rate = keras.optimizers.schedules.deserialize(optimizer.get_config()["learning_rate"])
    assert rate.get_config() == one_cycle_rate(1e-3, 8000).get_config()
    convolution = network.training.trainable_weights[0]
    dense = network.posterior.kernel
    gradients = [tf.ones_like(convolution), tf.ones_like(dense)]
    before = convolution.numpy(), dense.numpy()
    optimizer.build(network.training.trainable_variables)
    optimizer.apply_gradients(zip(gradients, (convolution, dense), strict=True))
    moved = [np.ptp(old - new.numpy()) + np.mean(old - new.numpy())
             for old, new in zip(before, (convolution, dense), strict=True)]  # fmt: skip
    assert moved[0] == pytest.approx(moved[1] / 2, rel=1e-2)


def test_candidates_take_the_values_that_vary_in_turn():
    config = load_recipe("kuroyanagi_ae", "ae_ens")
    recipes = ensembles.candidates(config, autoencoder.OF_NETWORK)
    assert [recipe.network.blocks for recipe in recipes] == [4, 3, 2, 5, 4, 3, 2, 5, 4, 3]
    assert [recipe.network.kernel for recipe in recipes[:4]] == [31, 15, 7, 31]
    assert {recipe.network.heads for recipe in recipes} == {4}
    assert ensembles.best([0.3, 0.1, 0.2], 2) == [1, 2]


@pytest.mark.parametrize(
    ("method", "assignments", "message"),
    [
        ("kuroyanagi_ae", ["ensemble.size=3"], "there are ensemble.candidates=1"),
        ("kuroyanagi_ae", ["ensemble.rule=mode"], "ensemble.rule=mode: must be one of"),
        ("kuroyanagi_ae", ["replicas.pool=min"], "replicas.pool"),
        ("kuroyanagi_ae", ["calibration.held_out=0.0"], "calibration.held_out=0.0: must be"),
        ("kuroyanagi_bc", ["target.clips=5"], "target.clips=5: use an even number"),
        ("kuroyanagi_bc", ["network.kind=resnet43"], "network.kind"),
        ("kuroyanagi_bc", ["outliers.source=all"], "outliers.source"),
    ],
)
def test_impossible_values_are_refused(method, assignments, message):
    config = load_recipe(method, "quick")
    apply_overrides(config, ["data.seconds=10.0", *assignments])
    module = {"kuroyanagi_ae": autoencoder, "kuroyanagi_bc": classifier}[method]
    with pytest.raises(UsageError, match=message):
        module.check(config, no_clips())


def no_clips() -> pd.DataFrame:
    columns = ["clip_id", "machine", "section", "domain", "split"]
    return pd.DataFrame(columns=columns, dtype=str)
