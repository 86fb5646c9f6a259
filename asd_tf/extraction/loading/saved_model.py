"""Loads a SavedModel after a check of its graph and of the sizes of its variables."""

import math
import os
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from asd_tf.errors import InputError
from asd_tf.extraction.loading.graph import pruned_graph

_GRAPH = "saved_model.pb"
_VARIABLES = "variables"
_MEMORY = "/dev/shm"
MAX_GRAPH_BYTES = 256 * 2**20


def load_saved_model(folder: Path) -> Any:
    """Loads a SavedModel of which a copy without file operations is given to TensorFlow.

    Args:
        folder: The SavedModel.

    Returns:
        The root object, as of `tf.saved_model.load`.

    Raises:
        InputError: If it is missing or damaged, or can do more than compute.
    """
    try:
        pruned = pruned_graph(_read(folder / _GRAPH))
        _check_variables(folder / _VARIABLES)
    except InputError as error:
        raise InputError(f"{folder}: refused, {error}") from None
    except (TypeError, ValueError):  # numbers of types that do not exist
        raise InputError(f"{folder}: refused, {_GRAPH} is damaged") from None
    with tempfile.TemporaryDirectory(prefix="asd_tf-", dir=_place_of_copies()) as name:
        # What is loaded is what was checked, even if the file changes meanwhile.
        (Path(name) / _GRAPH).write_bytes(pruned.SerializeToString())
        (Path(name) / _VARIABLES).symlink_to((folder / _VARIABLES).resolve())
        try:
            return tf.saved_model.load(name)
        except Exception as error:  # a damaged one shows as almost anything
            raise InputError(
                f"{folder}: is no SavedModel that can be loaded ({type(error).__name__}); "
                "take a fresh copy"
            ) from error


def _place_of_copies() -> str:
    """Returns a folder that can be written to, also where all disks are read-only.

    Raises:
        InputError: If there is none.
    """
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        if os.access(_MEMORY, os.W_OK):
            return _MEMORY
        raise InputError(
            "a network needs a folder for a temporary copy of its graph: set TMPDIR to one"
        ) from None


def _read(path: Path) -> SavedModel:
    if not path.is_file():
        raise InputError(f"{path.name} is missing")
    if path.stat().st_size > MAX_GRAPH_BYTES:
        raise InputError(f"{path.name} has more than {MAX_GRAPH_BYTES >> 20} MiB")
    saved_model = SavedModel()
    try:
        saved_model.ParseFromString(path.read_bytes())
    except DecodeError:
        raise InputError(f"{path.name} is damaged") from None
    return saved_model


def _check_variables(folder: Path) -> None:
    """Refuses variables that claim more than their files hold."""
    stored = sum(path.stat().st_size for path in folder.glob("variables.data-*"))
    try:
        reader = tf.train.load_checkpoint(str(folder / "variables"))
        types = reader.get_variable_to_dtype_map()
        claimed = sum(
            math.prod(shape) * types[name].size
            for name, shape in reader.get_variable_to_shape_map().items()
            if types[name] != tf.string
        )
    except (tf.errors.OpError, ValueError) as error:
        raise InputError(f"its variables are damaged ({type(error).__name__})") from None
    if claimed > stored:
        raise InputError("its variables are larger than their file")
