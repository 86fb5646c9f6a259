"""Each error in a command or its input must give one line and the right exit status."""

import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from harness import SAMPLE_RATE, exit_of, write_dataset, write_tone

from asd_tf.cli import data, evaluate, score, train

FIRST = "dev_data/fan/train/section_00_source_train_normal_0000_spd_0.wav"


@pytest.fixture
def copy(dataset, tmp_path):
    """A copy of the data set that a test may damage."""
    return shutil.copytree(dataset, tmp_path / "copy")


def fails(capsys, main, *arguments) -> tuple[int, str]:
    """Runs a command that must fail; returns its status and its one line."""
    status = exit_of(main, *arguments)
    lines = [line for line in capsys.readouterr().err.splitlines() if "it/s" not in line]
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, lines
    assert "Traceback" not in "".join(lines)
    return status, errors[0]


def fails_on(capsys, tmp_path, data_dir, *flags, method="mahalanobis"):
    return fails(
        capsys,
        train.main,
        f"--method={method}",
        "--recipe=quick",
        f"--data_dir={data_dir}",
        f"--run_dir={tmp_path / 'run'}",
        *flags,
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--method is missing"),
        (("--method=wilkinghof",), "did you mean 'wilkinghoff'"),
        (("--method=wilkinghoff", "--recipe=quik"), "did you mean 'quick'"),
        (("--method=wilkinghoff", "--set=train.epoch=3"), "did you mean 'train.epochs'"),
        (("--method=wilkinghoff", "--set=train.epochs=few"), "not of type int"),
        (("--method=wilkinghoff", "--epochs=3"), "Unknown command line flag 'epochs'"),
        (("--method=wilkinghoff", "--num_runs=0"), "num_runs"),
        (("--method=wilkinghoff", "--mixed_precision=float8"), "float8"),
        (("--method=wilkinghoff", "fan"), "'fan' is not a flag"),
    ],
)
def test_a_wrong_command_has_status_2(capsys, flags, message):
    status, line = fails(capsys, train.main, *flags)
    assert status == 2
    assert message in line


@pytest.mark.parametrize(
    "assignment",
    [
        "network.graph=2025",
        "train.epochs=0",
        "mixup.probability=2.0",
        "calibration.false_alarms=1.0",
        "calibration.rule=best",
        "loss.subclusters=0",
        "mixup.label_rule=mean",
        "data.seconds=1000000000.0",
    ],
)
def test_a_wrong_value_has_status_2(capsys, dataset, tmp_path, assignment):
    """One line must name key and value, and nothing may be written that blocks the next command."""
    status, line = fails_on(capsys, tmp_path, dataset, f"--set={assignment}", method="wilkinghoff")
    assert status == 2
    assert assignment in line
    assert not (tmp_path / "run").exists()


def test_no_such_folder(capsys, tmp_path):
    status, line = fails_on(capsys, tmp_path, tmp_path / "nowhere")
    assert (status, "no such folder" in line) == (1, True)


def test_a_folder_without_clips(capsys, tmp_path):
    (tmp_path / "dev_data" / "fan").mkdir(parents=True)
    status, line = fails_on(capsys, tmp_path, tmp_path)
    assert (status, "no clip is there" in line) == (1, True)


def test_names_that_do_not_fit_the_layout(capsys, tmp_path):
    write_tone(tmp_path / "fan" / "train" / "monday.wav", 300)
    status, line = fails_on(capsys, tmp_path, tmp_path, "--dataset=dcase2022")
    assert status == 1
    assert "do not fit dcase2022: fan/train/monday.wav" in line
    assert "section_00_source_train_normal_0000" in line


def test_an_unknown_layout(capsys, dataset, tmp_path):
    status, line = fails_on(capsys, tmp_path, dataset, "--dataset=dcase_2022")
    assert (status, "did you mean 'dcase2022'" in line) == (2, True)


def truncate(path):
    path.write_bytes(path.read_bytes()[:2000])


def empty(path):
    path.write_bytes(b"")


def no_samples(path):
    soundfile.write(path, np.zeros(0), SAMPLE_RATE)


def companded(path):
    soundfile.write(path, np.zeros(8000), SAMPLE_RATE, subtype="ULAW")


def no_audio(path):
    path.write_text("this is no sound")


def not_a_number(path):
    wave = np.zeros(8000, np.float32)
    wave[17] = np.nan
    soundfile.write(path, wave, SAMPLE_RATE, subtype="FLOAT")


BAD_FILES = [
    (truncate, "truncated"),
    (empty, "the file is empty"),
    (no_samples, "no samples"),
    (companded, "WAV of kind ULAW is not supported"),
    (no_audio, "not an audio file"),
    (not_a_number, "not a number"),
]


@pytest.mark.parametrize(("spoil", "reason"), BAD_FILES)
def test_a_bad_training_file_is_named(capsys, copy, tmp_path, spoil, reason):
    spoil(copy / FIRST)
    status, line = fails_on(capsys, tmp_path, copy)
    assert status == 1
    assert FIRST in line
    assert reason in line


def test_nan_stops_the_training_of_a_network(capsys, copy, tmp_path):
    """A file whose samples are NaN must be named when it stops the training."""
    not_a_number(copy / FIRST)
    status, line = fails_on(
        capsys, tmp_path, copy, "--set=data.seconds=0.5", "--set=train.epochs=1",
        method="wilkinghoff",
    )  # fmt: skip
    assert status == 1
    assert FIRST in line
    assert "not a number" in line


def test_bad_files_are_left_out_on_demand(copy, tmp_path, capsys):
    """With --on_bad_file=skip, bad files must not stop a run."""
    for index, (spoil, _) in enumerate(BAD_FILES[:4]):
        spoil(copy / FIRST.replace("0000", f"{index:04d}"))
    test_clip = "dev_data/fan/test/section_00_source_test_normal_0000_spd_0.wav"
    not_a_number(copy / test_clip)
    run_dir = tmp_path / "run"
    status = exit_of(
        train.main,
        "--method=mahalanobis",
        f"--data_dir={copy}",
        f"--run_dir={run_dir}",
        "--on_bad_file=skip",
    )
    assert status == 0, capsys.readouterr().err
    bad = (run_dir / "bad_files.csv").read_text()
    assert all(reason in bad for _, reason in BAD_FILES[:4])
    scores = (run_dir / "evaluation" / "scores.csv").read_text()
    assert sum(",bad_file," in line for line in scores.splitlines()) == 1
    assert "1 test clips could not be read" in capsys.readouterr().out


def test_a_name_that_is_not_utf8(copy, tmp_path, capsys):
    """A file whose name no table can hold must be named, and can be left out."""
    path = copy / "dev_data/fan/test/section_00_source_test_normal_0000_spd_0.wav"
    path.rename(path.with_name(f"{path.stem}\udcff.wav"))
    status, line = fails_on(capsys, tmp_path, copy)
    assert (status, "its name is not UTF-8" in line) == (1, True)
    run_dir = tmp_path / "skipped"
    status = exit_of(
        train.main, "--method=mahalanobis", f"--data_dir={copy}", f"--run_dir={run_dir}",
        "--on_bad_file=skip",
    )  # fmt: skip
    assert status == 0, capsys.readouterr().err
    assert "spd_0\\udcff" in (run_dir / "bad_files.csv").read_text()


def test_one_class_is_too_few(capsys, tmp_path):
    folder = write_dataset(tmp_path / "one", machines=["fan"], sections=["00"], target=0)
    status, line = fails_on(capsys, tmp_path, folder, method="wilkinghoff")
    assert status == 1
    assert "make 1 class" in line
    assert "at least 2" in line
    assert "--method=mahalanobis" in line
    assert not (tmp_path / "run").exists()


def test_one_clip_per_class_works(tmp_path, capsys):
    """One clip per class must not fail; it only gives no threshold."""
    folder = write_dataset(tmp_path / "few", source=1, target=0, test=1)
    status = exit_of(
        train.main, "--method=wilkinghoff", "--recipe=quick", f"--data_dir={folder}",
        f"--run_dir={tmp_path / 'run'}", "--set=train.epochs=1", "--set=train.batch_size=4",
    )  # fmt: skip
    assert status == 0, capsys.readouterr().err
    scores = (tmp_path / "run" / "evaluation" / "scores.csv").read_text()
    assert len(scores.splitlines()) == 1 + 16


def test_a_wrong_channel(capsys, dataset, tmp_path):
    status, line = fails_on(capsys, tmp_path, dataset, "--channel=left")
    assert (status, "channel 'left': must be near, far, mean" in line) == (2, True)
    status, line = fails_on(capsys, tmp_path, dataset, "--channel=far")
    assert (status, "no channel 1: it has 1, counted from 0" in line) == (1, True)


def test_a_wrong_manifest(capsys, tmp_path):
    (tmp_path / "clips.csv").write_text("path,machine\n../a.wav,fan\n")
    status, line = fails_on(capsys, tmp_path, tmp_path / "clips.csv")
    assert status == 1
    assert "clips.csv, line 2: ../a.wav lies outside of" in line


def test_a_run_folder_that_cannot_be_made(capsys, dataset, tmp_path):
    """The system's message and the path must be shown, as on a read-only disk."""
    (tmp_path / "file").write_text("")
    status, line = fails_on(capsys, tmp_path, dataset, f"--run_dir={tmp_path / 'file' / 'run'}")
    assert status == 1
    assert str(tmp_path / "file") in line


def test_a_full_disk(dataset, tmp_path):
    """A full disk must end the run with one line and no half-written file."""
    run_dir = tmp_path / "run"

    def fill_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    result = subprocess.run(
        [
            sys.executable, "-c", "from asd_tf.cli.train import main; main()",
            "--method=mahalanobis", f"--data_dir={dataset}", f"--run_dir={run_dir}",
        ],
        capture_output=True,
        text=True,
        preexec_fn=fill_disk,
        timeout=120,
    )  # fmt: skip
    assert result.returncode == 1
    assert [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in result.stderr
    assert not list(run_dir.rglob(".part-*"))


def test_a_folder_of_something_else_is_left_alone(capsys, dataset, tmp_path):
    """--overwrite must never delete a folder that holds no run."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    for flags in ((), ("--overwrite",)):
        status, line = fails_on(capsys, tmp_path, dataset, *flags)
        assert (status, "holds no run" in line) == (1, True)
    assert (tmp_path / "run" / "thesis.txt").read_text() == "years of work"


def test_other_commands_refuse_wrong_arguments(capsys, tmp_path):
    status, line = fails(capsys, evaluate.main)
    assert (status, "--run_dir is missing" in line) == (2, True)
    status, line = fails(capsys, evaluate.main, f"--run_dir={tmp_path}")
    assert (status, "no run is there" in line) == (1, True)
    status, line = fails(capsys, score.main, "detector")
    assert (status, "at least one file" in line) == (2, True)
    status, line = fails(capsys, score.main, tmp_path, tmp_path)
    assert (status, "no detector is there" in line) == (1, True)
    status, line = fails(capsys, data.main, "simulat")
    assert (status, "did you mean 'simulate'" in line) == (2, True)
    status, line = fails(capsys, data.main, "simulate")
    assert (status, "--output_dir is missing" in line) == (2, True)
