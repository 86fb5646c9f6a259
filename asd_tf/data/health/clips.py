"""Measures of the windows of a clip table, and the small table of them in a run."""

import os
from collections.abc import Callable

import numpy as np
import pandas as pd

from asd_tf.data.health.measures import MEASURES, measure, no_measures
from asd_tf.data.pipeline import scoring_batches
from asd_tf.files import write_csv

_BATCH = 16


def measure_clips(
    clips: pd.DataFrame,
    samples: int,
    sample_rate: int,
    progress: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """Reads and measures clips, where nothing else reads them; see `measure`.

    Args:
        clips: The clip table.
        samples: Length of a window.
        sample_rate: Sample rate of a window in Hz.
        progress: Called with the number of clips that are newly done.

    Returns:
        [clips, measures] float32; NaN for clips that cannot be read.
    """
    measures = no_measures(len(clips))
    for indices, waveforms in scoring_batches(clips, samples, sample_rate, _BATCH):
        measures[indices.numpy()] = measure(waveforms.numpy(), sample_rate)
        progress(len(indices))
    return measures


def write_measures(path: str | os.PathLike, clips: pd.DataFrame, measures: np.ndarray) -> None:
    """Writes a CSV file with clip_id, machine, section and the measures of each clip."""
    names = clips[["clip_id", "machine", "section"]].reset_index(drop=True)
    named = np.round(measures[:, : len(MEASURES)].astype(np.float64), 4)
    values = pd.DataFrame(named, columns=list(MEASURES))
    write_csv(path, pd.concat([names, values], axis=1), defuse=True)
