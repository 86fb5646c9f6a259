"""A detector must be checked on loading, and score only clips of known groups."""

import shutil

import numpy as np
import pandas as pd
import pytest
from harness import exit_of

from asd_tf.cli import train
from asd_tf.detector import Detector
from asd_tf.detector.fused import write_fused_detector
from asd_tf.detector.sealing.manifest import with_digest
from asd_tf.errors import InputError
from asd_tf.files import sha256_of, write_json
from asd_tf.scoring.fusion import Fusion


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory):
    """A run with two fused seeds of a method without training."""
    folder = tmp_path_factory.mktemp("runs") / "mahalanobis"
    status = exit_of(
        train.main, "--method=mahalanobis", f"--data_dir={dataset}", f"--run_dir={folder}",
        "--num_runs=2",
    )  # fmt: skip
    assert status == 0
    return folder


@pytest.fixture
def copy(run, tmp_path):
    return shutil.copytree(run / "runs" / "0" / "detector", tmp_path / "detector")


@pytest.fixture
def single(run):
    return Detector.load(run / "runs" / "0" / "detector")


@pytest.fixture
def test_files(dataset):
    return sorted((dataset / "dev_data" / "fan" / "test").glob("section_00_source*.wav"))


def a_file_of(folder, suffix):
    return next(path for path in sorted(folder.rglob("*")) if path.name.endswith(suffix))


@pytest.mark.parametrize("suffix", ["saved_model.pb", ".skops", "scores.csv", ".index"])
def test_an_altered_file_is_refused(copy, suffix):
    """A detector with one changed byte must not be loaded."""
    path = a_file_of(copy, suffix)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"altered file .*{path.name}"):
        Detector.load(copy)


def test_a_missing_file_is_named(copy):
    """A detector with a missing file must not be loaded."""
    a_file_of(copy, ".skops").unlink()
    with pytest.raises(InputError, match=r"missing file backends/000/0\.skops"):
        Detector.load(copy)


def test_a_foreign_file_is_named(copy):
    """A detector with an additional file must not be loaded."""
    (copy / "backends" / "000" / "1.skops").write_text("")
    with pytest.raises(InputError, match=r"foreign file backends/000/1\.skops"):
        Detector.load(copy)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format_version": 99, "sha256": {}}'])
def test_a_damaged_manifest_is_refused(copy, text):
    """Damaged manifests and other formats must be reported."""
    (copy / "detector.json").write_text(text)
    with pytest.raises(InputError, match=r"damaged|format 99"):
        Detector.load(copy)


def test_no_path_of_the_manifest_leaves_the_folder(copy, tmp_path):
    """A manifest must not be able to make the program read files elsewhere."""
    manifest = Detector.load(copy).manifest
    for key, value in (("extractors", ["../../elsewhere"]), ("extractors", ["/etc"])):
        write_json(copy / "detector.json", with_digest({**manifest, key: value}))
        with pytest.raises(InputError, match="must be a name inside of the detector's folder"):
            Detector.load(copy)


def test_unknown_groups_get_no_score(single, test_files, tmp_path):
    """Clips of unknown machines and sections must have no score and no decision."""
    unknown = tmp_path / "pump" / "test" / test_files[0].name
    unknown.parent.mkdir(parents=True)
    shutil.copy(test_files[0], unknown)
    nameless = tmp_path / "fan" / "test" / "monday.wav"
    nameless.parent.mkdir(parents=True)
    shutil.copy(test_files[0], nameless)
    table = single.score([unknown, test_files[0], nameless])
    assert table["status"].tolist() == ["unknown_group", "ok", "unknown_group"]
    assert table["score"].isna().tolist() == [True, False, True]
    assert table["decision"].isna().tolist() == [True, False, True]
    given = single.score([nameless], section="00")
    assert given["score"][0] == pytest.approx(table["score"][1])


def test_any_section_takes_the_one_that_fits_best(single, test_files):
    """With section `any`, the section with the smallest score minus threshold must be used."""
    each = {
        section: single.score(test_files, section=section) for section in single.sections("fan")
    }
    excess = pd.DataFrame(
        {section: table["score"] - table["threshold"] for section, table in each.items()}
    )
    table = single.score(test_files, section="any")
    assert table["section"].tolist() == excess.idxmin(axis=1).tolist()
    np.testing.assert_allclose(table["score"] - table["threshold"], excess.min(axis=1))
    assert len(set(table["section"])) >= 1


def test_a_bad_file_leaves_the_others_alone(single, test_files, tmp_path):
    """A bad file must have no score, and must not change the scores of other files."""
    bad = tmp_path / "fan" / "test" / test_files[0].name
    bad.parent.mkdir(parents=True)
    bad.write_bytes(test_files[0].read_bytes()[:1000])
    table = single.score([*test_files[:2], bad, *test_files[2:]])
    expected = single.score(test_files)
    assert table["status"].tolist() == ["ok", "ok", "bad_file"] + ["ok"] * (len(test_files) - 2)
    np.testing.assert_array_equal(table["score"].drop(2), expected["score"])
    only = single.score([bad])
    assert only["status"].tolist() == ["bad_file"]


def test_a_fused_detector_adds_the_scores_of_its_parts(run, test_files):
    """Scores and calibration scores of fused seeds must be the sums of those of the seeds."""
    fused = Detector.load(run / "detector")
    parts = [Detector.load(run / "runs" / str(index) / "detector") for index in range(2)]
    expected = sum(part.score(test_files)["score"] for part in parts)
    np.testing.assert_allclose(fused.score(test_files)["score"], expected, rtol=1e-9)
    assert fused.score(test_files)["threshold"].notna().all()
    joined = parts[0].calibration.merge(parts[1].calibration, on=["machine", "section", "clip_id"])
    np.testing.assert_allclose(fused.calibration["score"], joined["score_x"] + joined["score_y"])


def test_detectors_without_common_clips_do_not_fuse(run, dataset, tmp_path, copy):
    """Detectors with too few common calibration clips must not be fused."""
    calibration = copy / "calibration" / "scores.csv"
    lines = calibration.read_text().splitlines()
    calibration.write_text("\n".join(lines[:10]) + "\n")
    manifest = Detector.load(run / "runs" / "0" / "detector").manifest
    manifest["sha256"]["calibration/scores.csv"] = sha256_of(calibration)
    write_json(copy / "detector.json", with_digest(manifest))
    with pytest.raises(InputError, match="9 calibration clips in common, 20 are needed"):
        write_fused_detector(
            tmp_path / "fused", {"a": run / "runs" / "1" / "detector", "b": copy}, Fusion()
        )
    assert not (tmp_path / "fused").exists()


def test_calibration_scores_are_of_unseen_clips(single, dataset):
    """Calibration scores must be of clips that the backend was not fitted to."""
    train_files = sorted((dataset / "dev_data" / "fan" / "train").glob("section_00_*.wav"))
    seen = single.score(train_files)["score"].to_numpy()
    calibration = single.calibration
    unseen = calibration[(calibration["machine"] == "fan") & (calibration["section"] == "00")]
    assert unseen["score"].mean() > seen.mean()
