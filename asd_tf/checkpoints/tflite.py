"""The constants in a TensorFlow Lite file, read by its schema; nothing of it is executed.

A TFLite file is a flatbuffer: tables whose fields are numbered by the schema, in
tensorflow/lite/schema/schema.fbs of TensorFlow. Only the fields that lead to constants are read.
"""

import math
import struct
from typing import NamedTuple

import numpy as np
from flatbuffers import encode, number_types, packer
from flatbuffers.table import Table

# Operators by their number in the schema (`BuiltinOperator`).
CONV_2D = 3

# Fields by their numbers in the schema.
_OPERATOR_CODES, _SUBGRAPHS, _BUFFERS = 1, 2, 4
_BUILTIN_CODE = 3
_TENSORS, _OPERATORS = 0, 3
_SHAPE, _TYPE, _BUFFER = 0, 1, 2
_DATA = 0
_OPCODE_INDEX, _INPUTS = 0, 1

_IDENTIFIER = b"TFL3"
_FLOAT32 = 0
_ITEM_BYTES = 4
# Items of a vector, and operators: the largest of the models that are read has 107.
_MOST_ITEMS = 100_000


class Operation(NamedTuple):
    """An operator of a model.

    Attributes:
        code: Its number in the schema.
        constants: The inputs that are float32 constants, in order.
    """

    code: int
    constants: list[np.ndarray]


def read_operations(content: bytes) -> list[Operation]:
    """Returns the operators of the first graph in a TFLite file, in the order of their execution.

    Raises:
        ValueError: If the content is no TFLite file, or an offset or size in it is out of range.
    """
    if content[4:8] != _IDENTIFIER:
        raise ValueError("it is no TensorFlow Lite file")
    try:
        return _operations(content)
    except (struct.error, IndexError, TypeError, OverflowError) as error:
        raise ValueError(f"it is a damaged TensorFlow Lite file ({error})") from None


def _operations(content: bytes) -> list[Operation]:
    model = _table(content, encode.Get(packer.uoffset, content, 0))
    codes = [
        _number(code, _BUILTIN_CODE, number_types.Int32Flags)
        for code in _tables(model, _OPERATOR_CODES)
    ]
    buffers = _tables(model, _BUFFERS)
    graph = _tables(model, _SUBGRAPHS)[0]
    tensors = _tables(graph, _TENSORS)
    operations = []
    for operator in _tables(graph, _OPERATORS):
        code = codes[_number(operator, _OPCODE_INDEX, number_types.Uint32Flags)]
        # -1 stands for an optional input that is left out.
        used = [tensors[index] for index in _vector(operator, _INPUTS, "<i4") if index >= 0]
        found = [_constant(tensor, buffers) for tensor in used]
        operations.append(Operation(code, [array for array in found if array is not None]))
    return operations


def _constant(tensor: Table, buffers: list[Table]) -> np.ndarray | None:
    """Returns the values of a float32 tensor; None if it is computed, or of another type."""
    if _number(tensor, _TYPE, number_types.Int8Flags) != _FLOAT32:
        return None
    data = _vector(buffers[_number(tensor, _BUFFER, number_types.Uint32Flags)], _DATA, "u1")
    if not data.size:
        return None
    shape = tuple(int(size) for size in _vector(tensor, _SHAPE, "<i4"))
    if min(shape, default=1) < 0 or math.prod(shape) * _ITEM_BYTES != data.size:
        raise ValueError("it has a tensor that is not of the size that it claims")
    return data.view("<f4").reshape(shape).astype(np.float32)


def _table(content: bytes, position: int) -> Table:
    if not 0 < position < len(content):
        raise IndexError("an offset beyond its end")
    return Table(content, position)


def _field(table: Table, number: int) -> int:
    """Returns the position of a field in the file; 0 if the table does not hold it."""
    offset = table.Offset(4 + 2 * number)
    return table.Pos + offset if offset else 0


def _number(table: Table, number: int, flags) -> int:
    position = _field(table, number)
    return table.Get(flags, position) if position else 0


def _start(table: Table, number: int) -> tuple[int, int]:
    """Returns the position of the first item of a vector, and the number of its items."""
    position = _field(table, number)
    if not position:
        return 0, 0
    start = table.Indirect(position)
    return start + 4, encode.Get(packer.uoffset, table.Bytes, start)


def _vector(table: Table, number: int, dtype: str) -> np.ndarray:
    start, items = _start(table, number)
    if start + items * np.dtype(dtype).itemsize > len(table.Bytes):
        raise IndexError("a vector beyond its end")
    return np.frombuffer(table.Bytes, dtype, items, start)


def _tables(table: Table, number: int) -> list[Table]:
    start, items = _start(table, number)
    if items > _MOST_ITEMS:
        raise IndexError(f"more than {_MOST_ITEMS} items")
    positions = [start + 4 * index for index in range(items)]
    return [_table(table.Bytes, table.Indirect(position)) for position in positions]
