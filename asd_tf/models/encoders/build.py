"""Which encoders there are, in which sizes, and how any of them is made."""

import dataclasses

import keras

from asd_tf.models.encoders.beats import BeatsConfig, beats
from asd_tf.models.encoders.blocks import Parts
from asd_tf.models.encoders.ced import CedConfig, ced
from asd_tf.models.encoders.wav2vec2 import Wav2Vec2Config, wav2vec2
from asd_tf.models.encoders.whisper import WhisperConfig, whisper

EncoderConfig = BeatsConfig | CedConfig | Wav2Vec2Config | WhisperConfig

CONFIGS = {
    "beats": BeatsConfig,
    "ced": CedConfig,
    "wav2vec2": Wav2Vec2Config,
    "whisper": WhisperConfig,
}

_BUILDERS = {BeatsConfig: beats, CedConfig: ced, Wav2Vec2Config: wav2vec2, WhisperConfig: whisper}

# Width of a head: 64 in all published sizes. The tiny ones of all but CED are for quick runs.
SIZES = {
    "beats": {
        "tiny": BeatsConfig(
            embed=64, depth=2, width=96, ffn=192, heads=4, conv_positions=32, conv_groups=4
        ),
        "base": BeatsConfig(),
    },
    "ced": {
        "tiny": CedConfig(width=192, heads=3, ffn=768),
        "mini": CedConfig(width=256, heads=4, ffn=1024),
        "small": CedConfig(width=384, heads=6, ffn=1536),
        "base": CedConfig(),
    },
    "wav2vec2": {
        "tiny": Wav2Vec2Config(
            filters=(64,) * 7,
            depth=2,
            width=96,
            heads=4,
            ffn=192,
            conv_positions=32,
            conv_groups=4,
        ),
        "base": Wav2Vec2Config(),
        "large": Wav2Vec2Config(depth=24, width=1024, heads=16, ffn=4096),
    },
    "whisper": {
        "tiny": WhisperConfig(depth=2, width=96, heads=4, ffn=192),
        "large": WhisperConfig(),
    },
}


def kind_of(config: EncoderConfig) -> str:
    """Returns which encoder a config is of: a key of `CONFIGS`."""
    return next(kind for kind, cls in CONFIGS.items() if isinstance(config, cls))


def build_encoder(
    config: EncoderConfig, samples: int, parts: Parts | None = None, **kwargs
) -> keras.Model:
    """Makes the encoder of a config, with random weights.

    Args:
        config: Its sizes, which also say which encoder it is.
        samples: N, at 16 kHz.
        parts: What stands in for its parts.
        kwargs: What only some have: `head` of BEATs and CED, `pad` of Whisper.

    Returns:
        A functional model from waveform [batch, N] in -1..1 to tokens [batch, tokens, width],
        float32. Its blocks are functional models of the names layer_0, layer_1, ..., and the
        weights of their dense layers are named layer_0_q/kernel, layer_0_q/bias, and so on.

    Raises:
        UsageError: If N is too short or too long.
    """
    return _BUILDERS[type(config)](config, samples, parts, **kwargs)


def config_from(kind: str, values: dict) -> EncoderConfig:
    """Makes a config of values as JSON has them, the inverse of `dataclasses.asdict`.

    Raises:
        ValueError: If the encoder or a value's name is not known.
    """
    if kind not in CONFIGS:
        raise ValueError(f"encoder {kind!r} is not known: use one of {', '.join(CONFIGS)}")
    known = {field.name for field in dataclasses.fields(CONFIGS[kind])}
    foreign = sorted(set(values) - known)
    if foreign:
        raise ValueError(f"{kind} has no {', '.join(foreign)}")
    return CONFIGS[kind](
        **{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    )
