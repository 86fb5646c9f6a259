"""A corpus of damaged audio files, made by a seed."""

from pathlib import Path

import numpy as np
import soundfile
from media_files import write_media

RATE = 16000
KINDS = (
    ("WAV", "PCM_16", 1),
    ("WAV", "PCM_16", 2),
    ("WAV", "PCM_U8", 1),
    ("WAV", "PCM_24", 1),
    ("WAV", "FLOAT", 1),
    ("WAV", "DOUBLE", 1),
    ("WAVEX", "PCM_24", 3),
    ("AIFF", "PCM_16", 1),
    ("FLAC", "PCM_16", 1),
    ("FLAC", "PCM_24", 2),
    ("OGG", "VORBIS", 1),
    ("OGG", "VORBIS", 2),
    ("OGG", "OPUS", 1),
    ("MP3", "MPEG_LAYER_III", 1),
    (".m4a", "aac", 1),
    (".mp4", "aac", 2),
    (".mkv", "aac", 1),
    (".wma", "wmav2", 1),
)
_HEADER = 64
_EXTREMES = (0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)


def write_corpus(folder: Path, count: int, seed: int) -> list[Path]:
    """Writes `count` files, each one of `KINDS` with one kind of damage."""
    rng = np.random.default_rng(seed)
    originals = [_original(folder / f"original{i}", rng, *kind) for i, kind in enumerate(KINDS)]
    paths = []
    for number in range(count):
        kind, damage = number % len(KINDS), DAMAGES[number // len(KINDS) % len(DAMAGES)]
        name = "-".join(map(str, (f"{number:04d}", *KINDS[kind], damage.__name__)))
        (folder / name).write_bytes(damage(bytearray(originals[kind]), rng))
        paths.append(folder / name)
    return paths


def _original(path: Path, rng, container: str, subtype: str, channels: int) -> bytes:
    samples = rng.uniform(-0.5, 0.5, [RATE // 2, channels])
    if container.startswith("."):
        return write_media(path.with_suffix(container), samples, RATE).read_bytes()
    soundfile.write(path, samples, RATE, format=container, subtype=subtype)
    return path.read_bytes()


def a_field_of_the_header(data: bytearray, rng) -> bytes:
    """Sets two or four bytes of the header to an extreme value."""
    size = int(rng.choice([2, 4]))
    position = int(rng.integers(4, _HEADER // 2)) * 2
    value = int(rng.choice(_EXTREMES)) % 256**size
    data[position : position + size] = value.to_bytes(size, str(rng.choice(["little", "big"])))
    return bytes(data)


def bits_of_the_header(data: bytearray, rng) -> bytes:
    """Flips a few bits of the header."""
    for position in rng.integers(0, _HEADER, rng.integers(1, 4)):
        data[position] ^= 1 << int(rng.integers(8))
    return bytes(data)


def bits_anywhere(data: bytearray, rng) -> bytes:
    """Flips bits of the whole file."""
    for position in rng.integers(0, len(data), rng.integers(1, 30)):
        data[position] ^= 1 << int(rng.integers(8))
    return bytes(data)


def the_end_is_missing(data: bytearray, rng) -> bytes:
    """Cuts the file anywhere, half of them within the header."""
    return bytes(data[: rng.integers(0, rng.choice([2 * _HEADER, len(data)]))])


def a_block_of_zeros(data: bytearray, rng) -> bytes:
    """Sets a block to zeros, as a failing disk returns it."""
    first, size = int(rng.integers(0, len(data))), int(rng.integers(1, 4096))
    size = len(data[first : first + size])
    data[first : first + size] = bytes(size)
    return bytes(data)


def a_block_of_noise(data: bytearray, rng) -> bytes:
    """Writes over a block."""
    first = int(rng.integers(0, len(data)))
    size = len(data[first : first + int(rng.integers(1, 4096))])
    data[first : first + size] = rng.bytes(size)
    return bytes(data)


def a_block_is_missing(data: bytearray, rng) -> bytes:
    """Takes a block out."""
    first = int(rng.integers(0, len(data)))
    del data[first : first + int(rng.integers(1, 2048))]
    return bytes(data)


def a_block_is_doubled(data: bytearray, rng) -> bytes:
    """Repeats a block."""
    first = int(rng.integers(0, len(data)))
    block = data[first : first + int(rng.integers(1, 2048))]
    return bytes(data[:first] + block + data[first:])


def more_behind(data: bytearray, rng) -> bytes:
    """Appends the file to itself, or noise."""
    return bytes(data) + (bytes(data) if rng.integers(2) else rng.bytes(int(rng.integers(1, 999))))


def noise_behind_a_name(data: bytearray, rng) -> bytes:
    """Keeps the first bytes, by which the format is known, and nothing else."""
    return bytes(data[:12]) + rng.bytes(int(rng.integers(1, 5000)))


DAMAGES = (
    a_field_of_the_header,
    bits_of_the_header,
    bits_anywhere,
    the_end_is_missing,
    a_block_of_zeros,
    a_field_of_the_header,
    a_block_of_noise,
    a_block_is_missing,
    a_block_is_doubled,
    more_behind,
    noise_behind_a_name,
    bits_of_the_header,
)
