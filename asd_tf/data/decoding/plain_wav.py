"""Decodes whole 16-bit mono WAV files in graphs; the only module that imports tensorflow-io."""

import os
import struct
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

try:
    import tensorflow_io as tfio
except ImportError:  # It has no release for newer TensorFlow, for Python 3.12 or for ARM.
    tfio = None

_BYTES = 2


def plain_wav_loader(
    paths: Iterable[str], samples_at: np.ndarray, frames: np.ndarray
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns TensorFlow operations that read whole files whose headers were checked.

    Args:
        paths: [files] their paths; only those of 16-bit WAV files of one channel are read.
        samples_at: [files] int64, byte at which the samples of each file begin.
        frames: [files] int64, number of its samples.

    Returns:
        A function from the index of a file to its waveform [frames] float32 in -1..1. When its
        operations run, they raise tf.errors.OpError if the file cannot be read or has become
        shorter since its header was read.
    """
    names = tf.constant([os.fsencode(path) for path in paths], tf.string)
    starts, sizes = tf.constant(samples_at), tf.constant(_BYTES * frames)
    to_integers = _decoder(frames)

    def load(index: tf.Tensor) -> tf.Tensor:
        data = tf.strings.substr(tf.io.read_file(names[index]), starts[index], sizes[index])
        found = tf.strings.length(data, "BYTE")
        complete = tf.debugging.assert_equal(
            tf.cast(found, tf.int64), sizes[index], "truncated since its header was read"
        )
        with tf.control_dependencies([complete]):
            return tf.cast(to_integers(index, data), tf.float32) / 2.0**15

    return load


if tfio is None:

    def _decoder(frames: np.ndarray) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        return lambda index, data: tf.io.decode_raw(data, tf.int16)

else:

    def _decoder(frames: np.ndarray) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        # A plain header each, since tensorflow-io cannot read the chunks that recorders add.
        headers = tf.constant([_plain_header(_BYTES * int(n)) for n in frames], tf.string)

        def decode(index: tf.Tensor, data: tf.Tensor) -> tf.Tensor:
            joined = tf.strings.join([headers[index], data])
            return tfio.audio.decode_wav(joined, dtype=tf.int16)[:, 0]

        return decode

    def _plain_header(size: int) -> bytes:
        """Returns the header of a 16-bit WAV file of one channel, with any sample rate."""
        rate, pcm = 16000, 1
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            *(b"RIFF", 36 + size, b"WAVE"),
            *(b"fmt ", 16, pcm, 1, rate, _BYTES * rate, _BYTES, 8 * _BYTES),
            *(b"data", size),
        )
