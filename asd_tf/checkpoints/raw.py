"""What a file of published weights holds, before anything is known of the encoder in it."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from asd_tf.data.listing import some
from asd_tf.errors import InputError


@dataclasses.dataclass(frozen=True)
class Raw:
    """A published checkpoint.

    Args:
        source: Where it is from, for the messages.
        config: What the publisher says of the network; empty if nothing.
        weights: Arrays by name.
        preprocessor: What the publisher says of the input; empty if nothing.
    """

    source: str
    config: Mapping[str, Any]
    weights: Mapping[str, np.ndarray]
    preprocessor: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def need(self, *names: str) -> list[Any]:
        """Returns values of the config.

        Raises:
            InputError: If one is missing.
        """
        missing = [name for name in names if name not in self.config]
        if missing:
            raise InputError(f"{self.source}: its config lacks {some(missing)}")
        return [self.config[name] for name in names]

    def rates(self, **names: str) -> dict[str, float]:
        """Returns dropout rates by our names, 0 where the config says nothing."""
        return {ours: float(self.config.get(theirs, 0.0)) for ours, theirs in names.items()}

    def only(self, **wanted: Any) -> None:
        """Refuses variants of an encoder that are not built here.

        Raises:
            InputError: If a value of the config is another.
        """
        for name, value in wanted.items():
            found = self.config.get(name, value)
            if found != value:
                raise InputError(
                    f"{self.source}: {name}={found} is not supported: only {name}={value} is"
                )

    def part(self, prefixes: Iterable[str], ignored: Iterable[str] = ()) -> dict[str, np.ndarray]:
        """Returns the arrays of the first of some prefixes, without it.

        Args:
            prefixes: Of which the first that occurs counts; "" for all names.
            ignored: Beginnings of names, without the prefix, that are of no use here.
        """
        ignored = tuple(ignored)
        for prefix in prefixes:
            names = [name for name in self.weights if name.startswith(prefix)]
            if names:
                break
        short = {name.removeprefix(prefix): name for name in names}
        return {
            ours: np.asarray(self.weights[theirs])
            for ours, theirs in short.items()
            if not ours.startswith(ignored)
        }
