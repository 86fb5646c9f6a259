"""Every number of a recipe: legal values build a network, others are refused before a write."""

import functools
import re

import keras
import pytest
from harness import exit_of

from asd_tf.cli import train
from asd_tf.config import apply_overrides, flatten, load_recipe, method_names, recipe_names
from asd_tf.data.layouts.readers import read_clips
from asd_tf.errors import UsageError
from asd_tf.methods import ae, asai, geco, idnn, mobilenetv2, pae, resnet18, stgram, wilkinghoff
from asd_tf.methods.common.checks import samples_of
from asd_tf.methods.common.crop_classifiers import crop_resnet
from asd_tf.methods.kuroyanagi import autoencoder_networks, classifier_networks
from asd_tf.methods.registry import MODULES, load_method
from asd_tf.methods.zheng import embedding_networks
from asd_tf.models.encoders.build import FAMILIES
from asd_tf.models.encoders.lora import LoraPlan
from asd_tf.training.stage import Stage

ABSURD = 10**9


def numbers(config) -> dict[str, float]:
    """Returns the numbers of a recipe by key, the first one of a sequence."""
    found = {}
    for key, value in flatten(config).items():
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, int | float) and not isinstance(first, bool):
            found[key] = value
    return found


def text_of(value, number) -> str:
    """Writes a number as the command line has it, as a sequence where the value is one."""
    if isinstance(value, list):
        kind = type(value[0])
        return f"({', '.join(str(kind(number)) for _ in value)},)"
    return str(type(value)(number))


def quick(method: str, *assignments: str):
    """Returns a recipe at the size of the shared test, with changes."""
    import importlib

    config = load_recipe(method, "quick")
    overrides = importlib.import_module(f"asd_tf.configs.{method}.quick").TEST
    apply_overrides(config, [*overrides, *assignments])
    return config


@pytest.fixture(scope="module")
def clips(dataset):
    return read_clips(dataset)[0]


def test_methods_are_registered_once():
    """Each method must have recipes and a module with `check` and `fit`."""
    assert sorted(MODULES) == method_names()
    for name in MODULES:
        module = load_method(name)
        assert callable(module.check)
        assert callable(module.fit)


@pytest.mark.parametrize(
    ("method", "recipe"), [(m, r) for m in method_names() for r in recipe_names(m)]
)
def test_no_absurd_number_passes_the_check(method, recipe, clips):
    """A value of a wrong type, or of no sensible size, must be refused with key and value."""
    module, passed = load_method(method), []
    for key, value in numbers(load_recipe(method, recipe)).items():
        with pytest.raises(UsageError, match=re.escape(key)):
            apply_overrides(load_recipe(method, recipe), [f"{key}=many"])
        if key.startswith(("data.", "fusion.published")):
            continue  # of the data, checked for all methods before; published constants
        for number in (-ABSURD, ABSURD):
            config = load_recipe(method, recipe)
            assignment = f"{key}={text_of(value, number)}"
            apply_overrides(config, ["data.seconds=10.0", assignment])
            if hasattr(module, "fill_in"):
                module.fill_in(config, "dcase2022")
            try:
                module.check(config, clips)
            except UsageError as error:
                # Keys that share their number are named by the first of them.
                assert f"{number}" in str(error), (assignment, error)
            else:
                passed.append(assignment)
    assert not passed


CASES = [
    (method, key, number)
    for method in method_names()
    for key in numbers(quick(method))
    for number in (0, -1)
    if method not in ("ensemble", "kuroyanagi")  # their parts are methods of their own
]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "key", "number"), CASES)
def test_zero_and_minus_one_build_a_network_or_are_refused(method, key, number, clips, tmp_path):
    """What passes the check must be a network that can be built."""
    value = numbers(quick(method))[key]
    config = quick(method, f"{key}={text_of(value, number)}")
    if method == "zheng":
        # Without weights, it has more keys.
        apply_overrides(config, ["encoder.kind=beats"])
        load_method(method).fill_in(config, "dcase2022")
    try:
        load_method(method).check(config, clips)
    except UsageError as error:
        # Keys that share their number are named by the first of them.
        assert f"={number}" in str(error) or key.rsplit(".", 1)[-1] in str(error)
        return
    keras.utils.set_random_seed(0)
    BUILDERS[method](config, Stage(tmp_path / "stage", tmp_path / "tensorboard", seed=0))


def build_frames(module, config, stage):
    module.build(config, config.frontend.n_mels, -30.0, 10.0, 2)


def build_wilkinghoff(config, stage):
    network = wilkinghoff.build_network(config, samples_of(config), config.network.branches)
    wilkinghoff.training_model(config, network, 4)


def build_asai(config, stage):
    bands = config.frontend.n_mels
    layer = keras.layers.Normalization(mean=[0.0] * bands, variance=[1.0] * bands)
    asai.training_model(config, asai.build_parts(config, samples_of(config), layer), 4)


def build_zheng(config, stage):
    shape = FAMILIES[config.encoder.kind].sizes["tiny"]
    plan = LoraPlan(**config.lora)
    parts = embedding_networks.parts_of(config, shape, plan, stage)
    network = embedding_networks.build_network(config, shape, samples_of(config), parts)
    embedding_networks.training_model(config, network, 4, config.train, 100)


def build_geco(config, stage):
    core = crop_resnet(config, config.frontend.n_mels, -30.0, 10.0)
    model = pae.build(config.pae, config.frontend.n_mels, -30.0, 10.0, 2)
    training = geco.training_model(config, core, [model.training], 4, 2)
    geco.balance_schedule(config, training, 2)


def build_resnet18(config, stage):
    resnet18.classifier(config, crop_resnet(config, config.frontend.n_mels, -30.0, 10.0), 4, 2)


def build_stgram(config, stage):
    network = stgram.build_network(config, samples_of(config))
    stgram.training_model(config, network, 4, 2)


def build_autoencoder(config, stage):
    autoencoder_networks.training_model(config, (16, config.frontend.n_mels), 2, 0)


def build_classifier(config, stage):
    standardize = keras.layers.Normalization(axis=None, mean=-30.0, variance=100.0)
    classifier_networks.binary_network(config, config.train, standardize)


BUILDERS = {
    "ae": functools.partial(build_frames, ae),
    "asai": build_asai,
    "geco": build_geco,
    "idnn": functools.partial(build_frames, idnn),
    "kuroyanagi_ae": build_autoencoder,
    "kuroyanagi_bc": build_classifier,
    "frozen": lambda config, stage: None,  # its check builds it
    "loudness": lambda config, stage: None,
    "mahalanobis": lambda config, stage: None,
    "statistics": lambda config, stage: None,
    "mobilenetv2": lambda config, stage: mobilenetv2.classifier(config, config.frontend.n_mels, 2),
    "pae": functools.partial(build_frames, pae),
    "resnet18": build_resnet18,
    "stgram": build_stgram,
    "wilkinghoff": build_wilkinghoff,
    "zheng": build_zheng,
}


@pytest.mark.parametrize(
    ("method", "assignment"),
    [
        ("stgram", "loss.margin=3"),
        ("mahalanobis", "frontend.n_mels=0"),
        ("pae", "network.heads=7"),
        ("geco", "loss.temperature=0"),
        ("zheng", "lora.layers=many"),
    ],
)
def test_a_wrong_value_is_one_line_and_leaves_no_folder(
    method, assignment, dataset, tmp_path, capsys
):
    """Exit status 2, key and value; the corrected command must find no folder in its way."""
    flags = (f"--method={method}", "--recipe=quick", f"--set={assignment}", f"--data_dir={dataset}")
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'run'}") == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    assert assignment.split("=")[0] in lines[0]
    assert "defect" not in lines[0]
    assert not (tmp_path / "run").exists()
