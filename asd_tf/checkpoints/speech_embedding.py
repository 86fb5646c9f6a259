"""speech_embedding as the wheel pyopen-wakeword has it: a TFLite file of known content.

The wheel's code is not imported. Of its files only `embedding_model.tflite` is read. The frontend,
`melspectrogram.tflite`, has no trained weights and is a layer here; phrase models are not used.
"""

import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from asd_tf.checkpoints.mapping import Entry
from asd_tf.checkpoints.raw import Raw
from asd_tf.checkpoints.reader import Reader
from asd_tf.checkpoints.tflite import CONV_2D, read_operations
from asd_tf.errors import InputError, NotSuitedError
from asd_tf.models.encoders.speech_embedding import SpeechEmbeddingConfig

NAME = "speech_embedding"
"""What stands for the path of the installed weights."""

INSTALL = "pip install 'asd_tf[speech]'"

SHA256 = "c0aea21eb84a4ce90a08c870da41b7a7173b45269e6a3207c71d67c40f3a59d8"
"""Of embedding_model.tflite in pyopen-wakeword 1.1.0."""

_PACKAGE = "pyopen_wakeword"
_FILE = Path("models") / "embedding_model.tflite"
# Bytes; the file has 1.3 million.
_LARGEST = 2**24


def installed_file() -> Path | None:
    """Returns the weights in the installed wheel, which is not imported; None without it."""
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (Path(folder) / _FILE).is_file():
            return Path(folder) / _FILE
    return None


def path_of(name: str | Path) -> Path:
    """Returns the path of weights, of which `speech_embedding` names the installed ones.

    A file or folder of that name in the working directory is meant by ./speech_embedding.

    Raises:
        NotSuitedError: If the wheel is not installed.
    """
    if str(name) != NAME:
        return Path(name)
    path = installed_file()
    if path is None:
        raise NotSuitedError(
            f"{NAME}: its weights are not installed: {INSTALL}; where there is no wheel, name the "
            f"{_FILE.name} of one for another platform instead"
        )
    return path


def read_file(path: Path) -> Raw:
    """Reads the weights of the published file.

    Raises:
        InputError: If there is no such file, or it has another content.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: is larger than any {_FILE.name}")
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise InputError(
            f"{path}: its SHA-256 is {digest}, and that of the one known {_FILE.name}, of "
            f"pyopen-wakeword 1.1.0, is {SHA256}: {INSTALL}"
        )
    return Raw(str(path), {}, convolutions(content))


def convolutions(content: bytes) -> dict[str, np.ndarray]:
    """Returns kernels and biases in a TFLite file, numbered in the order of their execution."""
    weights = {}
    found = [x.constants for x in read_operations(content) if x.code == CONV_2D]
    for index, (kernel, bias) in enumerate(found):
        weights |= {f"conv_{index}.kernel": kernel, f"conv_{index}.bias": bias}
    return weights


def matches(raw: Raw) -> bool:
    """Returns whether a checkpoint is of speech_embedding."""
    return "conv_0.kernel" in raw.weights


def read(raw: Raw) -> tuple[SpeechEmbeddingConfig, dict[str, np.ndarray]]:
    """Returns the config and the weights."""
    return SpeechEmbeddingConfig(), dict(raw.weights)


def entries(config: SpeechEmbeddingConfig) -> Iterator[Entry]:
    """Yields the variable of each array; kernels are [out, frames, bands, in] in TFLite."""
    for index in range(config.depth):
        yield Entry(f"conv_{index}.kernel", (f"conv_{index}/kernel",), (1, 2, 3, 0))
        yield Entry(f"conv_{index}.bias", (f"conv_{index}/bias",))


SPEECH_EMBEDDING = Reader(SpeechEmbeddingConfig, matches, read, entries)
