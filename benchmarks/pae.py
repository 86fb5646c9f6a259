"""Speed of scoring by the predictive autoencoder beside a loop over frames, as a ratio.

    python benchmarks/pae.py                 about two minutes on two cores

The loop calls the same network once for every frame of a clip, as the paper describes it. Both must
find the same errors.
"""

import argparse
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from asd_tf.frontends.windows import place_in_window, window_starts
from asd_tf.models.heads.frame_errors import PredictionErrors
from asd_tf.models.predictive_autoencoder import predictive_autoencoder

FRAMES, BANDS, SIZE = 313, 128, 5  # 10 s at 16 kHz


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=8, help="clips in a batch")
    parser.add_argument(
        "--rounds", type=int, default=3, help="times that each is measured; the medians count"
    )
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    network = predictive_autoencoder(SIZE, BANDS, mean=-40.0, std=15.0)
    shape = [arguments.clips, FRAMES, BANDS]
    log_mel_db = np.random.default_rng(0).normal(-40, 15, shape).astype(np.float32)
    errors = tf.function(PredictionErrors(network))
    predict = tf.function(lambda windows, position: network([windows, position]))
    np.testing.assert_allclose(errors(log_mel_db), loop(predict, log_mel_db), rtol=1e-3)
    times = [
        (timed(errors, log_mel_db), timed(loop, predict, log_mel_db))
        for _ in range(arguments.rounds)
    ]
    ours, theirs = np.median(times, axis=0)
    print(f"batch of {arguments.clips} clips of 10 s, all of its frames in one call of the PAE")
    print(f"  {theirs / ours:.1f} times as fast as a loop over the frames of each clip")


def loop(predict: Callable, log_mel_db: np.ndarray) -> np.ndarray:
    """Predicts frame by frame: log-mels [clips, frames, bands] to errors [clips, frames, 1]."""
    errors = np.empty([*log_mel_db.shape[:2], 1], np.float32)
    starts, places = window_starts(FRAMES, SIZE), place_in_window(FRAMES, SIZE)
    marks = np.eye(SIZE, dtype=np.float32)
    for clip, frames in enumerate(log_mel_db):
        for frame, (start, place) in enumerate(zip(starts, places, strict=True)):
            window = frames[np.newaxis, start : start + SIZE]
            predicted = predict(window, marks[np.newaxis, place])
            errors[clip, frame] = np.mean(np.square(predicted[0] - frames[frame]))
    return errors


def timed(function: Callable, *inputs) -> float:
    """Returns the seconds that a call takes."""
    start = time.perf_counter()
    np.asarray(function(*inputs))
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
