"""The table of old names, over several versions and on damaged files."""

import copy

import pytest

from asd_tf.backends.saving import old_names
from asd_tf.backends.saving.old_names import (
    Renames,
    document_with_current_names,
    schema_with_current_names,
)


@pytest.fixture
def two_versions(monkeypatch):
    """A class, an attribute and a value that were renamed twice."""
    first = Renames(
        types={"a.A": "b.B"}, attributes={"a.A": {"x": "y"}}, documents={"f": {"v/*": {"x": "y"}}}
    )
    second = Renames(
        types={"b.B": "c.d.C"}, attributes={"b.B": {"y": "z"}}, documents={"f": {"v/*": {"y": "z"}}}
    )
    monkeypatch.setattr(old_names, "RENAMES", {"1": first, "2": second})


def schema(module, name, attribute):
    state = {"__class__": "dict", "__module__": "builtins", "content": {"w": 1, attribute: 2}}
    return {"content": [{"__class__": name, "__module__": module, "content": state}]}


@pytest.mark.parametrize("written", [("a", "A", "x"), ("b", "B", "y"), ("c.d", "C", "z")])
def test_each_version_is_read_as_today(written, two_versions):
    """A backend of any version must come out with the names of today, in the same order."""
    given = schema(*written)
    before = copy.deepcopy(given)
    found = schema_with_current_names(given)
    assert found == schema("c.d", "C", "z")
    assert list(found["content"][0]["content"]["content"]) == ["w", "z"]
    assert given == before


@pytest.mark.parametrize("written", ["x", "y", "z"])
def test_each_document_is_read_as_today(written, two_versions):
    """Keys and values at the places of the table must be renamed, and no others."""
    given = {"v": [written, {written: written}], "u": [written]}
    assert document_with_current_names("f", given) == {"v": ["z", {"z": written}], "u": [written]}
    assert document_with_current_names("g", given) == given


@pytest.mark.parametrize("document", [None, 1, "x", [], {"v": None}, {"v": {"x": [3]}}, ["x"]])
def test_what_has_another_form_stays(document, two_versions):
    """A damaged file must come back as it is, for its reader to refuse."""
    assert document_with_current_names("f", document) == document
    assert schema_with_current_names(document) == document


@pytest.mark.parametrize("state", [None, 3, [], {}, {"content": None}])
def test_a_damaged_state_stays(state, two_versions):
    """An object whose state is no dict of attributes must not stop the reading."""
    found = schema_with_current_names({"__class__": "A", "__module__": "a", "content": state})
    assert found == {"__class__": "C", "__module__": "c.d", "content": state}
