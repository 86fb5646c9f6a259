"""Keys of recipes that earlier versions had, and what they are called today.

`RENAMED` lists them. They are read wherever a recipe comes from: the command line, Python, a recipe
file of one's own, or the folder of a run. What is written has the keys of today.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

_DECIMALS = 6


def false_alarms_of(quantile: float) -> float:
    """Returns the share of false alarms of a threshold that is a quantile of normal scores.

    Args:
        quantile: Share of normal clips below the threshold, 0 to 1.

    Returns:
        1 - quantile with six decimals, so that a quantile of 0.9 is exactly 0.1.
    """
    return round(1 - quantile, _DECIMALS)


class Renamed(NamedTuple):
    """The current key of an old one, in the same section.

    Attributes:
        key: The dotted current key.
        convert: From the old value to the current one.
    """

    key: str
    convert: Callable[[float], float]


RENAMED: Mapping[str, Renamed] = {
    "calibration.quantile": Renamed("calibration.false_alarms", false_alarms_of),
}
"""Dotted old key to the current one."""

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "calibration": {
        "rule": "conformal",
        "domains": "pooled",
        "method": "backend_only",
        "held_out": 0.2,
        "networks": 3,
        "epochs_share": 1.0,
        "group_by": None,
    }
}
"""Keys that sections of earlier versions lack, with the values that they get."""


def current_assignments(assignments: Iterable[str]) -> tuple[list[str], list[str]]:
    """Replaces old keys in texts such as `train.epochs=3`.

    A value that is no number stays under the old key, which is then refused as an unknown one.

    Returns:
        The texts with the keys of today, and a line for each that was replaced.
    """
    current: list[str] = []
    lines: list[str] = []
    for text in assignments:
        key, equals, value = text.partition("=")
        new_key, new_value = _current(key, value, lines) if equals else (key, value)
        current.append(f"{new_key}{equals}{new_value}")
    return current, lines


def current_values(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Does the same as `current_assignments` for dotted keys and their values."""
    lines: list[str] = []
    return dict(_current(key, value, lines) for key, value in values.items()), lines


def _current(key: str, value: Any, lines: list[str]) -> tuple[str, Any]:
    renamed = RENAMED.get(key)
    if renamed is None:
        return key, value
    try:
        converted = renamed.convert(float(value))
    except (TypeError, ValueError):
        return key, value
    lines.append(f"{key}={value} is read as {renamed.key}={converted:g}, its name of today")
    return renamed.key, converted


def current_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a recipe of any version with the keys of today.

    Args:
        recipe: Section to its keys and values.

    Returns:
        A new recipe; equal to `recipe` where that has all keys of today and no old one.
    """
    sections = dict(recipe)
    for old, renamed in RENAMED.items():
        name, _, old_leaf = old.rpartition(".")
        section, leaf = sections.get(name), renamed.key.rpartition(".")[-1]
        if isinstance(section, Mapping) and isinstance(section.get(old_leaf), int | float):
            others = {key: value for key, value in section.items() if key != old_leaf}
            sections[name] = {leaf: renamed.convert(section[old_leaf]), **others}
    for name, defaults in _DEFAULTS.items():
        if isinstance(sections.get(name), Mapping):
            sections[name] = {**defaults, **sections[name]}
    return sections
