"""The ensemble: which parts it has, how it weighs them, and that it goes on where it stopped."""

import logging

import numpy as np
import pytest
from harness import exit_of, write_dataset, write_tone

from asd_tf.checkpoints import speech_embedding
from asd_tf.checkpoints.load import load_encoder
from asd_tf.cli import train
from asd_tf.config import apply_overrides, load_recipe
from asd_tf.data.layouts.readers import read_clips
from asd_tf.detector import Detector
from asd_tf.errors import InputError, UsageError
from asd_tf.methods import ensemble
from asd_tf.methods.common import pretrained
from asd_tf.run.run import Run
from asd_tf.run.unseen_scores import refitted_without
from asd_tf.scoring.folds import held_out_mask

TINY = (
    "data.seconds=1.0", "calibration.held_out=0.5", "fusion.pseudo_faults=16",
    "frozen.encoder.pretrained=none",
    "pae.train.epochs=1", "pae.train.steps_per_epoch=2", "pae.train.batch_size=16",
    "pae.train.drop_after=1", "pae.network.encoder=16", "pae.network.decoder=16",
    "pae.network.bottleneck=8", "pae.network.blocks=1", "pae.network.heads=2",
    "wilkinghoff.train.epochs=1", "wilkinghoff.train.steps_per_epoch=1",
    "wilkinghoff.train.batch_size=8",
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two machines of one section, of each of which 11 recordings can be held out."""
    folder = tmp_path_factory.mktemp("ensemble") / "data"
    return write_dataset(folder, sections=("00",), source=20, target=2, test=2)


def train_run(data, folder, *values, status=0):
    flags = [f"--set={value}" for value in values]
    given = ("--method=ensemble", "--recipe=quick", f"--data_dir={data}", f"--run_dir={folder}")
    assert exit_of(train.main, *given, *flags) == status
    return folder


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return train_run(data, tmp_path_factory.mktemp("ensemble") / "run", *TINY)


def recipe(*overrides):
    config = load_recipe("ensemble", "quick")
    apply_overrides(config, ["data.seconds=1.0", "frozen.encoder.pretrained=none", *overrides])
    return config


@pytest.mark.slow
def test_each_machine_has_weights_from_pseudo_faults(run):
    """The manifest must keep how well each part finds pseudo-faults, and the weights of that."""
    manifest = Detector.load(run / "detector").manifest
    assert manifest["parts"] == ["statistics", "frozen", "pae", "wilkinghoff"]
    assert set(manifest["pseudo_fault_auc"]) == {"fan", "valve"}
    for machine, aucs in manifest["pseudo_fault_auc"].items():
        assert all(0 <= auc <= 1 for auc in aucs)
        above = np.maximum(np.array(aucs) - 0.5, 0.001)
        expected = np.sqrt(above / above.max())
        np.testing.assert_allclose(manifest["fusion"]["machine_weights"][machine], expected)


@pytest.mark.slow
def test_the_score_is_the_largest_weighted_one(run, data):
    """A detector must fuse by the rule that its page states, from the scores of its parts."""
    detector = Detector.load(run / "detector")
    clips, _ = read_clips(data)
    clips = clips[(clips["split"] == "test") & (clips["machine"] == "fan")].reset_index(drop=True)
    scores = detector.score_with_details(clips)
    z = []
    # By the clips that calibrate all parts: those that were held out.
    common = detector.parts["pae"].calibration["clip_id"]
    for name, weight in zip(
        detector.parts, detector.manifest["fusion"]["machine_weights"]["fan"], strict=True
    ):
        table = detector.parts[name].calibration
        normal = table.loc[table["clip_id"].isin(common), ["machine", "score"]]
        if (normal["machine"] == "fan").sum() >= 20:
            normal = normal[normal["machine"] == "fan"]
        own = normal.loc[normal["machine"] == "fan", "score"]
        z.append(weight * (scores.parts[name] - own.mean()) / own.std(ddof=0))
    np.testing.assert_allclose(scores.clip, np.max(z, axis=0), rtol=1e-9)


@pytest.mark.slow
def test_networks_are_calibrated_by_clips_that_they_have_not_seen(run, data):
    """What is held out must be that of every domain, and alone calibrate what is trained."""
    detector = Detector.load(run / "detector")
    clips, _ = read_clips(data)
    clips = clips[clips["split"] == "train"].reset_index(drop=True)
    held_out = clips[held_out_mask(clips, None, 0.5)]
    assert held_out.groupby(["machine", "domain"]).size().tolist() == [10, 1, 10, 1]
    for name in ("pae", "wilkinghoff"):
        calibration = detector.parts[name].calibration
        assert set(calibration["clip_id"]) == set(held_out["clip_id"])
    assert len(detector.parts["statistics"].calibration) == len(clips)


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped(run, data, tmp_path, caplog):
    """Stages of another run must be taken, also of parts that do not see all clips."""
    caplog.set_level(logging.INFO)
    flags = [f"--set={value}" for value in TINY]
    again = tmp_path / "again"
    given = ("--method=ensemble", "--recipe=quick", f"--data_dir={data}", f"--run_dir={again}")
    assert exit_of(train.main, *given, f"--reuse={run}", *flags) == 0
    taken = {line.split(": taken")[0] for line in caplog.messages if ": taken from" in line}
    assert {"pae-00-fan", "pae-01-valve", "statistics-extractor", "wilkinghoff-embedding"} <= taken
    first, second = (Detector.load(folder / "detector") for folder in (run, again))
    assert first.manifest["fusion"] == second.manifest["fusion"]
    caplog.clear()
    assert exit_of(
        train.main, *given[:-1], f"--run_dir={tmp_path / 'other'}", f"--reuse={run}",
        *flags, "--set=calibration.held_out=0.45",
    ) == 0  # fmt: skip
    assert any("pae-00-fan: done again" in line and "held_out" in line for line in caplog.messages)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cross_fit_network", "holdout"])
def test_whole_ensembles_can_be_held_apart(method, data, tmp_path):
    """With another `calibration.method` each network is an ensemble, which holds out clips too."""
    values = ("parts=('statistics',)", "calibration.networks=2", f"calibration.method={method}")
    folder = train_run(data, tmp_path / "run", *TINY, *values)
    detector = Detector.load(folder / "detector")
    networks = list(detector.parts.values()) if method == "cross_fit_network" else [detector]
    assert [network.manifest["parts"] for network in networks] == [["statistics"]] * len(networks)
    for network in networks:
        assert set(network.manifest["pseudo_fault_auc"]) == {"fan", "valve"}
    scored = set(detector.calibration["clip_id"])
    seen = set(networks[0].parts["statistics"].calibration["clip_id"])
    assert scored - seen and (method == "cross_fit_network" or not scored & seen)


@pytest.mark.slow
def test_parts_that_are_fitted_again_have_the_scale_of_the_detector(tmp_path):
    """Pseudo-faults must be scored on the scale of domains on which new clips are scored."""
    many = write_dataset(tmp_path / "data", sections=("00",), source=20, target=6, test=2)
    folder = train_run(many, tmp_path / "run", *TINY, "parts=('statistics','frozen')")
    detector = Detector.load(folder / "detector")
    assert all(len(part.domain_scales) == 2 for part in detector.parts.values())
    part = Run.load(folder).part("statistics", section="statistics")
    none = np.zeros(len(part.train_clips), bool)
    refitted = refitted_without(part, detector.parts["statistics"], none)
    clips, _ = read_clips(many)
    clips = clips[clips["split"] == "test"].reset_index(drop=True)
    np.testing.assert_allclose(
        refitted.score_with_details(clips).clip,
        detector.score_with_details(clips).parts["statistics"],
        rtol=1e-6,
    )


def test_frozen_is_left_out_without_its_weights(monkeypatch, data):
    """Where the wheel with the weights is not installed, the other parts must be trained."""
    monkeypatch.setattr(speech_embedding, "installed_file", lambda: None)
    monkeypatch.setattr(pretrained, "_load_encoder", load_encoder)  # whatever was read before
    clips, _ = read_clips(data)
    config = load_recipe("ensemble", "seconds")
    apply_overrides(config, ["data.seconds=1.0"])
    used, left_out = ensemble.usable_parts(config, clips)
    assert used == ["statistics"]
    assert "not installed: pip install" in left_out["frozen"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("parts=()", "at least one"),
        ("parts=('pae','pae')", "each once"),
        ("parts=('statistics','nothing')", "unknown method in parts 'nothing'"),
        ("parts=('statistics','geco')", "no section geco"),
        ("fusion.rule=loudest", "fusion.rule"),
        ("fusion.weights=all", "fusion.weights"),
        ("calibration.held_out=0.0", "calibration.held_out"),
        ("pae.network.heads=7", "pae: network.encoder"),
    ],
)
def test_impossible_recipes_are_refused(override, message, dataset):
    """Unknown and repeated parts, and wrong values of a part, must be refused in one line."""
    clips, _ = read_clips(dataset)
    with pytest.raises(UsageError, match=message):
        ensemble.check(recipe(override), clips)


def test_parts_that_cannot_learn_are_left_out(tmp_path, caplog):
    """Of one machine and section without attributes there are no classes: the others remain."""
    for number in range(40):
        name = f"fan/train/{number:02d}.wav"
        write_tone(tmp_path / name, 300, seed=number)
    clips, _ = read_clips(tmp_path)
    config = recipe("calibration.held_out=0.5")
    ensemble.fill_in(config, "folder")
    assert config.wilkinghoff.classes == "train"
    ensemble.check(config, clips)
    assert ensemble.usable_parts(config, clips)[0] == ["statistics", "frozen", "pae"]
    assert "wilkinghoff is left out of the ensemble: the training clips make 1 class" in caplog.text
    few = ensemble.usable_parts(recipe("calibration.held_out=0.2"), clips)
    assert few[0] == ["statistics", "frozen"]
    assert "8 clips would be held out" in few[1]["pae"]
    with pytest.raises(InputError, match="no part can learn"):
        ensemble.check(recipe("parts=('wilkinghoff',)"), clips)
