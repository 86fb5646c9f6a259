"""Checks of the graph of a SavedModel before TensorFlow loads it.

Loading runs parts of a SavedModel: restore functions, creators of resources, initializers. So a
graph is judged by what it holds, and what is not needed is taken out: the functions that save and
restore files, signatures, collections and the nodes of the session of TensorFlow 1. Only what the
remaining functions can reach stays, and each of its operations is one of `OPERATIONS`.
"""

import math
from collections.abc import Iterator

import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue, NameAttrList
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.core.protobuf.saved_object_graph_pb2 import SavedObject, SavedObjectGraph

from asd_tf.errors import InputError
from asd_tf.extraction.loading.operations import OPERATIONS

_KINDS = (
    "bare_concrete_function", "captured_tensor", "constant", "function", "user_object", "variable",
)  # fmt: skip
_USER_OBJECTS = (
    "_generic_user_object", "signature_map", "trackable_dict_wrapper", "trackable_list_wrapper",
    "trackable_tuple_wrapper",
)  # fmt: skip
_REGISTERED_NAMES = ("", "tf.TrackableConstant")
# A constant of one value and a large shape takes that space when it is loaded.
MAX_CONSTANT_BYTES = 2**30


def pruned_graph(saved_model: SavedModel) -> SavedModel:
    """Returns what TensorFlow needs of a SavedModel to compute features.

    Args:
        saved_model: The content of `saved_model.pb`.

    Raises:
        InputError: If it holds anything that no extractor has. The message does not name the file.
    """
    if len(saved_model.meta_graphs) != 1:
        raise InputError("it has several graphs, or none")
    (graph,) = saved_model.meta_graphs
    if not graph.HasField("object_graph_def") or graph.asset_file_def:
        raise InputError("it is of TensorFlow 1, or has files as assets")
    for item in graph.object_graph_def.nodes:
        _check_object(item)
    functions = _reachable(graph)
    constants = [node for node in graph.graph_def.node if node.op == "Const"]
    _check_constants([*constants, *(node for f in functions for node in f.node_def)])
    pruned = SavedModel(saved_model_schema_version=saved_model.saved_model_schema_version)
    kept = pruned.meta_graphs.add()
    kept.meta_info_def.CopyFrom(graph.meta_info_def)
    kept.object_graph_def.CopyFrom(graph.object_graph_def)
    kept.graph_def.versions.CopyFrom(graph.graph_def.versions)
    kept.graph_def.node.extend(constants)
    kept.graph_def.library.function.extend(functions)
    kept.graph_def.library.registered_gradients.extend(graph.graph_def.library.registered_gradients)
    return pruned


def _check_object(item: SavedObject) -> None:
    """Refuses kinds of objects whose loading runs functions or reads files."""
    kind = item.WhichOneof("kind")
    if kind not in _KINDS:
        raise InputError(f"it has an object of the kind {kind}")
    if kind == "user_object" and item.user_object.identifier not in _USER_OBJECTS:
        raise InputError(f"it has an object of the type {item.user_object.identifier}")
    if item.registered_name not in _REGISTERED_NAMES:
        raise InputError(f"it has an object of the type {item.registered_name}")
    if item.registered_saver or item.saveable_objects:
        raise InputError("it has functions of its own that restore an object")


def _reachable(graph: MetaGraphDef) -> list[FunctionDef]:
    """Returns the functions that can be called, after a check of all operations in them."""
    library = {function.signature.name: function for function in graph.graph_def.library.function}
    if len(library) < len(graph.graph_def.library.function):
        raise InputError("two of its functions have the same name")
    waiting = [*_entries(graph.object_graph_def)]
    waiting += [item.gradient_func for item in graph.graph_def.library.registered_gradients]
    found: dict[str, FunctionDef] = {}
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        # A node whose operation is the name of a function calls that function.
        if name not in library or name in OPERATIONS:
            raise InputError(f"its function {name} is missing, or has the name of an operation")
        found[name] = library[name]
        for node in library[name].node_def:
            if node.op not in OPERATIONS:
                raise InputError(f"its graph has the operation {node.op}")
            waiting += _called(node)
    return [function for name, function in library.items() if name in found]


def _entries(objects: SavedObjectGraph) -> Iterator[str]:
    """Yields the functions that the objects of a SavedModel name."""
    yield from objects.concrete_functions
    for item in objects.nodes:
        yield from item.function.concrete_functions
        for name in (
            item.bare_concrete_function.concrete_function_name,
            item.captured_tensor.concrete_function,
        ):
            if name:
                yield name


def _called(node: NodeDef) -> Iterator[str]:
    """Yields the functions that the attributes of a node name."""
    for value in node.attr.values():
        yield from _functions_of(value)


def _functions_of(value: AttrValue) -> Iterator[str]:
    functions: list[NameAttrList] = [*value.list.func]
    if value.HasField("func"):
        functions.append(value.func)
    for function in functions:
        if function.name:
            yield function.name
        for inner in function.attr.values():
            yield from _functions_of(inner)


def _check_constants(nodes: list[NodeDef]) -> None:
    total = 0
    for node in nodes:
        for value in node.attr.values():
            if value.HasField("tensor"):
                shape = [dim.size for dim in value.tensor.tensor_shape.dim]
                if any(size < 0 for size in shape):
                    raise InputError("it has a constant without a shape")
                total += math.prod(shape) * max(1, tf.as_dtype(value.tensor.dtype).size or 1)
    if total > MAX_CONSTANT_BYTES:
        raise InputError(f"its constants have more than {MAX_CONSTANT_BYTES >> 20} MiB")
