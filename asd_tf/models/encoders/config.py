"""Base class of the encoders' configs."""

import dataclasses
import math

from asd_tf.arguments import check_rates, is_count
from asd_tf.models.encoders.blocks import Transformer

_TRANSFORMER_RATES = ("dropout", "attention_dropout", "activation_dropout", "layer_drop")


class EncoderConfig:
    """Base of the encoders' configs: dataclasses that check their values when they are created.

    A config has at least the fields `depth`, `width`, `heads` and `ffn` of its transformer. Fields
    of type int are counts, those of type float are rates unless their metadata say `rate=False`.

    Raises:
        ValueError: If a value has another type or is out of range, or `heads` or `conv_groups` does
            not divide `width`.
    """

    def __post_init__(self):
        for field in dataclasses.fields(self):
            _check_field(field, getattr(self, field.name))
        for name in ("heads", "conv_groups"):
            value = getattr(self, name, 1)
            if self.width % value:
                raise ValueError(f"{name} must divide the width {self.width}, got {value}")

    def transformer(self, **kwargs) -> Transformer:
        """Returns the stack of blocks.

        Args:
            kwargs: What the config does not hold: arguments of `Transformer`.
        """
        rates = {name: getattr(self, name) for name in _TRANSFORMER_RATES if hasattr(self, name)}
        return Transformer(self.depth, self.width, self.heads, self.ffn, **{**rates, **kwargs})


def _check_field(field: dataclasses.Field, value) -> None:
    name, kind = field.name, field.type
    if kind is int and not is_count(value):
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    if kind == int | None and not (value is None or is_count(value)):
        raise ValueError(f"{name} must be a positive integer or None, got {value!r}")
    if kind == tuple[int, ...] and not (
        isinstance(value, tuple) and value and all(map(is_count, value))
    ):
        raise ValueError(f"{name} must be a tuple of positive integers, got {value!r}")
    if kind is bool and not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    if kind is float and not field.metadata.get("rate", True):
        if (
            isinstance(value, bool)
            or not isinstance(value, float | int)
            or not math.isfinite(value)
        ):
            raise ValueError(f"{name} must be a finite number, got {value!r}")
    elif kind is float:
        if not isinstance(value, float | int):
            raise ValueError(f"{name} must be a number in [0, 1), got {value!r}")
        check_rates(**{name: value})
