"""Which sizes an encoder can have at all."""

import dataclasses


class Sizes:
    """Base of the encoders' configs, dataclasses that check their values when they are made.

    Raises:
        ValueError: If a number is of another type or out of range, or heads or groups do not divide
            the width.
    """

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type is int and not _is_size(value):
                raise ValueError(f"{field.name}={value!r} is no positive integer")
            if field.type == int | None and not (value is None or _is_size(value)):
                raise ValueError(f"{field.name}={value!r} is neither a positive integer nor None")
            if field.type == tuple[int, ...] and not (value and all(map(_is_size, value))):
                raise ValueError(f"{field.name}={value!r} are no positive integers")
            if field.type is bool and not isinstance(value, bool):
                raise ValueError(f"{field.name}={value!r} is neither True nor False")
            if field.type is float and not (isinstance(value, float | int) and 0 <= value < 1):
                raise ValueError(f"{field.name}={value!r} is not in 0..1")
        for name in ("heads", "conv_groups"):
            if self.width % getattr(self, name, 1):
                raise ValueError(
                    f"width {self.width} is no multiple of {name} {getattr(self, name)}"
                )


def _is_size(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
