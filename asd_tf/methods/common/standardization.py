"""A layer that standardizes the input features of a network, over all training clips."""

import keras
import numpy as np

from asd_tf.data.decoding.inspection import explain_failure
from asd_tf.data.pipeline import scoring_batches
from asd_tf.errors import InputError
from asd_tf.files import read_json, write_json
from asd_tf.progress import progress_over
from asd_tf.run.run import Run
from asd_tf.training.stage import Stage

_BATCH = 32
_MIN_VARIANCE = 1e-6  # of log-mels in dB


def standardizing_layer(
    run: Run, stage: Stage, frontend: keras.Model, per_band: bool
) -> keras.layers.Layer:
    """Returns a layer that brings features to mean 0 and variance 1 over the training clips.

    The statistics are computed in one pass in float64, and kept in the stage's folder. In the layer
    they are constants, which are saved with a model.

    Args:
        run: The run.
        stage: The stage that keeps the statistics; it is finished afterwards.
        frontend: Waveform [batch, N] to features [batch, frames, bands].
        per_band: Whether each band has its own mean and variance, or all bands share them.

    Raises:
        InputError: If a clip cannot be read.
    """
    path = stage.folder / "statistics.json"
    if not stage.done:
        mean, variance = _moments(run, frontend, (0, 1) if per_band else (0, 1, 2))
        write_json(path, {"mean": mean.tolist(), "variance": variance.tolist()})
        stage.finish()
    statistics = read_json(path)
    return keras.layers.Normalization(
        axis=-1 if per_band else None, dtype="float32", name="standardized", **statistics
    )


def _moments(
    run: Run, frontend: keras.Model, axes: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and variance over `axes` of the features [clips, frames, bands]."""
    clips, sample_rate = run.train_clips, run.config.data.sample_rate
    seen, values, total, squares = 0, 0, 0.0, 0.0
    with progress_over(len(clips), "standardize") as progress:
        for indices, waveform in scoring_batches(clips, run.samples, sample_rate, _BATCH):
            features = frontend(waveform, training=False).numpy().astype(np.float64)
            seen += len(indices)
            values += np.prod([features.shape[axis] for axis in axes])
            total = total + features.sum(axis=axes)
            squares = squares + np.square(features).sum(axis=axes)
            progress(len(indices))
    if seen < len(clips):
        raise explain_failure(clips) or InputError("a training clip cannot be read")
    mean = total / values
    variance = squares / values - mean**2
    # A band below the resolution of the spectrum is constant: its variance is only rounding.
    return mean, np.where(variance > _MIN_VARIANCE, variance, 1.0)
