"""A detector with a flipped bit must be refused with one line, or be the same detector."""

import numpy as np
import pytest
from harness import run_python
from sealed import detector_of_format

from asd_tf.detector.sealing.manifest import read_manifest
from asd_tf.errors import InputError
from asd_tf.files import file_names


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return detector_of_format(3, tmp_path_factory.mktemp("flips"))


def check_flips(folder, name, bits):
    """Flips each bit of a file and reads the detector; returns how many were refused."""
    expected, path = read_manifest(folder), folder / name
    content, refused = path.read_bytes(), 0
    try:
        for bit in bits:
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            path.write_bytes(flipped)
            try:
                # All other files are equal, so that an equal manifest means equal scores.
                assert read_manifest(folder) == expected, (name, bit)
                assert name == "detector.json", (name, bit)
            except InputError as error:
                assert "\n" not in str(error) and str(folder) in str(error)
                refused += 1
    finally:
        path.write_bytes(content)
    return refused


def test_flipped_bits_are_found(detector):
    """A few bits of every file."""
    rng, names = np.random.default_rng(0), file_names(detector)
    assert len(names) == 9
    for name in names:
        size = 8 * (detector / name).stat().st_size
        assert check_flips(detector, name, rng.integers(size, size=20)) >= 15


@pytest.mark.slow
def test_every_flipped_bit_is_found(detector):
    """Every bit of the manifest, and some hundreds of every other file."""
    rng = np.random.default_rng(1)
    for name in file_names(detector):
        size = 8 * (detector / name).stat().st_size
        bits = range(size) if name == "detector.json" else rng.integers(size, size=300)
        check_flips(detector, name, bits)


# Loads a backend with one flipped bit in one of its parts after the other.
FLIPPED_PARTS = """
import sys, zipfile
from pathlib import Path
import numpy as np
from asd_tf.backends.saving.store import load_backend
from asd_tf.errors import InputError

path, rng = Path(sys.argv[1]), np.random.default_rng(0)
with zipfile.ZipFile(path) as packed:
    parts = {name: packed.read(name) for name in packed.namelist()}
refused = 0
for name in rng.choice(sorted(parts), size=400):
    flipped, bit = bytearray(parts[name]), rng.integers(8 * len(parts[name]))
    flipped[bit // 8] ^= 1 << bit % 8
    with zipfile.ZipFile(path, "w") as packed:
        for other, part in {**parts, name: bytes(flipped)}.items():
            packed.writestr(other, part)
    print(name, bit, file=sys.stderr, flush=True)
    try:
        backend = load_backend(path)
        backend.score_samples(rng.normal(size=(3, backend.n_features_in_)))
    except InputError:
        refused += 1
print(refused)
"""


@pytest.mark.slow
def test_flipped_bits_with_right_checksums_end_no_process(detector, tmp_path):
    """Whoever computes the checksums anew must not be able to crash scikit-learn."""
    backend = tmp_path / "0.skops"
    backend.write_bytes((detector / "backends" / "000" / "0.skops").read_bytes())
    result = run_python("-W", "ignore", "-c", FLIPPED_PARTS, backend, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-500:]
    assert 100 < int(result.stdout) < 400
