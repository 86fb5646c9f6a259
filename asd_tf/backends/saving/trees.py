"""Checks of the trees of an isolation forest, whose indices scikit-learn follows unchecked."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

_LEAF = -1
_MAX_DEPTH = 10_000


def check_tree(node: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Checks a tree before it is made: children come after their parent and are in the tree.

    Args:
        node: Its node in the schema of a skops file.
        arrays: The arrays of the file by name.

    Raises:
        ValueError: If it is not a tree of one output.
        KeyError: If something is missing.
    """
    features, classes, outputs = node["__reduce__"]["args"]["content"]
    state = node["content"]["content"]
    width, count = _number(features), _number(state["node_count"])
    nodes, values = arrays[state["nodes"]["file"]], arrays[state["values"]["file"]]
    one = np.array_equal(arrays[classes["file"]], [1]) and _number(outputs) == 1
    depth = 0 <= _number(state["max_depth"]) <= _MAX_DEPTH
    if not (one and depth and count >= 1 and nodes.shape == (count,)):
        raise ValueError("it has a tree of a wrong size")
    if values.shape != (count, 1, 1):
        raise ValueError("it has a tree of a wrong size")
    left, right, feature = nodes["left_child"], nodes["right_child"], nodes["feature"]
    leaf, index = left == _LEAF, np.arange(count)
    inner = (index < left) & (left < count) & (index < right) & (right < count)
    inner &= (feature >= 0) & (feature < width)
    if not np.where(leaf, right == _LEAF, inner).all():
        raise ValueError("it has a tree with a child or a feature outside of it")


def _number(node: Mapping[str, Any]) -> int:
    value = json.loads(node["content"])
    if not isinstance(value, int):
        raise ValueError("it has a tree of a wrong size")
    return value
