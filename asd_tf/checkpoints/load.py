"""Pre-trained encoders from the formats in which they are published."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from asd_tf.checkpoints.beats import BEATS
from asd_tf.checkpoints.ced import CED
from asd_tf.checkpoints.converted import MANIFEST, read_converted
from asd_tf.checkpoints.folders import CONFIG, PREPROCESSOR, read_folder_json, read_folder_weights
from asd_tf.checkpoints.mapping import Entry, assign_weights, published_weights
from asd_tf.checkpoints.raw import Raw
from asd_tf.checkpoints.reader import Reader
from asd_tf.checkpoints.speech_embedding import SPEECH_EMBEDDING, path_of, read_file
from asd_tf.checkpoints.torch_zip import read_torch_zip
from asd_tf.checkpoints.wav2vec2 import WAV2VEC2
from asd_tf.checkpoints.whisper import WHISPER
from asd_tf.errors import InputError
from asd_tf.models.encoders.blocks import Parts
from asd_tf.models.encoders.build import FAMILIES, build_encoder, config_from
from asd_tf.models.encoders.config import EncoderConfig

READERS: tuple[Reader, ...] = (BEATS, CED, SPEECH_EMBEDDING, WAV2VEC2, WHISPER)


class Pretrained(NamedTuple):
    """A pre-trained encoder: its config, and its arrays by published name."""

    config: EncoderConfig
    weights: dict[str, np.ndarray]


def load_encoder(path: str | Path) -> Pretrained:
    """Reads a pre-trained encoder.

    Args:
        path: An official .pt file (BEATs, CED), a Hugging Face folder (Wav2Vec2, Whisper,
            Qwen-Audio, CED), a folder made by `asd-convert`, the embedding_model.tflite of
            pyopen-wakeword, or `speech_embedding` for the installed one.

    Returns:
        Its config and its weights. `pretrained_encoder` checks that they fit each other.

    Raises:
        InputError: If the path is missing or damaged, or holds no known encoder.
        NotSuitedError: If it is `speech_embedding`, which is not installed.
    """
    path = path_of(path)
    if (path / MANIFEST).exists():
        kind, values, variables = read_converted(path)
        config = _config_of(path, kind, values)
        try:
            return Pretrained(config, published_weights(entries_of(config), variables))
        except KeyError as error:
            raise InputError(f"{path}: lacks the variable {error.args[0]}") from None
    raw = _raw(path)
    for reader in READERS:
        if reader.matches(raw):
            return Pretrained(*_read(reader.read, raw))
    raise InputError(f"{path}: is none of the known encoders: {', '.join(FAMILIES)}")


def pretrained_encoder(
    pretrained: Pretrained, samples: int, source: str, parts: Parts | None = None, **kwargs
) -> keras.Model:
    """Builds an encoder and puts its weights into it.

    Args:
        pretrained: The result of `load_encoder`.
        samples: N, at 16 kHz.
        source: Where the weights are from, for messages.
        parts: As in `build_encoder`.
        kwargs: As in `build_encoder`.

    Raises:
        InputError: If weights and config do not fit; the message names the arrays that do not.
        ValueError: If N is too small or too large.
    """
    model = build_encoder(pretrained.config, samples, parts, **kwargs)
    put_weights(model, pretrained, source)
    return model


def put_weights(model: keras.Model, pretrained: Pretrained, source: str) -> None:
    """Assigns pre-trained weights to an encoder, or to the encoder inside a network.

    Raises:
        InputError: If a name is missing or left over, or a shape differs; nothing is changed then.
    """
    assign_weights(model, entries_of(pretrained.config), pretrained.weights, source)


def entries_of(config: EncoderConfig) -> Iterable[Entry]:
    """Returns the variable or variables of each published array of an encoder."""
    reader = next(reader for reader in READERS if isinstance(config, reader.config))
    return reader.entries(config)


def _raw(path: Path) -> Raw:
    if path.is_dir():
        config = read_folder_json(path / CONFIG)
        preprocessor = path / PREPROCESSOR
        return Raw(
            str(path),
            config,
            read_folder_weights(path),
            read_folder_json(preprocessor) if preprocessor.exists() else {},
        )
    if path.suffix == ".tflite":
        return read_file(path)
    saved = read_torch_zip(path)
    weights = saved.get("model", saved) if isinstance(saved, dict) else None
    config = saved.get("cfg", {}) if isinstance(saved, dict) else None
    if not (isinstance(config, dict) and isinstance(weights, dict)):
        raise InputError(f"{path}: holds no dict of a config and weights")
    arrays = {name: value for name, value in weights.items() if isinstance(value, np.ndarray)}
    if not all(isinstance(name, str) for name in arrays):
        raise InputError(f"{path}: holds weights that have no names")
    return Raw(str(path), config, arrays)


def _read(read: Callable, raw: Raw) -> tuple[EncoderConfig, dict[str, np.ndarray]]:
    try:
        return read(raw)
    except (TypeError, ValueError) as error:
        raise InputError(f"{raw.source}: its config is invalid: {error}") from None


def _config_of(path: Path, kind: str, values: dict) -> EncoderConfig:
    try:
        return config_from(kind, values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path / MANIFEST}: {error}") from None
