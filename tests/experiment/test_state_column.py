"""A column of a manifest can say where a machine stands still."""

import pytest
from harness import exit_of, write_tone

import asd_tf
from asd_tf.cli import train


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Twelve training clips, four of them of the machine off, and three test clips."""
    folder = tmp_path_factory.mktemp("plant")
    lines = ["path,machine,split,label,state"]
    for number in range(15):
        split = "train" if number < 12 else "test"
        state = "Off" if number in (2, 5, 6, 9, 13) else ("on", "idle")[number % 2]
        write_tone(folder / f"{number}.wav", 900 if state == "Off" else 300, 0.5, number)
        lines.append(f"{number}.wav,pump,{split},normal,{state}")
    (folder / "list.csv").write_text("\n".join(lines) + "\n")
    return folder / "list.csv"


def test_off_is_neither_learned_nor_scored(manifest, tmp_path, caplog):
    """Values other than `off` stay attributes; a table to score may have the column as well."""
    caplog.set_level("INFO")
    few = {"calibration.false_alarms": 0.2}  # eight clips cannot promise a tenth
    values = {"data.state": "state", "frontend.n_mels": 16, **few}
    result = asd_tf.train("mahalanobis", data_dir=manifest, values=values, run_dir=tmp_path / "run")
    assert "4 of 12 training windows are left out, since the machine is off" in caplog.text
    train_clips = result.run.train_clips
    assert [of_clip["state"] for of_clip in train_clips["attributes"]] == [
        ("on", "idle")[number % 2] for number in range(12) if number not in (2, 5, 6, 9)
    ]
    scored = result.evaluation.scored
    assert scored["status"].tolist() == ["ok", "off", "ok"]
    assert scored["score"].isna().tolist() == [False, True, False]
    assert result.detector.manifest["state_column"] == "state"
    again = result.detector.score(result.run.test_clips)
    assert again["status"].tolist() == ["ok", "off", "ok"]
    assert again["decision"].isna().tolist() == [False, True, False]
    assert asd_tf.evaluate(tmp_path / "run").evaluation.scored.equals(scored)


def test_a_machine_that_never_runs_is_refused(manifest, tmp_path, capsys):
    """Nothing can be learned of it, which must be said before anything is written."""
    text = manifest.read_text().replace(",on", ",off").replace(",idle", ",off")
    only_off = manifest.with_name("off.csv")
    only_off.write_text(text)
    flags = ("--method=mahalanobis", f"--data_dir={only_off}", f"--run_dir={tmp_path / 'run'}")
    assert exit_of(train.main, *flags, "--set=data.state=state") != 0
    assert "is off in all of its training windows" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
