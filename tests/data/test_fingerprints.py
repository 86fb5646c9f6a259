"""A fingerprint must follow the contents of a file, and nothing else."""

import os
import shutil

import numpy as np
import pytest
from data_helpers import clip_table

from asd_tf.data.fingerprints import NONE, changed, fingerprint, fingerprints_of

LONG = 5_000_000


def write(path, size, seed=0):
    path.write_bytes(np.random.default_rng(seed).bytes(size))
    return path


def test_moving_and_copying_change_nothing(tmp_path):
    """A dataset that is moved, copied or touched must keep its features."""
    path = write(tmp_path / "a.wav", LONG)
    before = fingerprint(path)
    os.utime(path, (0, 0))
    assert fingerprint(path) == before
    assert fingerprint(shutil.copy(path, tmp_path / "b.wav")) == before
    assert fingerprint(path.rename(tmp_path / "c.wav")) == before


@pytest.mark.parametrize("size", [1000, 1_048_576, LONG])
def test_another_recording_is_noticed(tmp_path, size):
    """Also one of the same size, name and time must have another fingerprint."""
    path = write(tmp_path / "a.wav", size)
    before, status = fingerprint(path), path.stat()
    write(path, size, seed=1)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert fingerprint(path) != before


@pytest.mark.parametrize("place", [0, 0.5, 1])
@pytest.mark.parametrize("size", [1_048_576, LONG])
def test_changes_at_any_place_are_noticed(tmp_path, size, place):
    """One byte of a file of up to 1 MiB must count, and any 1 % of a longer one."""
    path = write(tmp_path / "a.wav", size)
    before, data = fingerprint(path), bytearray(path.read_bytes())
    length = 1 if size <= 1_048_576 else size // 100
    start = round(place * (size - length))
    data[start : start + length] = bytes(255 - value for value in data[start : start + length])
    path.write_bytes(data)
    assert fingerprint(path) != before


def test_what_is_no_file_has_none(tmp_path):
    """A missing file, a folder and a pipe must have no fingerprint, and not block."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("gone.wav", "pipe", "", "a\0b"):
        assert fingerprint(tmp_path / name) == NONE


def test_only_known_differences_are_changes(tmp_path):
    """A file that is missing, or was, must not be called changed."""
    clips = clip_table([write(tmp_path / f"{seed}.wav", 100, seed) for seed in range(3)])
    before = fingerprints_of(clips)
    assert len(set(before.values())) == 3
    write(tmp_path / "0.wav", 100, 7)
    (tmp_path / "1.wav").unlink()
    assert list(changed(before, fingerprints_of(clips))) == ["0.wav"]
    assert not list(changed(before | {"0.wav": NONE}, fingerprints_of(clips)))
