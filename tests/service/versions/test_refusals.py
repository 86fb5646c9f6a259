"""What cannot become a version must be one line, and leave nothing."""

import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load, save
from sealed import detector_of_format, reseal
from versions import contents, run

from asd_tf.detector import Detector
from asd_tf.detector.anew.recalibrate import write_recalibrated
from asd_tf.detector.cross_fit import write_cross_fit_detector
from asd_tf.detector.fused import write_fused_detector
from asd_tf.scoring.fusion import Fusion


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["threshold", "D"], 2, "--false_alarms=SHARE, or --reset"),
        (["threshold", "D", "--false_alarms=0.1", "--reset"], 2, "--false_alarms=SHARE, or"),
        (["threshold", "D", "--false_alarms=1.5"], 2, "must be from 1e-06 to 0.99"),
        (["threshold", "D", "--reset"], 2, "it has the thresholds of its training"),
        (["threshold", "D", "--false_alarms=0.2", "--output=D"], 2, "is there already"),
        (["threshold", "D", "--false_alarms=0.2", "--output=D/inside"], 2, "is sealed"),
        (["add", "D"], 2, "name a detector, and files"),
        (["add", "D", "missing"], 1, "there is no such file or folder"),
        (["add", "D", "N", "--machine=pump"], 1, "no recording is of a machine that is known"),
        (["add", "D", "N", "--domain=moon"], 2, "domain"),
        (["add", "D", "A"], 1, "is said to be anomalous"),
        (["remove", "D"], 2, "--clips=FILE_OR_PATTERN, or --section=NAME"),
        (["remove", "D", "--clips=nothing*"], 1, "no normal recording"),
        (["remove", "D", "--section=09"], 1, "is not known; known are fan 00"),
        (["remove", "D", "--section=00"], 2, "2 machines have it; choose one with --machine"),
        (["remove", "D", "--clips=*"], 2, "no normal recording would be left"),
        (["feedback", "D"], 2, "the table of judged alarms"),
        (["feedback", "D", "missing.csv"], 1, "cannot be read"),
    ],
)
def test_a_wrong_command_is_one_line(
    arguments, status, message, detectors, new, dataset, tmp_path, capsys
):
    shutil.copytree(detectors / "mahalanobis", tmp_path / "mine")
    before = contents(tmp_path)
    letters = {
        "D": tmp_path / "mine", "N": new, "A": dataset / "dev_data" / "valve" / "test",
        "--output=D": f"--output={tmp_path / 'mine'}",
        "--output=D/inside": f"--output={tmp_path / 'mine' / 'inside'}",
    }  # fmt: skip
    found, out, err = run(capsys, *(letters.get(word, word) for word in arguments))
    last = err.splitlines()[-1]
    assert (found, out) == (status, "") and last.startswith("error: ") and message in last
    assert contents(tmp_path) == before


@pytest.mark.parametrize("verb", ["add", "remove", "feedback"])
def test_a_detector_without_features_says_what_to_do(verb, new, tmp_path, capsys):
    """Detectors of earlier formats cannot be fitted again; their thresholds can move."""
    old = detector_of_format(4, tmp_path)
    table = tmp_path / "alarms.csv"
    table.write_text("path,verdict\na.wav,dismissed\n")
    more = {"add": new, "remove": "--clips=*", "feedback": table}[verb]
    status, _, err = run(capsys, verb, old, more)
    assert status == 1 and "keeps no features" in err and "--init_from" in err
    assert run(capsys, "threshold", old, "--false_alarms=0.3")[0] == 0
    assert Detector.load(tmp_path / "detector.v2").manifest["format_version"] == 5


@pytest.mark.parametrize("verb", ["add", "remove", "feedback"])
@pytest.mark.parametrize("method", ["holdout", "cross_fit_network"])
def test_a_held_out_calibration_is_not_replaced(
    method, verb, detectors, new, dataset, tmp_path, capsys
):
    """Recordings that networks have heard must not calibrate in place of others; also in a fusion.

    Thresholds move all the same, and the line says so.
    """
    held = tmp_path / "held"
    calibrated = Detector.load(detectors / "mahalanobis").calibration
    groups = Detector.load(detectors / "mahalanobis").thresholds
    if method == "holdout":
        write_recalibrated(
            detectors / "mahalanobis", held, calibrated, "conformal", 0.1, method=method
        )
    else:
        parts = dict.fromkeys("01", detectors / "mahalanobis")
        scales = {group: [(0.0, 1.0)] * 2 for group in groups}
        write_cross_fit_detector(held, parts, scales, calibrated)
    fused = tmp_path / "fused"
    write_fused_detector(fused, {"a": held, "b": detectors / "mahalanobis"}, Fusion())
    table = tmp_path / "alarms.csv"
    [first, *_] = sorted((new / "fan" / "train").iterdir())
    table.write_text(f"path,verdict\n{first},dismissed\n")
    more = {"add": new, "remove": "--clips=*0000*", "feedback": table}[verb]
    for detector in (held, fused):
        status, out, err = run(capsys, verb, detector, more)
        assert (status, out) == (1, "")
        last = err.splitlines()[-1]
        assert f"calibration.method={method}" in last and "--init_from" in last
        assert run(capsys, "threshold", detector, "--false_alarms=0.3")[0] == 0


def test_recordings_that_only_calibrate_are_not_enough(detectors, tmp_path, capsys):
    """Backends need a recording to fit to: those of a held-out calibration are none."""
    folder = shutil.copytree(detectors / "mahalanobis", tmp_path / "detector")
    file = folder / "features" / "windows.csv"
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    of_fan = (table["machine"] == "fan") & (table["section"] == "00")
    table.loc[of_fan, "use"] = ["fit"] * 2 + ["calibrate"] * (of_fan.sum() - 2)
    table.to_csv(file, index=False)
    reseal(folder)
    fits = table["clip_id"][of_fan].head(2)
    names = tmp_path / "names.csv"
    fits.to_frame().to_csv(names, index=False)
    status, out, err = run(capsys, "remove", folder, f"--clips={names}")
    assert (status, out) == (2, "")
    assert "only such that calibrate" in err.splitlines()[-1]
    fits.head(1).to_frame().to_csv(names, index=False)
    assert run(capsys, "remove", folder, f"--clips={names}")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mahalanobis", "fused"])
def test_a_killed_command_leaves_the_old_and_can_be_given_again(kind, detectors, new, tmp_path):
    """It must leave no half version, and the next one must clear what it left."""
    detector = shutil.copytree(detectors / kind, tmp_path / "detector")
    before = contents(detector)
    call = [
        sys.executable, "-c", "from asd_tf.cli.detector import main; main()", "add", detector, new,
    ]  # fmt: skip
    process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob(".part-*")):
        assert process.poll() is None, "the command ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(tmp_path.glob(".part-*")) and not (tmp_path / "detector.v2").exists()
    assert contents(detector) == before
    subprocess.run(call, check=True, capture_output=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["detector", "detector.v2"]
    assert Detector.load(tmp_path / "detector.v2").load_all()


def test_damaged_features_are_found(detectors, tmp_path):
    """Altered files are refused at once, and sealed ones that do not fit when they are read."""
    folder = shutil.copytree(detectors / "mahalanobis", tmp_path / "detector")
    file = folder / "features" / "000.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(Exception, match=r"altered file features/000\.safetensors"):
        Detector.load(folder)
    tensors = load(whole)
    [name] = [name for name in tensors if name.startswith("values/")]
    damaged = {
        "cut": whole[:100],
        "a row less": save({**tensors, name: tensors[name][1:]}),
        "not finite": save({**tensors, name: np.full_like(tensors[name], np.nan)}),
        "of a wider packing": save({**tensors, name.replace("values", "center"): np.zeros(
            tensors[name].shape[-1] + 1, np.float32)}),
        "of one center": save({**tensors, name.replace("values", "center"): np.zeros(
            1, np.float32)}),
        "narrower": save({**tensors, **{
            key: value[..., 1:] for key, value in tensors.items() if key != "measures"}}),
        "of another name": save({
            f"{key}x" if key != "measures" else key: of for key, of in tensors.items()}),
        "of one number": save({**tensors, name: np.zeros([], np.float16)}),
        "nothing": b"",
    }  # fmt: skip
    for content in damaged.values():
        file.write_bytes(content)
        reseal(folder)
        with pytest.raises(Exception, match="take a fresh copy") as error:
            Detector.load(folder).load_all()
        assert "\n" not in str(error.value) and "InputError" in repr(error)


def test_a_signature_is_not_carried_over(detectors, tmp_path, capsys):
    """Who signed a version signed that one alone."""
    folder = shutil.copytree(detectors / "fused", tmp_path / "detector")
    (tmp_path / "key").write_bytes(bytes(range(32)))
    assert run(capsys, "sign", folder, f"--key={tmp_path / 'key'}")[0] == 0
    status, out, _ = run(capsys, "threshold", folder, "--false_alarms=0.3")
    assert status == 0 and "is not signed, since a signature is not carried over" in out
    assert not (tmp_path / "detector.v2" / "signature.json").exists()
