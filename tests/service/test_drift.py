"""`asd-detector drift` must tell recordings like those of training from others, and since when."""

import json

import numpy as np
import pandas as pd
import pytest
import soundfile
from harness import exit_of

from asd_tf.cli import data, train
from asd_tf.cli import detector as command
from asd_tf.detector import Detector
from asd_tf.detector.fused import write_fused_detector
from asd_tf.detector.reference import statistics_windows
from asd_tf.scoring.drift.features import FeatureMoments, FeatureStatistics
from asd_tf.scoring.fusion import Fusion
from asd_tf.service.drift.find import effective_recordings
from asd_tf.service.drift.observed import Observed
from asd_tf.service.drift.verdict import judge

FRESH = 40


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """A simulated fan: detectors of 60 recordings, and 40 others of the same kind."""
    folder = tmp_path_factory.mktemp("plant")
    flags = ("--machines=fan", "--sections=1", "--seconds=1", f"--train_source={60 + FRESH}",
             "--train_target=1", "--test_normal=1", "--test_anomaly=1")  # fmt: skip
    assert exit_of(data.main, "simulate", f"--output_dir={folder / 'data'}", *flags) == 0
    files = sorted((folder / "data").glob("*/fan/train/*source*.wav"))
    order = np.random.default_rng(0).permutation(files)
    table = pd.DataFrame({"path": order[:60], "machine": "fan"})
    table.to_csv(folder / "train.csv", index=False)
    for method in ("mahalanobis", "loudness"):
        flags = (f"--data_dir={folder / 'train.csv'}", f"--run_dir={folder / method}")
        assert exit_of(train.main, f"--method={method}", *flags) == 0
    parts = {name: folder / name / "detector" for name in ("mahalanobis", "loudness")}
    write_fused_detector(folder / "fused", parts, Fusion())
    return folder, [soundfile.read(path)[0] for path in order[60:]]


def write(folder, waves):
    """Writes recordings of the fan, and returns their folder."""
    for index, wave in enumerate(waves):
        path = folder / "fan" / "test" / f"{index:03d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.clip(wave, -1, 1), 16000, subtype="PCM_16")
    return folder / "fan" / "test"


def drift(capsys, *arguments):
    """Returns exit status, lines of the standard output and standard error."""
    status = exit_of(command.main, "drift", *arguments)
    printed = capsys.readouterr()
    return status, printed.out.splitlines(), printed.err


def quieter(wave):
    return 0.5 * wave


def noisier(wave):
    rng = np.random.default_rng(len(wave) + int(1e6 * abs(wave[0])))
    return wave + 2 * wave.std() * rng.normal(size=len(wave))


def faster(wave):
    return np.interp(np.arange(0, len(wave) - 1, 1.15) % (len(wave) - 1),
                     np.arange(len(wave)), wave)  # fmt: skip


@pytest.mark.parametrize("detector", ["mahalanobis", "fused"])
def test_recordings_of_the_same_kind_have_not_drifted(plant, detector, tmp_path, capsys):
    """Fresh normal recordings must be as in training, and there is nothing to do."""
    folder, waves = plant
    recent = write(tmp_path, waves)
    status, lines, _ = drift(capsys, folder / detector, recent, "--fail_on_drift", "--section=00")
    assert (status, lines[0]) == (0, "fan 00: as in training")
    assert lines[1].split(maxsplit=1) == ["recordings", "40, and 60 that calibrate"]
    assert lines[-1].split() == ["do", "nothing"]


@pytest.mark.parametrize("detector", ["mahalanobis", "fused"])
@pytest.mark.parametrize(
    ("change", "reasons", "advice"),
    [
        (quieter, {"levels", "features"}, "levels moved by about -"),
        (noisier, {"scores", "levels", "features"}, ""),
        (faster, {"scores", "features"}, "listen to the recordings"),
    ],
)
def test_changes_are_found(plant, detector, change, reasons, advice, tmp_path, capsys):
    """Gain, noise and speed must be called drift, with numbers for machines and a status."""
    folder, waves = plant
    recent = write(tmp_path, map(change, waves))
    output = tmp_path / "drift.json"
    flags = ("--fail_on_drift", f"--output={output}")
    status, lines, _ = drift(capsys, folder / detector, recent, *flags)
    assert status == 3 and lines[0].startswith("fan 00: drifted: ")
    [found] = json.loads(output.read_text())["groups"]
    assert reasons <= set(found["reasons"])
    assert found["recordings"] == len(found["scores"]["p_values"])
    assert found["recordings"] + sum(found["sensor"].values()) == FRESH
    assert found["features"]["all"] == (257 if detector == "fused" else 256)
    assert lines[-1].split(maxsplit=1)[1].startswith(advice)
    assert drift(capsys, folder / detector, recent)[0] == 0


def test_since_when_is_told_in_the_order_of_a_column(plant, tmp_path, capsys):
    """The rows of a manifest may be in any order; --by names the column with the time."""
    folder, waves = plant
    write(tmp_path, [*waves[:20], *map(faster, waves[20:])])
    table = pd.DataFrame(
        {
            "path": [f"fan/test/{index:03d}.wav" for index in range(FRESH)],
            "machine": "fan",
            "time": [f"2026-11-{1 + index // 24:02d}T{index % 24:02d}" for index in range(FRESH)],
        }
    )
    table.sample(frac=1, random_state=0).to_csv(tmp_path / "recent.csv", index=False)
    _, lines, _ = drift(capsys, folder / "mahalanobis", tmp_path / "recent.csv", "--by=time")
    assert "order" in lines[0]
    [since] = [line for line in lines if line.split()[0] == "order"]
    assert abs(int(since.split("(")[1].split()[0]) - 21) <= 6
    status, lines, err = drift(capsys, folder / "mahalanobis", tmp_path / "recent.csv", "--by=hour")
    assert (status, lines) == (2, []) and "columns of the manifest: time" in err


def test_a_faulty_sensor_is_told_apart(plant, tmp_path, capsys):
    """Unplugged microphones tell nothing of the machine: they are counted and named."""
    folder, waves = plant
    recent = write(tmp_path, [*waves[:12], *(0.0 * wave for wave in waves[12:30])])
    _, lines, _ = drift(capsys, folder / "mahalanobis", recent)
    assert lines[0] == "fan 00: drifted: sensor"
    assert "12, and 60 that calibrate; 18 with a faulty sensor left out" in lines[1]
    assert any(line.split() == ["sensor", "silent", "18"] for line in lines)
    assert "check the microphone" in lines[-1]


def test_what_is_not_compared_is_told(plant, tmp_path, capsys):
    """Too few recordings, files that cannot be read, and machines that are not known."""
    folder, waves = plant
    recent = write(tmp_path, waves[:5])
    (recent / "bad.wav").write_bytes(b"no audio")
    other = tmp_path / "drill" / "test" / "0.wav"
    other.parent.mkdir(parents=True)
    soundfile.write(other, waves[0], 16000)
    status, lines, err = drift(capsys, folder / "mahalanobis", tmp_path, "--fail_on_drift")
    assert (status, lines[0]) == (1, "fan 00: too few recordings")
    assert lines[1].endswith("5, and 60 that calibrate; 1 unreadable left out")
    assert "not known: machine 'drill'" in err


def test_wrong_commands_write_nothing(plant, tmp_path, capsys):
    """What is wrong must be told in one line."""
    folder, waves = plant
    recent, detector = write(tmp_path, waves[:2]), folder / "mahalanobis" / "detector"
    for arguments, status, message in (
        ((detector,), 2, "recent recordings"),
        ((detector, recent, f"--output={detector / 'drift.json'}"), 2, "which is sealed"),
        ((detector, recent, "--level=0"), 2, "level"),
        ((detector, recent, "--level=nan"), 2, "level=nan: must be a number"),
        ((detector, recent, "--by=time"), 2, "no recording has it"),
        ((detector, recent, "--machine=drill"), 1, "of no recording"),
        ((detector, tmp_path / "nowhere"), 1, "no such file"),
    ):
        found, lines, err = drift(capsys, *arguments)
        assert (found, lines) == (status, []), err
        assert message in err.splitlines()[-1]
    assert not (detector / "drift.json").exists()


def calibration_of(windows):
    """Returns the calibration table of recordings with so many windows each."""
    names = np.repeat([str(index) for index in range(len(windows))], windows)
    return pd.DataFrame({"machine": "fan", "section": "00", "recording_id": names, "score": 1.0})


def observed_of(scores, levels, **moments):
    """Returns what was heard in recordings with these scores and levels of bands."""
    names = [str(index) for index in range(len(scores))]
    return Observed(moments, names=names, scores=list(scores), levels=list(levels))


def test_long_recordings_of_training_do_not_make_others_drift():
    """Stored means are over windows: a few long recordings decide on them, which is chance."""
    rng, windows = np.random.default_rng(0), np.array([6] * 50 + [360] * 5)
    found = []
    for _ in range(30):
        training, recent = rng.normal(size=(55, 64)), rng.normal(size=(20, 64))
        mean = np.average(training, axis=0, weights=windows)
        std = np.sqrt(np.average((training - mean) ** 2, axis=0, weights=windows))
        moments = FeatureMoments(FeatureStatistics(mean, std))
        for row in recent:
            moments.add(row)
        observed = observed_of(rng.normal(size=20), [np.zeros(12)] * 20, network=moments)
        effective = effective_recordings(calibration_of(windows), {})["fan", "00"]
        found.append(judge(observed, rng.normal(size=55), effective, None, 0.05).reasons)
    assert sum("features" in reasons for reasons in found) <= 2


def test_recordings_of_equal_length_count_once():
    assert effective_recordings(calibration_of([3] * 20), {}) == {("fan", "00"): 20}


def test_recordings_of_training_count_and_not_those_held_out():
    """Statistics of 80 recordings must not be taken as those of the 20 that calibrate."""
    table = calibration_of([3] * 20)
    assert effective_recordings(table, {("fan", "00"): 240}) == {("fan", "00"): 80}


def test_what_training_had_is_stored(plant):
    """The number of windows that statistics are of must be found, also of a fused detector."""
    for name in ("mahalanobis/detector", "fused"):
        assert statistics_windows(Detector.load(plant[0] / name)) == {("fan", "00"): 60}


@pytest.mark.parametrize(("measured", "compared"), [(19, True), (10, True), (9, False)])
def test_levels_are_compared_of_recordings_in_which_they_were_measured(measured, compared):
    """One without a level must not keep the change of all others from being told."""
    rng = np.random.default_rng(0)
    levels = rng.normal(-50, 1, size=(20, 12))
    levels[measured:, 3] = np.nan
    observed = observed_of(rng.normal(size=20), levels)
    drift = judge(observed, rng.normal(size=60), 60, [-40] * 12, level=0.5)
    assert (drift.levels is not None, "levels" in drift.reasons) == (compared, compared)
