"""Rules for values of a JSON document, put together to a schema.

A rule is called with a value and the place where it stands, and raises an error that names the
place, what is needed and what is there.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

Rule = Callable[[Any, str], None]

_MAX_TEXT = 4096


class RuleError(ValueError):
    """A value is not as the schema needs it."""

    def __init__(self, where: str, needed: str, value: Any):
        found = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}..."
        super().__init__(f"{where or 'the document'} must be {needed}, not {found}")


def number(low: float = -math.inf, high: float = math.inf) -> Rule:
    """Returns a rule for a finite number within a range."""
    needed = "a finite number" if low == -math.inf else f"a number from {low:g} to {high:g}"

    def rule(value: Any, where: str) -> None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not low <= value <= high:
            raise RuleError(where, needed, value)

    return rule


def integer(low: int, high: int) -> Rule:
    """Returns a rule for an integer within a range."""

    def rule(value: Any, where: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise RuleError(where, f"an integer from {low} to {high}", value)

    return rule


def text(value: Any, where: str) -> None:
    """Takes a text that is not overly long."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise RuleError(where, "a text", value)


def inner_path(value: Any, where: str) -> None:
    """Takes the name of a file or folder that does not leave the folder of the document."""
    text(value, where)
    for path in (PurePosixPath(value), PureWindowsPath(value)):
        if not path.parts or path.anchor or ".." in path.parts or "\0" in value:
            raise RuleError(where, "a name inside of the detector's folder", value)


def digest(value: Any, where: str) -> None:
    """Takes a SHA-256 of 64 hexadecimal digits."""
    if not isinstance(value, str) or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise RuleError(where, "a SHA-256", value)


def one_of(choices: Iterable[Any]) -> Rule:
    """Returns a rule for one of several values."""
    allowed = list(choices)

    def rule(value: Any, where: str) -> None:
        if value not in allowed:
            raise RuleError(where, " or ".join(map(str, allowed)), value)

    return rule


def optional(rule: Rule) -> Rule:
    """Returns a rule that takes null as well."""

    def rule_or_null(value: Any, where: str) -> None:
        if value is not None:
            rule(value, where)

    return rule_or_null


def list_of(
    rule: Rule, most: int, unique: Callable[[Any], Any] | None = None, least: int = 1
) -> Rule:
    """Returns a rule for a list.

    Args:
        rule: The rule of the items.
        most: Largest number of items.
        unique: Returns what must be different in all items; None if items may be equal.
        least: Smallest number of items.
    """

    def rule_of_list(value: Any, where: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            count = f"{least} to {most}" if least < most else most
            raise RuleError(where, f"a list of {count} items", value)
        for index, item in enumerate(value):
            rule(item, f"{where}[{index}]")
        if unique is not None and len(set(map(unique, value))) < len(value):
            raise RuleError(where, "a list without repetitions", value)

    return rule_of_list


def mapping_of(key_rule: Rule, rule: Rule) -> Rule:
    """Returns a rule for an object whose keys are not known."""

    def rule_of_mapping(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise RuleError(where, "an object", value)
        for key, item in value.items():
            key_rule(key, f"a key of {where}")
            rule(item, f"{where}.{key}")

    return rule_of_mapping


def object_of(needed: Mapping[str, Rule], possible: Mapping[str, Rule] | None = None) -> Rule:
    """Returns a rule for an object with certain keys; others are not looked at.

    Args:
        needed: The rules of the keys that must be there.
        possible: The rules of keys that may be missing.
    """

    def rule_of_object(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise RuleError(where, "an object", value)
        for key, rule in {**needed, **(possible or {})}.items():
            if key in value:
                rule(value[key], f"{where}.{key}" if where else key)
            elif key in needed:
                raise RuleError(where, f"an object with the key {key}", sorted(value))

    return rule_of_object


def finite(value: Any, where: str) -> None:
    """Takes any value without numbers that are not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        raise RuleError(where, "a finite number", value)
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            finite(item, f"{where}.{key}" if where else str(key))
