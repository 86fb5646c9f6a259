"""tf.data pipelines from the clip table to waveforms: parallel, streaming, reproducible."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.data.audio import decode
from asd_tf.data.inspection import HOW_TO_DECODE, inspect_clips

_ENDLESS = np.iinfo(np.int64).max


def stable_seed(*parts: int | str) -> int:
    """Mixes numbers and words into a seed in 0..2^31-1 that is the same on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def fit_length(waveform: tf.Tensor, samples: int, start: tf.Tensor | float = 0.0) -> tf.Tensor:
    """Crops a waveform, or repeats it, to a length.

    Args:
        waveform: [n], n > 0.
        samples: The length.
        start: Where a crop begins, from 0 (at the start) to below 1 (as late as possible).

    Returns:
        [samples].
    """
    length = tf.shape(waveform)[0]
    # One more than the last index at which a crop may begin.
    choices = tf.maximum(length - samples, 0) + 1
    first = tf.cast(start * tf.cast(choices, tf.float32), tf.int32)
    repeats = -(-samples // length)
    repeated = tf.tile(waveform[tf.minimum(first, choices - 1) :], [tf.maximum(repeats, 1)])
    return tf.ensure_shape(repeated[:samples], [samples])


def scoring_batches(
    clips: pd.DataFrame, samples: int, sample_rate: int, batch_size: int
) -> tf.data.Dataset:
    """Streams the waveforms of clips once, in order; clips that cannot be read are left out.

    Args:
        clips: The clip table.
        samples: Length; longer clips are cropped at their start, shorter ones repeated.
        sample_rate: In Hz.
        batch_size: Clips in a batch; the last one may have fewer.

    Returns:
        A dataset of (row int64 [batch], waveform float32 [batch, samples]). A row that is missing
        was a bad file; `reason_for` tells why.
    """
    report = inspect_clips(clips, sample_rate)
    load = _loader(clips, report, samples, sample_rate)
    rows = tf.data.Dataset.from_tensor_slices(np.flatnonzero(report["ok"]).astype(np.int64))
    waveforms = rows.map(lambda row: (row, load(row)), num_parallel_calls=tf.data.AUTOTUNE)
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

    The rows of a pool are one endless stream, shuffled epochs end to end, cut into full batches.

    Args:
        clips: The clip table.
        samples: Length; a random part of longer clips is taken, shorter ones are repeated.
        sample_rate: In Hz.
        batch_size: Clips in a batch.
        seed: Seed of the run.
        stage: Name of the stage.
        first_step: The first batch; those before it are not decoded.
        pools: (rows, clips of a batch) of each pool that a batch is made of, for batches with a
            fixed share of, say, target clips; all rows by default.

    Returns:
        A dataset of (step int64 [], row int64 [batch], waveform float32 [batch, samples]).

    Raises:
        ValueError: If a pool is empty, or the pools do not make up the batch.
        tf.errors.OpError: When it runs, at a clip that cannot be read; see
            `explain_failure`.
    """
    pools = [(np.arange(len(clips)), batch_size)] if pools is None else pools
    if sum(count for _, count in pools) != batch_size or not all(len(rows) for rows, _ in pools):
        raise ValueError("the pools must have clips, and make up the batch between them")
    streams = [
        shuffled_rows(rows, count, stable_seed(seed, stage, index), first_step)
        for index, (rows, count) in enumerate(pools)
    ]
    rows = tf.data.Dataset.zip(tuple(streams)).map(lambda *parts: tf.concat(parts, axis=0))
    load = _loader(clips, inspect_clips(clips, sample_rate), samples, sample_rate)
    crop_seed = stable_seed(seed, stage, "crop")

    def load_at(position, row):
        start = tf.random.stateless_uniform([], tf.stack([crop_seed, position]))
        return row, load(row, start)

    positions = tf.data.Dataset.range(first_step * batch_size, _ENDLESS)
    waveforms = (
        tf.data.Dataset.zip((positions, rows.unbatch()))
        .map(load_at, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
    )
    steps = tf.data.Dataset.range(first_step, _ENDLESS)
    return tf.data.Dataset.zip((steps, waveforms)).map(lambda step, batch: (step, *batch))


def shuffled_rows(rows: np.ndarray, count: int, seed: int, first_step: int) -> tf.data.Dataset:
    """Streams [count] rows at a time from endless shuffled epochs, from a step on."""
    rows = tf.constant(rows, tf.int64)
    size = tf.size(rows, tf.int64)

    def at(position):
        epoch, place = position // size, position % size
        seed_of_epoch = tf.stack([tf.constant(seed, tf.int64), epoch])
        return rows[tf.random.experimental.index_shuffle(place, seed_of_epoch, size - 1)]

    return tf.data.Dataset.range(first_step * count, _ENDLESS).map(at).batch(count)


def _loader(clips: pd.DataFrame, report: pd.DataFrame, samples: int, sample_rate: int):
    """Returns the function of the graph from a row (and a place to crop at) to its waveform."""
    paths = tf.constant(clips["path"].to_numpy(str))
    how = {name: tf.constant(report[name].to_numpy(dtype)) for name, dtype in HOW_TO_DECODE.items()}
    # A graph that could resample takes a third longer to decode, even where it need not.
    is_other = report["ok"] & report["rate"].ne(sample_rate)
    wanted_rate = sample_rate if is_other.any() else None

    def load(row: tf.Tensor, start: tf.Tensor | float = 0.0) -> tf.Tensor:
        of_row = {name: column[row] for name, column in how.items()}
        return fit_length(decode(paths[row], **of_row, sample_rate=wanted_rate), samples, start)

    return load
