"""Features of clips on disk, and batches of windows and crops of them for training."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.data.pipeline import scoring_batches, shuffled_rows
from asd_tf.errors import InputError
from asd_tf.files import atomic_path, create_array
from asd_tf.seeds import stable_seed

_BATCH = 32
_ENDLESS = np.iinfo(np.int64).max


def write_frame_features(
    path: Path,
    frontend: keras.Model,
    clips: pd.DataFrame,
    sample_rate: int,
    progress: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """Writes the features of clips as one array on disk, in one pass, whole or not at all.

    Args:
        path: The file to write, which ends in .npy.
        frontend: Waveform [batch, N] to features [batch, frames, bands].
        clips: The clip table.
        sample_rate: Sample rate of the waveforms in Hz.
        progress: Called after each batch with its number of clips.

    Returns:
        [clips] bool, whether a clip could be read; the features of the others are zero.
    """
    samples, shape = frontend.input_shape[1], frontend.output.shape[1:]
    ok = np.zeros(len(clips), bool)
    with atomic_path(path) as temporary:
        features = create_array(temporary, (len(clips), *shape))
        for rows, waveform in scoring_batches(clips, samples, sample_rate, _BATCH):
            features[rows.numpy()] = frontend(waveform, training=False)
            ok[rows.numpy()] = True
            progress(len(rows))
        features.flush()
    return ok


def load_frame_features(path: Path) -> np.memmap:
    """Maps the file of `write_frame_features` into memory: [clips, frames, bands] float32."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def window_batches(
    features: np.ndarray,
    rows: np.ndarray,
    size: int,
    batch_size: int,
    seed: int,
    stage: str,
    first_step: int = 0,
    hop: int = 1,
) -> tf.data.Dataset:
    """Streams batches of windows without end; batch k is a pure function of (seed, stage, k).

    All windows of the clips form one endless stream of shuffled epochs, which is cut into full
    batches.

    Args:
        features: [clips, frames, bands], possibly on disk.
        rows: Indices of the clips to take windows from.
        size: Frames of a window.
        batch_size: Windows in a batch.
        seed: Seed of the run.
        stage: Name of the stage.
        first_step: Number of the first batch.
        hop: Frames from the start of a window to that of the next.

    Returns:
        A dataset of (step int64 [], index int64 [batch] of the clip in `features`, windows float32
        [batch, size, bands]).

    Raises:
        InputError: If there are fewer windows than `batch_size`.
    """
    _, frames, bands = features.shape
    windows_per_clip = count_windows(frames, size, hop)
    count, seed = len(rows) * windows_per_clip, stable_seed(seed, stage)
    if count < batch_size:
        raise InputError(
            f"{len(rows)} clips have {count} windows of {size} frames, and a batch {batch_size}: "
            "use more clips or smaller batches"
        )

    def gather(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        clips = rows[numbers // windows_per_clip].astype(np.int64)
        starts = numbers % windows_per_clip * hop
        return clips, features[clips[:, np.newaxis], starts[:, np.newaxis] + np.arange(size)]

    def batch(step):
        positions = step * batch_size + tf.range(batch_size, dtype=tf.int64)
        # A batch lies in one epoch, or in the end of one and the beginning of the next.
        first_epoch = positions[0] // count
        first, second = (
            tf.random.experimental.index_shuffle(
                positions % count, tf.stack([tf.constant(seed, tf.int64), epoch]), count - 1
            )
            for epoch in (first_epoch, first_epoch + 1)
        )
        numbers = tf.where(positions // count == first_epoch, first, second)
        clips, windows = tf.numpy_function(gather, [numbers], (tf.int64, tf.float32))
        clips = tf.ensure_shape(clips, [batch_size])
        return step, clips, tf.ensure_shape(windows, [batch_size, size, bands])

    steps = tf.data.Dataset.range(first_step, _ENDLESS)
    return steps.map(batch, num_parallel_calls=tf.data.AUTOTUNE)


def count_windows(frames: int, size: int, hop: int = 1) -> int:
    """Returns how many windows of `size` frames, `hop` frames apart, a clip has."""
    return (frames - size) // hop + 1


def crop_batches(
    features: np.ndarray,
    rows: np.ndarray,
    size: int,
    batch_size: int,
    seed: int,
    stage: str,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Streams batches of random crops without end; batch k is a pure function of (seed, stage, k).

    The clips form one endless stream of shuffled epochs, which is cut into full batches. One crop
    is taken of each clip; its start is uniformly distributed.

    Args:
        features: [clips, frames, bands], possibly on disk.
        rows: Indices of the clips to take crops from.
        size: Frames of a crop.
        batch_size: Crops in a batch.
        seed: Seed of the run.
        stage: Name of the stage.
        first_step: Number of the first batch.

    Returns:
        A dataset of (step int64 [], index int64 [batch] of the clip in `features`, crop float32
        [batch, size, bands]).
    """
    _, frames, bands = features.shape
    crop_seed = stable_seed(seed, stage, "crop")

    def gather(chosen: np.ndarray, starts: np.ndarray) -> np.ndarray:
        return features[chosen[:, np.newaxis], starts[:, np.newaxis] + np.arange(size)]

    def batch(step, chosen):
        starts = tf.random.stateless_uniform(
            [batch_size], tf.stack([crop_seed, step]), 0, frames - size + 1, tf.int64
        )
        crops = tf.numpy_function(gather, [chosen, starts], tf.float32)
        return step, chosen, tf.ensure_shape(crops, [batch_size, size, bands])

    steps = tf.data.Dataset.range(first_step, _ENDLESS)
    chosen = shuffled_rows(rows, batch_size, stable_seed(seed, stage), first_step)
    chosen = chosen.map(lambda indices: tf.ensure_shape(indices, [batch_size]))
    return tf.data.Dataset.zip((steps, chosen)).map(batch, num_parallel_calls=tf.data.AUTOTUNE)
