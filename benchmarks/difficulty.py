"""How hard a family of simulated machines is, measured without training.

    python benchmarks/difficulty.py     seeds 2, 3 and 4 of `plant`, all sections
    python benchmarks/difficulty.py --seeds=0 --sections=1 --machines=fan,valve
    python benchmarks/difficulty.py --family=simple --seeds=0

Scores are official ones of the DCASE editions since 2022, in percent. `mahalanobis` and `loudness`
are computed as the methods of these names do, without files. `told apart` is the cross-validated
AUC of a classifier that must tell normal training clips from normal test clips of one domain by
their log-mel statistics: near 50 if both are drawn alike. `shift` is the same between the domains
of normal training clips: near 100 where the domains differ.
"""

import argparse
import itertools
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from asd_tf.data.simulation.clip import SimulatedClip
from asd_tf.data.simulation.dataset import planned_clips, simulate_clip
from asd_tf.data.simulation.families import FAMILIES
from asd_tf.data.simulation.options import FamilyOptions
from asd_tf.evaluation.results import evaluate

MELS, WINDOW, HOP = 128, 1024, 512


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", default="plant", choices=list(FAMILIES))
    parser.add_argument("--seeds", default="2,3,4", help="seeds of the data sets")
    parser.add_argument("--machines", help="only these machines")
    parser.add_argument("--sections", type=int, default=2, help="sections of each machine")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    family = FAMILIES[arguments.family]
    chosen = {"machines": arguments.machines.split(",")} if arguments.machines else {}
    rows = []
    for seed in map(int, arguments.seeds.split(",")):
        options = family.options(seed=seed, sections=arguments.sections, **chosen)
        rows.append(measure(options, arguments.processes))
        print(pd.DataFrame([rows[-1]], [f"seed {seed}"]).round(1).to_string(), flush=True)
    table = pd.DataFrame(rows)
    print(pd.DataFrame({"mean": table.mean(), "sd": table.std()}).round(2).T.to_string())


def measure(options: FamilyOptions, processes: int) -> dict[str, float]:
    """Measures one data set.

    Returns:
        Name to value in percent.
    """
    sections = itertools.product([options], options.machines, range(options.sections))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        tables, apart = zip(*pool.map(measure_section, *zip(*sections, strict=True)), strict=True)
    table = pd.concat(tables, ignore_index=True)
    found = {}
    for method in ("mahalanobis", "loudness"):
        official = evaluate(table.assign(score=table[method]), "dcase2022").official
        found[method] = official.score
        if method == "mahalanobis":
            found |= {name: means_of(table, method)[name] for name in ("source", "target", "pauc")}
    found |= pd.DataFrame(apart).mean().to_dict()
    return {name: 100 * value for name, value in found.items()}


def measure_section(
    options: FamilyOptions, machine: str, section: int
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Returns the scored test clips of a section, and what classifiers tell apart in it."""
    clips = [
        clip
        for clip in planned_clips(options)
        if (clip.machine, clip.section) == (machine, section)
    ]
    with threadpool_limits(1):
        features = np.array([statistics(clip, options) for clip in clips])
        return scores(clips, features), told_apart(clips, features[:, 1:])


def statistics(clip: SimulatedClip, options: FamilyOptions) -> np.ndarray:
    """Returns the root mean square of a clip, and mean and standard deviation of its log-mels."""
    wave = simulate_clip(clip, options)
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP] * window
    power = np.abs(np.fft.rfft(frames)).astype(np.float32) ** 2
    log_mel = np.log(np.maximum(power @ MEL_BANDS, 1e-10))
    rms = np.sqrt(np.mean(wave**2))
    return np.concatenate([[rms], log_mel.mean(axis=0), log_mel.std(axis=0)]).astype(float)


def _mel_bands() -> np.ndarray:
    """Returns weights [bins, MELS] of triangles equally wide on the HTK mel scale."""
    edges = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), MELS + 2)
    hertz = np.arange(WINDOW // 2 + 1) * 16000 / WINDOW
    bins = 2595 * np.log10(1 + hertz / 700)[:, None]
    left, center, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - left) / (center - left), (right - bins) / (right - center)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


MEL_BANDS = _mel_bands()


def scores(clips: list[SimulatedClip], features: np.ndarray) -> pd.DataFrame:
    """Returns the scored test clips of one section, as the evaluation takes them."""
    is_train = np.array([clip.split == "train" for clip in clips])
    test = [clip for clip in clips if clip.split == "test"]
    distance = LedoitWolf().fit(features[is_train, 1:]).mahalanobis(features[~is_train, 1:])
    return pd.DataFrame(
        {
            "clip_id": [clip.path.as_posix() for clip in test],
            "path": [clip.path.as_posix() for clip in test],
            "machine": test[0].machine,
            "section": f"{test[0].section:02d}",
            "domain": [clip.domain for clip in test],
            "split": "test",
            "label": [int(clip.label == "anomaly") for clip in test],
            "subset": "dev",
            "decision": 0,
            "fault": [clip.fault for clip in test],
            "mahalanobis": distance,
            "loudness": features[~is_train, 0],
        }
    )


def means_of(table: pd.DataFrame, method: str) -> dict[str, float]:
    """Returns the mean AUC of each domain and the mean partial AUC over the sections."""
    rows = []
    for _, section in table.groupby(["machine", "section"]):
        row = {"pauc": roc_auc_score(section["label"], section[method], max_fpr=0.1)}
        for domain in ("source", "target"):
            used = section[(section["domain"] == domain) | (section["label"] == 1)]
            row[domain] = roc_auc_score(used["label"], used[method])
        rows.append(row)
    return pd.DataFrame(rows).mean().to_dict()


def told_apart(clips: list[SimulatedClip], features: np.ndarray) -> dict[str, float]:
    """Returns how well classifiers tell normal training and test clips, and domains, apart."""
    table = pd.DataFrame(clips)
    normal = table["label"] == "normal"
    found = {}
    for domain in ("source", "target"):
        used = (normal & (table["domain"] == domain)).to_numpy()
        found[f"told apart, {domain}"] = separation(
            features[used], (table["split"] == "test")[used]
        )
    used = (normal & (table["split"] == "train")).to_numpy()
    found["shift"] = separation(features[used], (table["domain"] == "target")[used])
    return found


def separation(features: np.ndarray, labels: pd.Series) -> float:
    """Returns the AUC of a linear classifier, cross-validated in five folds."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced"))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    margins = cross_val_predict(model, features, labels, cv=folds, method="decision_function")
    return roc_auc_score(labels, margins)


if __name__ == "__main__":
    main()
