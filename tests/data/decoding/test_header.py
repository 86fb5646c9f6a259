"""A header must be refused, with the reason, if it cannot be true or its file is no recording."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from asd_tf.data.decoding.header import read_header
from asd_tf.data.decoding.reader import read_samples
from asd_tf.errors import InputError

RATE = 16000
FRAMES = 4001


def noise() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, FRAMES)


def written(path: Path, frames=FRAMES, rate=RATE, **kind) -> Path:
    soundfile.write(path, noise()[:frames], rate, **kind)
    return path


def cut(path: Path, size: int) -> Path:
    path.write_bytes(path.read_bytes()[:size])
    return path


def changed(path: Path, position: int, layout: str, *values) -> Path:
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, position, *values)
    path.write_bytes(data)
    return path


def of_rate(path: Path, rate: int) -> Path:
    return changed(written(path), 24, "<I", rate)


def of_channels(path: Path, channels: int) -> Path:
    soundfile.write(path, np.zeros([100, channels]), RATE)
    return path


def linked(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def chained(path: Path, *others: Path) -> Path:
    path.write_bytes(b"".join(other.read_bytes() for other in others))
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda p: cut(written(p / "a.wav"), 1000), "truncated: its header states 8046 bytes"),
        (lambda p: cut(written(p / "a.wav", subtype="FLOAT"), 1000), "truncated"),
        (lambda p: cut(written(p / "a.wav"), 20), "its WAV header is damaged"),
        (lambda p: cut(written(p / "a.wav"), 0), "the file is empty"),
        (lambda p: written(p / "a.wav", frames=0), "no samples"),
        (lambda p: cut(written(p / "a.aiff"), 3000), "truncated: its header states 8056 bytes"),
        (lambda p: cut(written(p / "a.flac"), 3000), "damaged"),
        (lambda p: cut(written(p / "a.ogg"), 200), "damaged or truncated: the page at byte 58"),
        (lambda p: cut(written(p / "a.ogg"), 2000), "damaged or truncated"),
        (lambda p: cut(written(p / "a.ogg"), 58), "damaged or truncated|not an audio file"),
        (lambda p: written(p / "a.wav", subtype="ULAW"), "WAV of kind ULAW is not supported"),
        (lambda p: written(p / "a.wav", subtype="MS_ADPCM"), "convert it to 16-bit wav"),
        (lambda p: written(p / "a.au"), "AU of kind PCM_16 is not supported"),
        (lambda p: of_rate(p / "a.wav", 1), "a sample rate of 1 Hz: 1000 to 768000 Hz can be"),
        (lambda p: of_rate(p / "a.wav", 2**31 - 1), "a sample rate of 2147483647 Hz"),
        (lambda p: of_rate(p / "a.wav", 0), "not an audio file|a sample rate of 0 Hz"),
        (lambda p: of_channels(p / "a.wav", 65), "a number of channels of 65: 1 to 64 can be"),
        (lambda p: p / "missing.wav", "No such file"),
        (lambda p: written(p / "a.wav") / "b.wav", "Not a directory"),
        (lambda p: p / ("a" * 300), "File name too long"),
        (lambda p: p / "a\udcff.wav", "its name is not UTF-8"),
        (lambda p: p / "a\0.wav", "its name has a null character"),
        (lambda p: linked(p / "a.wav", "a.wav"), "Too many levels of symbolic links"),
        (lambda p: p, "Is a directory"),
        (lambda p: pipe(p / "a.wav"), "not a file but a device, a pipe or a socket"),
        (lambda p: Path("/dev/zero"), "not a file but a device"),
    ],
)
def test_bad_headers(tmp_path, make, reason):
    path = make(tmp_path)
    for read in (read_header, read_samples):
        with pytest.raises(InputError, match=reason) as raised:
            read(path)
    assert "\n" not in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


def test_text_named_wav(tmp_path):
    (tmp_path / "a.wav").write_text("this is text")
    with pytest.raises(InputError, match="not an audio file"):
        read_header(tmp_path / "a.wav")


def test_chained_ogg(tmp_path):
    """A second recording must not be dropped in silence."""
    first, second = written(tmp_path / "1.ogg"), written(tmp_path / "2.ogg", rate=48000)
    for parts in ((first, second), (first, first)):
        with pytest.raises(InputError, match="a chained OGG file"):
            read_header(chained(tmp_path / "a.ogg", *parts))


def test_what_is_appended_to_ogg(tmp_path):
    path = written(tmp_path / "a.ogg")
    path.write_bytes(path.read_bytes() + b"TAG and what else a player appends")
    assert read_header(path).frames == FRAMES


@pytest.mark.parametrize("rate", [1000, 768_000])
def test_the_rates_at_the_limits(tmp_path, rate):
    """The rates of geophones and of bat detectors must be read."""
    path = written(tmp_path / "a.wav", rate=rate)
    assert len(read_samples(path, sample_rate=RATE)) == round(FRAMES * RATE / rate)


def test_a_flac_file_that_ends_early_is_found_by_its_header(tmp_path):
    """Its header must not promise samples that only a training would miss."""
    path = written(tmp_path / "a.flac")
    data = path.read_bytes()
    # Bytes 21 to 25 of a FLAC file end in the 36-bit number of samples.
    changed(path, 21, ">BI", data[21] & 0xF0, 2 * FRAMES)
    with pytest.raises(InputError, match=f"truncated: its header states {2 * FRAMES} samples"):
        read_header(path)


def test_a_file_of_scipy(tmp_path):
    samples = np.round(noise() * 32767).astype(np.int16)
    wavfile.write(tmp_path / "clip.wav", RATE, samples)
    np.testing.assert_array_equal(read_samples(tmp_path / "clip.wav"), samples / np.float32(32768))


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def write_chunks(path: Path, *order: str | bytes, after: bytes = b"") -> np.ndarray:
    """Writes a 16-bit file of the given chunks; `fmt` and `data` mean those of the samples."""
    samples = np.round(noise() * 32767).astype("<i2")
    own = {
        "fmt": chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)),
        "data": chunk(b"data", samples.tobytes()),
    }
    body = b"WAVE" + b"".join(own.get(part, part) for part in order)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body + after)
    return samples / np.float32(32768)


JUNK = chunk(b"JUNK", bytes(28))
LIST = chunk(b"LIST", b"INFOISFT\x04\0\0\0abc\0")
ODD_LIST = chunk(b"LIST", b"INFOISFT\x03\0\0\0abc")
BEXT = chunk(b"bext", bytes(603))


@pytest.mark.parametrize(
    ("order", "after"),
    [
        (("fmt", "data"), b""),
        ((JUNK, "fmt", "data"), b""),
        (("fmt", LIST, "data"), b""),
        (("fmt", "data", LIST), b""),
        (("fmt", ODD_LIST, "data"), b""),
        ((BEXT, "fmt", "data"), b""),
        (("fmt", "data", chunk(b"id3 ", b"12345")), b""),
        (("fmt", "data"), b"TAG and what else a player appends"),
        (("fmt", "data"), b"\0"),
    ],
)
def test_chunks_around_the_samples(tmp_path, order, after):
    """The chunks that recorders and tag editors add must not be decoded as samples."""
    path = tmp_path / "clip.wav"
    expected = write_chunks(path, *order, after=after)
    np.testing.assert_array_equal(read_samples(path), expected)
    start = read_header(path).samples_at
    stored = path.read_bytes()[start : start + 2 * FRAMES]
    np.testing.assert_array_equal(np.frombuffer(stored, "<i2") / np.float32(32768), expected)


def test_endless_chunks(tmp_path):
    """Millions of empty chunks must be refused at once."""
    write_chunks(tmp_path / "a.wav", chunk(b"JUNK", b"") * 10**6, "fmt", "data")
    with pytest.raises(InputError, match="its WAV header is damaged"):
        read_header(tmp_path / "a.wav")
