"""No damaged file may crash, hang or exhaust the process that reads it, or go without a reason."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from child_pool import outcomes
from damaged_files import RATE, write_corpus

FILES, SEED, BATCH = 1800, 7, 50
LIMIT_S, LIMIT_MIB = 5.0, 300


def make_reading():
    """Returns a function that reads a file in every way, and returns the reason if it is bad."""
    from data_helpers import clip_table

    from asd_tf.data.decoding.inspection import inspect_clips
    from asd_tf.data.decoding.reader import LARGEST, read_samples
    from asd_tf.errors import InputError

    def reason_of_reader(path: str, **options) -> str:
        try:
            samples = read_samples(path, **options)
        except InputError as error:
            assert str(error)
            return str(error)
        assert samples.dtype == np.float32
        # A resampled step overshoots.
        assert np.abs(samples).max() <= LARGEST * 1.2
        return ""

    def read(path: str) -> str:
        clips = clip_table([Path(path)])
        header = inspect_clips(clips)["reason"].item()
        whole = inspect_clips(clips, thorough=True)["reason"].item()
        assert not header or whole == header
        for options in ({}, {"start": 0.7, "samples": 1000}, {"channel": 0, "sample_rate": 8000}):
            assert not reason_of_reader(path, **options) or whole
        return whole

    return _answering(read)


def make_scoring():
    """Returns a function that streams the files of a folder as for scoring."""
    from data_helpers import clip_table

    from asd_tf.data.decoding.inspection import inspect_clips
    from asd_tf.data.pipeline import scoring_batches

    def score(folder: str) -> str:
        clips = clip_table(sorted(Path(folder).iterdir()))
        is_good = inspect_clips(clips, thorough=True)["ok"].to_numpy(bool)
        is_scored = np.zeros(len(clips), bool)
        for rows, waveforms in scoring_batches(clips, RATE, RATE, 4):
            assert np.isfinite(waveforms).all()
            is_scored[rows] = True
        assert (is_scored == is_good).all()
        return ""

    return _answering(score)


def _answering(function):
    def answer(argument: str) -> str:
        try:
            return f"bad: {reason}" if (reason := function(argument)) else "good"
        except Exception as error:
            return f"failed: {error!r}"

    return answer


@pytest.mark.slow
def test_damaged_files(tmp_path):
    """Each must be read or refused with a reason, in seconds and with little memory."""
    paths = write_corpus(tmp_path, FILES, SEED)
    found = list(outcomes(make_reading, map(str, paths), children=2, limit_s=LIMIT_S))
    assert not [one for one in found if not one.answer.startswith(("good", "bad: "))]
    assert max(one.grown for one in found) < LIMIT_MIB
    counts = Counter(one.answer.partition(":")[0] for one in found)
    # A corpus of which nothing is damaged, or all is refused at once, would test little.
    assert min(counts["good"], counts["bad"]) > FILES // 10


@pytest.mark.slow
def test_damaged_files_among_others(tmp_path):
    """None may take a waveform from another file of its batch."""
    paths = write_corpus(tmp_path, FILES, SEED)
    folders = []
    for first in range(0, FILES, BATCH):
        folders.append(tmp_path / f"from{first}")
        folders[-1].mkdir()
        for path in paths[first : first + BATCH]:
            path.rename(folders[-1] / path.name)
    found = list(outcomes(make_scoring, map(str, folders), children=2, limit_s=BATCH))
    assert not [one for one in found if one.answer != "good"]
    assert max(one.grown for one in found) < LIMIT_MIB
