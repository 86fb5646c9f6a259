"""Speed and memory of the Wilkinghoff system beside its published formulation, as ratios.

    python benchmarks/wilkinghoff.py                  all of it, about ten minutes on two cores
    python benchmarks/wilkinghoff.py --clips=128 --rounds=1 --only=speed

Both formulations compute the same function; `published_network.py` writes it as the published code
does: complex transform, waveforms and one-hot labels in memory, TensorFlow's own defaults. Each is
measured in processes of its own, in turns, and the median of the rounds counts, since machines are
noisy. Absolute numbers cannot be compared between machines.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import peak_mebibytes, timed

BATCH = 64
CLASSES = 342
SAMPLE_RATE = 16000
# Forward floating-point operations of a clip of 10 s, counted by TensorFlow's profiler; training
# takes three times as many.
OPERATIONS = 0.92e9


def main() -> None:
    """Runs the benchmark, or one measurement of it in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=256, help="clips of 10 s that are read")
    parser.add_argument("--rounds", type=int, default=3, help="times that each is measured")
    parser.add_argument("--only", choices=["speed", "memory", "all"], default="all")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        name, folder, clips = arguments.measure
        print(json.dumps(MEASUREMENTS[name](Path(folder), int(clips))))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_clips(Path(folder), arguments.clips)
        if arguments.only != "memory":
            report_speed(folder, arguments.clips, arguments.rounds)
        if arguments.only != "speed":
            report_memory(folder)


def write_clips(folder: Path, count: int) -> None:
    """Writes clips of noise, 10 s each."""
    import numpy as np
    from scipy.io import wavfile

    for index in range(count):
        noise = np.random.default_rng(index).normal(0, 1000, 10 * SAMPLE_RATE)
        wavfile.write(folder / f"{index:05d}.wav", SAMPLE_RATE, noise.astype(np.int16))


def measure(name: str, folder: str, clips: int) -> dict[str, float]:
    """Runs one measurement in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if "ONEDNN" not in key}
    result = subprocess.run(
        [sys.executable, __file__, "--measure", name, folder, str(clips)],
        env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def report_speed(folder: str, clips: int, rounds: int) -> None:
    """Measures turn by turn and prints medians and ratios."""
    names = ("published", "asd_tf", "convolutions", "matrix_products")
    results = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            results[name].append(measure(name, folder, clips))
    median = {
        name: {key: statistics.median(result[key] for result in several) for key in several[0]}
        for name, several in results.items()
    }
    ours, theirs = median["asd_tf"], median["published"]
    print(f"{'clips/s':<24}{'published':>12}{'asd_tf':>12}{'ratio':>8}")
    for key in ("training", "embedding", "cold_epoch"):
        print(f"{key:<24}{theirs[key]:>12.1f}{ours[key]:>12.1f}{ours[key] / theirs[key]:>8.2f}")
    for name in ("convolutions", "matrix_products"):
        for key in ("training", "embedding"):
            share = ours[key] / median[name][key]
            print(f"{key} / {name + ' alone':<28}{median[name][key]:>10.1f} clips/s{share:>8.0%}")


def report_memory(folder: str) -> None:
    """Prints the peak memory of a training over more and more clips."""
    existing = sorted(Path(folder).glob("*.wav"))
    for count in (500, 5000):
        many = Path(folder) / str(count)
        many.mkdir()
        for index in range(count):
            (many / f"{index:05d}.wav").hardlink_to(existing[index % len(existing)])
    small, large = (measure("asd_tf_memory", f"{folder}/{count}", count) for count in (500, 5000))
    print(f"asd_tf, peak memory at 500 and 5,000 clips: {small['peak']:.0f} and "
          f"{large['peak']:.0f} MiB, ratio {large['peak'] / small['peak']:.2f}")  # fmt: skip
    published = [measure("published_memory", f"{folder}/5000", count) for count in (500, 2000)]
    print(f"published, at 500 and 2,000 clips: {published[0]['peak']:.0f} and "
          f"{published[1]['peak']:.0f} MiB, ratio {published[1]['peak'] / published[0]['peak']:.2f}"
    )  # fmt: skip


def forget(folder: Path) -> None:
    """Drops files from the system's cache, so that they are read from the disk again."""
    for path in folder.glob("*.wav"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


# --- the published formulation -------------------------------------------------------------------


def published_arrays(folder: Path, clips: int):
    """Reads all clips into memory as the published code does, through lists of float64."""
    import numpy as np
    import soundfile

    waves = [soundfile.read(path)[0] for path in sorted(folder.glob("*.wav"))[:clips]]
    labels = np.eye(CLASSES, dtype=np.float32)[np.arange(clips) % CLASSES]
    return np.expand_dims(np.array(waves, dtype=np.float32), axis=-1), labels


def published(folder: Path, clips: int) -> dict[str, float]:
    """Trains and embeds as the published code does."""
    from published_network import published_models

    def epoch_from_files():
        waves, labels = published_arrays(folder, clips)
        training.fit([waves, labels], labels, batch_size=BATCH, epochs=1, verbose=0)

    training, embedding = published_models(10 * SAMPLE_RATE)
    waves, labels = published_arrays(folder, clips)
    training.fit([waves[:BATCH], labels[:BATCH]], labels[:BATCH], batch_size=BATCH, verbose=0)
    embedding.predict([waves[:BATCH], labels[:BATCH]], batch_size=BATCH, verbose=0)
    fit = timed(
        lambda: training.fit([waves, labels], labels, batch_size=BATCH, epochs=1, verbose=0)
    )
    predict = timed(lambda: embedding.predict([waves, labels], batch_size=BATCH, verbose=0))
    forget(folder)
    cold = timed(epoch_from_files)
    return {"training": clips / fit, "embedding": clips / predict, "cold_epoch": clips / cold}


def published_memory(folder: Path, clips: int) -> dict[str, float]:
    """Trains two steps with all waveforms in memory."""
    from published_network import published_models

    training, _ = published_models(10 * SAMPLE_RATE)
    waves, labels = published_arrays(folder, clips)
    training.fit([waves, labels], labels, batch_size=BATCH, epochs=1, steps_per_epoch=2, verbose=0)
    return {"peak": peak_mebibytes()}


# --- asd_tf --------------------------------------------------------------------------------------


def our_run(folder: Path, clips: int):
    """Returns the training model, its batches, the clip table and the folder of an extractor."""
    import numpy as np
    import pandas as pd

    from asd_tf.config import load_recipe
    from asd_tf.data.clips import check_clips
    from asd_tf.methods.wilkinghoff import DEPENDS_ON, build_network, mixed_batches, training_model
    from asd_tf.run.run import Run
    from asd_tf.run.settings import Settings

    paths = sorted(folder.glob("*.wav"))[:clips]
    table = check_clips(
        pd.DataFrame(
            {
                "clip_id": [path.name for path in paths],
                "path": [str(path) for path in paths],
                "machine": "fan",
                "section": "00",
                "split": "train",
            }
        )
    )
    config = load_recipe("wilkinghoff", "paper")
    settings = Settings("wilkinghoff", "paper", "dcase2022")
    run = Run.open(folder / "run", settings, config, table, overwrite=True)
    network = build_network(config, run.samples, "both")
    stage = run.stage("embedding", DEPENDS_ON, order=1)
    class_ids = np.arange(clips) % CLASSES
    batches = mixed_batches(run, class_ids, CLASSES, stage, 0)
    return training_model(config, network, CLASSES), network, batches, table


def asd_tf(folder: Path, clips: int) -> dict[str, float]:
    """Trains and embeds as this package does, from files."""
    from asd_tf.extraction.extractor import Extractor, export_extractor

    training, network, batches, table = our_run(folder, clips)
    steps = clips // BATCH
    training.fit(batches, steps_per_epoch=1, verbose=0)
    fit = timed(lambda: training.fit(batches, steps_per_epoch=steps, verbose=0))
    export_extractor(network, folder / "extractor")
    extractor = Extractor(folder / "extractor")
    extractor.features(table.head(BATCH), SAMPLE_RATE)
    embed = timed(lambda: extractor.features(table, SAMPLE_RATE))
    forget(folder)
    cold = timed(lambda: training.fit(batches, steps_per_epoch=steps, verbose=0))
    done = steps * BATCH
    return {"training": done / fit, "embedding": clips / embed, "cold_epoch": done / cold}


def asd_tf_memory(folder: Path, clips: int) -> dict[str, float]:
    """Trains two steps, and reads every clip once as an epoch does."""
    training, _, batches, _ = our_run(folder, clips)
    training.fit(batches, steps_per_epoch=2, verbose=0)
    for _ in batches.take(clips // BATCH):
        pass
    return {"peak": peak_mebibytes()}


# --- bounds --------------------------------------------------------------------------------------


def convolutions(folder: Path, clips: int) -> dict[str, float]:
    """Computes the network's convolutions alone, one after the other, forwards and backwards."""
    import keras
    import tensorflow as tf

    import asd_tf  # noqa: F401 (for its defaults)
    from asd_tf.models.dual_branch import embedding_model

    network = embedding_model(10 * SAMPLE_RATE)
    seconds = []
    for layer in network.layers:
        if not isinstance(layer, keras.layers.Conv1D | keras.layers.Conv2D):
            continue
        value = tf.random.normal([BATCH, *layer.input_shape[1:]])
        for function in (forward_of(layer), training_of(layer)):
            function(value)
            seconds.append(min(timed(lambda: function(value)) for _ in range(3)))  # noqa: B023
    forward, training = sum(seconds[::2]), sum(seconds[1::2])
    return {"training": BATCH / training, "embedding": BATCH / forward}


def forward_of(layer):
    """Returns the function that computes a layer."""
    import tensorflow as tf

    return tf.function(lambda value: layer(value))


def training_of(layer):
    """Returns the function that computes a layer and its gradients."""
    import tensorflow as tf

    # No gradient goes to the magnitudes of a spectrum, which nothing trained precedes.
    needs_input = layer.name != "block_conv1d"

    @tf.function
    def train(value):
        with tf.GradientTape() as tape:
            tape.watch(value)
            output = tf.reduce_sum(layer(value))
        return tape.gradient(output, [value, layer.kernel] if needs_input else [layer.kernel])

    return train


def matrix_products(folder: Path, clips: int) -> dict[str, float]:
    """Computes large matrix products, the fastest thing that a machine can do."""
    import tensorflow as tf

    import asd_tf  # noqa: F401 (for its defaults)

    size = 2048
    left, right = tf.random.normal([size, size]), tf.random.normal([size, size])
    tf.matmul(left, right)
    seconds = min(timed(lambda: tf.matmul(left, right).numpy()) for _ in range(10))
    clips_per_second = 2 * size**3 / seconds / OPERATIONS
    return {"training": clips_per_second / 3, "embedding": clips_per_second}


MEASUREMENTS = {
    function.__name__: function
    for function in (
        published, published_memory, asd_tf, asd_tf_memory, convolutions, matrix_products,
    )
}  # fmt: skip


if __name__ == "__main__":
    main()
