"""The content of a published checkpoint, before the kind of encoder is known."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from asd_tf.data.layouts.file_index import some
from asd_tf.errors import InputError


@dataclasses.dataclass(frozen=True)
class Raw:
    """A published checkpoint.

    Args:
        source: Path of the checkpoint, for messages.
        config: Published config of the network; empty if there is none.
        weights: Arrays by name.
        preprocessor: Published config of the input; empty if there is none.
    """

    source: str
    config: Mapping[str, Any]
    weights: Mapping[str, np.ndarray]
    preprocessor: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def need(self, *names: str) -> list[Any]:
        """Returns the values of the config with the given names.

        Raises:
            InputError: If a name is missing.
        """
        missing = [name for name in names if name not in self.config]
        if missing:
            raise InputError(f"{self.source}: its config lacks {some(missing)}")
        return [self.config[name] for name in names]

    def rates(self, **names: str) -> dict[str, float]:
        """Returns dropout rates by our names; 0 for those that the config does not hold."""
        return {ours: float(self.config.get(theirs, 0.0)) for ours, theirs in names.items()}

    def only(self, **wanted: Any) -> None:
        """Refuses variants of an encoder that are not supported.

        Args:
            wanted: Name to the one supported value; a name that the config lacks is accepted.

        Raises:
            InputError: If a value of the config differs.
        """
        for name, value in wanted.items():
            found = self.config.get(name, value)
            if found != value:
                raise InputError(
                    f"{self.source}: {name}={found} is not supported: only {name}={value} is"
                )

    def part(self, prefixes: Iterable[str], ignored: Iterable[str] = ()) -> dict[str, np.ndarray]:
        """Returns the arrays whose names have a prefix, by their names without it.

        Args:
            prefixes: The first one that occurs is used; "" matches all names.
            ignored: Arrays whose names, without the prefix, begin with one of these are left out.
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
