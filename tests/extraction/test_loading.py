"""A SavedModel must be able to compute and nothing else, and be refused before it is loaded."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.framework import op_def_registry

from asd_tf.errors import InputError
from asd_tf.extraction.extractor import Extractor, export_extractor
from asd_tf.extraction.loading import saved_model
from asd_tf.extraction.loading.graph import pruned_graph
from asd_tf.extraction.loading.operations import OPERATIONS

# Operations with an effect of their own: on variables, on the state of a generator of random
# numbers, or an error. TensorFlow calls those that call functions stateful, too.
STATEFUL = {
    "Assert", "AssignAddVariableOp", "AssignSubVariableOp", "AssignVariableOp", "Case",
    "CheckNumerics", "If", "Multinomial", "ParameterizedTruncatedNormal", "RandomGamma",
    "RandomPoissonV2", "RandomShuffle", "RandomStandardNormal", "RandomUniform",
    "RandomUniformInt", "ReadVariableOp", "ResourceGather", "ResourceGatherNd",
    "StatefulPartitionedCall", "StatelessRandomGetAlg", "TruncatedNormal", "VariableShape", "While",
}  # fmt: skip


def test_operations_exist_and_none_has_an_effect():
    """A name may come into the list only if TensorFlow has it, with an effect only if stated."""
    found = {name: op_def_registry.get(name) for name in OPERATIONS}
    assert [name for name, definition in found.items() if definition is None] == []
    assert {name for name, definition in found.items() if definition.is_stateful} == STATEFUL


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network with batch normalization and dropout."""
    waveform = keras.Input([64], name="waveform")
    x = keras.layers.BatchNormalization()(keras.layers.Dense(4, activation="relu")(waveform))
    folder = tmp_path_factory.mktemp("exported") / "extractor"
    export_extractor(keras.Model(waveform, keras.layers.Dropout(0.5)(x)), folder)
    return folder


def graph_of(folder):
    graph = SavedModel()
    graph.ParseFromString((folder / "saved_model.pb").read_bytes())
    return graph


def test_the_copy_that_is_loaded_computes_the_same(exported):
    """Pruning must not change features, and must leave no operation that touches files."""
    waveform = np.random.default_rng(0).normal(size=[5, 64]).astype(np.float32)
    found = Extractor(exported)(tf.constant(waveform))
    whole = tf.saved_model.load(str(exported))
    np.testing.assert_array_equal(found, whole(waveform))
    (graph,) = pruned_graph(graph_of(exported)).meta_graphs
    nodes = [node for function in graph.graph_def.library.function for node in function.node_def]
    assert {node.op for node in [*graph.graph_def.node, *nodes]} <= OPERATIONS
    assert not graph.signature_def and not graph.collection_def
    assert not graph.saver_def.filename_tensor_name


def save(root, folder, function, spec=None):
    """Writes a SavedModel whose signature computes `function`."""
    spec = tf.TensorSpec([None, 4], tf.float32, name="waveform") if spec is None else spec
    served = tf.function(lambda waveform: {"features": function(waveform)})
    tf.saved_model.save(
        root, str(folder), signatures={"serving_default": served.get_concrete_function(spec)}
    )
    return folder


def write_file(waveform):
    tf.io.write_file(DONE, "written")
    return waveform


def read_file(waveform):
    return waveform + tf.cast(tf.strings.length(tf.io.read_file(DONE)), tf.float32)


def restore(waveform):
    return waveform + tf.raw_ops.RestoreV2(
        prefix=DONE, tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
    )


def call_python(waveform):
    (values,) = tf.numpy_function(lambda x: x, [waveform], [tf.float32])
    return tf.ensure_shape(values, [None, 4])


def print_to_file(waveform):
    tf.raw_ops.PrintV2(input=tf.constant("written"), output_stream="file://" + DONE)
    return waveform


def in_a_branch(waveform):
    return tf.cond(tf.reduce_all(waveform > 0), lambda: write_file(waveform), lambda: waveform)


def in_a_loop(waveform):
    return tf.while_loop(lambda x: tf.reduce_all(x > 0), lambda x: [write_file(x)], [waveform])[0]


DONE = "/tmp/asd_tf-must-not-be-written"


@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (write_file, "WriteFile"),
        (read_file, "ReadFile"),
        (restore, "RestoreV2"),
        (call_python, "PyFunc"),
        (print_to_file, "PrintV2"),
        (in_a_branch, "WriteFile"),
        (in_a_loop, "WriteFile"),
    ],
)
def test_operations_beyond_computing_are_refused(tmp_path, function, operation):
    """The operation must be named, wherever in the graph it is."""
    folder = save(tf.train.Checkpoint(), tmp_path / "extractor", function)
    with pytest.raises(
        InputError, match=f"extractor: refused, its graph has the oper.*{operation}"
    ):
        Extractor(folder)


class Table(tf.Module):
    """Has a resource, whose creator and initializer run when it is loaded."""

    def __init__(self):
        pairs = tf.lookup.KeyValueTensorInitializer(tf.constant([1], tf.int64), [2.0])
        self.table = tf.lookup.StaticHashTable(pairs, 0.0)


def test_objects_that_run_functions_when_loaded_are_refused(tmp_path):
    """Resources have functions that run when they are loaded, and must be refused."""
    module = Table()
    folder = save(
        module, tmp_path / "extractor", lambda x: module.table.lookup(tf.cast(x, tf.int64))
    )
    with pytest.raises(InputError, match="object of the kind resource"):
        Extractor(folder)


def test_assets_are_refused(tmp_path):
    """A SavedModel must not bring files of its own."""
    (tmp_path / "asset.txt").write_text("a")
    root = tf.train.Checkpoint()
    root.asset = tf.saved_model.Asset(str(tmp_path / "asset.txt"))
    folder = save(root, tmp_path / "extractor", tf.identity)
    with pytest.raises(InputError, match="files as assets"):
        Extractor(folder)


def hide_in_saver(graph):
    """Has the signature call the function that restores variables, as the saver does."""
    names = [f.signature.name for f in graph.graph_def.library.function]
    restoring = next(name for name in names if "restore" in name)
    for function in graph.graph_def.library.function:
        for node in function.node_def:
            if node.op == "StatefulPartitionedCall":
                node.attr["f"].func.name = restoring


def call_by_name(graph):
    """Has a node call a function by its name in the place of an operation."""
    library = graph.graph_def.library.function
    restoring = next(f.signature.name for f in library if "restore" in f.signature.name)
    next(node for f in library for node in f.node_def if node.op == "MatMul").op = restoring


def name_like_operation(graph):
    graph.graph_def.library.function[0].signature.name = "MatMul"
    graph.object_graph_def.nodes[0].function.concrete_functions.append("MatMul")


def custom_restore(graph):
    graph.object_graph_def.nodes[0].saveable_objects["x"].restore_function = 1


def large_constant(graph):
    node = graph.graph_def.node.add(name="large", op="Const")
    node.attr["value"].tensor.dtype = types_pb2.DT_FLOAT
    node.attr["value"].tensor.float_val.append(1.0)
    node.attr["value"].tensor.tensor_shape.dim.add(size=2**40)


def foreign_object(graph):
    graph.object_graph_def.nodes[0].user_object.identifier = "_tf_keras_model"


def registered_object(graph):
    graph.object_graph_def.nodes[0].registered_name = "Package.Class"


def without_objects(graph):
    graph.ClearField("object_graph_def")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (hide_in_saver, "the operation RestoreV2"),
        (call_by_name, "the operation __inference__traced_restore"),
        (name_like_operation, "name of an operation"),
        (custom_restore, "functions of its own that restore"),
        (large_constant, "its constants have more than 1024 MiB"),
        (foreign_object, "object of the type _tf_keras_model"),
        (registered_object, "object of the type Package.Class"),
        (without_objects, "is of TensorFlow 1"),
    ],
)
def test_changed_graphs_are_refused(exported, change, message):
    """What stands in a file must be judged by what loading it does, not by names."""
    changed = graph_of(exported)
    change(changed.meta_graphs[0])
    with pytest.raises(InputError, match=message):
        pruned_graph(changed)


def test_several_graphs_are_refused(exported):
    """TensorFlow 1 loads one of several graphs by a tag."""
    changed = graph_of(exported)
    changed.meta_graphs.add().CopyFrom(changed.meta_graphs[0])
    with pytest.raises(InputError, match="several graphs"):
        pruned_graph(changed)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, None])
def test_a_damaged_graph_is_one_line(tmp_path, content):
    """A SavedModel without a graph must be refused with one line that names it."""
    folder = tmp_path / "extractor"
    folder.mkdir()
    if content is not None:
        (folder / "saved_model.pb").write_bytes(content)
    with pytest.raises(InputError, match="extractor: refused") as error:
        Extractor(folder)
    assert "\n" not in str(error.value)


def test_variables_larger_than_their_file_are_refused(exported, tmp_path):
    """An index must not make TensorFlow reserve more memory than the variables have."""
    folder = tmp_path / "extractor"
    (folder / "variables").mkdir(parents=True)
    for name in ("saved_model.pb", "variables/variables.index"):
        (folder / name).write_bytes((exported / name).read_bytes())
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(b"")
    with pytest.raises(InputError, match="variables are larger than their file"):
        Extractor(folder)


def test_read_only_disks_are_enough(exported, monkeypatch):
    """A detector on a read-only system must be loaded by way of the memory, if there is one."""

    def no_folder():
        raise FileNotFoundError

    monkeypatch.setattr(saved_model.tempfile, "gettempdir", no_folder)
    assert Extractor(exported).samples == 64
    monkeypatch.setattr(saved_model, "_MEMORY", "/missing")
    with pytest.raises(InputError, match="set TMPDIR"):
        Extractor(exported)


def test_what_is_no_extractor_is_refused(tmp_path):
    """A SavedModel with another signature must be refused with one line."""
    folder = save(tf.train.Checkpoint(), tmp_path / "x", lambda x: x,
                  tf.TensorSpec([], tf.float32, name="waveform"))  # fmt: skip
    with pytest.raises(InputError, match="has no signature from waveforms to features"):
        Extractor(folder)
