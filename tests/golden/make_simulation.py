"""Keeps some samples of simulated clips; run only when a family's `format_version` is raised.

    python tests/golden/make_simulation.py plant

The other families stay as they are.
"""

import json
import sys
from pathlib import Path

import numpy as np

from asd_tf.data.simulation.dataset import planned_clips, simulate_clip
from asd_tf.data.simulation.families import FAMILIES

FILE = Path(__file__).with_name("simulation.json")
OPTIONS = {"sections": 1, "seconds": 1.0, "train_source": 0, "train_target": 0, "test_normal": 1,
           "test_anomaly": 1, "seed": 5}  # fmt: skip
EVERY = 397


def main() -> None:
    """Writes the clips of the family that is named."""
    family = sys.argv[1]
    options = FAMILIES[family].options(**OPTIONS)
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    clips = {}
    for clip in planned_clips(options):
        # A normal clip of the source domain and an anomalous one of the target domain.
        if (clip.domain, clip.label) in (("source", "normal"), ("target", "anomaly")):
            wave = 32767 * simulate_clip(clip, options)
            rms = round(float(np.sqrt(np.mean(np.square(wave, dtype=float)))), 2)
            samples = np.round(wave[::EVERY], 1).tolist()
            clips[clip.path.as_posix()] = {"rms": rms, "samples": samples}
    kept[family] = {"options": OPTIONS, "every": EVERY, "clips": clips}
    FILE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
