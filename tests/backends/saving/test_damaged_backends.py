"""Backends whose files were changed must be refused before compiled code reads them."""

import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from asd_tf.backends.registry import build_backend
from asd_tf.backends.saving.store import load_backend, save_backend
from asd_tf.errors import InputError

PARAMS = {"IsolationForest": {"n_estimators": 2}}


@pytest.fixture
def saved(tmp_path):
    """Returns a function that saves a backend of one estimator."""

    def save(estimator):
        member = {"estimator": estimator, "params": PARAMS.get(estimator, {})}
        X = np.random.default_rng(0).normal(size=(30, 4))
        backend = build_backend({"members": {"all": member}}).fit(X)
        save_backend(tmp_path / "b.skops", backend)
        return tmp_path / "b.skops"

    return save


def parts_of(path):
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def write(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, part in parts.items():
            packed.writestr(name, part)


def nodes_of(item, found):
    """Collects the nodes that have a loader."""
    if isinstance(item, dict):
        if "__loader__" in item:
            found.append(item)
        item = list(item.values())
    for below in item if isinstance(item, list) else ():
        nodes_of(below, found)
    return found


def attributes_of(schema, name):
    """Returns the fitted attributes of the object of a type."""
    nodes = [node for node in nodes_of(schema, []) if node["__class__"] == name]
    return nodes[-1]["content"]["content"]


def changed(path, change):
    """Rewrites a backend after `change(schema, parts)`."""
    parts = parts_of(path)
    schema = json.loads(parts["schema.json"])
    change(schema, parts)
    write(path, {**parts, "schema.json": json.dumps(schema).encode()})


def array_bytes(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def set_array(parts, node, change):
    """Replaces an array by `change` of a copy of it."""
    values = np.load(io.BytesIO(parts[node["file"]])).copy()
    replaced = change(values)
    parts[node["file"]] = array_bytes(values if replaced is None else replaced)


def in_tree(field, index, value):
    def change(schema, parts):
        tree = attributes_of(schema, "Tree")
        set_array(parts, tree["nodes"], lambda nodes: nodes[field].__setitem__(index, value))

    return change


def count_of_nodes(schema, parts):
    node = attributes_of(schema, "Tree")["node_count"]
    node.update(content="1000000", __id__=1)


def classes_of_tree(schema, parts):
    tree = [node for node in nodes_of(schema, []) if node["__class__"] == "Tree"][-1]
    tree["__reduce__"]["args"]["content"][2].update(content="1000000", __id__=1)


def features_of_tree(schema, parts):
    tree = [node for node in nodes_of(schema, []) if node["__class__"] == "Tree"][-1]
    tree["__reduce__"]["args"]["content"][0].update(content="1000000", __id__=1)


def same_number(schema, parts):
    """Has skops load other nodes than those that stand in the tree."""
    trees = [node for node in nodes_of(schema, []) if node["__class__"] == "Tree"]
    first, second = (tree["content"]["content"] for tree in trees[:2])
    second["nodes"]["__id__"] = first["nodes"]["__id__"]


@pytest.mark.parametrize(
    "change",
    [
        in_tree("left_child", 0, 2**40),
        in_tree("right_child", 0, 2**40),
        in_tree("left_child", 0, -7),
        in_tree("left_child", 1, 0),  # a circle
        in_tree("feature", 0, 4),
        in_tree("feature", 0, -5),
        in_tree("threshold", 0, np.nan),
        count_of_nodes,
        classes_of_tree,
        features_of_tree,
        same_number,
    ],
)
def test_trees_have_no_way_out(saved, change):
    """Indices that scikit-learn follows unchecked must be checked, or the process crashes."""
    path = saved("IsolationForest")
    changed(path, change)
    with pytest.raises(InputError, match=r"b\.skops: not a readable backend \([ia]"):
        load_backend(path)


def of_svm(name, values):
    def change(schema, parts):
        node = attributes_of(schema, "OneClassSVM")[name]
        set_array(parts, node, lambda old: np.asarray(values(old)))

    return change


@pytest.mark.parametrize(
    "change",
    [
        of_svm("_dual_coef_", lambda old: old[:, :1]),
        of_svm("support_vectors_", lambda old: old[:1]),
        of_svm("support_vectors_", lambda old: old[:, :1]),
        of_svm("support_", lambda old: old[:1]),
        of_svm("_intercept_", lambda old: old[:0]),
        of_svm("_n_support", lambda old: old + 10**6),
        of_svm("_n_support", lambda old: np.zeros(0, old.dtype)),
    ],
)
def test_support_vectors_fit_each_other(saved, change):
    """Arrays that libsvm reads by the size of another must be of that size."""
    path = saved("OneClassSVM")
    changed(path, change)
    with pytest.raises(InputError, match="support vectors do not fit each other"):
        load_backend(path)


def of_centers(change):
    def change_parts(schema, parts):
        set_array(parts, attributes_of(schema, "KMeansCosine")["cluster_centers_"], change)

    return change_parts


def large_header(schema, parts):
    """Claims an array of a terabyte."""
    file = attributes_of(schema, "KMeansCosine")["cluster_centers_"]["file"]
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**5)}
    )
    parts[file] = header.getvalue() + bytes(64)


def objects(schema, parts):
    file = attributes_of(schema, "KMeansCosine")["cluster_centers_"]["file"]
    parts[file] = array_bytes(np.array([1, 2], object))


def foreign_node(schema, parts):
    attributes_of(schema, "KMeansCosine")["cluster_centers_"]["__loader__"] = "MethodNode"


def infinite_number(schema, parts):
    attributes_of(schema, "KMeansCosine")["n_clusters"].update(content="1e999", __id__=1)


def many_features(schema, parts):
    attributes_of(schema, "PerDomain")["n_features_in_"].update(content="1000000000", __id__=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (of_centers(lambda old: old[:, :2]), "ValueError|shapes|size|mismatch"),
        (of_centers(lambda old: old * np.nan), "values that are not finite"),
        (of_centers(lambda old: old.astype(str)), "values that are not finite"),
        (large_header, "not of the size that it claims"),
        (objects, "Object arrays|not of the size"),
        (foreign_node, "a MethodNode, which no backend has"),
        (infinite_number, "a number that is not finite"),
        (many_features, "number of features is out of range"),
    ],
)
def test_values_are_checked(saved, change, message):
    """Numbers must be finite and arrays as large as they claim, and the backend must score."""
    path = saved("KMeansCosine")
    changed(path, change)
    with pytest.raises(InputError, match=rf"b\.skops: not a readable backend \(.*({message})"):
        load_backend(path)


def test_what_is_unpacked_is_bounded(saved):
    """A small file must not be able to fill the memory, whatever sizes it claims."""
    path = saved("KMeansCosine")
    parts = parts_of(path)
    write(path, {**parts, "x.npy": bytes(100 * 2**20)})
    honest = path.read_bytes()
    claimed = struct.pack("<I", 100 * 2**20)
    assert honest.count(claimed) >= 1
    for content in (honest, honest.replace(claimed, struct.pack("<I", 100))):
        path.write_bytes(content)
        tracemalloc.start()
        try:
            with pytest.raises(InputError, match="not a readable backend"):
                load_backend(path)
            assert tracemalloc.get_traced_memory()[1] < 150 * 2**20
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    "schema", [b"[" * 300_000, b"[" + b"1," * 2_000_000 + b"1]", b"[" * 2000 + b"]" * 2000]
)
def test_schemas_are_bounded(saved, schema):
    """A schema must not be able to make more objects than a large forest has."""
    path = saved("KMeansCosine")
    write(path, {**parts_of(path), "schema.json": schema})
    with pytest.raises(InputError, match="not a readable backend"):
        load_backend(path)


def test_parts_that_no_backend_has_are_refused(saved):
    """Sparse matrices, which are archives in the archive, must not be opened."""
    path = saved("KMeansCosine")
    write(path, {**parts_of(path), "x.npz": b""})
    with pytest.raises(InputError, match=r"the part x\.npz, which no backend has"):
        load_backend(path)


def test_values_that_compress_well_can_be_read(tmp_path):
    """A large backend of equal values must be written so that it can be read."""
    X = np.zeros((9000, 1200), np.float32)
    X[:, 0] = np.arange(9000)
    backend = build_backend({"members": {"all": {"estimator": "NearestCosine"}}}).fit(X)
    save_backend(tmp_path / "b.skops", backend)
    assert load_backend(tmp_path / "b.skops").n_features_in_ == 1200


def test_numbers_that_are_not_finite_are_not_written(tmp_path):
    """What could not be read must not be written."""
    backend = build_backend({"members": {"all": {"estimator": "KMeansCosine"}}}).fit(np.eye(4))
    backend.members_[0][1].cluster_centers_[0, 0] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        save_backend(tmp_path / "b.skops", backend)
    assert list(tmp_path.iterdir()) == []
