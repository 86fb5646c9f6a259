"""Bad files must be found, each with its reason, and handled as the policy says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from data_helpers import clip_table

from asd_tf.data.decoding.header import read_header
from asd_tf.data.decoding.inspection import (
    apply_bad_file_policy,
    commonest_seconds,
    conversions,
    explain_failure,
    inspect_clips,
    reason_for,
)
from asd_tf.errors import InputError

RATE = 16000


def table(folder: Path, *names: str, **columns) -> pd.DataFrame:
    return clip_table((folder / name for name in names), **columns)


def write(folder: Path, name: str, seconds=1.0, rate=RATE, channels=1, **kind) -> None:
    soundfile.write(folder / name, np.zeros([round(seconds * rate), channels]), rate, **kind)


def spoil(folder: Path) -> dict[str, str]:
    """Writes good and bad files; returns the expected reason of each."""
    write(folder, "good.wav")
    write(folder, "good.flac")
    write(folder, "slow.wav", rate=8000)
    write(folder, "stereo.wav", channels=2)
    write(folder, "nothing.wav", seconds=0)
    write(folder, "truncated.wav")
    (folder / "truncated.wav").write_bytes((folder / "truncated.wav").read_bytes()[:1000])
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("no sound")
    return {
        "good.wav": "",
        "good.flac": "",
        "slow.wav": "",
        "stereo.wav": "",
        "nothing.wav": "no samples",
        "truncated.wav": "truncated: its header states 32044 bytes, the file has 1000",
        "empty.wav": "the file is empty",
        "text.wav": "not an audio file, or its header is damaged",
        "missing.wav": "No such file or directory",
    }


def test_each_bad_file_gets_its_reason(tmp_path):
    reasons = spoil(tmp_path)
    report = inspect_clips(table(tmp_path, *reasons))
    assert dict(zip(report["clip_id"], report["reason"], strict=True)) == reasons
    assert list(report["ok"]) == [reason == "" for reason in reasons.values()]
    assert report["seconds"].notna().tolist() == report["ok"].tolist()


def write_nan(folder: Path) -> None:
    x = np.zeros(RATE, np.float32)
    x[17] = np.nan
    soundfile.write(folder / "nan.wav", x, RATE, subtype="FLOAT")


def test_only_a_thorough_inspection_finds_a_bad_sample(tmp_path):
    write_nan(tmp_path)
    clips = table(tmp_path, "nan.wav")
    assert inspect_clips(clips)["ok"].all()
    report = inspect_clips(clips, thorough=True)
    assert list(report["reason"]) == ["a sample is not a number"]
    assert reason_for(clips.iloc[0]) == "a sample is not a number"


def test_a_damaged_middle_is_found(tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.ogg", rng.normal(size=RATE) * 0.1, RATE)
    data = bytearray((tmp_path / "a.ogg").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 100] = bytes(100)
    (tmp_path / "a.ogg").write_bytes(data)
    assert reason_for(table(tmp_path, "a.ogg").iloc[0]) != ""


def test_parts_and_channels(tmp_path):
    """A part of a channel must be readable; one beyond the end or the channels must be named."""
    write(tmp_path, "two.wav", seconds=2, channels=2)
    clips = table(
        tmp_path,
        "two.wav",
        channel=[1],
        start_s=[0.5],
        duration_s=[1.0],
    )
    report = inspect_clips(clips, thorough=True)
    assert (report["ok"].item(), report["seconds"].item(), report["channel"].item()) == (True, 1, 1)
    assert inspect_clips(clips.assign(duration_s=np.nan))["seconds"].item() == 1.5
    assert inspect_clips(clips.assign(duration_s=9.0))["seconds"].item() == 1.5
    assert "before the clip starts" in reason_for(clips.assign(start_s=2.0).iloc[0])
    assert "no channel 2" in reason_for(clips.assign(channel=2).iloc[0])


def test_conversions_are_listed_with_counts(tmp_path):
    """A user must know that a microphone array is averaged, or 44.1 kHz resampled to 16."""
    reasons = spoil(tmp_path)
    for index in range(2):
        write(tmp_path, f"cd{index}.wav", rate=44100, channels=4)
    names = [*reasons, "cd0.wav", "cd1.wav"]
    assert conversions(table(tmp_path, *names), RATE, "do this") == [
        "1 clip has 8000 Hz and is resampled to 16000 Hz",
        "2 clips have 44100 Hz and are resampled to 16000 Hz",
        "1 clip has 2 channels: their mean is taken; do this",
        "2 clips have 4 channels: their mean is taken; do this",
    ]
    assert conversions(table(tmp_path, "cd0.wav", channel=[1]), 44100) == []
    assert conversions(table(tmp_path, "good.wav", "empty.wav"), RATE) == []


def test_a_file_of_many_parts_is_checked_once(tmp_path, monkeypatch):
    """A FLAC file of an hour must be decoded once, not for each of its 360 parts."""
    write(tmp_path, "long.flac", seconds=5)
    calls = []

    def counted_read(path):
        calls.append(path)
        return read_header(path)

    monkeypatch.setattr("asd_tf.data.decoding.inspection.read_header", counted_read)
    path = [str(tmp_path / "long.flac")] * 50
    ids = [str(i) for i in range(50)]
    parts = table(tmp_path, *ids, start_s=np.arange(50) / 10, duration_s=[0.1] * 50)
    assert inspect_clips(parts.assign(path=path))["ok"].all()
    assert len(calls) == 1


def test_a_repaired_file_is_seen(tmp_path):
    """The cached header of a file must be dropped when the file is written again."""
    (tmp_path / "a.wav").touch()
    clips = table(tmp_path, "a.wav")
    assert not inspect_clips(clips)["ok"].item()
    write(tmp_path, "a.wav")
    assert inspect_clips(clips)["ok"].item()
    write(tmp_path, "a.wav", seconds=2)
    assert inspect_clips(clips)["seconds"].item() == 2


def test_fail_names_the_first_files_and_what_to_do(tmp_path):
    reasons = spoil(tmp_path)
    clips = table(tmp_path, *reasons)
    with pytest.raises(InputError) as raised:
        apply_bad_file_policy(clips, inspect_clips(clips), "fail")
    message = str(raised.value)
    assert message.startswith("5 bad files: ")
    assert f"{tmp_path / 'nothing.wav'}: no samples" in message
    assert "and 2 more" in message
    assert "--on_bad_file=skip" in message
    assert "\n" not in message


def test_skip_leaves_the_bad_files_out_and_lists_them(tmp_path):
    reasons = spoil(tmp_path)
    clips = table(tmp_path, *reasons)
    good, bad = apply_bad_file_policy(clips, inspect_clips(clips), "skip")
    assert list(good["clip_id"]) == ["good.wav", "good.flac", "slow.wav", "stereo.wav"]
    assert list(good.index) == [0, 1, 2, 3]
    assert dict(zip(bad["clip_id"], bad["reason"], strict=True)) == {
        name: reason for name, reason in reasons.items() if reason
    }


def test_skipping_all_files_is_an_error(tmp_path):
    (tmp_path / "empty.wav").touch()
    clips = table(tmp_path, "empty.wav")
    with pytest.raises(InputError, match=r"1 bad file: .*empty\.wav: the file is empty"):
        apply_bad_file_policy(clips, inspect_clips(clips), "skip")


def test_the_commonest_length(tmp_path):
    for name, seconds in (("a.wav", 2), ("b.wav", 2.02), ("c.wav", 1), ("d.wav", 3)):
        write(tmp_path, name, seconds)
    (tmp_path / "e.wav").touch()
    clips = table(tmp_path, "a.wav", "b.wav", "c.wav", "d.wav", "e.wav")
    assert commonest_seconds(inspect_clips(clips)) == 2.0


def test_explain_failure_names_the_file(tmp_path):
    write(tmp_path, "good.wav")
    clips = table(tmp_path, "good.wav")
    assert explain_failure(clips) is None
    write_nan(tmp_path)
    error = explain_failure(table(tmp_path, "good.wav", "nan.wav"))
    assert f"1 bad file: {tmp_path / 'nan.wav'}: a sample is not a number" in str(error)
