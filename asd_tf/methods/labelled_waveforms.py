"""Waveforms with the class of each, for networks that learn to tell classes apart."""

import numpy as np
import tensorflow as tf

from asd_tf.data.pipeline import training_batches
from asd_tf.run import Run
from asd_tf.training.stage import Stage


def labelled_batches(
    run: Run,
    stage: Stage,
    rows: np.ndarray,
    of_clip: np.ndarray,
    classes: int,
    samples: int,
    batch_size: int,
    first_step: int,
) -> tf.data.Dataset:
    """Streams ((waveform, one-hot class), one-hot class) from a step on.

    Args:
        run: The run.
        stage: Whose seed and name are taken.
        rows: The training clips that are seen.
        of_clip: [clips] class of each training clip.
        classes: Number of classes.
        samples: Length of a waveform.
        batch_size: Clips in a batch.
        first_step: The first batch.
    """
    batches = training_batches(
        run.train_clips,
        samples=samples,
        sample_rate=run.config.data.sample_rate,
        batch_size=batch_size,
        seed=stage.seed,
        stage=stage.folder.name,
        first_step=first_step,
        pools=[(rows, batch_size)],
    )
    of_clip = tf.constant(of_clip, tf.int32)

    def label(step, row, waveform):
        one_hot = tf.one_hot(tf.gather(of_clip, row), classes)
        return (waveform, one_hot), one_hot

    return batches.map(label).prefetch(tf.data.AUTOTUNE)
