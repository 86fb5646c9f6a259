"""tf.data pipelines that stream the waveforms of clips, in parallel and reproducibly."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.data.decoding.inspection import inspect_clips
from asd_tf.data.decoding.plain_wav import plain_wav_loader
from asd_tf.data.decoding.reader import read_samples
from asd_tf.errors import InputError
from asd_tf.seeds import stable_seed

_ENDLESS = np.iinfo(np.int64).max


def repeated(waveform: tf.Tensor, samples: int) -> tf.Tensor:
    """Repeats a waveform [n], 0 < n <= samples, to [samples]."""
    waveform = tf.tile(waveform, [-(-samples // tf.size(waveform))])
    return tf.ensure_shape(waveform[:samples], [samples])


def scoring_batches(
    clips: pd.DataFrame, samples: int, sample_rate: int, batch_size: int
) -> tf.data.Dataset:
    """Streams the waveforms of clips once, in order; clips that cannot be read are left out.

    Args:
        clips: The clip table.
        samples: Length of waveforms; of longer clips the first samples are taken, shorter clips are
            repeated.
        sample_rate: Sample rate of the waveforms in Hz.
        batch_size: Clips in a batch; the last batch may have fewer.

    Returns:
        A dataset of (index int64 [batch] of the clip in the table, waveform float32 [batch,
        samples]). An index that does not occur belongs to a bad file; `reason_for` returns why.
    """
    report = inspect_clips(clips)
    load = _loader(clips, report, samples, sample_rate)
    indices = tf.data.Dataset.from_tensor_slices(np.flatnonzero(report["ok"]).astype(np.int64))
    waveforms = indices.map(lambda index: (index, load(index)), num_parallel_calls=tf.data.AUTOTUNE)
    return waveforms.ignore_errors().batch(batch_size).prefetch(tf.data.AUTOTUNE)


def training_batches(
    clips: pd.DataFrame,
    samples: int,
    sample_rate: int,
    batch_size: int,
    seed: int,
    stage: str,
    first_step: int = 0,
    pools: Sequence[tuple[np.ndarray, int]] | None = None,
) -> tf.data.Dataset:
    """Streams training batches without end; batch k is a pure function of (seed, stage, k).

    The clips of a pool form one endless stream of shuffled epochs, which is cut into full batches.

    Args:
        clips: The clip table.
        samples: Length of waveforms; of longer clips a random part is taken, shorter clips are
            repeated.
        sample_rate: Sample rate of the waveforms in Hz.
        batch_size: Clips in a batch.
        seed: Seed of the run.
        stage: Name of the stage.
        first_step: Number of the first batch; those before it are not decoded.
        pools: Indices of the clips of each pool and how many of them a batch has, for batches with
            a fixed share of, say, target clips; one pool of all clips by default.

    Returns:
        A dataset of (step int64 [], index int64 [batch] of the clip in the table, waveform float32
        [batch, samples]).

    Raises:
        ValueError: If a pool is empty, or the counts of the pools do not add up to `batch_size`.
        tf.errors.OpError: When the dataset is iterated, at a clip that cannot be read; see
            `explain_failure`.
    """
    pools = [(np.arange(len(clips)), batch_size)] if pools is None else pools
    if sum(count for _, count in pools) != batch_size or not all(len(pool) for pool, _ in pools):
        raise ValueError("every pool must have clips, and their counts must make up the batch")
    streams = [
        shuffled_rows(pool, count, stable_seed(seed, stage, number), first_step)
        for number, (pool, count) in enumerate(pools)
    ]
    indices = tf.data.Dataset.zip(tuple(streams)).map(lambda *parts: tf.concat(parts, axis=0))
    load = _loader(clips, inspect_clips(clips), samples, sample_rate)
    crop_seed = stable_seed(seed, stage, "crop")

    def load_at(position, index):
        start = tf.random.stateless_uniform([], tf.stack([crop_seed, position]))
        return index, load(index, start)

    positions = tf.data.Dataset.range(first_step * batch_size, _ENDLESS)
    waveforms = (
        tf.data.Dataset.zip((positions, indices.unbatch()))
        .map(load_at, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
    )
    steps = tf.data.Dataset.range(first_step, _ENDLESS)
    return tf.data.Dataset.zip((steps, waveforms)).map(lambda step, batch: (step, *batch))


def shuffled_rows(rows: np.ndarray, count: int, seed: int, first_step: int) -> tf.data.Dataset:
    """Streams batches of values from endless shuffled epochs, a pure function of seed and step.

    Args:
        rows: [n] values, such as indices of clips.
        count: Values in a batch.
        seed: Seed of the shuffles.
        first_step: Number of the first batch.

    Returns:
        A dataset of int64 [count].
    """
    rows = tf.constant(rows, tf.int64)
    size = tf.size(rows, tf.int64)

    def at(position):
        epoch, offset = position // size, position % size
        epoch_seed = tf.stack([tf.constant(seed, tf.int64), epoch])
        return rows[tf.random.experimental.index_shuffle(offset, epoch_seed, size - 1)]

    return tf.data.Dataset.range(first_step * count, _ENDLESS).map(at).batch(count)


def _loader(clips: pd.DataFrame, report: pd.DataFrame, samples: int, sample_rate: int):
    """Returns a function from the index of a clip, and where its crop begins, to a waveform."""
    # Of other clips the reader decodes what is needed alone.
    is_plain = (
        report["samples_at"].ge(0)
        & report["channels"].eq(1)
        & report["rate"].eq(sample_rate)
        & report["frames"].le(samples)
    ).to_numpy(bool)
    read_window = _window_reader(clips, report, samples, sample_rate)
    read_plain = plain_wav_loader(
        np.where(is_plain, clips["path"], ""),
        report["samples_at"].to_numpy(np.int64),
        np.where(is_plain, report["frames"], 0).astype(np.int64),
    )
    is_plain = tf.constant(is_plain)

    def load(index: tf.Tensor, start: tf.Tensor | float = 0.0) -> tf.Tensor:
        waveform = tf.cond(
            is_plain[index],
            lambda: read_plain(index),
            lambda: tf.numpy_function(read_window, [index, start], tf.float32, stateful=False),
        )
        return repeated(tf.ensure_shape(waveform, [None]), samples)

    return load


def _window_reader(clips: pd.DataFrame, report: pd.DataFrame, samples: int, sample_rate: int):
    """Returns a function like that of `_loader`, but of NumPy and without repetition."""
    paths = clips["path"].to_numpy()
    channel, first, frames = (report[name].to_numpy() for name in ("channel", "first", "frames"))

    def read(index: np.ndarray, start: np.ndarray) -> np.ndarray:
        try:
            return read_samples(
                paths[index],
                int(channel[index]),
                first=int(first[index]),
                frames=int(frames[index]),
                sample_rate=sample_rate,
                start=float(start),
                samples=samples,
            )
        except InputError as error:
            raise InputError(f"{paths[index]}: {error}") from None

    return read
