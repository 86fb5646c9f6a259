"""Makes the detectors of this folder and the run of run_0.1; asd_tf 0.1.0 must be installed.

    python tests/golden/detectors_0.1/make.py

The files were made once, with 0.1.0, and later code cannot make them: they show that what 0.1.0
wrote can still be read.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import asd_tf

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1] / "helpers"))

from harness import write_dataset, write_tone  # noqa: E402
from released import write_zip  # noqa: E402

RECIPE = """
import ml_collections
from asd_tf.configs.mahalanobis import quick

def get_config():
    config = quick.get_config()
    config.frontend.n_mels = 8
    config.backend = ml_collections.ConfigDict({backend!r})
    return config
"""


def member(estimator: str, domain: str = "all", **params) -> dict:
    return {"estimator": estimator, "domain": domain, "params": params}


# With AsScore of `loudness`, every backend of 0.1.0 and every way to combine members.
BACKENDS = {
    "cosine": {
        "combine": "min",
        "normalise": "none",
        "oversample": 0.5,
        "members": {
            "centre": member("CentreCosine"),
            "kmeans": member("KMeansCosine", "source", n_clusters=3),
            "nearest": member("NearestCosine", "target"),
        },
    },
    "densities": {
        "combine": "sum",
        "normalise": "calibration",
        "members": {
            "distance": member("PosteriorDistance", gamma=0.3, pair=2, least_spread=0.05),
            "frames": member("FrameMixture", n_components=2),
            "ledoit_wolf": member("LedoitWolfMahalanobis"),
            "mixture": member("CappedGaussianMixture", n_components=3),
        },
    },
    "neighbors": {
        "combine": "known",
        "normalise": "calibration",
        "oversample": 0.7,
        "members": {
            "density": member("DensityNormalizedNearest", "target", n_neighbors=2),
            "forest": member("IsolationForest", "source", n_estimators=3),
            "knn": member("KNearestCosine", "source", n_neighbors=2, max_items=6),
            "lof": member("LocalOutlierFactor", "source", n_neighbors=3),
            "svm": member("NormalizedOneClassSVM", "target"),
        },
    },
}

# Its network takes the number of the section as a second input.
AUTOENCODER = (
    "train.epochs=1",
    "train.steps_per_epoch=1",
    "train.batch_size=4",
    "network.blocks=1",
    "network.width=4",
    "network.heads=1",
    "network.kernel=3",
    "frontend.n_mels=8",
    "replicas.count=2",
    "calibration.held_out=0.5",
    "data.seconds=0.5",
)


def main() -> None:
    if asd_tf.__version__ != "0.1.0" or not Path(asd_tf.__file__).with_name("run.py").exists():
        sys.exit("install asd_tf 0.1.0 to make what 0.1.0 made")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_dataset(folder / "tones", machines=("fan",), source=10, target=4, test=2)
        train_all(folder)
        fuse(folder, "fused", "loudness", "cosine")
        fuse(folder, "nested", "fused", "densities")
        write_scores(folder)
        for name in (*BACKENDS, "loudness", "autoencoder", "fused", "nested"):
            write_zip(FOLDER / f"{name}.zip", detector_folder(folder, name))
        make_run_portable(folder / "run", folder / "tones")
        write_zip(FOLDER.parent / "run_0.1" / "run.zip", folder / "run")


def train_all(folder: Path) -> None:
    for name, backend in BACKENDS.items():
        (folder / f"{name}.py").write_text(RECIPE.format(backend=backend))
        train(folder, name, "mahalanobis", f"{name}.py", "data.seconds=0.5")
    train(folder, "run", "mahalanobis", "quick", "data.seconds=0.5", "frontend.n_mels=8")
    train(folder, "loudness", "loudness", "quick", "data.seconds=0.5")
    train(folder, "autoencoder", "kuroyanagi_ae", "quick", *AUTOENCODER)


def train(folder: Path, name: str, method: str, recipe: str, *assignments: str) -> None:
    flags = [f"--method={method}", f"--recipe={recipe}", "--data_dir=tones", f"--run_dir={name}"]
    command("train", folder, *flags, *(f"--set={assignment}" for assignment in assignments))


def fuse(folder: Path, name: str, *parts: str) -> None:
    command("fuse", folder, name, *parts)


def command(name: str, folder: Path, *arguments: str) -> None:
    code = f"from asd_tf.cli.{name} import main; main()"
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, check=True)


def detector_folder(folder: Path, name: str) -> Path:
    return folder / name if name in ("fused", "nested") else folder / name / "detector"


def write_scores(folder: Path) -> None:
    """Writes the scores of all detectors, and the features that those of BACKENDS share."""
    from asd_tf.data.paths import clips_of_files

    from asd_tf.detector import Detector

    clips = pd.read_csv(FOLDER / "clips.csv")
    for clip in clips.itertuples():
        write_tone(folder / clip.path, clip.hertz, seed=clip.seed)
    known = clips_of_files(folder / clips["path"][clips["known"] == 1])
    features, _ = Detector.load(detector_folder(folder, "cosine")).features(known)
    np.save(FOLDER / "features.npy", features["features"][np.arange(len(known))])
    tables = []
    for name in (*BACKENDS, "loudness", "autoencoder", "fused", "nested"):
        table = Detector.load(detector_folder(folder, name)).score(folder / clips["path"])
        tables.append(table.assign(detector=name, path=clips["path"]))
    columns = ["detector", "path", "machine", "section", "score", "threshold", "decision", "status"]
    pd.concat(tables)[columns].to_csv(FOLDER / "scores.csv", index=False)


def make_run_portable(run: Path, data: Path) -> None:
    """Makes the paths of clips relative to the data, and deletes what can be computed again."""
    for table in (run / "clips.csv", run / "evaluation" / "scores.csv"):
        table.write_text(table.read_text().replace(f"{data.resolve()}/", ""))
    shutil.rmtree(run / "embeddings")
    for drawn in ("report.html", "roc.png", "scores.png"):
        (run / "evaluation" / drawn).unlink()


if __name__ == "__main__":
    main()
