"""Decoding: every kind of file that is supported gives what libsndfile gives."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from scipy.io import wavfile

from asd_tf.data.audio import MEAN, PART, decode, read_header, resample
from asd_tf.errors import InputError

RATE = 16000
GRAPH = tf.function(decode)
# Odd, so that 8-bit and 24-bit mono files need a byte of padding.
FRAMES = 4001


def noise(channels: int = 1) -> np.ndarray:
    x = np.random.default_rng(0).uniform(-1, 1, [FRAMES, channels])
    x[:3] = [[-1.0], [1 - 2.0**-15], [0.0]]
    return x


def decoded(path: Path, channel: int = 0, part=None, sample_rate: int = RATE) -> np.ndarray:
    return decoded_with(read_header(path), path, channel, part, sample_rate)


def decoded_with(header, path, channel=0, part=None, sample_rate=RATE) -> np.ndarray:
    first, frames = part or (0, header.frames)
    return GRAPH(
        tf.constant(str(path)),
        tf.constant(channel),
        tf.constant(PART if part else header.decoder),
        tf.constant(header.wrapper),
        *(tf.constant(value, tf.int64) for value in (header.start, header.size)),
        *(tf.constant(value, tf.int64) for value in (header.sample_rate, first, frames)),
        sample_rate=sample_rate,
    ).numpy()


KINDS = [
    ("WAV", "PCM_16"),
    ("WAVEX", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAVEX", "PCM_24"),
    ("WAV", "FLOAT"),
    ("WAVEX", "FLOAT"),
    ("WAV", "PCM_U8"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("container", "subtype"), KINDS)
def test_every_kind_is_decoded_as_libsndfile_does(tmp_path, container, subtype, channels):
    """A wrong scale or shift of 24-bit samples would train a network on whispers."""
    path = tmp_path / "clip"
    soundfile.write(path, noise(channels), RATE, format=container, subtype=subtype)
    expected = soundfile.read(path, dtype="float32", always_2d=True)[0]
    # libsndfile's Vorbis decoder adds in another order; all others are exact.
    tolerance = 1e-6 if subtype == "VORBIS" else 0
    for channel in range(channels):
        waveform = decoded(path, channel)
        assert waveform.dtype == np.float32
        assert waveform.shape == (FRAMES,)
        np.testing.assert_allclose(waveform, expected[:, channel], rtol=0, atol=tolerance)
    header = read_header(path)
    assert (header.sample_rate, header.channels) == (RATE, channels)
    assert header.seconds == pytest.approx(FRAMES / RATE)


def test_a_file_of_scipy(tmp_path):
    samples = np.round(noise()[:, 0] * 32767).astype(np.int16)
    wavfile.write(tmp_path / "clip.wav", RATE, samples)
    np.testing.assert_array_equal(decoded(tmp_path / "clip.wav"), samples / np.float32(32768))


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def write_chunks(path: Path, *order: str | bytes, after: bytes = b"") -> np.ndarray:
    """Writes a 16-bit file of the chunks given, where `fmt` and `data` stand for themselves."""
    samples = np.round(noise()[:, 0] * 32767).astype("<i2")
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
    """Field recorders and tag editors add chunks; decoders stumble over odd ones."""
    expected = write_chunks(tmp_path / "clip.wav", *order, after=after)
    np.testing.assert_array_equal(decoded(tmp_path / "clip.wav"), expected)


def written(path: Path, frames=FRAMES, rate=RATE, **kind) -> Path:
    soundfile.write(path, noise()[:frames], rate, **kind)
    return path


def cut(path: Path, size: int) -> Path:
    path.write_bytes(path.read_bytes()[:size])
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda p: cut(written(p / "a.wav"), 1000), "truncated: its header promises 8046 bytes"),
        (lambda p: cut(written(p / "a.wav", subtype="FLOAT"), 1000), "truncated"),
        (lambda p: cut(written(p / "a.wav"), 20), "not an audio file"),
        (lambda p: cut(written(p / "a.wav"), 0), "the file is empty"),
        (lambda p: written(p / "a.wav", frames=0), "no samples"),
        (lambda p: cut(written(p / "a.flac"), 3000), "damaged: its samples cannot be decoded"),
        (lambda p: cut(written(p / "a.ogg"), 200), "not an audio file"),
        (lambda p: written(p / "a.wav", subtype="DOUBLE"), "WAV of kind DOUBLE is not supported"),
        (lambda p: written(p / "a.wav", subtype="PCM_32"), "convert it to 16-bit wav"),
        (lambda p: p / "missing.wav", "No such file"),
        (lambda p: p, "Is a directory|not an audio file"),
    ],
)
def test_headers_of_bad_files(tmp_path, make, reason):
    path = make(tmp_path)
    with pytest.raises(InputError, match=reason) as raised:
        read_header(path)
    assert "\n" not in str(raised.value)


def test_text_named_wav(tmp_path):
    (tmp_path / "a.wav").write_text("hello, I am no sound at all")
    with pytest.raises(InputError, match="not an audio file"):
        read_header(tmp_path / "a.wav")


def test_a_flac_file_that_ends_early_is_found_by_its_header(tmp_path):
    """tensorflow-io never returns from such a file: one of them would stop a run for ever."""
    path = written(tmp_path / "a.flac")
    data = bytearray(path.read_bytes())
    # Bytes 21 to 25 of a FLAC file end in the 36-bit number of samples.
    data[21:26] = bytes([data[21] & 0xF0]) + (2 * FRAMES).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"damaged|truncated.*{2 * FRAMES} samples"):
        read_header(path)


def test_a_sample_that_is_not_a_number(tmp_path):
    x = noise().astype(np.float32)
    x[17] = np.nan
    soundfile.write(tmp_path / "a.wav", x, RATE, subtype="FLOAT")
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a number"):
        decoded(tmp_path / "a.wav")


def test_a_file_that_shrank_after_its_header_was_read(tmp_path):
    path = written(tmp_path / "a.wav", subtype="PCM_24")
    header = read_header(path)
    cut(path, 1000)
    for part in (None, (100, 2000)):
        with pytest.raises(tf.errors.OpError):
            decoded_with(header, path, part=part)


@pytest.mark.parametrize(("container", "subtype"), KINDS)
def test_a_part_is_cut_out_of_the_file(tmp_path, container, subtype):
    """A part that is off by a sample, or from another channel, is another recording."""
    path = tmp_path / "clip"
    soundfile.write(path, noise(2), RATE, format=container, subtype=subtype)
    whole = decoded(path, 1)
    tolerance = 1e-6 if subtype == "VORBIS" else 0
    for first, frames in ((0, 10), (1000, 2000), (FRAMES - 5, 5)):
        part = decoded(path, 1, part=(first, frames))
        np.testing.assert_allclose(part, whole[first : first + frames], rtol=0, atol=tolerance)


@pytest.mark.parametrize("part", [None, (100, 500)])
def test_the_mean_of_all_channels(tmp_path, part):
    path = tmp_path / "clip.wav"
    soundfile.write(path, noise(3), RATE, subtype="FLOAT")
    expected = np.float32(noise(3)).mean(axis=1)
    first, frames = part or (0, FRAMES)
    np.testing.assert_allclose(
        decoded(path, MEAN, part), expected[first : first + frames], rtol=0, atol=1e-7
    )
    soundfile.write(path, noise(1), RATE, subtype="FLOAT")
    np.testing.assert_array_equal(decoded(path, MEAN), decoded(path, 0))


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 16001])
def test_a_resampled_tone_keeps_frequency_level_and_place(tmp_path, rate):
    """A late, lower or weaker tone would be another machine; the start and end must be there."""
    seconds = 1.5
    time = np.arange(round(seconds * rate)) / rate
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * time), rate, "FLOAT")
    found = decoded(tmp_path / "a.wav")
    assert len(found) == pytest.approx(seconds * RATE, abs=1)
    time = np.arange(len(found)) / RATE
    error = found - 0.5 * np.sin(2 * np.pi * 440 * time)
    # Half a sample late or early is an error of 0.04; 64 samples would be one of 1.
    assert np.abs(error[100:-100]).max() < 0.05
    assert np.abs(error).max() < 0.1
    spectrum = np.abs(np.fft.rfft(found[:RATE] * np.hanning(RATE)))
    assert spectrum.argmax() == 440
    assert np.std(found[100:-100]) == pytest.approx(0.5 / np.sqrt(2), rel=1e-2)


def test_what_the_lower_rate_cannot_hold_is_gone(tmp_path):
    """Ultrasound must not come back as a whistle."""
    time = np.arange(48000) / 48000
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 12000 * time), 48000, "FLOAT")
    assert np.abs(decoded(tmp_path / "a.wav")[100:-100]).max() < 1e-3


@pytest.mark.parametrize("length", [1, 2, 50])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_hardly_any_samples_are_resampled(length, rate):
    number = tf.constant(rate, tf.int64)
    found = resample(tf.fill([length], 0.25), number, tf.constant(RATE, tf.int64)).numpy()
    assert len(found) == max(1, round(length * RATE / rate))
    np.testing.assert_allclose(found, 0.25, atol=0.01)
