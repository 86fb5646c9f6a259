"""How often healthy recordings are called faults of the sensor, and how many real ones are found.

    python benchmarks/sensor.py --seeds=2,3,4             simulated machines, about five minutes
    python benchmarks/sensor.py --seeds= --data_dir=DIR   recordings of one's own, in any layout
    python benchmarks/sensor.py --cost DETECTOR FOLDER    time to measure, as a share of scoring

For each machine and section, limits are set from the training clips of both domains. The test clips
are then measured as they are, normal and anomalous, and the normal ones once more with each fault.
Limits and margins were chosen on the seeds 0 and 1.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy import signal

from asd_tf.data.decoding.reader import MEAN, read_samples
from asd_tf.data.health.measures import measure
from asd_tf.data.health.sensor import OK, SensorLimits
from asd_tf.data.layouts.readers import read_clips
from asd_tf.data.simulation.dataset import SimulationOptions, planned_clips, simulate_clip
from asd_tf.data.simulation.signals import SAMPLE_RATE

_ROUNDS = 7

Fault = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def unplugged(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The noise of the input alone, 80 dB below full scale or less."""
    level = 10 ** (rng.uniform(-100, -80) / 20)
    return rng.normal(0, level, len(wave))


def clipped(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """1 to 10 % of the samples at the limits of an input, whose level is as before."""
    limit = np.quantile(np.abs(wave), rng.uniform(0.90, 0.99))
    return np.clip(wave, -limit, limit)


def gain(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A gain 20 to 30 dB higher or lower."""
    return wave * 10 ** (rng.choice([-1, 1]) * rng.uniform(20, 30) / 20)


def hum(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mains hum with harmonics, as loud as the recording to 10 dB louder."""
    time, mains = np.arange(len(wave)) / SAMPLE_RATE, rng.choice([50.0, 60.0])
    lines = [
        rng.uniform(0.5, 1) / number * np.sin(2 * np.pi * number * mains * time + rng.uniform(0, 6))
        for number in range(1, 11)
    ]
    total = np.sum(lines, axis=0)
    return wave + total / total.std() * wave.std() * 10 ** (rng.uniform(0, 10) / 20)


def bandwidth(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Nothing above a frequency between 3 and 4 kHz, as after a codec."""
    cut = signal.ellip(8, 0.1, 80, rng.uniform(3000, 4000), fs=SAMPLE_RATE, output="sos")
    return signal.sosfilt(cut, wave)


def dropouts(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Packets of 20 to 60 ms that are lost: 5 to 20 % of the time."""
    wave, lost, wanted = wave.copy(), 0, rng.uniform(0.05, 0.2) * len(wave)
    while lost < wanted:
        length = round(rng.uniform(0.02, 0.06) * SAMPLE_RATE)
        start = rng.integers(0, len(wave) - length)
        lost += np.count_nonzero(wave[start : start + length])
        wave[start : start + length] = 0
    return wave


FAULTS: dict[str, tuple[Fault, str]] = {
    "unplugged": (unplugged, "silent"),
    "clipped": (clipped, "clipped"),
    "gain": (gain, "gain"),
    "hum": (hum, "hum"),
    "bandwidth": (bandwidth, "bandwidth"),
    "dropouts": (dropouts, "dropouts"),
}


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="2,3,4", help="seeds of simulated machines")
    parser.add_argument("--machines", default="bearing,fan,gearbox,valve")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of simulated clips")
    parser.add_argument("--data_dir", action="append", default=[], help="recordings")
    parser.add_argument("--verbose", action="store_true", help="print what is called, too")
    parser.add_argument("--cost", nargs=2, metavar=("DETECTOR", "FOLDER"))
    arguments = parser.parse_args()
    if arguments.cost:
        print(f"measuring takes {100 * cost(*arguments.cost):.1f} % of the time of scoring")
        return
    rows: list[dict] = []
    machines = tuple(arguments.machines.split(","))
    for seed in filter(None, arguments.seeds.split(",")):
        options = SimulationOptions(seed=int(seed), seconds=arguments.seconds, machines=machines)
        rows += judged(simulated(options), int(seed))
    for folder in arguments.data_dir:
        rows += judged(recorded(folder), 0)
    table = pd.DataFrame(rows)
    if arguments.verbose:
        called = table[(table["kind"].isin(["normal", "anomalous"])) & (table["verdict"] != OK)]
        print(called.to_string(index=False))
    print(summary(table).to_string(index=False))


def simulated(options: SimulationOptions) -> Iterator[tuple[dict, np.ndarray]]:
    """Yields the clips of simulated machines, as a file of 16 bits has them."""
    for clip in planned_clips(options):
        about = {"data": "simulated", "machine": clip.machine, "section": clip.section,
                 "split": clip.split, "domain": clip.domain, "label": clip.label}  # fmt: skip
        yield about, simulate_clip(clip, options)


def recorded(folder: str) -> Iterator[tuple[dict, np.ndarray]]:
    """Yields the clips of a folder in any layout, its name as `data`."""
    clips, _ = read_clips(folder)
    for clip in clips[clips["label"].notna()].to_dict("records"):
        about = {name: clip[name] for name in ("machine", "section", "split", "domain")}
        about |= {"data": folder, "label": "anomaly" if clip["label"] else "normal"}
        channel = MEAN if pd.isna(clip["channel"]) else int(clip["channel"])
        yield about, read_samples(clip["path"], channel, sample_rate=SAMPLE_RATE)


def judged(clips: Iterator[tuple[dict, np.ndarray]], seed: int) -> list[dict]:
    """Sets the limits of every group and judges its test clips, with and without faults."""
    frame = pd.DataFrame([{**about, "wave": wave} for about, wave in clips])
    rows = []
    for (machine, section), group in frame.groupby(["machine", "section"]):
        train, test = group[group["split"] == "train"], group[group["split"] == "test"]
        limits = SensorLimits.fit(measured(train["wave"]), train["domain"].to_numpy(object))
        rng = np.random.default_rng(seed)
        normal = test.loc[test["label"] == "normal", "wave"]
        kinds = {
            "normal": (normal, ""),
            "anomalous": (test.loc[test["label"] == "anomaly", "wave"], ""),
            **{
                name: ([fault(wave.astype(float), rng) for wave in normal], expected)
                for name, (fault, expected) in FAULTS.items()
            },
        }
        for kind, (waves, expected) in kinds.items():
            if len(waves):
                rows += [
                    {"data": group["data"].iloc[0], "machine": machine, "section": section,
                     "seed": seed, "kind": kind, "verdict": verdict,
                     "called": verdict != OK, "named": expected in verdict.split("+")}
                    for verdict in limits.verdicts(measured(waves))
                ]  # fmt: skip
    return rows


def measured(waves) -> np.ndarray:
    """Returns the measures of waves, each rounded to 16 bits and cut at full scale."""
    rounded = [np.clip(np.round(wave * 32768), -32768, 32767) / 32768 for wave in waves]
    return np.concatenate([measure(wave[np.newaxis], SAMPLE_RATE) for wave in rounded])


def cost(folder: str, recordings: str) -> float:
    """Returns the time of the processor to measure as a share of that to read and score.

    Both are taken in turns, and the median of the rounds counts, since machines are noisy.
    """
    # These load TensorFlow, which takes seconds.
    from asd_tf.data.layouts.files import clips_of_files
    from asd_tf.data.pipeline import scoring_batches
    from asd_tf.detector import Detector

    detector = Detector.load(folder)
    clips, rate = clips_of_files([recordings], detector.channel), detector.manifest["sample_rate"]
    windows = detector.recordings.windows_of(clips)
    batches = scoring_batches(windows, detector.manifest["samples"], rate, 32)
    waveforms = [waveform.numpy() for _, waveform in batches]
    detector.score(clips)

    def seconds(step: Callable) -> float:
        start = time.process_time()
        step()
        return time.process_time() - start

    shares = []
    for _ in range(_ROUNDS):
        measuring = seconds(lambda: [measure(waveform, rate) for waveform in waveforms])
        shares.append(measuring / (seconds(lambda: detector.score(clips)) - measuring))
    return statistics.median(shares)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the shares in percent that are called a fault, and called the right one."""
    groups = table.groupby(["data", "kind"], sort=False)
    shares = groups[["called", "named"]].mean().mul(100).round(1)
    return shares.assign(clips=groups.size()).reset_index()


if __name__ == "__main__":
    main()
