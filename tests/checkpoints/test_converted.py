"""A converted encoder may state no more than it holds."""

import h5py
import numpy as np
import pytest

from asd_tf.checkpoints.converted import MANIFEST, WEIGHTS, read_converted
from asd_tf.checkpoints.folders import CONFIG, read_folder_json
from asd_tf.errors import InputError
from asd_tf.files import sha256_of, write_json


def written(folder, make):
    """Writes an encoder whose checksum is right, and whose weights `make` adds to a file."""
    with h5py.File(folder / WEIGHTS, "w") as file:
        make(file)
    manifest = {
        "format": 1,
        "encoder": "beats",
        "config": {},
        "sha256": sha256_of(folder / WEIGHTS),
    }
    write_json(folder / MANIFEST, manifest)
    return folder


def test_weights_are_read_by_name(tmp_path):
    folder = written(tmp_path, lambda file: file.create_dataset("net/a/b:0", data=np.ones(3)))
    kind, config, values = read_converted(folder)
    assert (kind, config, list(values)) == ("beats", {}, ["a/b"])


def test_compressed_zeros_are_refused(tmp_path):
    """A small file must not unpack to gigabytes."""

    def bomb(file):
        file.create_dataset("net/a/b:0", (2**28,), "f4", compression="gzip", fillvalue=0.0)

    with pytest.raises(InputError, match="holds less than it states"):
        read_converted(written(tmp_path, bomb))


def test_numbers_of_other_files_are_refused(tmp_path):
    """Weights must not be read from files outside the folder."""
    (tmp_path / "secret").write_bytes(bytes(400))

    def foreign(file):
        external = [(str(tmp_path / "secret"), 0, 400)]
        file.create_dataset("net/a/b:0", (100,), "f4", external=external)

    with pytest.raises(InputError, match="from other files"):
        read_converted(written(tmp_path, foreign))


def test_a_huge_description_is_refused(tmp_path):
    """A config must be bounded before it is parsed."""
    with (tmp_path / CONFIG).open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(InputError, match="larger than"):
        read_folder_json(tmp_path / CONFIG)
