"""Every kind of file must be read as libsndfile decodes it, and no more of it than needed."""

import resource
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asd_tf.data.decoding.header import KINDS, read_header
from asd_tf.data.decoding.reader import MEAN, check_samples, read_samples, window
from asd_tf.errors import InputError

RATE = 16000
# Odd, so that 8-bit and 24-bit mono files need a byte of padding.
FRAMES = 4001

ALL_KINDS = [(form, kind) for form, kinds in KINDS.items() for kind in kinds]
ALL_KINDS += [("WAVEX", kind) for kind in KINDS["WAV"]]


def noise(channels: int = 1) -> np.ndarray:
    x = np.random.default_rng(0).uniform(-1, 1, [FRAMES, channels])
    x[:3] = [[-1.0], [1 - 2.0**-15], [0.0]]
    return x


def written(path: Path, samples: np.ndarray, rate=RATE, **kind) -> Path:
    soundfile.write(path, samples, rate, **kind)
    return path


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("container", "subtype"), ALL_KINDS)
def test_every_kind(tmp_path, container, subtype, channels):
    """Scale and offset must be right: wrong ones would change the level of 24-bit files."""
    path = written(tmp_path / "clip", noise(channels), format=container, subtype=subtype)
    header = read_header(path)
    assert (header.sample_rate, header.channels, header.frames) == (RATE, channels, FRAMES)
    assert header.seconds == pytest.approx(FRAMES / RATE)
    expected = soundfile.read(path, dtype="float32", always_2d=True)[0]
    for channel in range(channels):
        found = read_samples(path, channel)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected[:, channel])
        if subtype != "VORBIS":
            width = {"PCM_U8": 7, "PCM_S8": 7, "PCM_16": 15}.get(subtype, 22)
            np.testing.assert_allclose(found, noise(channels)[:, channel], atol=2.0**-width)


@pytest.mark.parametrize(("container", "subtype"), ALL_KINDS)
def test_a_part_is_cut_out_of_the_file(tmp_path, container, subtype):
    """A part must have exactly the samples of the file, and those of its channel."""
    path = written(tmp_path / "clip", noise(2), format=container, subtype=subtype)
    whole = read_samples(path, 1)
    for first, frames in ((0, 10), (1000, 2000), (FRAMES - 5, 5)):
        part = read_samples(path, 1, first=first, frames=frames)
        np.testing.assert_array_equal(part, whole[first : first + frames])


def test_a_late_part_of_a_long_vorbis_file(tmp_path):
    """Where libsndfile seeks to a wrong place the part must still be that of the file."""
    x = np.random.default_rng(0).uniform(-1, 1, 160000)
    path = written(tmp_path / "a.ogg", x, 48000)
    whole = soundfile.read(path, dtype="float32")[0]
    found = read_samples(path, first=50000, frames=2000)
    np.testing.assert_array_equal(found, whole[50000:52000])


@pytest.mark.parametrize("part", [{}, {"first": 100, "frames": 500}])
def test_the_mean_of_all_channels(tmp_path, part):
    path = written(tmp_path / "a.wav", noise(3), subtype="FLOAT")
    expected = np.float32(noise(3)).mean(axis=1)
    first = part.get("first", 0)
    expected = expected[first : first + part.get("frames", FRAMES)]
    np.testing.assert_allclose(read_samples(path, MEAN, **part), expected, rtol=0, atol=1e-7)
    written(path, noise(1), subtype="FLOAT")
    np.testing.assert_array_equal(read_samples(path, MEAN), read_samples(path, 0))


def test_many_channels_are_read_in_blocks(tmp_path):
    """What is returned must not depend on how many samples are decoded at a time."""
    x = np.random.default_rng(0).uniform(-1, 1, [50_000, 64]).astype(np.float32)
    path = written(tmp_path / "a.wav", x, subtype="FLOAT")
    np.testing.assert_array_equal(read_samples(path, 63), x[:, 63])
    np.testing.assert_array_equal(read_samples(path, 5, first=1, samples=40_000), x[1:40_001, 5])


@pytest.mark.parametrize(
    ("length", "samples", "start", "expected"),
    [
        (5, 5, 0.0, (0, 5)),
        (5, 3, 0.0, (0, 3)),
        (5, 3, 0.99, (2, 3)),
        (5, 5, 0.99, (0, 5)),
        (3, 8, 0.99, (0, 3)),
        (5, None, 0.5, (0, 5)),
    ],
)
def test_a_window_of_a_clip(length, samples, start, expected):
    assert window(length, samples, start) == expected


def test_every_window_is_equally_likely():
    """The last samples of a clip must be used as often as the first."""
    first = [window(10, 4, start)[0] for start in np.linspace(0, 1, 700, endpoint=False)]
    assert np.bincount(first).tolist() == [100] * 7


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 16001])
@pytest.mark.parametrize("start", [0.0, 0.4, 0.999])
def test_a_window_of_a_resampled_clip_is_that_of_the_whole(tmp_path, rate, start):
    """Reading a window alone must not change it, neither its samples nor its place."""
    x = np.random.default_rng(0).uniform(-1, 1, 2 * rate)
    path = written(tmp_path / "a.wav", x, rate, subtype="FLOAT")
    clip = {"first": 100, "frames": 2 * rate - 300, "sample_rate": RATE}
    whole = read_samples(path, **clip)
    begin, _ = window(len(whole), 1000, start)
    found = read_samples(path, **clip, start=start, samples=1000)
    np.testing.assert_allclose(found, whole[begin : begin + 1000], rtol=0, atol=2e-6)


def test_only_what_is_needed_is_read(tmp_path):
    """Half an hour at 48 kHz must cost a window of a second the time and memory of a second."""
    rate = 48000
    with soundfile.SoundFile(tmp_path / "long.wav", "w", rate, 1, subtype="PCM_16") as file:
        for _ in range(30):
            file.write(np.full(60 * rate, 0.25, np.float32))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    for start in (0.0, 0.5, 0.999):
        found = read_samples(tmp_path / "long.wav", sample_rate=RATE, start=start, samples=RATE)
        np.testing.assert_allclose(found, 0.25, atol=1e-4)
    assert time.perf_counter() - begin < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.nan, "a sample is not a number"),
        (np.inf, "a sample is inf: full scale is 1"),
        (-3e38, r"a sample is 3e\+38"),
        (32767, "a sample is 32767"),
    ],
)
def test_values_that_no_recorder_writes(tmp_path, value, reason):
    x = noise()
    x[17] = value
    path = written(tmp_path / "a.wav", x, subtype="FLOAT")
    for call in (lambda: read_samples(path), lambda: check_samples(path, 0, 0, FRAMES)):
        with pytest.raises(InputError, match=reason):
            call()
    assert len(read_samples(path, first=20)) == FRAMES - 20


def test_floats_above_full_scale_are_kept(tmp_path):
    path = written(tmp_path / "a.wav", 3 * noise()[:, 0], subtype="FLOAT")
    np.testing.assert_array_equal(read_samples(path), np.float32(3 * noise()[:, 0]))


def test_a_file_that_shrank_after_its_header_was_read(tmp_path):
    path = written(tmp_path / "a.wav", noise())
    frames = read_header(path).frames
    written(path, noise()[:1000])
    with pytest.raises(InputError, match="truncated: samples 0 to 4001 of 1000"):
        read_samples(path, 0, first=0, frames=frames)


def test_a_damaged_middle(tmp_path):
    path = written(tmp_path / "a.flac", np.random.default_rng(0).uniform(-1, 1, 10 * FRAMES))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 10_000] = bytes(10_000)
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read_samples(path)
    assert len(read_samples(path, samples=1000)) == 1000


def test_a_channel_that_is_not_there(tmp_path):
    path = written(tmp_path / "a.wav", noise(2))
    with pytest.raises(InputError, match="no channel 2: it has 2, counted from 0"):
        read_samples(path, 2)
