"""Long recordings must be divided into windows that leave nothing out and pad nothing."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from data_helpers import clip_table

from asd_tf.data.clips import check_clips, clips_digest, load_clips, write_clips
from asd_tf.data.decoding.inspection import inspect_clips
from asd_tf.data.pipeline import scoring_batches
from asd_tf.data.windows import UnusedAudio, has_windows, recordings_of, split_into_windows

RATE = 8000


@pytest.fixture
def ramp(tmp_path):
    """Returns the clip table of files whose samples rise, so that each tells its place."""

    def write(*lengths, rate=RATE):
        paths = [tmp_path / f"{index}.wav" for index in range(len(lengths))]
        for path, seconds in zip(paths, lengths, strict=True):
            samples = np.linspace(0, 0.9, round(seconds * rate), dtype=np.float32)
            soundfile.write(path, samples, rate, subtype="FLOAT")
        return clip_table(paths)

    return write


def split(clips, seconds=1.0, **kwargs):
    return split_into_windows(clips, inspect_clips(clips), seconds, **kwargs)


def test_windows_cover_a_recording(ramp):
    """The last window must end with the recording, and be as long as the others."""
    windows = split(ramp(3.5))
    rows = windows.table
    assert rows["start_s"].tolist() == [0, 1, 2, 2.5]
    assert rows["duration_s"].tolist() == [1] * 4
    assert rows["clip_id"].tolist() == ["0.wav@0", "0.wav@1", "0.wav@2", "0.wav@2.5"]
    assert set(rows["recording_id"]) == {"0.wav"}
    assert windows.unused_s == 0
    check_clips(rows)
    _, waveforms = next(iter(scoring_batches(rows, RATE, RATE, 8)))
    starts = waveforms.numpy()[:, 0] / 0.9 * 3.5
    np.testing.assert_allclose(starts, [0, 1, 2, 2.5], atol=1e-3)
    assert waveforms.numpy()[-1, -1] == pytest.approx(0.9)


def test_short_recordings_stay_as_they_are(ramp):
    """A recording of a window, of less or of a tiny rest more must be one row."""
    clips = ramp(0.4, 1.0, 1.05)
    windows = split(clips)
    pd.testing.assert_frame_equal(windows.table, clips)
    assert windows.unused_s == pytest.approx(0.05)
    assert not has_windows(windows.table)


@pytest.mark.parametrize("rate", [11025, 22050, 44100])
def test_windows_of_other_rates_have_enough_samples(ramp, rate):
    """Resampled windows must not be a sample short, which would repeat their beginning."""
    rows = split(ramp(2.7, rate=rate), 0.3).table
    assert len(rows) == 9
    for _, waveforms in scoring_batches(rows, 4800, 16000, 16):
        assert (waveforms.numpy()[:, -1] > waveforms.numpy()[:, 0] + 0.05).all()


def test_a_hop_and_a_limit(ramp):
    """Windows may overlap or leave gaps; a limited number is spread over the whole recording."""
    clips = ramp(10.0, 2.0)
    assert len(split(clips, hop=0.5).table) == 19 + 3
    assert split(clips, hop=2.0).unused_s == pytest.approx(4.0)
    windows = split(clips, most=4)
    rows = windows.table[windows.table["recording_id"] == "0.wav"]
    assert rows["start_s"].tolist() == [0, 3, 6, 9]
    assert (windows.unused_s, windows.total_s, windows.capped) == (6, 12, 1)


def test_a_limit_keeps_an_hour_from_drowning_a_minute(ramp):
    """Sixty times as long must not mean sixty times as many windows, nor the beginning alone."""
    table = split(ramp(360.0, 6.0), most=60).table
    counts = table["recording_id"].value_counts(sort=False).tolist()
    assert counts == [60, 6]
    starts = table["start_s"][:60]
    assert (starts.iloc[0], starts.iloc[-1]) == (0, 359)
    assert starts.diff()[1:].between(6, 7).all()
    assert split(ramp(360.0, 6.0), most=6).table["recording_id"].value_counts().tolist() == [6, 6]


def test_a_part_of_a_file_is_divided_within_itself(ramp):
    clips = ramp(10.0).assign(start_s=2.0, duration_s=3.0)
    rows = split(clips).table
    assert rows["start_s"].tolist() == [2, 3, 4]
    assert recordings_of(rows)[["clip_id", "start_s", "duration_s", "windows"]].values.tolist() == [
        ["0.wav", 2, 3, 3]
    ]


def test_unreadable_recordings_stay_one_row(ramp, tmp_path):
    clips = ramp(3.0, 3.0)
    (tmp_path / "0.wav").write_bytes(b"nothing")
    assert split(clips).table["recording_id"].tolist() == ["0.wav"] + ["1.wav"] * 3


def test_windows_are_split_once(ramp):
    """Windows that are divided again must stay what they are, also at odd rates."""
    rows = split(ramp(3.45, rate=11025), 0.7).table
    pd.testing.assert_frame_equal(split(rows, 0.7).table, rows)


def test_tables_without_windows_are_written_as_before(ramp, tmp_path):
    """Digests of runs of earlier versions must not change; windows must be read back."""
    clips = ramp(3.0)
    write_clips(tmp_path / "clips.csv", clips)
    assert "recording_id" not in (tmp_path / "clips.csv").read_text()
    rows = split(clips).table
    write_clips(tmp_path / "clips.csv", rows)
    assert clips_digest(load_clips(tmp_path / "clips.csv")) == clips_digest(rows)


def test_what_is_unused_is_told(ramp):
    """The line must count all recordings, also where they come a few at a time."""
    unused = UnusedAudio(1.0)
    unused.add(inspect_clips(ramp(1.0, 3.0)))
    unused.add(inspect_clips(ramp(2.5)))
    assert unused.line("its first window") == (
        "2 recordings are longer than 1 s, and its first window is used: 3.5 s of 6.5 s of audio "
        "are not"
    )
    nothing = UnusedAudio(3.0)
    nothing.add(inspect_clips(ramp(1.0, 3.0)))
    assert nothing.line("its first window") is None
