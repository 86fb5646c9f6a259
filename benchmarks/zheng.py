"""Speed and memory of fine-tuning BEATs fully and by LoRA, as ratios.

    python benchmarks/zheng.py                     the base encoder, some minutes on two cores
    python benchmarks/zheng.py --size=tiny --seconds=2

Each is measured in a process of its own, in turns, and the median of the rounds counts, since
machines are noisy. The encoder has random weights, which take as much time as pre-trained ones.
Absolute numbers cannot be compared between machines.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from measuring import peak_mebibytes

BATCH = 2
STEPS = 3
SAMPLE_RATE = 16000
CLASSES = 100

# (low-rank adaptation instead of full fine-tuning, recomputed blocks)
WAYS = {
    "full": (False, False),
    "LoRA": (True, False),
    "full, recomputed": (False, True),
    "LoRA, recomputed": (True, True),
}


def main() -> None:
    """Runs the benchmark, or one measurement of it in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="base", help="of BEATs: base or tiny")
    parser.add_argument("--seconds", type=int, default=10, help="length of a clip")
    parser.add_argument("--rounds", type=int, default=1, help="times that each is measured")
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(train(arguments.measure, arguments.size, arguments.seconds)))
    else:
        report(arguments)


def report(arguments: argparse.Namespace) -> None:
    """Measures turn by turn and prints medians and ratios to full fine-tuning."""
    results = {way: [] for way in WAYS}
    for _ in range(arguments.rounds):
        for way in WAYS:
            results[way].append(measured(way, arguments))
    median = {
        way: {key: statistics.median(result[key] for result in several) for key in several[0]}
        for way, several in results.items()
    }
    print(f"BEATs {arguments.size}, clips of {arguments.seconds} s, batch {BATCH}, {STEPS} steps")
    print(f"{'':<20}{'trained':>12}{'clips/s':>9}{'ratio':>7}{'MiB':>7}{'ratio':>7}")
    for way, values in median.items():
        speed = values["clips_per_second"] / median["full"]["clips_per_second"]
        memory = values["mebibytes"] / median["full"]["mebibytes"]
        print(f"{way:<20}{values['trained']:>12,.0f}{values['clips_per_second']:>9.2f}{speed:>7.2f}"
              f"{values['mebibytes']:>7.0f}{memory:>7.2f}")  # fmt: skip


def measured(way: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Runs one measurement in a process of its own."""
    options = [f"--measure={way}", f"--size={arguments.size}", f"--seconds={arguments.seconds}"]
    result = subprocess.run(
        [sys.executable, __file__, *options],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def train(way: str, size: str, seconds: int) -> dict[str, float]:
    """Trains some steps after a first one, in which the graph is made.

    Returns:
        Trained parameters, clips per second, and how much the largest resident memory of the
        process grew from before the network was built, in MiB.
    """
    import numpy as np

    from asd_tf.models.encoders.lora import parameter_counts

    before = peak_mebibytes()
    model = network(way, size, seconds * SAMPLE_RATE)
    random = np.random.default_rng(0)
    waves = random.normal(0, 0.1, [BATCH * STEPS, seconds * SAMPLE_RATE]).astype(np.float32)
    labels = np.eye(CLASSES, dtype=np.float32)[: len(waves)]

    def fit(count: int) -> float:
        start = time.perf_counter()
        model.fit([waves[:count], labels[:count]], labels[:count], batch_size=BATCH, verbose=0)
        return time.perf_counter() - start

    fit(BATCH)
    duration = fit(len(waves))
    return {
        "trained": parameter_counts(model)[0],
        "clips_per_second": len(waves) / duration,
        "mebibytes": peak_mebibytes() - before,
    }


def network(way: str, size: str, samples: int):
    """Builds and compiles what is trained: encoder, pooling and ArcFace."""
    import keras

    from asd_tf.losses.arcface import ArcFace
    from asd_tf.models.encoders.block_wrappers import Recomputed
    from asd_tf.models.encoders.blocks import Parts
    from asd_tf.models.encoders.build import FAMILIES, build_encoder
    from asd_tf.models.encoders.lora import LoraPlan, freeze_all_but_lora
    from asd_tf.models.layers.pooling import pool_tokens

    is_adapted, is_recomputed = WAYS[way]
    config = FAMILIES["beats"].sizes[size]
    parts = {"dense": LoraPlan(alpha=8.0, rank=64).dense(config.depth)} if is_adapted else {}
    parts |= {"wrap": Recomputed} if is_recomputed else {}
    encoder = build_encoder(config, samples, Parts(**parts))
    if is_adapted:
        freeze_all_but_lora(encoder)
    label = keras.Input([CLASSES], name="label")
    logits = ArcFace(CLASSES)([pool_tokens(encoder.output), label])
    model = keras.Model([encoder.input, label], logits)
    model.compile(
        keras.optimizers.Adam(5e-5), keras.losses.CategoricalCrossentropy(True), jit_compile=False
    )
    return model


if __name__ == "__main__":
    main()
