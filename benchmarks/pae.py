"""Speed of scoring by the predictive autoencoder beside a loop over frames, as a ratio.

    python benchmarks/pae.py                 about two minutes on two cores

The loop calls the same network once for every frame of a clip, as a plain reading of the paper
would have it. Both have to find the same errors.
"""

import argparse
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from asd_tf.frontends.windows import place_in_window, window_starts
from asd_tf.models.frame_errors import PredictionErrors
from asd_tf.models.predictive_autoencoder import predictive_autoencoder

FRAMES, BANDS, SIZE = 313, 128, 5  # 10 s at 16 kHz


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=8, help="clips in a batch")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are compared")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    network = predictive_autoencoder(SIZE, BANDS, mean=-40.0, sd=15.0)
    shape = [arguments.clips, FRAMES, BANDS]
    levels = np.random.default_rng(0).normal(-40, 15, shape).astype(np.float32)
    errors = tf.function(PredictionErrors(network))
    predict = tf.function(lambda windows, which: network([windows, which]))
    np.testing.assert_allclose(errors(levels), loop(predict, levels), rtol=1e-3)
    times = [(timed(errors, levels), timed(loop, predict, levels)) for _ in range(arguments.rounds)]
    ours, theirs = np.median(times, axis=0)
    print(f"{arguments.clips} clips of 10 s a second, all frames of a batch in one call of the PAE")
    print(f"  {theirs / ours:.1f} times those of a loop over the frames of a clip")


def loop(predict: Callable, levels: np.ndarray) -> np.ndarray:
    """Predicts frame by frame: [clips, frames, 1] errors."""
    errors = np.empty([*levels.shape[:2], 1], np.float32)
    starts, places = window_starts(FRAMES, SIZE), place_in_window(FRAMES, SIZE)
    marks = np.eye(SIZE, dtype=np.float32)
    for clip, of_clip in enumerate(levels):
        for frame, (start, place) in enumerate(zip(starts, places, strict=True)):
            window = of_clip[np.newaxis, start : start + SIZE]
            predicted = predict(window, marks[np.newaxis, place])
            errors[clip, frame] = np.mean(np.square(predicted[0] - of_clip[frame]))
    return errors


def timed(function: Callable, *inputs) -> float:
    """Returns the seconds that a call takes."""
    start = time.perf_counter()
    np.asarray(function(*inputs))
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
