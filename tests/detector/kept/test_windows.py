"""A detector must keep a bounded part of its normal windows, and know recordings by content."""

import numpy as np
import pandas as pd
import pytest
from harness import write_tone

from asd_tf.data.decoding.inspection import inspect_clips
from asd_tf.data.layouts.files import clips_of_files
from asd_tf.data.layouts.inputs import Inputs
from asd_tf.data.windows import split_into_windows
from asd_tf.detector.kept import windows as module
from asd_tf.detector.kept.windows import digests_of, sample_of


def table(source, target):
    domain = ["source"] * source + ["target"] * target
    return pd.DataFrame({"domain": domain, "use": "both"})


def test_all_windows_are_kept_up_to_the_bound():
    assert sample_of(table(1990, 10), 1024).tolist() == list(range(2000))


@pytest.mark.parametrize(("windows", "size"), [(2000, 1024), (100, module.MOST_BYTES // 100)])
def test_the_few_of_the_target_domain_stay(windows, size):
    """Neither number nor bytes may be beyond the bound, and a small domain must not shrink."""
    kept = sample_of(table(5000, 10), size)
    assert len(kept) == windows and len(np.unique(kept)) == windows
    assert set(range(5000, 5010)) <= set(kept.tolist())
    assert np.diff(kept[kept < 5000]).max() <= 2 * 5000 / windows  # spread evenly


def test_a_recording_is_known_by_its_content(tmp_path):
    """Another name, folder or time must not make a recording new; another part of it does."""
    for name, seed in (("a", 1), ("b", 2)):
        write_tone(tmp_path / f"{name}.wav", 300, 0.2, seed)
    (tmp_path / "copy.wav").write_bytes((tmp_path / "a.wav").read_bytes())
    clips = clips_of_files([tmp_path / f"{name}.wav" for name in ("a", "b", "copy")])
    first, other, copy = digests_of(clips)
    assert first == copy != other
    assert digests_of(clips.assign(start_s=0.1))[0] != first
    assert digests_of(clips.assign(path="missing")).tolist() == [""] * 3


@pytest.mark.parametrize(("start", "duration"), [(0.0, float("nan")), (0.5, 1.5)])
def test_a_recording_is_known_without_its_first_windows(start, duration, tmp_path):
    """Windows of a machine that is off are left out of a training, which must change nothing."""
    write_tone(tmp_path / "a.wav", 300, 2.5)
    table = pd.DataFrame({"path": ["a.wav"], "machine": "fan", "start_s": start})
    table.assign(duration_s=duration).to_csv(tmp_path / "table.csv", index=False)
    clips = Inputs([tmp_path / "table.csv"], None).table()
    windows = split_into_windows(clips, inspect_clips(clips), 0.5).table
    assert len(windows) == (5 if start == 0 else 3)
    whole = digests_of(windows)
    assert len(set(whole)) == 1
    assert digests_of(windows.iloc[1:]).tolist() == whole[1:].tolist()
    assert digests_of(clips)[0] == whole[0]
