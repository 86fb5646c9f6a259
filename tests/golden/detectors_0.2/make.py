"""Makes a detector of the format that this version writes, and scores the clips with it.

    python tests/golden/detectors_0.2/make.py

It writes format_N.zip and format_N.csv, where N is the version of the format. Run it once for each
format, when it is new, and keep the files: they show that what was written can still be read.
"""

import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1] / "helpers"))

from released import keep_detector  # noqa: E402

RECIPE = """
import ml_collections
from asd_tf.configs.mahalanobis import quick

def get_config():
    config = quick.get_config()
    config.frontend.n_mels = 8
    config.data.seconds = 0.5
    config.backend = ml_collections.ConfigDict({
        "combine": "sum",
        "normalize": "calibration",
        "members": {
            "forest": {"estimator": "IsolationForest", "params": {"n_estimators": 2}},
            "kmeans": {"estimator": "KMeansCosine", "params": {"n_clusters": 2}},
            "svm": {"estimator": "NormalizedOneClassSVM", "domain": "source"},
        },
    })
    return config
"""


def main() -> None:
    from asd_tf.detector.sealing.manifest import FORMAT_VERSION

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "members.py").write_text(RECIPE)
        flags = ("--method=mahalanobis", "--recipe=members.py")
        keep_detector(FOLDER / f"format_{FORMAT_VERSION}", folder, flags)


if __name__ == "__main__":
    main()
