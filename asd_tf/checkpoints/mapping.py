"""Published arrays and the variables of an encoder: which is which, and how they are turned."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

from asd_tf.data.listing import some
from asd_tf.errors import InputError


@dataclasses.dataclass(frozen=True)
class Entry:
    """One published array.

    Args:
        published: Its name.
        variables: Names of the Keras variables it is; several stand one after another along its
            first axis.
        axes: How its axes (of each part) are turned; None to leave them.
        squeeze: How many of the axes, last after turning, have length 1 and are left out.
        of_head: Whether an encoder without its head lacks the variables.
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
    """Returns the entries of a linear layer, [out, in] when published."""
    return [Entry(f"{published}.weight", (f"{variable}/kernel",), (1, 0), **kwargs)] + [
        Entry(f"{published}.bias", (f"{variable}/bias",), **kwargs)
    ] * bias


def convolution(published: str, variable: str, rank: int, bias: bool = True) -> list[Entry]:
    """Returns the entries of a convolution, [out, in, ...] when published."""
    axes = (*range(2, rank + 2), 1, 0)
    return [Entry(f"{published}.weight", (f"{variable}/kernel",), axes)] + [
        Entry(f"{published}.bias", (f"{variable}/bias",))
    ] * bias


def norm(published: str, variable: str, **kwargs) -> list[Entry]:
    """Returns the entries of a norm."""
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
    """Puts published arrays into an encoder, or changes nothing.

    Args:
        model: The encoder, or a network that holds one; other variables of it stay.
        entries: Of the encoder's config.
        weights: The arrays by published name.
        source: Where they are from, for the messages.

    Raises:
        InputError: If a name is missing or left over, or a shape is another.
    """
    entries = list(entries)
    variables = variables_of(model)
    known = {entry.published for entry in entries}
    missing = [entry.published for entry in entries if entry.published not in weights]
    foreign = [name for name in weights if name not in known]
    if missing or foreign:
        wrong = [f"lacks {some(missing)}"] * bool(missing)
        wrong += [f"holds {some(foreign)}, for which there is no place"] * bool(foreign)
        raise InputError(f"{source}: does not fit its own config: it {' and it '.join(wrong)}")
    values, wrong = {}, []
    for entry in entries:
        if entry.of_head and not all(name in variables for name in entry.variables):
            continue
        places = [variables[name] for name in entry.variables]
        wanted = entry.to_published([np.empty(place.shape, np.bool_) for place in places]).shape
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
    """Returns values of variables by their published names, the inverse of `assign_weights`.

    Args:
        entries: Of the encoder's config.
        values: Of all variables that they name.

    Raises:
        KeyError: If one is missing.
    """
    return {
        entry.published: entry.to_published([values[name] for name in entry.variables])
        for entry in entries
    }


def variables_of(model: keras.Model) -> dict:
    """Returns the variables of a model and of what it holds, by <name of the layer>/<weight>.

    The variables' own names say the same only until a model is loaded from a file.
    """
    found = {}
    for layer in model.submodules:
        if isinstance(layer, keras.layers.Layer) and not any(map(_has_weights, layer.submodules)):
            for variable in layer.weights:
                weight = variable.name.split("/")[-1].removesuffix(":0")
                found[f"{layer.name}/{weight}"] = variable
    return found


def _has_weights(module) -> bool:
    return isinstance(module, keras.layers.Layer) and bool(module.weights)


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
