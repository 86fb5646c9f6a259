"""TFLite files are read by their schema, and never beyond their end."""

import flatbuffers
import numpy as np
import pytest

from asd_tf.checkpoints.tflite import CONV_2D, read_operations

KERNEL = np.arange(6, dtype=np.float32).reshape(1, 2, 3)


def table(builder, **fields):
    """Ends a table whose fields are given as number to (slot, value)."""
    builder.StartObject(8)
    for name, (kind, value, default) in fields.items():
        getattr(builder, f"Prepend{kind}Slot")(int(name.lstrip("f")), value, default)
    return builder.EndObject()


def offsets(builder, items):
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        builder.PrependUOffsetTRelative(item)
    return builder.EndVector()


def model(shape=KERNEL.shape, inputs=(0, 1, -1)) -> bytes:
    """Returns a model of one convolution with a computed input and a constant kernel."""
    builder = flatbuffers.Builder(0)

    def vector(values, dtype):
        return builder.CreateNumpyVector(np.asarray(values, dtype))

    def at(offset):
        return "UOffsetTRelative", offset, 0

    data = vector(np.frombuffer(KERNEL.tobytes(), np.uint8), np.uint8)
    buffers = [table(builder), table(builder, f0=at(data))]
    first = table(builder, f0=at(vector([1, 4, 3], np.int32)), f2=("Uint32", 0, 0))
    kernel = table(builder, f0=at(vector(shape, np.int32)), f2=("Uint32", 1, 0))
    operator = table(builder, f0=("Uint32", 0, 0), f1=at(vector(inputs, np.int32)))
    tensors, operators = offsets(builder, [first, kernel]), offsets(builder, [operator])
    graphs = offsets(builder, [table(builder, f0=at(tensors), f3=at(operators))])
    codes = offsets(builder, [table(builder, f3=("Int32", CONV_2D, 0))])
    root = table(builder, f1=at(codes), f2=at(graphs), f4=at(offsets(builder, buffers)))
    builder.Finish(root, file_identifier=b"TFL3")
    return bytes(builder.Output())


def test_constants_are_found_by_the_operator_that_uses_them():
    (operation,) = read_operations(model())
    assert operation.code == CONV_2D
    (kernel,) = operation.constants
    np.testing.assert_array_equal(kernel, KERNEL)


@pytest.mark.parametrize("shape", [(1, 2, 4), (-1, -2, 3), (2**31 - 1,) * 3])
def test_sizes_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match="not of the size that it claims"):
        read_operations(model(shape))


def test_unknown_tensors_and_other_files_are_refused():
    with pytest.raises(ValueError, match="damaged TensorFlow Lite file"):
        read_operations(model(inputs=(0, 9)))
    with pytest.raises(ValueError, match="no TensorFlow Lite file"):
        read_operations(b"PK\x03\x04 and something else")


def test_a_damaged_file_is_refused_or_read_within_its_bounds():
    """Every changed byte and every shorter file must end in an error of one kind, or in arrays."""
    whole = model()
    for position in range(len(whole)):
        for content in (whole[:position], whole[:position] + b"\xff" + whole[position + 1 :]):
            try:
                operations = read_operations(content)
            except ValueError:
                continue
            assert sum(x.nbytes for one in operations for x in one.constants) <= len(whole)
