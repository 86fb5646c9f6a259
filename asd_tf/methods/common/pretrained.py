"""The encoder that a recipe names: its published weights, or a size to train from scratch."""

import functools
import hashlib
import logging
import math

import ml_collections

from asd_tf.checkpoints.load import Pretrained, load_encoder
from asd_tf.checkpoints.speech_embedding import path_of
from asd_tf.config import check_choice
from asd_tf.errors import NotSuitedError, UsageError
from asd_tf.files import sha256_of
from asd_tf.frontends.framing import RATE
from asd_tf.models.encoders.build import FAMILIES, kind_of
from asd_tf.models.encoders.config import EncoderConfig

_logger = logging.getLogger(__name__)

# Of the paper's system; used where neither recipe nor weights name another.
DEFAULT_KIND = "beats"

# Names of files with weights begin or end with these.
_WEIGHTS = (".safetensors", ".h5", ".bin", ".pt")


def check_pretrained(config: ml_collections.ConfigDict) -> None:
    """Checks that the recipe names weights, or says none and names a size of the encoder.

    `encoder.kind` and `encoder.sha256` become those of the weights, where the recipe has none.

    Raises:
        UsageError: If it does neither, in which case the message says where weights are published;
            or if the weights have another kind or digest than the recipe names.
        InputError: If they are damaged.
    """
    encoder = config.encoder
    wanted = encoder.kind or DEFAULT_KIND
    check_choice("encoder.kind", wanted, FAMILIES)
    if encoder.pretrained == "":
        raise UsageError(
            f"--pretrained is missing: this recipe fine-tunes published weights of {wanted}, "
            f"{FAMILIES[wanted].published}; or train a small encoder from scratch: "
            "--pretrained=none --set encoder.size=tiny"
        )
    if encoder.pretrained is None:  # `none` on the command line
        encoder.kind = wanted
        if encoder.sha256 is not None:
            raise UsageError("encoder.sha256 is that of weights, and --pretrained=none")
        if config.tuning == "frozen":
            raise UsageError("tuning=frozen keeps pre-trained weights, and --pretrained=none")
        check_choice(f"encoder.size of {wanted}", encoder.size, FAMILIES[wanted].sizes)
        return
    check_weights(config)


def check_weights(config: ml_collections.ConfigDict) -> None:
    """Checks the weights that the recipe names; fills in their kind and digest where it has none.

    Raises:
        UsageError: If the weights have another kind or digest than the recipe names.
        InputError: If they are damaged.
    """
    encoder = config.encoder
    pretrained = read_pretrained(config)
    assert pretrained is not None  # a path is given
    encoder.kind = kind_of(pretrained.config)
    digest = _digest(encoder.pretrained)
    if encoder.sha256 not in (None, digest):
        raise UsageError(
            f"--pretrained={encoder.pretrained}: its SHA-256 is {digest}, and encoder.sha256 is "
            f"{encoder.sha256}"
        )
    encoder.sha256 = digest


def check_rate(config: ml_collections.ConfigDict) -> None:
    """Checks that the sample rate is that of the encoders.

    Raises:
        NotSuitedError: If it is not.
    """
    if config.data.sample_rate != RATE:
        raise NotSuitedError(
            f"data.sample_rate={config.data.sample_rate}: the encoders take {RATE} Hz, to "
            f"which recordings of any rate are resampled: --set data.sample_rate={RATE}"
        )


def check_length(config: ml_collections.ConfigDict) -> None:
    """Checks that the waveforms are long enough for an encoder whose least length is known.

    Raises:
        NotSuitedError: If they are not.
    """
    least = FAMILIES[config.encoder.kind].least_samples
    seconds = math.ceil(100 * least / RATE) / 100
    if config.data.seconds < seconds:
        raise NotSuitedError(
            f"data.seconds={config.data.seconds:g}: {config.encoder.kind} takes {seconds:g} s at "
            f"least, up to which recordings are repeated: --set data.seconds={seconds:g}"
        )


def shape_of(config: ml_collections.ConfigDict, pretrained: Pretrained | None) -> EncoderConfig:
    """Returns the config of the encoder: that of its weights, or else that of the recipe's size."""
    if pretrained is not None:
        return pretrained.config
    return FAMILIES[config.encoder.kind].sizes[config.encoder.size]


# `check` and `fit` both need the weights: they are read once.
_load_encoder = functools.lru_cache(maxsize=1)(load_encoder)


def read_pretrained(config: ml_collections.ConfigDict) -> Pretrained | None:
    """Reads the weights that the recipe names; returns None if it says `none`.

    Raises:
        UsageError: If they belong to another kind of encoder than the recipe names.
        InputError: If they are damaged.
    """
    wanted, path = config.encoder.kind, config.encoder.pretrained
    if path is None:
        return None
    pretrained = _load_encoder(path)
    kind = kind_of(pretrained.config)
    if wanted not in (None, kind):
        raise UsageError(f"--pretrained={path}: holds {kind}, and encoder.kind is {wanted}")
    shape = pretrained.config
    _logger.info("%s: %s, %d layers of width %d", path, kind, shape.depth, shape.width)
    return pretrained


@functools.lru_cache(maxsize=1)
def _digest(path: str) -> str:
    """Returns the SHA-256 of a file, or of the digests and names of a folder's weight files."""
    weights = path_of(path)
    if weights.is_file():
        return sha256_of(weights)
    files = sorted(file for file in weights.iterdir() if file.name.endswith(_WEIGHTS))
    if len(files) == 1:
        return sha256_of(files[0])
    lines = "".join(f"{sha256_of(file)}  {file.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()
