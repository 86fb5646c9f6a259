"""All encoders: their kinds, their sizes, and one function that builds any of them.

To add an encoder, write its file with an `EncoderFamily` and add that to `FAMILIES`; the reader of
its published weights goes to `asd_tf.checkpoints`.
"""

import dataclasses

import keras

from asd_tf.models.encoders.beats import BEATS
from asd_tf.models.encoders.blocks import Parts
from asd_tf.models.encoders.ced import CED
from asd_tf.models.encoders.config import EncoderConfig
from asd_tf.models.encoders.family import EncoderFamily
from asd_tf.models.encoders.speech_embedding import SPEECH_EMBEDDING
from asd_tf.models.encoders.wav2vec2 import WAV2VEC2
from asd_tf.models.encoders.whisper import WHISPER

FAMILIES: dict[str, EncoderFamily] = {
    family.kind: family for family in (BEATS, CED, SPEECH_EMBEDDING, WAV2VEC2, WHISPER)
}


def kind_of(config: EncoderConfig) -> str:
    """Returns the kind of encoder that a config belongs to: a key of `FAMILIES`."""
    return next(kind for kind, family in FAMILIES.items() if isinstance(config, family.config))


def build_encoder(
    config: EncoderConfig, samples: int, parts: Parts | None = None, **kwargs
) -> keras.Model:
    """Builds the encoder of a config, with random weights.

    Args:
        config: Its config, which also decides the kind of encoder.
        samples: N, at 16 kHz.
        parts: Replacements of its parts.
        kwargs: Options of some encoders: `head` of BEATs and CED, `pad` of Whisper.

    Returns:
        A functional model from waveform [batch, N] in -1..1 to tokens [batch, tokens, width],
        float32. Its blocks are functional models named layer_0, layer_1, ..., and the weights of
        their dense layers are named layer_0_q/kernel, layer_0_q/bias, and so on.

    Raises:
        ValueError: If N is too small or too large.
    """
    return FAMILIES[kind_of(config)].build(config, samples, parts, **kwargs)


def config_from(kind: str, values: dict) -> EncoderConfig:
    """Makes a config from JSON values, the inverse of `dataclasses.asdict`.

    Raises:
        ValueError: If the kind or the name of a value is unknown, or a value is out of range.
    """
    if kind not in FAMILIES:
        raise ValueError(f"encoder must be one of {', '.join(FAMILIES)}, got {kind!r}")
    config = FAMILIES[kind].config
    known = {field.name for field in dataclasses.fields(config)}
    foreign = sorted(set(values) - known)
    if foreign:
        raise ValueError(f"{kind} has no {', '.join(foreign)}")
    return config(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
