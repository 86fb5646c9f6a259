"""Anomalous sound detection for machines, in TensorFlow.

Train on normal sounds only, and give every new clip an anomaly score and a decision:

    import asd_tf

    result = asd_tf.train("wilkinghoff", data_dir="/data/dcase2022", recipe="quick")
    detector = asd_tf.load_detector(result.run.folder)
    table = detector.score(["/data/fan/test/section_00_0001.wav"])

The names below are imported when they are first used, since TensorFlow takes seconds to import.
"""

import importlib
import os
from typing import Any

# On AMD and older Intel processors TensorFlow 2.15 leaves oneDNN off, which halves the speed of
# training there. It has to be asked for before TensorFlow is imported; a user's own value wins.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.2.0"

__all__ = ["Detector", "Result", "evaluate", "evaluate_detector", "load_detector", "train"]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    if name in __all__:
        return getattr(importlib.import_module("asd_tf.api"), name)
    raise AttributeError(f"module 'asd_tf' has no attribute '{name}'")


def __dir__() -> list[str]:
    """Lists the public names beside those of the module."""
    return sorted({*globals(), *__all__})
