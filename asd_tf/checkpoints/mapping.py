"""The mapping between published arrays and the variables of an encoder."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

from asd_tf.compat import sublayers
from asd_tf.data.layouts.file_index import some
from asd_tf.errors import InputError


@dataclasses.dataclass(frozen=True)
class Entry:
    """One published array.

    Args:
        published: Its name.
        variables: Names of the Keras variables that it holds; several are concatenated along its
            first axis.
        axes: Permutation of the axes, of each part, to those of the variable; None for none.
        squeeze: Number of axes of length 1 at the end, after the permutation, that are removed.
        of_head: Whether the variables belong to the head and are missing in an encoder without it.
    """

    published: str
    variables: tuple[str, ...]
    axes: tuple[int, ...] | None = None
    squeeze: int = 0
    of_head: bool = False

    def to_keras(self, array: np.ndarray) -> list[np.ndarray]:
        """Returns the values of the variables."""
        parts = np.split(array, len(self.variables))
        if self.axes:
            parts = [part.transpose(self.axes) for part in parts]
        return [part.reshape(part.shape[: part.ndim - self.squeeze]) for part in parts]

    def to_published(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Returns the published array, the inverse of `to_keras`."""
        parts = [value.reshape([*value.shape, *[1] * self.squeeze]) for value in values]
        if self.axes:
            parts = [part.transpose(np.argsort(self.axes)) for part in parts]
        return np.concatenate(parts)


def dense(published: str, variable: str, bias: bool = True, **kwargs) -> list[Entry]:
    """Returns the entries of a linear layer, published as [out, in]."""
    return [Entry(f"{published}.weight", (f"{variable}/kernel",), (1, 0), **kwargs)] + [
        Entry(f"{published}.bias", (f"{variable}/bias",), **kwargs)
    ] * bias


def convolution(published: str, variable: str, rank: int, bias: bool = True) -> list[Entry]:
    """Returns the entries of a convolution, published as [out, in, ...]."""
    axes = (*range(2, rank + 2), 1, 0)
    return [Entry(f"{published}.weight", (f"{variable}/kernel",), axes)] + [
        Entry(f"{published}.bias", (f"{variable}/bias",))
    ] * bias


def norm(published: str, variable: str, **kwargs) -> list[Entry]:
    """Returns the entries of a layer norm or batch norm."""
    return [
        Entry(f"{published}.weight", (f"{variable}/gamma",), **kwargs),
        Entry(f"{published}.bias", (f"{variable}/beta",), **kwargs),
    ]


def conv_positions(published: str) -> list[Entry]:
    """Returns the entries of a position convolution with weight norm."""
    return [
        Entry(f"{published}.bias", ("conv_positions/bias",)),
        Entry(f"{published}.weight_g", ("conv_positions/gain",), (2, 1, 0)),
        Entry(f"{published}.weight_v", ("conv_positions/direction",), (2, 1, 0)),
    ]


def assign_weights(
    model: keras.Model, entries: Iterable[Entry], weights: Mapping[str, np.ndarray], source: str
) -> None:
    """Assigns published arrays to the variables of an encoder, or changes nothing.

    Args:
        model: The encoder, or a network that holds one; its other variables do not change.
        entries: Entries of the encoder's config.
        weights: The arrays by published name.
        source: Where the arrays are from, for messages.

    Raises:
        InputError: If a name is missing or left over, a shape differs, or a value is not finite.
    """
    entries = list(entries)
    variables = variables_of(model)
    known = {entry.published for entry in entries}
    missing = [entry.published for entry in entries if entry.published not in weights]
    foreign = [name for name in weights if name not in known]
    if missing or foreign:
        wrong = [f"lacks {some(missing)}"] * bool(missing)
        wrong += [f"holds {some(foreign)}, which the encoder does not have"] * bool(foreign)
        raise InputError(f"{source}: does not fit its own config: it {' and it '.join(wrong)}")
    values, wrong = {}, []
    for entry in entries:
        if entry.of_head and not all(name in variables for name in entry.variables):
            continue
        own = [np.empty(variables[name].shape, np.bool_) for name in entry.variables]
        wanted = entry.to_published(own).shape
        array = weights[entry.published]
        if array.shape != wanted:
            wrong.append(f"{entry.published} {_size(array.shape)} (not {_size(wanted)})")
        elif not np.isfinite(array).all():
            wrong.append(f"{entry.published} (not finite)")
        else:
            values.update(zip(entry.variables, entry.to_keras(array), strict=True))
    if wrong:
        raise InputError(f"{source}: does not fit its own config: {some(wrong)}")
    for name, value in values.items():
        variables[name].assign(value)


def published_weights(
    entries: Iterable[Entry], values: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Returns published arrays by name, made from the values of variables.

    Args:
        entries: Entries of the encoder's config.
        values: Values of all variables of the entries, by name.

    Raises:
        KeyError: If a variable is missing.
    """
    return {
        entry.published: entry.to_published([values[name] for name in entry.variables])
        for entry in entries
    }


def variables_of(model: keras.Model) -> dict:
    """Returns the variables of a model and of the models inside it, by <layer>/<weight>.

    The variables' own names cannot be used: they differ once a model is loaded from a file.
    """
    found = {}
    for layer in sublayers(model):
        if not any(inner.weights for inner in sublayers(layer)):
            for variable in layer.weights:
                weight = variable.name.split("/")[-1].removesuffix(":0")
                found[f"{layer.name}/{weight}"] = variable
    return found


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
