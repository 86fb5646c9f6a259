"""Names in the files of detectors that earlier versions wrote, and what they are called today.

A detector keeps the names of the version that wrote it: classes, parameters and attributes in its
backends, keys and values in its JSON files. `RENAMES` lists every name that has changed since;
whoever reads such a file passes its content through `schema_with_current_names` or
`document_with_current_names`. To rename something that is stored, add a line to the table and a
detector with the old name to the tests.

Old names are recognized where they stand, not by the version in `detector.json`: a later version
may write a new manifest beside backends that an earlier one fitted. So a name in the table must
never be used again in the same place for something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Renames:
    """What was renamed after a version.

    Attributes:
        types: Full name of a class of that version to its full name in the next one.
        attributes: Full name of a class of that version to its renamed parameters and fitted
            attributes, old name to new name. A subclass needs an entry of its own.
        documents: Name of a JSON file in a detector to places in it, and for each place old names
            to new ones. A place is a path of keys, in which `*` stands for every key or index.
            Renamed are the keys of an object, or a string itself.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)


_BACKEND_OF_SCORER = "groups/*/scoring/scorers/*/backend"

# By the last version that wrote the names, oldest first: the names of one are mapped to those of
# the next.
RENAMES: dict[str, Renames] = {
    "0.1.0": Renames(
        types={
            "asd_tf.backends.cosine.CentreCosine": "asd_tf.backends.cosine.CenterCosine",
        },
        attributes={
            "asd_tf.backends.per_domain.PerDomain": {"normalise": "normalize", "sd_": "std_"},
            "asd_tf.backends.posterior_distance.PosteriorDistance": {
                "least_spread": "min_relative_std",
                "sd_": "std_",
            },
        },
        documents={
            "detector.json": {
                "fusion/scale": {"standardised": "standardized"},
                _BACKEND_OF_SCORER: {"normalise": "normalize"},
                f"{_BACKEND_OF_SCORER}/members/*/estimator": {"CentreCosine": "CenterCosine"},
            },
            "calibration/statistics.json": {"*/extractors/*": {"sd": "std"}},
        },
    ),
}


def schema_with_current_names(schema: Any) -> Any:
    """Returns the `schema.json` of a skops file with the names of today.

    Args:
        schema: Its content, parsed.

    Returns:
        A new schema; equal to `schema` where it has no old name.
    """
    for renames in RENAMES.values():
        schema = _renamed_node(schema, renames)
    return schema


def document_with_current_names(file: str, document: Any) -> Any:
    """Returns a JSON document of a detector with the names of today.

    Args:
        file: Which file it is, relative to the detector: `detector.json`.
        document: Its content, parsed.

    Returns:
        A new document; equal to `document` where it has no old name.
    """
    for renames in RENAMES.values():
        for place, names in renames.documents.get(file, {}).items():
            document = _renamed_at(document, place.split("/"), names)
    return document


def _renamed_node(node: Any, renames: Renames) -> Any:
    """Renames a node of a skops schema, and all nodes below it."""
    if isinstance(node, list):
        return [_renamed_node(item, renames) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _renamed_node(value, renames) for key, value in node.items()}
    old = f"{node.get('__module__')}.{node.get('__class__')}"
    if old in renames.types:
        node["__module__"], _, node["__class__"] = renames.types[old].rpartition(".")
    # The state of an object is a node of its own, of a dict from attributes to values.
    state = node.get("content")
    if old in renames.attributes and isinstance(state, dict) and "content" in state:
        state["content"] = _renamed_keys(state["content"], renames.attributes[old])
    return node


def _renamed_at(node: Any, place: list[str], names: Mapping[str, str]) -> Any:
    """Renames what is at a place below a node of a JSON document."""
    if not place:
        return names.get(node, node) if isinstance(node, str) else _renamed_keys(node, names)
    step, *rest = place
    if isinstance(node, list) and step == "*":
        return [_renamed_at(item, rest, names) for item in node]
    if isinstance(node, dict):
        return {
            key: _renamed_at(value, rest, names) if step in ("*", key) else value
            for key, value in node.items()
        }
    return node


def _renamed_keys(node: Any, names: Mapping[str, str]) -> Any:
    """Renames keys of an object; their order stays, since skops stores their types in it."""
    if not isinstance(node, dict):
        return node
    return {names.get(key, key): value for key, value in node.items()}
