"""The parts of a skops file, unpacked within limits and checked before skops reads them."""

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from asd_tf.backends.saving.trees import check_tree

SCHEMA = "schema.json"
# The memory that a small file may take when it is unpacked. Features hardly compress, so that a
# file that is larger than this and grows by more than the factor is no backend.
MAX_UNPACKED_BYTES = 64 * 2**20
MAX_GROWTH = 20
MAX_PARTS = 100_000
# An isolation forest takes 21 KB and 64 objects a tree.
MAX_SCHEMA_BYTES = 32 * 2**20
MAX_SCHEMA_OBJECTS = 200_000

# The kinds of nodes of skops that backends are made of; no functions, methods or sparse matrices.
_LOADERS = frozenset(
    {
        "DictNode", "JsonNode", "ListNode", "LossNode", "NdArrayNode", "ObjectNode", "TreeNode",
        "TupleNode", "TypeNode",
    }
)  # fmt: skip


def unpack(content: bytes) -> dict[str, bytes]:
    """Returns the parts of a skops file by name.

    Args:
        content: The file.

    Raises:
        ValueError: If it has too many parts, or is too large when it is unpacked.
        Exception: If it is damaged, see `zipfile`.
    """
    room = max(MAX_UNPACKED_BYTES, MAX_GROWTH * len(content))
    parts: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        infos = packed.infolist()
        if len({info.filename for info in infos}) < len(infos) or len(infos) > MAX_PARTS:
            raise ValueError("it has too many parts, or two of the same name")
        for info in infos:
            if info.filename != SCHEMA and not info.filename.endswith(".npy"):
                raise ValueError(f"it has the part {info.filename}, which no backend has")
            most = min(room, MAX_SCHEMA_BYTES) if info.filename == SCHEMA else room
            # The sizes that a file claims may be wrong; what is read is bounded, too.
            with packed.open(info) as file:
                part = file.read(most + 1)
            if len(part) > most:
                raise ValueError(f"it is larger than {most >> 20} MiB when it is unpacked")
            room -= len(part)
            parts[info.filename] = part
    return parts


def pack(parts: Mapping[str, bytes]) -> bytes:
    """Returns a skops file of parts by name, uncompressed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return packed.getvalue()


def read_schema(part: bytes) -> Any:
    """Parses the schema of a skops file.

    Raises:
        ValueError: If it has too many objects, or is no JSON.
    """
    if max(part.count(b"{") + part.count(b"["), part.count(b",") // 8) > MAX_SCHEMA_OBJECTS:
        raise ValueError(f"its schema has more than {MAX_SCHEMA_OBJECTS} objects")
    return json.loads(part)


def check_parts(schema: Any, parts: Mapping[str, bytes]) -> None:
    """Checks what skops is to load.

    Args:
        schema: The schema with the names of today.
        parts: The parts by name.

    Raises:
        ValueError: If a number is not finite, an array is not what it claims, a tree has children
            outside of it, or a node is of a kind that no backend has.
    """
    arrays = {name: _array(part) for name, part in parts.items() if name != SCHEMA}
    seen: dict[Any, Any] = {}
    for node in _nodes(schema):
        if node["__loader__"] not in _LOADERS:
            raise ValueError(f"it has a {node['__loader__']}, which no backend has")
        # skops loads the first of several nodes with one number, whatever the others hold.
        if node.get("__id__") is None or seen.setdefault(node["__id__"], node) != node:
            raise ValueError("it has two nodes with the same number")
        if node["__loader__"] == "NdArrayNode" and node.get("type") != "numpy":
            raise ValueError("it has an array of objects")
        if node["__loader__"] == "JsonNode":
            _check_number(json.loads(node["content"]))
        if node["__loader__"] == "TreeNode":
            check_tree(node, arrays)


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yields the nodes of a schema that skops loads, and all below them."""
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "__loader__" in item:
                yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _check_number(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it has a number that is not finite")


def _array(part: bytes) -> np.ndarray:
    """Returns an array of numbers, of the size that its header states."""
    file = io.BytesIO(part)
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"it has an array of the format {version}")
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(part) - file.tell():
        raise ValueError("it has an array that is not of the size that it claims")
    values = np.frombuffer(part, dtype, offset=file.tell())
    fields = [values] if dtype.names is None else [values[name] for name in dtype.names]
    for field in fields:
        if field.dtype.kind not in "biuf" or not np.isfinite(field).all():
            raise ValueError("it has an array with values that are not finite numbers")
    return values.reshape(shape, order="F" if fortran else "C")
