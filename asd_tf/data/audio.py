"""From bytes to samples: the one place that imports tensorflow-io."""

import dataclasses
import functools
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import tensorflow as tf
import tensorflow_io as tfio

from asd_tf.data.riff import find_samples, plain_header
from asd_tf.errors import InputError

_BITS = {"PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "FLOAT": 32}

# Stands for the mean of all channels.
MEAN = -1

# A decoder takes the bytes of a file, and a function that gives them as plain as WAV can be; it
# returns [samples, channels] in -1..1.
Decoder = Callable[[tf.Tensor, Callable[[], tf.Tensor]], tf.Tensor]


def _wav(dtype: tf.DType, zero: float, full: float) -> Decoder:
    def decoder(data, rewrapped):
        return (tf.cast(tfio.audio.decode_wav(rewrapped(), dtype=dtype), tf.float32) - zero) / full

    return decoder


def _flac(dtype: tf.DType, full: float) -> Decoder:
    return lambda data, _: tf.cast(tfio.audio.decode_flac(data, dtype=dtype), tf.float32) / full


def _vorbis(data: tf.Tensor, rewrapped: Callable[[], tf.Tensor]) -> tf.Tensor:
    return tfio.audio.decode_vorbis(data)


# By format and subtype, as libsndfile names them. tensorflow-io gives integers, 24-bit ones in the
# upper bits of 32. It decodes a 16-bit WAV file in less than half the time of tf.audio.decode_wav.
DECODERS: dict[tuple[str, str], Decoder] = {
    ("WAV", "PCM_U8"): _wav(tf.uint8, 2.0**7, 2.0**7),
    ("WAV", "PCM_16"): _wav(tf.int16, 0, 2.0**15),
    ("WAV", "PCM_24"): _wav(tf.int32, 0, 2.0**31),
    ("WAV", "FLOAT"): _wav(tf.float32, 0, 1),
    ("FLAC", "PCM_16"): _flac(tf.int16, 2.0**15),
    ("FLAC", "PCM_24"): _flac(tf.int32, 2.0**31),
    ("OGG", "VORBIS"): _vorbis,
}
_INDEX = {name: index for index, name in enumerate(DECODERS)}

# Beside them: libsndfile, which need not read a whole file for a part of it.
PART = len(DECODERS)


@dataclasses.dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        sample_rate: In Hz.
        channels: Number of channels.
        frames: Number of samples of a channel.
        decoder: Index of its decoder, for `decode`, like all that follows.
        wrapper: A plain header for the samples of a WAV file.
        start: Byte at which these samples begin.
        size: Their number of bytes.
    """

    sample_rate: int
    channels: int
    frames: int
    decoder: int
    wrapper: bytes = b""
    start: int = 0
    size: int = 0

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


def read_header(path: str | Path) -> Header:
    """Reads the header of a file, and nothing of its samples (but see `_check_flac`).

    soundfile (libsndfile) does this: a tensorflow-io resource costs milliseconds a file, and
    says neither the kind of samples nor why a file cannot be read.

    Raises:
        InputError: With the reason alone, if the file is missing, empty, truncated, no audio, of a
            kind that is not supported, or has no samples.
    """
    path = Path(path)
    try:
        if path.stat().st_size == 0:
            raise InputError("the file is empty")
        info = soundfile.info(str(path))
        kind = "WAV" if info.format == "WAVEX" else info.format
        if (kind, info.subtype) not in _INDEX:
            raise InputError(
                f"{info.format} of kind {info.subtype} is not supported: convert it to 16-bit wav"
            )
        if kind == "WAV":
            return _wav_header(path, info)
        _check_frames(info)
        if kind == "FLAC":
            _check_flac(path, info.frames)
    except OSError as error:
        raise InputError(error.strerror or "cannot be read") from None
    except soundfile.LibsndfileError:
        raise InputError("not an audio file, or its header is damaged") from None
    return Header(info.samplerate, info.channels, info.frames, _INDEX[kind, info.subtype])


def _wav_header(path: Path, info) -> Header:
    with path.open("rb") as file:
        samples = find_samples(file)
    if samples is None:
        raise InputError("its WAV header is damaged")
    promised, there = samples.start + samples.size, path.stat().st_size
    if promised > there:
        raise InputError(f"truncated: its header promises {promised} bytes, {there} are there")
    _check_frames(info)
    bits = _BITS[info.subtype]
    size = info.frames * info.channels * bits // 8
    return Header(
        sample_rate=info.samplerate,
        channels=info.channels,
        frames=info.frames,
        decoder=_INDEX["WAV", info.subtype],
        wrapper=plain_header(bits, info.subtype == "FLOAT", info.channels, info.samplerate, size),
        start=samples.start,
        size=size,
    )


def _check_frames(info) -> None:
    if info.frames == 0:
        raise InputError("no samples")


def _check_flac(path: Path, frames: int) -> None:
    """Decodes a FLAC file once with libsndfile, at a seventh of the cost of tensorflow-io.

    On a file with fewer samples than its header promises tensorflow-io 0.36 loops for ever: it
    waits for a decoder that is at its end. libsndfile finds these, and wrong checksums.
    """
    there = 0
    try:
        with soundfile.SoundFile(path) as source:
            for block in source.blocks(2**16, dtype="int32"):
                there += len(block)
    except soundfile.LibsndfileError:
        raise InputError("damaged: its samples cannot be decoded") from None
    if there != frames:
        raise InputError(f"truncated: its header promises {frames} samples, {there} are there")


def decode(
    path: tf.Tensor,
    channel: tf.Tensor,
    decoder: tf.Tensor,
    wrapper: tf.Tensor,
    start: tf.Tensor,
    size: tf.Tensor,
    rate: tf.Tensor,
    first: tf.Tensor,
    frames: tf.Tensor,
    *,
    sample_rate: int | None,
) -> tf.Tensor:
    """Reads and decodes a file or a part of one, as a function of the graph.

    Args:
        path: [] string.
        channel: [] int32; `MEAN` for the mean of all.
        decoder: [] int32; of `Header`, or `PART`.
        wrapper: [] string; this and the next two are of `Header`, and of no use to a part.
        start: [] int64.
        size: [] int64.
        rate: [] int64, sample rate of the file.
        first: [] int64, where a part begins, in samples of the file.
        frames: [] int64, length of a part.
        sample_rate: Of what is returned, in Hz; None for that of the file.

    Returns:
        [samples] float32 in -1..1; resampled, where the file has another rate.

    Raises:
        tf.errors.OpError: When it runs: if the file cannot be decoded, is empty, or holds a value
            that is not finite.
    """

    def whole(decoder: Decoder) -> Callable[[], tf.Tensor]:
        def read():
            data = tf.io.read_file(path)
            # A header of ours, since decoders stumble over the chunks of field recorders.
            return decoder(
                data, lambda: tf.strings.join([wrapper, tf.strings.substr(data, start, size)])
            )

        return read

    def part() -> tf.Tensor:
        samples = tf.numpy_function(_read_part, [path, first, frames], tf.float32, stateful=False)
        return tf.ensure_shape(samples, [None, None])

    branches = [*(whole(decoder) for decoder in DECODERS.values()), part]
    samples = tf.switch_case(decoder, branches)
    samples = tf.cond(
        tf.equal(channel, MEAN),
        lambda: tf.reduce_mean(samples, axis=1),
        lambda: samples[:, channel],
    )
    checks = [
        tf.debugging.assert_all_finite(samples, "a sample is not a number"),
        tf.debugging.assert_positive(tf.size(samples), "no samples"),
    ]
    with tf.control_dependencies(checks):
        samples = tf.identity(samples)
    if sample_rate is None:
        return samples
    return tf.cond(
        tf.equal(rate, sample_rate),
        lambda: samples,
        lambda: resample(samples, rate, tf.constant(sample_rate, tf.int64)),
    )


def _read_part(path: bytes, first: int, frames: int) -> np.ndarray:
    """Reads [frames, channels] with libsndfile, which lets other threads run meanwhile."""
    with soundfile.SoundFile(path.decode()) as file:
        file.seek(int(first))
        samples = file.read(int(frames), dtype="float32", always_2d=True)
    if len(samples) < frames:
        raise ValueError(f"{path.decode()}: truncated since its header was read")
    return samples


def resample(samples: tf.Tensor, rate: tf.Tensor, sample_rate: tf.Tensor) -> tf.Tensor:
    """Brings samples to another rate, aligned in time to half a sample.

    The resampler of tensorflow-io 0.36 is late by half its filter, which is 64 samples long at the
    lower rate, and drops as much of the end; so both ends are continued and the delay is cut off.

    Args:
        samples: [n], n > 0.
        rate: [] int64, that they have, in Hz.
        sample_rate: [] int64, that they get.

    Returns:
        [about n * sample_rate / rate].
    """
    length = tf.size(samples, tf.int64)
    taps = tf.maximum(tf.constant(64, tf.int64), 64 * rate // sample_rate)
    half = -(-taps // 8) * 4
    more = 2 * half
    ends = tf.fill([half], samples[0]), tf.fill([more], samples[-1])
    resampled = _resampler()(tf.concat([ends[0], samples, ends[1]], axis=0), rate, sample_rate)
    late = (2 * half * sample_rate + rate // 2) // rate
    there = tf.maximum((length * sample_rate + rate // 2) // rate, 1)
    return resampled[late : late + there]


@functools.cache
def _resampler():
    """Traces the resampler, once in a process and without its note on how it is vectorised."""

    def call(samples, rate, sample_rate):
        return tfio.audio.resample(samples, rate, sample_rate)

    number = tf.TensorSpec([], tf.int64)
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with tf.init_scope():
            signature = [tf.TensorSpec([None], tf.float32), number, number]
            return tf.function(call, input_signature=signature).get_concrete_function()
    finally:
        logger.setLevel(level)
