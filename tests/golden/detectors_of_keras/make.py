"""Trains a small network with the Keras that is installed, and scores the clips with its detector.

    python tests/golden/detectors_of_keras/make.py

It writes keras_N.zip and keras_N.csv, where N is the major version of Keras. Detectors of either
must score equally with both.
"""

import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1] / "helpers"))

from released import keep_detector  # noqa: E402
from small_geco import SMALL  # noqa: E402

FLAGS = (
    "--method=stgram", "--recipe=quick", "--set=data.seconds=0.5", "--set=train.epochs=2",
    "--set=train.steps_per_epoch=4", "--set=train.batch_size=8",
    *(f"--set={assignment}" for assignment in SMALL["stgram"]),
)  # fmt: skip


def main() -> None:
    import keras

    version = keras.__version__.partition(".")[0]
    with tempfile.TemporaryDirectory() as folder:
        keep_detector(FOLDER / f"keras_{version}", Path(folder), FLAGS)


if __name__ == "__main__":
    main()
