"""The data set that most tests share."""

import os
import sys
from pathlib import Path

# Set before NumPy is imported. The matrices of the tests are tiny, and tests run side by side: more
# threads would wait for each other.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest
from harness import write_dataset

pytest_plugins = ["slow_slice"]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    """Two machines of two sections with eight training clips each, in both domains."""
    return write_dataset(tmp_path_factory.mktemp("data") / "tones")


@pytest.fixture(autouse=True)
def float32_afterwards():
    """Leaves no policy of mixed precision, which is global, to the next test."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].mixed_precision.set_global_policy("float32")
