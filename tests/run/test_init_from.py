"""The networks of a run must be able to start from the weights of a finished one."""

import json
import shutil

import numpy as np
import pytest
from harness import exit_of, write_dataset
from interruption import weights

from asd_tf.cli import train
from asd_tf.experiment.training import warm_source
from asd_tf.run.init_from import checked_source, digest_of, source_of_network

SMALL = (
    "--method=ae", "--recipe=quick", "--set=data.seconds=0.5", "--set=train.steps_per_epoch=2",
    "--set=train.batch_size=8", "--set=network.hidden=8", "--set=network.depth=1",
    "--set=calibration.held_out=0.2", "--set=calibration.false_alarms=0.5",
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data"), machines=["fan"], sections=["00"])


@pytest.fixture(scope="module")
def first(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "first"
    assert trained(data, folder, "--set=train.epochs=2") == 0
    return folder


def trained(data, folder, *flags):
    return exit_of(train.main, *SMALL, f"--data_dir={data}", f"--run_dir={folder}", *flags)


def weights_of(run):
    [stage] = [done.parent.name for done in run.glob("stages/*/DONE") if list(
        done.parent.glob("*.weights.h5"))]  # fmt: skip
    found = weights(run, stage)
    return {name: value for name, value in found.items() if name.startswith("layers")}


def test_a_training_starts_from_the_weights(data, first, tmp_path, caplog):
    """Steps that change nothing must leave exactly these weights; seed and data may differ."""
    flags = ("--set=train.epochs=1", "--set=train.learning_rate=1e-30", "--seed=5")
    more = shutil.copytree(data, tmp_path / "more")
    clip = next(iter(sorted((more / "dev_data" / "fan" / "train").iterdir())))
    clip.rename(clip.with_name(clip.name.replace("_0000_", "_0099_")))
    run = tmp_path / "run"
    assert trained(more, run, *flags, f"--init_from={first}") == 0
    expected = weights_of(first)
    assert f"starts from {len(expected)} of {len(expected)} weights of {first}" in caplog.text
    fixed = [name for name in expected if "dense" in name]  # others are moving averages
    assert len(fixed) >= 8
    for name in fixed:
        value = weights_of(run)[name]
        np.testing.assert_allclose(value, expected[name], atol=1e-6, err_msg=name)
    settings = json.loads((run / "config.json").read_text())["settings"]
    assert len(settings["init_from"]) == 16
    # It is another training than that without.
    assert trained(more, run, *flags) == 2
    assert trained(more, run, *flags, f"--init_from={first / 'detector'}") == 0


def test_weights_of_another_shape_are_left(data, first, tmp_path, caplog):
    """What does not fit starts anew, and is named."""
    flags = ("--set=train.epochs=1", "--set=network.hidden=9", f"--init_from={first}")
    assert trained(data, tmp_path / "run", *flags) == 0
    assert "weights of" in caplog.text and "(another shape)" in caplog.text


def test_changed_clips_are_told_what_to_do(data, first, tmp_path, capsys, caplog):
    """Stages are tied to their clips: `--init_from` is the way to go on with others."""
    more = write_dataset(tmp_path / "more", machines=["fan"], sections=["00"], source=7)
    assert trained(more, first, "--set=train.epochs=2") == 2
    assert f"--init_from={first} starts from the weights of this run" in capsys.readouterr().err
    again = ("--set=train.epochs=2", f"--reuse={first}")
    assert trained(more, tmp_path / "run", *again) == 0
    assert f"--init_from={first} starts from its weights" in caplog.text


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing", "no finished training of a network is there"),
        ("alone", "the networks of a detector alone have no names of weights"),
    ],
)
def test_a_source_without_weights_is_refused(source, message, data, first, tmp_path, capsys):
    if source == "alone":
        shutil.copytree(first / "detector", tmp_path / source)
    assert trained(data, tmp_path / "run", f"--init_from={tmp_path / source}") == 2
    assert message in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_untrained_networks_start_from_nothing(data, first, tmp_path, capsys):
    assert trained(data, tmp_path / "run", f"--init_from={first}", "--untrained") == 2
    assert "exclude each other" in capsys.readouterr().err


CROSSED = ("--set=calibration.method=cross_fit_network", "--set=calibration.networks=2",
           "--set=train.epochs=1")  # fmt: skip


@pytest.fixture(scope="module")
def crossed(data, tmp_path_factory):
    """A run of two networks that starts from a run without any."""
    folder = tmp_path_factory.mktemp("runs") / "crossed"
    assert trained(data, folder, *CROSSED) == 0
    return folder


@pytest.mark.slow
def test_networks_that_leave_clips_out_start_from_those_of_their_name(
    data, first, crossed, tmp_path, caplog
):
    """A network that the other run has not, or none at all, starts from what there is."""
    three = ("--set=calibration.networks=3", f"--init_from={crossed}")
    assert trained(data, tmp_path / "three", *CROSSED, *three) == 0
    assert [caplog.text.count(f"weights of {crossed / 'networks' / name}\n") for name in "01"] == [
        2, 1
    ]  # fmt: skip
    caplog.clear()
    holdout = ("--set=calibration.method=holdout", "--set=train.epochs=1")
    assert trained(data, tmp_path / "holdout", *holdout, f"--init_from={first}") == 0
    assert f"weights of {first}\n" in caplog.text
    caplog.clear()
    assert trained(data, tmp_path / "alone", "--set=train.epochs=1", f"--init_from={crossed}") == 0
    assert f"weights of {crossed / 'networks' / '0'}\n" in caplog.text


def test_a_network_has_the_source_of_its_name(first, tmp_path):
    """A run whose networks are in a folder each must be a source, and its weights be told apart."""
    run = tmp_path / "run"
    shutil.copytree(first / "stages", run / "networks" / "1" / "stages")
    assert checked_source(run) == run
    assert source_of_network(run, "1") == run / "networks" / "1"
    assert source_of_network(run, "2") == run
    before = digest_of(run)
    [weights_file] = (run / "networks").glob("1/stages/*/*.weights.h5")
    weights_file.write_bytes(weights_file.read_bytes() + b"0")
    assert digest_of(run) != before


@pytest.mark.parametrize("flag", ["init_from", "reuse"])
@pytest.mark.parametrize("place", [".", "detector/..", "inside", ".."])
def test_a_run_is_not_its_own_source(data, first, tmp_path, capsys, flag, place):
    """What would be deleted or written must not be read; nothing may be lost by asking."""
    source = shutil.copytree(first, tmp_path / "outer" / "run")
    if place == "..":
        shutil.copy(first / "config.json", tmp_path / "outer")
        shutil.copytree(first / "stages", tmp_path / "outer" / "stages")
        source = tmp_path / "outer"
    before = sorted(tmp_path.rglob("*"))
    run = source / ("run" if place == ".." else place)
    assert trained(data, run, "--overwrite", f"--{flag}={source}") == 2
    assert f"--{flag}={source}: " in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
    inside = source / "networks" / "0"
    shutil.copytree(first, inside, ignore=shutil.ignore_patterns("embeddings", "evaluation"))
    assert trained(data, source, "--overwrite", f"--{flag}={inside}") == 2
    assert "shares files with the folder of this run" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["mahalanobis", "loudness", "statistics", "frozen"])
def test_methods_that_train_nothing_say_so(first, caplog, method):
    """A flag that does nothing must be known to."""
    caplog.set_level("INFO")
    assert warm_source(first, method) is None
    assert caplog.messages == [f"--init_from has no effect: method={method} trains no network"]
    assert warm_source(first, "ae") == first
