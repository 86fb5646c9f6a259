"""Clips that calibrate must not have been seen by what scores them, networks included."""

import csv
import logging
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from harness import exit_of, write_dataset, write_tone

import asd_tf
from asd_tf.cli import detector as detector_command
from asd_tf.cli import fuse, score, train
from asd_tf.data.clips import load_clips
from asd_tf.data.groups import groups_of
from asd_tf.detector import CrossFitDetector, Detector
from asd_tf.files import read_json

NETWORKS = 3
FEW = "--set=calibration.false_alarms=0.4"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two machines of two sections, each of nine source and three target clips."""
    return write_dataset(tmp_path_factory.mktemp("data") / "tones", source=9, target=3)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Returns a function from a calibration method to the finished run of it."""
    folder = tmp_path_factory.mktemp("runs")

    def run(method: str) -> Path:
        if not (folder / method).exists():
            flags = ("--method=mahalanobis", "--recipe=paper", FEW, f"--data_dir={data}")
            method_flag = f"--set=calibration.method={method}"
            assert exit_of(train.main, *flags, method_flag, f"--run_dir={folder / method}") == 0
        return folder / method

    return run


@pytest.fixture(scope="module")
def crossed(trained):
    return trained("cross_fit_network")


@pytest.fixture(scope="module")
def files(data):
    return sorted((data / "dev_data").glob("*/test/*.wav"))[::3]


def training_clips(run: Path) -> pd.DataFrame:
    clips = load_clips(run / "clips.csv")
    return clips[clips["split"] == "train"].reset_index(drop=True)


def networks_of(run: Path) -> list[Path]:
    return sorted((run / "networks").iterdir())


def seen_by(network: Path) -> set[str]:
    """Returns the clips whose features a network's backends were fitted to."""
    seen: set[str] = set()
    for index in network.glob("embeddings/*/train/index.npz"):
        with np.load(index) as stored:
            seen |= set(stored["clip_id"])
    assert seen == set(training_clips(network)["clip_id"])
    return seen


def test_every_clip_is_unseen_by_one_network(crossed):
    """Folds must be disjoint and cover all clips, and each must have all groups and domains."""
    clips = training_clips(crossed).set_index("clip_id")
    unseen = [set(clips.index) - seen_by(network) for network in networks_of(crossed)]
    assert len(unseen) == NETWORKS
    assert sorted(clip for fold in unseen for clip in fold) == sorted(clips.index)
    for fold in unseen:
        assert len(clips.loc[sorted(fold)].groupby(["machine", "section", "domain"])) == 8


def test_the_calibration_scores_are_by_the_network_that_has_not_seen_the_clip(crossed):
    """Each must be the standardized score of one part, and source and target must be there."""
    detector, clips = Detector.load(crossed / "detector"), training_clips(crossed)
    assert isinstance(detector, CrossFitDetector)
    table = detector.calibration.set_index("clip_id")
    assert sorted(table.index) == sorted(clips["clip_id"])
    assert table["domain"].value_counts().to_dict() == {"source": 36, "target": 12}
    scales = {(g["machine"], g["section"]): g["scales"] for g in detector.manifest["groups"]}
    for number, network in enumerate(networks_of(crossed)):
        held = clips[~clips["clip_id"].isin(seen_by(network))].reset_index(drop=True)
        raw = detector.parts[str(number)].score_with_details(held).clip
        scale = np.array([scales[g][number] for g in groups_of(held)])
        np.testing.assert_allclose(
            table.loc[held["clip_id"], "score"], (raw - scale[:, 0]) / scale[:, 1], atol=1e-4
        )


def test_the_score_is_the_mean_of_standardized_scores(crossed, files):
    detector = Detector.load(crossed / "detector")
    table = detector.score(files)
    scales = {(g["machine"], g["section"]): g["scales"] for g in detector.manifest["groups"]}
    mean = np.zeros(len(files))
    for number, part in enumerate(detector.parts.values()):
        scale = np.array([scales[g][number] for g in groups_of(table)])
        mean += (part.score(files)["score"] - scale[:, 0]) / scale[:, 1] / NETWORKS
    np.testing.assert_allclose(table["score"], mean, rtol=1e-5)


@pytest.mark.parametrize("method", ["holdout", "cross_fit_network"])
def test_a_copied_detector_scores_and_decides_the_same(trained, method, files, tmp_path):
    """Scores, p-values and decisions must be those of the run, wherever the detector is."""
    run = trained(method)
    stored = pd.read_csv(run / "evaluation" / "scores.csv").set_index("path")
    names = [str(file) for file in files]
    copy = Detector.load(shutil.copytree(run / "detector", tmp_path / "copy"))
    table = copy.score(names)
    np.testing.assert_allclose(table["score"], stored.loc[names, "score"], rtol=1e-5)
    np.testing.assert_allclose(table["p_value"], stored.loc[names, "p_value"])
    assert table["decision"].eq(1).tolist() == table["p_value"].le(0.4).tolist()
    assert copy.load_all() > 0
    assert copy.manifest["calibration"]["method"] == method


def test_held_out_clips_are_of_all_domains_and_unseen(trained):
    """They alone calibrate; the networks and backends stay those of the rest."""
    run = trained("holdout")
    [network] = networks_of(run)
    clips, detector = training_clips(run), Detector.load(run / "detector")
    table = detector.calibration
    held = clips[~clips["clip_id"].isin(seen_by(network))]
    assert sorted(table["clip_id"]) == sorted(held["clip_id"])
    # A fifth of nine source and three target clips.
    assert table["domain"].value_counts().to_dict() == {"source": 8, "target": 4}
    own = Detector.load(network / "detector")
    np.testing.assert_array_equal(detector.score_with_details(held).clip, table["score"])
    np.testing.assert_array_equal(own.score_with_details(held).clip, table["score"])


@pytest.mark.slow
def test_a_cross_fitted_detector_is_served_as_any_other(crossed, trained, files, tmp_path, capsys):
    """Commands must take it: verify, sign, card, info, drift, evaluate, score and fuse."""
    detector = shutil.copytree(crossed / "detector", tmp_path / "detector")
    (tmp_path / "key").write_bytes(bytes(range(32)))
    for verb, *flags in (("sign", f"--key={tmp_path / 'key'}"), ("verify",), ("info",), ("card",)):
        assert exit_of(detector_command.main, verb, detector, *flags) == 0
    out = capsys.readouterr().out
    assert "parts          0, 1, 2" in out
    assert "was scored by the part that has not seen it" in out
    assert exit_of(detector_command.main, "drift", detector, *files) == 0
    data = files[0].parents[3]
    evaluated = (f"--out={tmp_path / 'evaluation'}",)
    assert exit_of(detector_command.main, "evaluate", detector, data, *evaluated) == 0
    again = pd.read_csv(tmp_path / "evaluation" / "scores.csv").set_index("clip_id")["score"]
    before = pd.read_csv(crossed / "evaluation" / "scores.csv").set_index("clip_id")["score"]
    np.testing.assert_allclose(again[before.index], before, rtol=1e-5)
    capsys.readouterr()
    assert exit_of(score.main, detector, *files) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert all(row["status"] == "ok" and row["decision"] in "01" for row in rows)
    both = tmp_path / "both"
    other = trained("backend_only") / "detector"
    assert exit_of(fuse.main, both, detector, other, "--false_alarms=0.4") == 0
    assert Detector.load(both).score(files)["decision"].notna().all()


def test_a_run_goes_on_with_the_network_that_it_was_at(crossed, data, tmp_path):
    """What was finished must stay, and the end must be that of a run that nothing stopped."""
    run = shutil.copytree(crossed, tmp_path / "run")
    shutil.rmtree(run / "detector")
    shutil.rmtree(run / "networks" / "2")
    shutil.rmtree(run / "networks" / "1" / "detector")
    kept = run / "networks" / "0" / "detector" / "detector.json"
    written = kept.stat().st_mtime_ns
    result = asd_tf.train(
        "mahalanobis", recipe="paper", data_dir=data, run_dir=run,
        values={"calibration.false_alarms": 0.4, "calibration.method": "cross_fit_network"},
    )  # fmt: skip
    assert kept.stat().st_mtime_ns == written
    name = "evaluation/scores.csv"
    assert (run / name).read_text() == (crossed / name).read_text()
    pd.testing.assert_frame_equal(
        result.detector.calibration, Detector.load(crossed / "detector").calibration
    )


@pytest.mark.slow
def test_stages_are_reused_where_a_network_has_the_same_clips(crossed, data, tmp_path, caplog):
    """Of as many networks each stage is taken; of another number the folds are others."""
    caplog.set_level(logging.INFO)
    flags = ("--method=mahalanobis", "--recipe=paper", f"--data_dir={data}", f"--reuse={crossed}",
             "--set=calibration.method=cross_fit_network")  # fmt: skip
    assert exit_of(train.main, *flags, FEW, f"--run_dir={tmp_path / 'same'}") == 0
    assert caplog.text.count("extractor: taken from") == NETWORKS
    caplog.clear()
    more = "--set=calibration.networks=4"
    assert exit_of(train.main, *flags, FEW, more, f"--run_dir={tmp_path / 'more'}") == 0
    assert "extractor: taken from" not in caplog.text
    assert caplog.text.count("extractor: done again, since clips.train_sha256") == NETWORKS
    assert f"network 3: {crossed} has none to reuse" in caplog.text


@pytest.mark.slow
def test_runs_of_several_seeds_are_cross_fitted_each(data, tmp_path):
    flags = ("--method=mahalanobis", "--recipe=paper", f"--data_dir={data}", "--num_runs=2", FEW,
             "--set=calibration.method=cross_fit_network")  # fmt: skip
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'run'}") == 0
    detector = Detector.load(tmp_path / "run" / "detector")
    assert [len(part.parts) for part in detector.parts.values()] == [NETWORKS] * 2


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("calibration.method=jackknife", "calibration.method=jackknife: must be one of backend_on"),
        ("calibration.networks=1", "calibration.networks=1: must be from 2 to 20"),
        ("calibration.held_out=0.0", "calibration.held_out=0.0: must be from 0.01 to 0.5"),
        ("calibration.group_by=shift", "calibration.group_by=shift: no training clip has it"),
    ],
)
def test_wrong_values_are_refused_before_anything_is_written(data, tmp_path, capsys, value, words):
    flags = ("--method=mahalanobis", "--recipe=paper", f"--data_dir={data}")
    run = f"--run_dir={tmp_path / 'run'}"
    sets = ("--set=calibration.method=holdout", f"--set={value}")
    assert exit_of(train.main, *flags, *sets, run) == 2
    assert words in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    """A manifest of four sessions of three recordings, each of three windows or so."""
    folder = tmp_path_factory.mktemp("sessions")
    lines = ["path,machine,session,split,label"]
    for session in range(4):
        for number in range(3):
            name = f"{session}-{number}.wav"
            write_tone(folder / name, 200 + 40 * session, 1.5, seed=3 * session + number)
            lines.append(f"{name},fan,day {session},train,")
    for label, hertz in (("normal", 240), ("anomaly", 900)):
        write_tone(folder / f"{label}.wav", hertz, 1.5, seed=99)
        lines.append(f"{label}.wav,fan,,test,{label}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder / "clips.csv"


@pytest.mark.parametrize(
    "method",
    ["backend_only", "holdout", pytest.param("cross_fit_network", marks=pytest.mark.slow)],
)
def test_no_session_is_on_both_sides(sessions, tmp_path, caplog, method):
    """Folds must follow sessions that the data name, windows included, and a line must say so."""
    caplog.set_level(logging.INFO)
    result = asd_tf.train(
        "mahalanobis", recipe="quick", data_dir=sessions, run_dir=tmp_path / "run",
        values={"calibration.method": method, "data.max_seconds": 0.5,
                "calibration.false_alarms": 0.4},
    )  # fmt: skip
    assert "folds follow session (calibration.group_by): 4 in fan, section 00" in caplog.text
    assert result.run.config.calibration.group_by == "session"
    table = result.detector.calibration
    assert table["score"].notna().all()
    assert table["recording_id"].nunique() * 3 == len(table)
    assert set(table) == {"machine", "section", "clip_id", "domain", "recording_id", "score"}
    if method == "backend_only":
        # Each session sounds unlike the others: a backend that has heard none of one says so.
        assert "standard deviations higher where a backend has not heard" in caplog.text
        return
    clips = training_clips(tmp_path / "run")
    for network in networks_of(tmp_path / "run"):
        unseen = ~clips["clip_id"].isin(seen_by(network))
        of_clips = pd.Series([of["session"] for of in clips["attributes"]])
        assert unseen.any()
        assert not set(of_clips[unseen]) & set(of_clips[~unseen])
    rows = result.detector.score([sessions]).set_index("clip_id")
    assert rows.loc["anomaly.wav", "score"] > rows.loc["normal.wav", "score"]


@pytest.mark.slow
def test_a_machine_with_one_recording_is_said(data, tmp_path, capsys):
    """It has no threshold of its own; the rest of the data is calibrated as ever."""
    few = shutil.copytree(data, tmp_path / "data")
    first, *others = sorted((few / "dev_data" / "fan" / "train").glob("section_01*"))
    for other in others:
        other.unlink()
    flags = ("--method=mahalanobis", "--recipe=paper", f"--data_dir={few}", FEW,
             "--set=calibration.method=cross_fit_network")  # fmt: skip
    assert exit_of(train.main, *flags, f"--run_dir={tmp_path / 'run'}") == 0
    assert "fan, section 01: too few recordings to hold one out" in capsys.readouterr().err
    detector = Detector.load(tmp_path / "run" / "detector")
    assert f"fan/train/{first.name}" not in "".join(detector.calibration["clip_id"])
    assert detector.thresholds["fan", "01"].scope == "machine"
    assert read_json(tmp_path / "run" / "detector" / "detector.json")["kind"] == "cross_fit"


def test_scores_of_several_networks_may_be_on_the_scale_of_their_domain(data, tmp_path):
    """The scale must be that of the ensemble, which its networks know nothing of."""
    run = tmp_path / "run"
    flags = ("--method=mahalanobis", "--recipe=quick", FEW, f"--data_dir={data}")
    method = "--set=calibration.method=cross_fit_network"
    assert exit_of(train.main, *flags, method, f"--run_dir={run}") == 0
    detector = Detector.load(run / "detector")
    assert set(detector.domain_scales) == set(detector.thresholds)
    assert not any(part.domain_scales for part in detector.parts.values())
    table = pd.read_csv(run / "evaluation" / "scores.csv", dtype={"section": str})
    for _, clips in table.groupby(["machine", "section", "domain"]):
        assert clips.sort_values("raw_score")["score"].is_monotonic_increasing
