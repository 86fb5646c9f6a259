"""A run folder must be complete from the start, and be loaded again."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from harness import exit_of, write_dataset, write_tone

from asd_tf.cli import evaluate, train
from asd_tf.config import load_recipe
from asd_tf.data.layouts.readers import read_clips
from asd_tf.errors import InputError, UsageError
from asd_tf.files import read_json, write_json
from asd_tf.run import folder as folder_module
from asd_tf.run.lock import locked
from asd_tf.run.run import Run
from asd_tf.run.settings import Settings


@pytest.fixture
def arguments(dataset):
    settings = Settings("mahalanobis", "paper", "dcase2022")
    return settings, load_recipe("mahalanobis", "paper"), read_clips(dataset)[0]


def test_a_run_killed_while_it_begins_begins_again(arguments, tmp_path, monkeypatch):
    """A run killed between writing its first two files must leave a folder that can be used."""

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(folder_module, "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        Run.open(tmp_path / "run", *arguments)
    monkeypatch.undo()
    Run.open(tmp_path / "run", *arguments)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "clips.csv", "audio.csv", "config.json",
    }  # fmt: skip


def test_a_run_is_loaded_as_it_was_begun(arguments, tmp_path):
    begun = Run.open(tmp_path / "run", *arguments)
    loaded = Run.load(tmp_path / "run")
    assert loaded.settings == begun.settings
    assert loaded.root.description() == begun.root.description()
    assert Run.open(tmp_path / "run", *arguments).root.description() == begun.root.description()


def test_a_run_with_old_keys_is_continued(arguments, tmp_path):
    """A run that was begun with the name `quantile` must be that with the same false alarms."""
    run = tmp_path / "run"
    begun = Run.open(run, *arguments)
    stored = read_json(run / "config.json")
    assert stored["recipe"]["calibration"]["false_alarms"] == 0.1
    stored["recipe"]["calibration"] = {"quantile": 0.9}
    write_json(run / "config.json", stored)
    assert Run.open(run, *arguments).root.description() == begun.root.description()
    assert Run.load(run).root.description() == begun.root.description()
    stored["recipe"]["calibration"] = {"quantile": 0.8}
    write_json(run / "config.json", stored)
    with pytest.raises(UsageError, match=r"calibration\.false_alarms=0\.2, not 0\.1"):
        Run.open(run, *arguments)


def test_an_empty_folder_or_a_link_to_one_takes_a_run(arguments, tmp_path):
    """The folder that was made for the run, also by a link to another disk, must stay."""
    (tmp_path / "disk" / "lost+found").mkdir(parents=True)
    link = tmp_path / "run"
    link.symlink_to(tmp_path / "disk", target_is_directory=True)
    Run.open(link, *arguments)
    assert link.is_symlink()
    assert (tmp_path / "disk" / "config.json").exists()
    Run.open(link, *arguments, overwrite=True)
    assert link.is_symlink()
    assert (tmp_path / "disk" / "lost+found").exists()


def test_a_folder_with_other_files_is_left_alone(arguments, tmp_path):
    """Neither a new run nor --overwrite may touch what is no run."""
    (tmp_path / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="holds no run"):
            Run.open(tmp_path, *arguments, overwrite=overwrite)
        with pytest.raises(InputError, match="holds no run"), locked(tmp_path):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_altered_clips_are_refused(arguments, tmp_path):
    """Turned labels must not be evaluated."""
    Run.open(tmp_path / "run", *arguments)
    table = tmp_path / "run" / "clips.csv"
    clips = pd.read_csv(table, dtype=str, keep_default_na=False)
    turned = clips.assign(label=clips["label"].map({"0": "1", "1": "0", "": ""}))
    turned.to_csv(table, index=False)
    with pytest.raises(InputError, match=r"clips\.csv: altered"):
        Run.load(tmp_path / "run")


def test_one_process_at_a_time_trains_in_a_folder(tmp_path):
    """A second training must be refused, until the first has ended or was killed."""
    folder = tmp_path / "run"
    code = (
        "import sys, time; from pathlib import Path; from asd_tf.run.lock import locked\n"
        "with locked(Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(InputError, match="another process is training there"), locked(folder):
            pass
        other.kill()
    with locked(folder):
        pass
    with locked(folder):
        pass


def test_what_killed_processes_left_is_cleared(arguments, tmp_path):
    """No half file may stay, and a folder that was moved away for a new one must come back."""
    folder = tmp_path / "run"
    Run.open(folder, *arguments)
    (folder / "stages" / ".part-01ab-features.npy").parent.mkdir()
    (folder / "stages" / ".part-01ab-features.npy").write_bytes(b"half")
    (folder / ".part-02cd-detector" / "inside").mkdir(parents=True)
    (folder / ".old-03ef-detector").mkdir()
    (folder / ".old-03ef-detector" / "detector.json").write_text("{}")
    (folder / ".old-04ab-stages").mkdir()
    with locked(folder):
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert names == {
        ".lock", "audio.csv", "clips.csv", "config.json", "stages",
        "detector", "detector/detector.json",
    }  # fmt: skip


def test_other_clips_are_another_run(arguments, tmp_path):
    """A run must not be resumed with other clips."""
    Run.open(tmp_path / "run", *arguments)
    settings, config, clips = arguments
    with pytest.raises(UsageError, match=r"clips\.count=.* --overwrite"):
        Run.open(tmp_path / "run", settings, config, clips.iloc[1:].reset_index(drop=True))
    Run.open(tmp_path / "run", settings, config, clips.assign(path="/moved"))


def test_changed_audio_is_another_run(tmp_path, caplog):
    """A run must not go on where a file was replaced since; the one line names the file."""
    folder = write_dataset(tmp_path / "data", machines=["fan"], sections=["00"], source=2, test=1)
    settings, config = Settings("mahalanobis", "paper", "dcase2022"), load_recipe("ae", "paper")
    clips = read_clips(folder)[0]
    run = Run.open(tmp_path / "run", settings, config, clips)
    moved = read_clips(shutil.copytree(folder, tmp_path / "moved"))[0]
    assert Run.open(tmp_path / "run", settings, config, moved).root.audio == run.root.audio
    path = Path(clips["path"][0])
    write_tone(path, 3000, seed=99)
    with pytest.raises(UsageError, match=rf"^{path}: has changed since the run in .* --overwrite"):
        Run.open(tmp_path / "run", settings, config, clips)
    assert Run.load(tmp_path / "run").root.description() == run.root.description()
    # A run of an earlier version goes on, with a word.
    (tmp_path / "run" / "audio.csv").unlink()
    Run.open(tmp_path / "run", settings, config, clips)
    assert "whether an audio file has changed since is not known" in caplog.text


def test_a_stage_of_other_audio_is_not_reused(tmp_path):
    """A finished stage must be trained again where a training clip has changed, and only there."""
    folder = write_dataset(tmp_path / "data", machines=["fan"], sections=["00"], source=2, test=1)
    settings, config = Settings("mahalanobis", "paper", "dcase2022"), load_recipe("ae", "paper")
    clips = read_clips(folder)[0]

    def is_reused(name):
        run = Run.open(tmp_path / name, settings, config, clips, reuse=tmp_path / "run")
        return (run.stage("network", ("data",)).folder / "DONE").exists()

    stage = Run.open(tmp_path / "run", settings, config, clips).stage("network", ("data",)).folder
    (stage / "DONE").touch()
    write_tone(Path(clips.loc[clips["split"] == "test", "path"].iloc[0]), 3000, seed=99)
    assert is_reused("a")
    write_tone(Path(clips.loc[clips["split"] == "train", "path"].iloc[0]), 3000, seed=99)
    assert not is_reused("b")


def test_a_replaced_test_file_is_scored_as_it_is_now(tmp_path, capsys):
    """An evaluation must never show the score that a file of this name had before."""
    folder = write_dataset(tmp_path / "data", machines=["fan"], sections=["00"])
    run = tmp_path / "run"
    few = "--set=calibration.false_alarms=0.2"  # eight clips cannot promise a tenth
    arguments = ("--method=mahalanobis", f"--data_dir={folder}", f"--run_dir={run}", few)
    assert exit_of(train.main, *arguments) == 0
    path = sorted(folder.rglob("*_test_normal_*"))[0]

    def scored():
        table = pd.read_csv(run / "evaluation" / "scores.csv").set_index("clip_id")
        return table.loc[path.relative_to(folder).as_posix()]

    before = scored()
    write_tone(path, 3000, seed=99)
    assert exit_of(evaluate.main, f"--run_dir={run}") == 0
    assert scored()["score"] > 2 * before["score"]
    assert (before["decision"], scored()["decision"]) == (0, 1)
    capsys.readouterr()
    assert exit_of(train.main, *arguments) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"error: {path}: has changed since")


def test_data_without_test_clips_still_make_a_detector(tmp_path, capsys):
    """Data with only normal clips must give a detector, not an error."""
    folder = write_dataset(tmp_path / "data", test=0)
    status = exit_of(
        train.main, "--method=mahalanobis", f"--data_dir={folder}", f"--run_dir={tmp_path / 'run'}"
    )
    assert status == 0, capsys.readouterr().err
    assert (tmp_path / "run" / "detector" / "detector.json").exists()
    assert '"official_score": null' in (tmp_path / "run/evaluation/metrics.json").read_text()
