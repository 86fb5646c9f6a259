"""The format of `asd-convert`: weights in the layout of Keras, a config, and a checksum."""

import dataclasses
from pathlib import Path

import h5py
import keras
import numpy as np

from asd_tf.compat import save_h5
from asd_tf.errors import InputError
from asd_tf.files import atomic_path, read_json, sha256_of, write_json
from asd_tf.models.encoders.build import EncoderConfig, kind_of

MANIFEST = "encoder.json"
WEIGHTS = "weights.h5"
FORMAT = 1


def write_converted(out: Path, config: EncoderConfig, model: keras.Model, source: dict) -> None:
    """Writes an encoder, whole or not at all.

    Args:
        out: The folder to make, with `encoder.json` and `weights.h5`. `model.load_weights` of an
            encoder with its head reads the latter too.
        config: Config of the encoder.
        model: The encoder, with its head if it has one.
        source: What the weights were converted from, for human readers.
    """
    with atomic_path(out) as folder:
        folder.mkdir()
        save_h5(model, folder / WEIGHTS)
        write_json(
            folder / MANIFEST,
            {
                "format": FORMAT,
                "encoder": kind_of(config),
                "config": dataclasses.asdict(config),
                "sha256": sha256_of(folder / WEIGHTS),
                "source": source,
            },
        )


def read_converted(folder: Path) -> tuple[str, dict, dict[str, np.ndarray]]:
    """Reads what `write_converted` wrote.

    Returns:
        The kind of encoder, the values of its config, and its variables by name.

    Raises:
        InputError: If it is damaged, or has another format.
    """
    manifest = folder / MANIFEST
    try:
        values = read_json(manifest)
        form, kind, config = values["format"], values["encoder"], dict(values["config"])
        expected = values["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{manifest}: is not a description of an encoder: {error}") from None
    if form != FORMAT:
        raise InputError(f"{manifest}: is of format {form}, but this version reads {FORMAT}")
    weights = folder / WEIGHTS
    if not weights.exists():
        raise InputError(f"{weights}: there is no such file")
    if sha256_of(weights) != expected:
        raise InputError(f"{weights}: is not as it was written (SHA-256); convert it again")
    return kind, config, _variables(weights)


def _variables(path: Path) -> dict[str, np.ndarray]:
    """Reads a Keras weight file, whose names are <layer of the model>/<layer>/<weight>:0."""
    datasets = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            datasets["/".join(name.split("/")[-2:]).removesuffix(":0")] = item

    with h5py.File(path) as file:
        file.visititems(visit)
        # HDF5 can compress numbers, and take them from other files; Keras does neither.
        if any(item.is_virtual or item.external for item in datasets.values()):
            raise InputError(f"{path}: takes numbers from other files")
        if sum(item.nbytes for item in datasets.values()) > path.stat().st_size:
            raise InputError(f"{path}: holds less than it states")
        return {name: item[()] for name, item in datasets.items()}
