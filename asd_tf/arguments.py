"""Checks of the arguments of layers, networks and losses.

Each function takes the arguments by name and raises a ValueError that names the first wrong one,
what is allowed and the value it got: `margin must be at least 0, got -1`.
"""

from collections.abc import Iterable
from numbers import Integral
from typing import Any


def check_counts(**values: Any) -> None:
    """Checks that values are integers of at least 1.

    Raises:
        ValueError: For the first that is not.
    """
    for name, value in values.items():
        if not is_count(value):
            raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")


def is_count(value: Any) -> bool:
    """Returns whether a value is an integer of at least 1 (True is not)."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def check_at_least(minimum: float, **values: float) -> None:
    """Checks that values are numbers of at least `minimum`.

    Raises:
        ValueError: For the first that is smaller, or NaN.
    """
    for name, value in values.items():
        if not value >= minimum:
            raise ValueError(f"{name} must be at least {minimum}, got {value}")


def check_positive(**values: float) -> None:
    """Checks that values are greater than 0.

    Raises:
        ValueError: For the first that is not.
    """
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be greater than 0, got {value}")


def check_rates(**values: float) -> None:
    """Checks that values are rates of a dropout: in [0, 1).

    Raises:
        ValueError: For the first that is not.
    """
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} must be in [0, 1), got {value}")


def check_probabilities(**values: float) -> None:
    """Checks that values are in [0, 1].

    Raises:
        ValueError: For the first that is not.
    """
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be in [0, 1], got {value}")


def check_choices(choices: Iterable[str], **values: Any) -> None:
    """Checks that values are among the choices.

    Raises:
        ValueError: For the first that is not.
    """
    choices = tuple(choices)
    for name, value in values.items():
        if value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def check_divisors(width: int, **values: int) -> None:
    """Checks that values, such as a number of heads, are counts that divide a width.

    Raises:
        ValueError: For the first that does not.
    """
    check_counts(**values)
    for name, value in values.items():
        if width % value:
            raise ValueError(f"{name} must divide the width {width}, got {value}")
