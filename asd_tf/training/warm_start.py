"""Weights of an earlier training, taken over where name and shape are equal."""

from pathlib import Path
from typing import NamedTuple

import h5py
import keras
import numpy as np

from asd_tf.errors import InputError
from asd_tf.files import work_folder

# What a training begins anew: the state of its optimizer, its metrics and its random numbers.
_BEGUN_ANEW = frozenset({"optimizer", "metrics"})
_SEEDS = "seed_generator"


class Taken(NamedTuple):
    """What became of the weights of a model.

    Attributes:
        taken: Number of weights that were taken over.
        other_shape: Names of weights that are there with another shape.
        missing: Names of weights that are not there.
    """

    taken: int
    other_shape: list[str]
    missing: list[str]


def warm_start(model: keras.Model, source: Path, work: Path) -> Taken:
    """Sets the weights of a model to those of a file, where name and shape are equal.

    Names are those within the files of weights, so that both must be of the same Keras.

    Args:
        model: The model, built; all its other weights stay.
        source: A file that `save_weights` wrote, of a model that may be another.
        work: A path beside which a file may be written for a moment.

    Raises:
        InputError: If the source is no file of weights.
    """
    with work_folder(work) as folder:
        mine = folder / "model.weights.h5"
        model.save_weights(mine)
        try:
            with h5py.File(source, "r") as theirs, h5py.File(mine, "r+") as file:
                taken = _take(file, theirs)
        except OSError:
            raise InputError(f"{source}: the file of weights is missing or damaged") from None
        model.load_weights(mine)
    return taken


def _take(mine: h5py.File, theirs: h5py.File) -> Taken:
    taken, other_shape, missing = 0, [], []
    for name in _names(mine):
        if name not in theirs or not isinstance(theirs[name], h5py.Dataset):
            missing.append(name)
        elif theirs[name].shape != mine[name].shape:
            other_shape.append(name)
        else:
            mine[name][...] = np.asarray(theirs[name])
            taken += 1
    return Taken(taken, other_shape, missing)


def _names(file: h5py.File) -> list[str]:
    """Returns the names of all weights of a file, without what is begun anew."""
    names: list[str] = []

    def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
        parts = name.split("/")
        is_new = bool(_BEGUN_ANEW & set(parts)) or any(part.startswith(_SEEDS) for part in parts)
        if isinstance(item, h5py.Dataset) and not is_new:
            names.append(name)

    file.visititems(visit)
    return names
