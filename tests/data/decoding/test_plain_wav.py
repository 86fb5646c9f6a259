"""Whole 16-bit WAV files must be decoded in graphs to what the reader reads."""

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from asd_tf.data.decoding.header import read_header
from asd_tf.data.decoding.plain_wav import plain_wav_loader
from asd_tf.data.decoding.reader import read_samples

RATE = 16000


def loader(*paths):
    headers = [read_header(path) for path in paths]
    starts, frames = ([getattr(h, name) for h in headers] for name in ("samples_at", "frames"))
    return tf.function(
        plain_wav_loader([str(path) for path in paths], np.array(starts), np.array(frames))
    )


@pytest.fixture
def paths(tmp_path):
    rng = np.random.default_rng(0)
    for index, rate in enumerate((RATE, 48000)):
        samples = rng.uniform(-1, 1, 1001 + index)
        samples[:2] = -1, 1 - 2.0**-15
        soundfile.write(tmp_path / f"{index}é.wav", samples, rate)
    return sorted(tmp_path.iterdir())


def test_samples_are_those_of_the_reader(paths):
    load = loader(*paths)
    for index, path in enumerate(paths):
        np.testing.assert_array_equal(load(tf.constant(index)), read_samples(path))


def test_a_file_that_shrank_or_vanished(paths):
    """Samples of a header that no longer holds must not be made up."""
    load = loader(*paths)
    paths[0].write_bytes(paths[0].read_bytes()[:1000])
    paths[1].unlink()
    for index in range(2):
        with pytest.raises(tf.errors.OpError):
            load(tf.constant(index))
