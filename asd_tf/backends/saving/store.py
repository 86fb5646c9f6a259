"""Fitted backends on disk, as skops files: data that name their types, never pickles.

A file is read in steps, each of which trusts what the one before has checked: it is unpacked within
limits; its arrays, numbers and trees are checked; its types are compared with those that backends
have; skops makes the objects; and the backend scores a row.
"""

import functools
import json
import os
import zipfile
from pathlib import Path

from sklearn.base import BaseEstimator

from asd_tf.backends.saving.archive import SCHEMA, check_parts, pack, read_schema, unpack
from asd_tf.backends.saving.old_names import schema_with_current_names
from asd_tf.errors import InputError
from asd_tf.files import atomic_path


def save_backend(path: str | os.PathLike, estimator: BaseEstimator) -> None:
    """Writes a fitted backend, whole or not at all.

    Args:
        path: The file to write.
        estimator: The backend.

    Raises:
        ValueError: If it holds a type or a number that `load_backend` would refuse.
    """
    import skops.io  # it imports all of scikit-learn, a second that only this needs

    content = skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)
    foreign = _foreign_types(content)
    if foreign:
        raise ValueError(f"a backend cannot be saved with {', '.join(foreign)} in it")
    try:
        parts = unpack(content)
    except ValueError:  # values that compress so well that the file would look like an attack
        content = skops.io.dumps(estimator, compression=zipfile.ZIP_STORED)
        parts = unpack(content)
    check_parts(read_schema(parts[SCHEMA]), parts)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def load_backend(path: str | os.PathLike) -> BaseEstimator:
    """Reads a backend that `save_backend` wrote, of this version or an earlier one.

    Args:
        path: The file to read.

    Returns:
        The fitted backend, a `NoveltyBackend`.

    Raises:
        InputError: If the file is missing or damaged, holds types that no backend has, or is larger
            than it claims.
    """
    import skops.io

    from asd_tf.backends.saving.validation import check_backend

    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such file: the detector is incomplete, copy it anew")
    try:
        content = _checked(Path(path).read_bytes())
        foreign = _foreign_types(content)
        if not foreign:
            estimator = skops.io.loads(content, trusted=list(trusted_types()))
            check_backend(estimator)
    except Exception as error:  # damage shows as almost anything: zip, JSON, numpy, missing keys
        reason = " ".join(str(error).split()) if type(error) is ValueError else ""
        raise InputError(
            f"{path}: not a readable backend ({reason or type(error).__name__}): "
            "copy the detector anew"
        ) from error
    if foreign:
        raise InputError(f"{path}: refused, no backend holds the type {foreign[0]}")
    return estimator


@functools.cache
def trusted_types() -> tuple[str, ...]:
    """Returns the types that a file may hold beyond those that skops itself trusts.

    skops trusts the arrays of numpy and the estimators of scikit-learn; the backends of this
    package are added, by their full names.
    """
    # Imported here since the registry imports the estimators of scikit-learn.
    from asd_tf.backends.registry import own_types

    return (*own_types(), "sklearn.tree._tree.Tree")  # the trees of IsolationForest


def _foreign_types(content: bytes) -> list[str]:
    """Returns the types in a skops file that no backend has."""
    import skops.io

    return sorted(set(skops.io.get_untrusted_types(data=content)) - set(trusted_types()))


def _checked(content: bytes) -> bytes:
    """Returns a skops file with the names of today after a check of its parts.

    The names are exchanged before skops sees the file, so that what skops may load is judged by
    the names that it will load.
    """
    parts = unpack(content)
    schema = read_schema(parts[SCHEMA])
    current = schema_with_current_names(schema)
    check_parts(current, parts)
    if current != schema:
        parts[SCHEMA] = json.dumps(current).encode()
    return pack(parts)
