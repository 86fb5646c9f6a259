"""A detector must live on after its training: thresholds, normal recordings, new sections."""

import logging

import numpy as np
import pandas as pd
import pytest
from versions import KINDS, METHODS, contents, run, write_tones

from asd_tf.detector import Detector
from asd_tf.detector.fused import write_fused_detector
from asd_tf.detector.parts import single_parts
from asd_tf.scoring.fusion import Fusion
from asd_tf.service.versions.change import Change
from asd_tf.service.versions.write import write_version

COLUMNS = ["score", "threshold", "decision", "status", "sensor"]


def scored(folder, dataset):
    return Detector.load(folder).score([dataset / "dev_data" / "fan" / "test"])[COLUMNS]


@pytest.mark.parametrize("kind", KINDS)
def test_the_kept_features_are_those_of_training(kind, detectors, dataset, tmp_path):
    """Fitted again with nothing added, a detector must score nearly as before."""
    detector = Detector.load(detectors / kind)
    again = Change("add", refit=frozenset(detector.thresholds))
    write_version(detector, again, tmp_path / "again")
    found, expected = scored(tmp_path / "again", dataset), scored(detectors / kind, dataset)
    spread = expected["score"].std()
    np.testing.assert_allclose(found["score"], expected["score"], rtol=2e-3, atol=2e-3 * spread)
    np.testing.assert_allclose(found["threshold"], expected["threshold"], rtol=5e-3)
    pd.testing.assert_frame_equal(found[["status", "sensor"]], expected[["status", "sensor"]])


@pytest.mark.parametrize("kind", ["mahalanobis", "fused"])
def test_thresholds_move_and_return(kind, detectors, tmp_path, capsys):
    """Thresholds must be those of `with_false_alarms`, and `--reset` must find the way back."""
    before, first, second = contents(detectors / kind), tmp_path / "a", tmp_path / "b"
    status, out, _ = run(
        capsys, "threshold", detectors / kind, "--false_alarms=0.25", f"--output={first}"
    )
    assert status == 0 and "threshold: false alarms 0.25" in out
    old, new = Detector.load(detectors / kind), Detector.load(first)
    assert new.thresholds == old.with_false_alarms(0.25).thresholds != old.thresholds
    assert {t.false_alarms for p in single_parts(new).values() for t in p.thresholds.values()} == {
        0.25
    }
    assert run(capsys, "threshold", first, "--reset", f"--output={second}")[0] == 0
    back = Detector.load(second)
    assert back.thresholds == old.thresholds
    assert [entry["verb"] for entry in back.manifest["history"]] == ["threshold"] * 2
    assert back.manifest["history"][-1]["parent"] == new.manifest["digest"]
    assert contents(detectors / kind) == before


@pytest.mark.parametrize("kind", KINDS)
def test_recordings_join_and_leave(kind, detectors, new, dataset, tmp_path, capsys, caplog):
    """What was added must calibrate, be known again by content, and leave without a trace."""
    before, more, less = contents(detectors / kind), tmp_path / "more", tmp_path / "less"
    status, out, _ = run(capsys, "add", detectors / kind, new, f"--output={more}")
    assert status == 0 and "add: added fan 00: 4 recordings" in out
    assert contents(detectors / kind) == before
    old, version = Detector.load(detectors / kind), Detector.load(more)
    assert version.load_all() == old.load_all()
    names = set(version.calibration["clip_id"]) - set(old.calibration["clip_id"])
    assert names == {path.as_posix() for path in (new / "fan" / "train").iterdir()}
    [entry] = version.manifest["history"]
    assert entry["parent"] == old.manifest["digest"]
    assert [len(added["clips"]) for added in entry["added"]] == [4]
    # Recordings that were far from all others are less so than before.
    here = [new / "fan" / "train"]
    assert (version.score(here)["score"] < old.score(here)["score"]).all()
    assert run(capsys, "add", more, new)[0] == 1
    assert "4 of 4 recordings are skipped" in caplog.text
    assert run(capsys, "remove", more, f"--clips={new}", f"--output={less}")[0] == 0
    assert set(Detector.load(less).calibration["clip_id"]) == set(old.calibration["clip_id"])
    again = Change("add", refit=frozenset({("fan", "00")}))
    write_version(old, again, tmp_path / "again")
    found, expected = scored(less, dataset), scored(tmp_path / "again", dataset)
    np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_section_joins_and_leaves(kind, detectors, dataset, tmp_path, capsys, caplog):
    """A new section of a known machine must be scored, and the others as before."""
    caplog.set_level(logging.INFO, "asd_tf")
    new, more = write_tones(tmp_path / "new", "07", 8, 700), tmp_path / "more"
    status, out, _ = run(
        capsys, "add", detectors / kind, new, "--domain=target", f"--output={more}"
    )
    assert status == 0 and "fan 07" in out
    assert "fan 07 is a new section: no network was trained on it" in caplog.text
    version = Detector.load(more)
    assert version.sections("fan") == ["00", "01", "07"]
    table = version.score([write_tones(tmp_path / "test", "07", 3, 700, "test")])
    assert table["status"].eq("ok").all() and table["threshold"].notna().all()
    kept = version.calibration
    assert kept.loc[kept["section"] == "07", "domain"].tolist() == ["target"] * 8
    clips = "--clips=*section_07*"
    assert "no normal recording would be left" in run(capsys, "remove", more, clips)[2]
    less = tmp_path / "less"
    assert run(capsys, "remove", more, "--section=07", f"--output={less}")[0] == 0
    assert Detector.load(less).sections("fan") == ["00", "01"]
    found, expected = scored(less, dataset), scored(detectors / kind, dataset)
    np.testing.assert_allclose(found["score"], expected["score"], rtol=5e-3, atol=1e-3)


def test_weights_of_parts_stay(detectors, new, tmp_path, capsys):
    """What tells how parts are weighted must be in all later versions, for info and card."""
    weights = {"fan": (1.0, 0.5), "valve": (0.25, 1.0)}
    aucs = {"fan": [0.9, 0.6], "valve": [None, None]}
    folders = {name: detectors / name for name in METHODS}
    fusion = Fusion("max", machine_weights=weights)
    write_fused_detector(tmp_path / "1", folders, fusion, more={"pseudo_fault_auc": aucs})
    for number, words in enumerate((["threshold", "--false_alarms=0.3"], ["add", new]), start=1):
        verb, *rest = words
        given = (verb, tmp_path / f"{number}", *rest, f"--output={tmp_path / str(number + 1)}")
        assert run(capsys, *given)[0] == 0
        version = Detector.load(tmp_path / str(number + 1))
        assert version.manifest["pseudo_fault_auc"] == aucs
        assert Fusion.from_json(version.manifest["fusion"]) == fusion
        assert len(version.manifest["history"]) == number


def test_versions_are_numbered(detectors, new, tmp_path, capsys):
    """A version goes beside the detector, under the next number that is free."""
    for _ in range(2):
        assert run(capsys, "threshold", detectors / "mahalanobis", "--false_alarms=0.3")[0] == 0
    second = detectors / "mahalanobis.v2"
    assert run(capsys, "add", second, new)[0] == 0
    names = sorted(path.name for path in detectors.glob("*mahalanobis*"))
    assert names == ["mahalanobis", *(f"mahalanobis.v{number}" for number in (2, 3, 4))]
    _, out, _ = run(capsys, "info", detectors / "mahalanobis.v4")
    assert out.count("history") == 2 and "36 of 36 normal windows" in out
