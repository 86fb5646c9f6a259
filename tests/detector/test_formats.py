"""Each format of detectors that was ever written must be read, and score as it did then."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from harness import write_tone
from released import GOLDEN, write_scored_clips
from sealed import FORMATS, detector_of_format

from asd_tf.data.layouts.inputs import Inputs
from asd_tf.detector import Detector
from asd_tf.detector.fused import write_fused_detector
from asd_tf.detector.sealing.manifest import FORMAT_VERSION, READABLE_VERSIONS, digest_of
from asd_tf.errors import UsageError
from asd_tf.files import read_json
from asd_tf.scoring.fusion import Fusion
from asd_tf.service.bulk import BulkScoring

COLUMNS = ["machine", "section", "score", "threshold", "decision", "status"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return write_scored_clips(tmp_path_factory.mktemp("clips"))


def test_every_format_has_a_detector():
    """A format may be read only if a detector of it shows that it still is."""
    assert FORMATS == READABLE_VERSIONS
    assert max(FORMATS) == FORMAT_VERSION


@pytest.mark.parametrize("version", FORMATS)
def test_scores_are_those_of_then(version, clips, tmp_path):
    """A detector of an earlier format must score and decide as it did when it was written."""
    folder = detector_of_format(version, tmp_path)
    manifest = read_json(folder / "detector.json")
    assert manifest["format_version"] == version
    assert ("digest" in manifest) == (version >= 3)
    assert Detector.load(folder).manifest["digest"] == manifest.get("digest", digest_of(manifest))
    types = {"section": str, "decision": "Int64"}
    then = pd.read_csv(GOLDEN / "detectors_0.2" / f"format_{version}.csv", dtype=types)
    found = Detector.load(folder).score(clips)
    pd.testing.assert_frame_equal(found[COLUMNS], then[COLUMNS], rtol=1e-4, check_dtype=False)


@pytest.mark.parametrize("version", FORMATS)
def test_p_values_come_from_the_calibration_scores_of_any_format(version, clips, tmp_path):
    """Old detectors must have p-values too, and a threshold for any share of false alarms."""
    detector = Detector.load(detector_of_format(version, tmp_path))
    assert {t.false_alarms for t in detector.thresholds.values()} == {0.1}
    table = detector.score(clips)
    known = table[table["status"] == "ok"]
    normal = detector.calibration["score"].to_numpy()
    expected = [(1 + np.sum(normal >= s)) / (len(normal) + 1) for s in known["score"]]
    assert known["p_value"].tolist() == expected
    assert table.loc[table["status"] != "ok", "p_value"].isna().all()
    moved = detector.score(clips, false_alarms=0.5)
    pd.testing.assert_series_equal(moved["score"], table["score"])
    assert decisions_of(moved) == known["p_value"].le(0.5).tolist()
    assert moved["threshold"].lt(table["threshold"])[known.index].all()


@pytest.mark.parametrize("version", FORMATS)
def test_results_of_other_thresholds_are_not_taken_over(version, tmp_path):
    """What an interrupted command has written must not be mixed with other decisions."""
    detector = Detector.load(detector_of_format(version, tmp_path))
    clip = tmp_path / "fan" / "test" / "0.wav"
    write_tone(clip, 300, 1, 0)
    commands = [
        BulkScoring(of, Inputs([clip], None), ["path", "score", "decision", "status"]).command([])
        for of in (detector, detector.with_false_alarms(0.1), detector.with_false_alarms(0.2))
    ]
    same_rule = version >= 4  # earlier ones have quantiles of a gamma distribution
    assert (commands[0] == commands[1]) == same_rule
    assert commands[2] not in commands[:2]


def test_the_decisions_of_the_current_format_follow_from_the_p_values(clips, tmp_path):
    """With the thresholds that it was written with, too."""
    detector = Detector.load(detector_of_format(FORMAT_VERSION, tmp_path))
    table = detector.score(clips)
    assert decisions_of(table) == table["p_value"].dropna().le(0.1).tolist()
    assert {t.rule for t in detector.thresholds.values()} == {"conformal"}
    moved = detector.with_false_alarms(0.1)
    assert moved.thresholds == detector.thresholds


def decisions_of(table):
    return table.loc[table["status"] == "ok", "decision"].eq(1).tolist()


@pytest.mark.parametrize("level", [0.0, 9e-7, 1.0, float("nan")])
def test_a_share_that_is_none_is_refused(level, tmp_path):
    """A level must be within the range of recipes."""
    detector = Detector.load(detector_of_format(2, tmp_path))
    with pytest.raises(UsageError, match=r"must be from 1e-06 to 0\.99"):
        detector.score([], false_alarms=level)


@pytest.mark.parametrize("name", ["keras_2", "keras_3"])
def test_a_detector_scores_equally_with_both_versions_of_keras(name, clips, tmp_path):
    """Where a network was trained must not matter to those who use it."""
    with zipfile.ZipFile(GOLDEN / "detectors_of_keras" / f"{name}.zip") as packed:
        packed.extractall(tmp_path)
    types = {"section": str, "decision": "Int64"}
    there = pd.read_csv(GOLDEN / "detectors_of_keras" / f"{name}.csv", dtype=types)
    found = Detector.load(tmp_path).score(clips)
    pd.testing.assert_frame_equal(found[COLUMNS], there[COLUMNS], rtol=1e-4, check_dtype=False)


def test_detectors_of_two_formats_can_be_fused(clips, tmp_path):
    """A fused detector may have parts of an earlier format."""
    parts = {f"f{n}": detector_of_format(n, tmp_path / str(n)) for n in FORMATS}
    write_fused_detector(tmp_path / "fused", parts, Fusion("mean", "raw"))
    fused = Detector.load(tmp_path / "fused")
    assert fused.load_all() == 3 * len(FORMATS)
    alone = pd.concat(
        [Detector.load(part).score(clips)["score"] for part in parts.values()], axis=1
    )
    found = fused.score(clips)["score"]
    pd.testing.assert_series_equal(found, alone.mean(axis=1), rtol=1e-6, check_names=False)
