"""Batches of waveforms must belong to their clips, and training streams must resume exactly."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import tensorflow as tf
from data_helpers import clip_table

from asd_tf.data.pipeline import scoring_batches, training_batches
from asd_tf.seeds import stable_seed

RATE = 16000
SAMPLES = 400
COUNT = 10


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> pd.DataFrame:
    """Ten clips; each is a ramp, so that a value identifies its clip and its position in it."""
    folder = tmp_path_factory.mktemp("ramps")
    kinds = itertools.cycle(["a.wav", "b.flac", "c.wav"])
    paths = [folder / f"{i:02d}{next(kinds)}" for i in range(COUNT)]
    for i, path in enumerate(paths):
        soundfile.write(path, ramp(i), RATE, subtype="PCM_24" if "c" in path.stem else "PCM_16")
    return clip_table(paths)


def ramp(i: int, length: int = 1000) -> np.ndarray:
    """Returns the values i * 1000, i * 1000 + 1, ... of 16-bit samples."""
    return (i * 1000 + np.arange(length)) / 2.0**15


def taken(dataset: tf.data.Dataset, count: int) -> list[tuple[np.ndarray, ...]]:
    return list(dataset.take(count).as_numpy_iterator())


def train(clips, batch_size=4, seed=0, stage="network", samples=SAMPLES, **kwargs):
    return training_batches(clips, samples, RATE, batch_size, seed, stage, **kwargs)


def test_scoring_keeps_order_and_gives_the_start_of_each_clip(clips):
    batches = taken(scoring_batches(clips, SAMPLES, RATE, 4), 99)
    assert [len(rows) for rows, _ in batches] == [4, 4, 2]
    assert np.concatenate([rows for rows, _ in batches]).tolist() == list(range(COUNT))
    waveforms = np.concatenate([waveform for _, waveform in batches])
    expected = [ramp(i)[:SAMPLES] for i in range(COUNT)]
    np.testing.assert_array_equal(waveforms, np.float32(expected))


def test_short_clips_are_repeated(clips):
    _, waveform = taken(scoring_batches(clips, 2500, RATE, 1), 1)[0]
    np.testing.assert_array_equal(waveform[0], np.float32(np.tile(ramp(0), 3)[:2500]))


def test_a_part_of_a_channel(tmp_path):
    left, right = ramp(0, 2 * RATE) % 1, ramp(3, 2 * RATE) % 1
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), RATE, subtype="PCM_24")
    clips = clip_table([tmp_path / "a.wav"], start_s=[0.5], duration_s=[0.01], channel=[1])
    _, waveform = taken(scoring_batches(clips, SAMPLES, RATE, 1), 1)[0]
    part = right[RATE // 2 : RATE // 2 + 160]
    np.testing.assert_array_equal(waveform[0], np.float32(np.tile(part, 3)[:SAMPLES]))


def test_a_part_of_another_rate(tmp_path):
    """Start and duration must be in seconds of the file, whatever the target rate."""
    time = np.arange(3 * 48000) / 48000
    soundfile.write(tmp_path / "a.wav", time / 4, 48000, subtype="FLOAT")
    clips = clip_table([tmp_path / "a.wav"], start_s=[1.0], duration_s=[0.5])
    _, waveform = taken(scoring_batches(clips, RATE // 2, RATE, 1), 1)[0]
    expected = (1 + np.arange(RATE // 2) / RATE) / 4
    np.testing.assert_allclose(waveform[0, 100:-100], expected[100:-100], atol=1e-4)


def test_bad_files_leave_their_neighbors_alone(clips, tmp_path):
    """A bad file must cost its own clip alone, whether its header or its samples are bad."""
    nan = ramp(1).astype(np.float32)
    nan[300] = np.nan
    soundfile.write(tmp_path / "nan.wav", nan, RATE, subtype="FLOAT")
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "cut.flac", np.random.default_rng(0).normal(size=5000), RATE)
    (tmp_path / "cut.flac").write_bytes((tmp_path / "cut.flac").read_bytes()[:4000])
    names = ("nan.wav", "empty.wav", "cut.flac", "missing.wav")
    good = [Path(path) for path in clips["path"]]
    paths = [*good[:5], *(tmp_path / name for name in names), *good[5:]]
    batches = taken(scoring_batches(clip_table(paths), SAMPLES, RATE, 4), 99)
    rows = np.concatenate([rows for rows, _ in batches])
    assert rows.tolist() == [0, 1, 2, 3, 4, 9, 10, 11, 12, 13]
    expected = [ramp(i)[:SAMPLES] for i in range(COUNT)]
    found = np.concatenate([waveform for _, waveform in batches])
    np.testing.assert_array_equal(found, np.float32(expected))


def test_a_file_that_vanishes_while_scoring(clips, tmp_path):
    soundfile.write(tmp_path / "a.wav", ramp(1), RATE)
    both = clip_table([tmp_path / "a.wav", Path(clips["path"][0])])
    batches = scoring_batches(both, SAMPLES, RATE, 4)
    (tmp_path / "a.wav").unlink()
    assert [rows.tolist() for rows, _ in taken(batches, 9)] == [[1]]


def test_an_epoch_is_a_permutation(clips):
    """Every clip must be used equally often, although batches cross the ends of epochs."""
    rows = np.concatenate([rows for _, rows, _ in taken(train(clips), 15)])
    epochs = rows.reshape(6, COUNT)
    assert (np.sort(epochs, axis=1) == np.arange(COUNT)).all()
    assert len(set(map(tuple, epochs))) == 6


def test_rows_belong_to_their_waveforms(clips):
    for step, (number, rows, waveform) in enumerate(taken(train(clips), 8)):
        assert number == step
        assert waveform.shape == (4, SAMPLES)
        values = np.rint(waveform * 2**15).astype(int)
        assert (values[:, 0] // 1000 == rows).all()
        assert (np.diff(values, axis=1) == 1).all()


def test_crops_differ_from_epoch_to_epoch(clips):
    starts = [
        int(np.rint(waveform[row == 0, 0] * 2**15)[0])
        for _, row, waveform in taken(train(clips, batch_size=COUNT), 12)
    ]
    assert len(set(starts)) > 8
    assert max(starts) <= 1000 - SAMPLES


def equal(first, second) -> bool:
    return all(
        np.array_equal(a, b)
        for x, y in zip(first, second, strict=True)
        for a, b in zip(x, y, strict=True)
    )


@pytest.mark.parametrize("pools", [None, [(np.arange(7), 3), (np.arange(7, COUNT), 1)]])
def test_a_stream_is_resumed_exactly(clips, pools):
    """A run that was killed after any step must go on with the batches it would have had."""
    whole = taken(train(clips, pools=pools), 12)
    for first_step in (1, 5, 11):
        resumed = taken(train(clips, pools=pools, first_step=first_step), 12 - first_step)
        assert equal(whole[first_step:], resumed)


def test_a_late_step_is_reached_at_once(clips):
    """Resuming must not decode earlier batches: a billion steps would take years."""
    (step, rows, _), *_ = taken(train(clips, first_step=10**9), 1)
    assert step == 10**9
    assert set(rows) <= set(range(COUNT))


@pytest.mark.parametrize("other", [{"seed": 1}, {"stage": "other"}])
def test_other_seeds_and_stages_have_other_streams(clips, other):
    assert not equal(taken(train(clips), 3), taken(train(clips, **other), 3))
    assert equal(taken(train(clips), 3), taken(train(clips), 3))


def test_the_stream_is_that_of_every_machine(clips):
    """The stream of a seed must never change, so that old runs resume and seeds stay valid."""
    assert stable_seed(0, "network", 0) == 221_453_444
    rows = np.concatenate([rows for _, rows, _ in taken(train(clips), 3)])
    assert rows.tolist() == [3, 9, 0, 1, 8, 7, 2, 4, 5, 6, 4, 6]
    assert stable_seed("ab") != stable_seed("a", "b")


def test_pools_fill_their_share(clips):
    """Each batch must have the given number of clips of each pool, each in its own epochs."""
    few = np.array([2, 9])
    many = np.setdiff1d(np.arange(COUNT), few)
    batches = taken(train(clips, pools=[(many, 3), (few, 1)]), 8)
    rows = np.stack([rows for _, rows, _ in batches])
    for epoch in rows[:, :3].reshape(3, 8):
        assert sorted(epoch) == many.tolist()
    for epoch in rows[:, 3].reshape(4, 2):
        assert sorted(epoch) == few.tolist()
    for _, row, waveform in batches:
        assert (np.rint(waveform[:, 0] * 2**15) // 1000 == row).all()


def test_a_pool_of_one_clip(clips):
    rows = [rows.tolist() for _, rows, _ in taken(train(clips, 2, pools=[([3], 2)]), 2)]
    assert rows == [[3, 3], [3, 3]]


@pytest.mark.parametrize("pools", [[([0, 1], 3)], [([0, 1], 2), ([], 2)]])
def test_pools_that_do_not_make_a_batch(clips, pools):
    with pytest.raises(ValueError, match="counts must make up the batch"):
        train(clips, pools=pools)


def test_training_stops_at_a_bad_file(clips, tmp_path):
    """A file that went bad after the inspection must not be left out silently."""
    nan = np.full(1000, np.nan, np.float32)
    soundfile.write(tmp_path / "nan.wav", nan, RATE, subtype="FLOAT")
    mixed = clip_table([Path(clips["path"][0]), tmp_path / "nan.wav"])
    with pytest.raises(tf.errors.OpError, match=r"nan\.wav: a sample is not a number"):
        taken(train(mixed), 1)
