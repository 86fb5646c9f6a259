"""The matrices of a low-rank adaptation: saved on their own, and merged into dense layers."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import safetensors
import safetensors.numpy

from asd_tf.checkpoints.mapping import variables_of
from asd_tf.checkpoints.safetensors_header import check_header
from asd_tf.data.layouts.file_index import some
from asd_tf.errors import InputError
from asd_tf.files import atomic_path
from asd_tf.models.encoders.lora import LoraPlan, lora_layers

FORMAT = "1"


def save_adapter(path: str | Path, network: keras.Model, plan: LoraPlan) -> None:
    """Writes A and B of each adapted layer as safetensors, whole or not at all.

    Args:
        path: The file to write.
        network: Holds an encoder that was built with the plan.
        plan: Is stored in the file; `load_adapter` must get an equal plan.
    """
    arrays = {name: variable.numpy() for name, variable in _trained(network).items()}
    metadata = {
        "format": FORMAT,
        "plan": json.dumps(dataclasses.asdict(plan), sort_keys=True),
        "sha256": _digest(arrays),
    }
    with atomic_path(path) as temporary:
        safetensors.numpy.save_file(arrays, temporary, metadata)


def load_adapter(path: str | Path, network: keras.Model, plan: LoraPlan) -> None:
    """Assigns a saved adapter to a network with the same plan, or changes nothing.

    Raises:
        InputError: If the file is missing or damaged, or belongs to another plan or encoder.
    """
    arrays, metadata = _read(Path(path))
    if metadata.get("format") != FORMAT:
        raise InputError(f"{path}: is not an adapter of format {FORMAT}; save it again")
    if metadata.get("sha256") != _digest(arrays):
        raise InputError(f"{path}: is not as it was written (SHA-256); take a fresh copy")
    _check_plan(path, json.loads(metadata["plan"]), plan)
    variables = _trained(network)
    foreign = sorted(set(arrays) ^ set(variables))
    foreign += [
        f"{name} {array.shape} (not {tuple(variables[name].shape)})"
        for name, array in arrays.items()
        if name in variables and array.shape != tuple(variables[name].shape)
    ]
    if foreign:
        raise InputError(f"{path}: belongs to another encoder: {some(foreign)}")
    for name, array in arrays.items():
        variables[name].assign(array)


def merge_into(plain: keras.Model, adapted: keras.Model) -> None:
    """Assigns the weights of an adapted encoder to the same encoder with plain dense layers.

    Both then compute the same function up to rounding, about 1e-5 of the outputs of a network of 12
    layers in float32.

    Args:
        plain: The encoder to assign to, for export. If it is adapted itself, to be trained further,
            its own matrices of low rank do not change.
        adapted: The encoder whose low-rank products are merged into the kernels.

    Raises:
        InputError: If the encoders differ.
    """
    values = {name: variable.numpy() for name, variable in variables_of(adapted).items()}
    values |= {f"{layer.name}/kernel": layer.merged_kernel() for layer in lora_layers(adapted)}
    own = _trained(plain)
    targets = {name: target for name, target in variables_of(plain).items() if name not in own}
    wrong = [
        name
        for name, target in targets.items()
        if name not in values or values[name].shape != tuple(target.shape)
    ]
    if wrong:
        raise InputError(f"the encoders to be merged are not the same: {some(wrong)}")
    for name, target in targets.items():
        target.assign(values[name])


def _trained(network: keras.Model) -> dict:
    return {
        f"{layer.name}/{name}": weight
        for layer in lora_layers(network)
        for name, weight in (("lora_a", layer.lora_a), ("lora_b", layer.lora_b))
    }


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        check_header(path)
        with safetensors.safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise InputError(
            f"{path}: is not a readable adapter ({error}); take a fresh copy"
        ) from None


def _check_plan(path: str | Path, stored: Mapping, plan: LoraPlan) -> None:
    wanted = json.loads(json.dumps(dataclasses.asdict(plan)))
    for name, value in wanted.items():
        if stored.get(name) != value:
            raise InputError(
                f"{path}: was trained with lora.{name}={stored.get(name)}, not {value}: set it so"
            )


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Returns a SHA-256 over names, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].shape} {arrays[name].dtype}\n".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
