"""Folders in the layout of Hugging Face: config.json and weights in one or several files."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import safetensors
import tensorflow as tf

from asd_tf.checkpoints.safetensors_header import check_header
from asd_tf.checkpoints.torch_zip import read_torch_zip
from asd_tf.errors import InputError
from asd_tf.files import read_json

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TORCH_WEIGHTS = "pytorch_model.bin"

# Bytes. The index of a model of thousands of arrays has some hundred thousand.
_LARGEST_JSON = 2**24


def read_folder_json(path: Path) -> dict:
    """Reads a JSON object.

    Raises:
        InputError: If the file is missing, holds something else, or is absurdly large.
    """
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise InputError(f"{path}: is larger than the description of any model")
        values = read_json(path)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except ValueError as error:
        raise InputError(f"{path}: is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: is not a JSON object")
    return values


def read_folder_weights(folder: Path) -> Mapping[str, np.ndarray]:
    """Opens the weights of a folder.

    Args:
        folder: Holds model.safetensors, or its shards and their index, or pytorch_model.bin.

    Returns:
        The arrays by name. Those of safetensors are read on access, so that the encoder of a large
        model is read without the rest.

    Raises:
        InputError: If there are no weights, or they are damaged.
    """
    if (folder / WEIGHTS).exists():
        return SafetensorsFiles([folder / WEIGHTS])
    if (folder / INDEX).exists():
        return _indexed(folder)
    if (folder / TORCH_WEIGHTS).exists():
        return read_torch_zip(folder / TORCH_WEIGHTS)
    raise InputError(f"{folder}: holds none of {WEIGHTS}, {INDEX} and {TORCH_WEIGHTS}")


class SafetensorsFiles(Mapping):
    """The arrays of safetensors files by name, read on access; bfloat16 becomes float32.

    Args:
        paths: The files.

    Raises:
        InputError: If a file is missing or damaged, or two files hold the same name.
    """

    def __init__(self, paths: list[Path]):
        self._files: dict[str, tuple[Path, safetensors.safe_open]] = {}
        for path in paths:
            try:
                check_header(path)
                # numpy has no bfloat16.
                file = safetensors.safe_open(path, framework="tf")
            except FileNotFoundError:
                raise InputError(f"{path}: there is no such file") from None
            except (safetensors.SafetensorError, OSError) as error:
                raise InputError(
                    f"{path}: is not a complete safetensors file ({error}); download it again"
                ) from None
            for name in file.keys():  # noqa: SIM118 (not a dict)
                if name in self._files:
                    raise InputError(
                        f"{path}: holds {name}, and so does {self._files[name][0].name}"
                    )
                self._files[name] = (path, file)

    def __getitem__(self, name: str) -> np.ndarray:
        with tf.device("CPU"):
            tensor = self._files[name][1].get_tensor(name)
            if tensor.dtype == tf.bfloat16:
                tensor = tf.cast(tensor, tf.float32)
        return tensor.numpy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _indexed(folder: Path) -> SafetensorsFiles:
    """Opens weights that are split over several files."""
    parts = read_folder_json(folder / INDEX).get("weight_map")
    if not isinstance(parts, dict) or not all(isinstance(name, str) for name in parts.values()):
        raise InputError(f"{folder / INDEX}: has no weight_map of names to files")
    names = sorted(set(parts.values()))
    for name in names:
        if Path(name).name != name:
            raise InputError(f"{folder / INDEX}: {name} is not in the folder")
    weights = SafetensorsFiles([folder / name for name in names])
    missing = sorted(set(parts) - set(weights))
    if missing:
        raise InputError(f"{folder / parts[missing[0]]}: lacks {missing[0]}, which {INDEX} names")
    return weights
