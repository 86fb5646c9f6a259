"""The encoder of Whisper (Radford et al., 2022), which is also that of Qwen-Audio."""

import dataclasses

import keras
import tensorflow as tf

from asd_tf.frontends.mel import LogMel
from asd_tf.models.encoders.blocks import (
    Parts,
    Transformer,
    add_step_seed,
    dropout,
    layer_norm,
)
from asd_tf.models.encoders.config import EncoderConfig
from asd_tf.models.encoders.family import EncoderFamily
from asd_tf.models.encoders.positions import PositionTable
from asd_tf.models.encoders.segments import SplitSegments

# Samples at 16 kHz that a token of the transformer covers.
SAMPLES_PER_TOKEN = 320


@dataclasses.dataclass(frozen=True)
class WhisperConfig(EncoderConfig):
    """Sizes of a Whisper encoder; the defaults are those of Qwen-Audio (Whisper's "large-v2").

    Args:
        bands: Bands of the log-mel spectrogram.
        depth: Number of blocks.
        width: Size of a token.
        heads: Number of attention heads.
        ffn: Size of the hidden layer in the feed-forward part.
        positions: Rows of the table of positions: 1,500 for 30 s.
        pool: Whether pairs of tokens are averaged before the last layer norm, as in Qwen-Audio.
        dropout: Rate of the first tokens, and after attention and feed-forward part.
        attention_dropout: Rate of the attention weights.
        activation_dropout: Rate inside the feed-forward part.
        layer_drop: Probability that a block is skipped in a training step.
    """

    bands: int = 80
    depth: int = 32
    width: int = 1280
    heads: int = 20
    ffn: int = 5120
    positions: int = 1500
    pool: bool = True
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    layer_drop: float = 0.0

    def transformer(self) -> Transformer:
        """Returns the stack of blocks."""
        return super().transformer(pre_norm=True, key_bias=False)


def whisper(
    config: WhisperConfig, samples: int, parts: Parts | None = None, pad: bool = False
) -> keras.Model:
    """Builds the encoder of Whisper or Qwen-Audio.

    Args:
        config: Its sizes.
        samples: N, at 16 kHz; from 640 to 320 x `config.positions`. Zheng 2024 uses inputs of 2 s.
        parts: Replacements of its parts.
        pad: Whether to append silence up to the last position, as Whisper does; without it, only
            the first rows of the table are used.

    Returns:
        A model from waveform [batch, N] in -1..1 to tokens [batch, tokens, width], float32, one
        token every 20 ms, or every 40 ms with `pool`.

    Raises:
        ValueError: If N is out of range.
    """
    parts = parts or Parts()
    longest = config.positions * SAMPLES_PER_TOKEN
    if not 2 * SAMPLES_PER_TOKEN <= samples <= longest:
        raise ValueError(f"samples must be in [{2 * SAMPLES_PER_TOKEN}, {longest}], got {samples}")
    waveform = keras.Input([samples], name="waveform")
    transformer = config.transformer()
    seed = add_step_seed(waveform, parts.seed, *transformer.rates, parts.dense_dropout)
    features = log_mel(config, SplitSegments(longest, "zeros")(waveform) if pad else waveform)
    tokens = _convolutions(config, parts.augment(features))
    tokens = PositionTable(config.positions, name="positions")(tokens)
    tokens = transformer(dropout(tokens, config.dropout, seed, "input_dropout"), parts, seed)
    if config.pool:
        tokens = keras.layers.AveragePooling1D(2, dtype="float32")(tokens)
    return keras.Model(waveform, layer_norm(1e-5, "encoder_norm")(tokens), name="whisper")


def log_mel(config: WhisperConfig, waveform: tf.Tensor) -> tf.Tensor:
    """Adds the frontend: waveform [batch, N] to [batch, N // 160, bands]."""
    log_mel_db = LogMel(
        n_mels=config.bands,
        frame_length=400,
        frame_step=160,
        bands="slaney",
        center=True,
    )(waveform)
    return WhisperScale(name="scaled_log_mel")(log_mel_db)


@keras.saving.register_keras_serializable(package="asd_tf")
class WhisperScale(keras.layers.Layer):
    """Log-mels [batch, frames + 1, bands] in dB to Whisper's features [batch, frames, bands].

    Drops the last frame, raises values to at least the clip's maximum minus 80 dB, and scales x dB
    to x / 40 + 1.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, log_mel_db):
        """Scales."""
        log_mel_db = log_mel_db[:, :-1]
        maximum = tf.reduce_max(log_mel_db, axis=[1, 2], keepdims=True)
        return tf.maximum(log_mel_db, maximum - 80.0) / 40.0 + 1.0


def _convolutions(config: WhisperConfig, features: tf.Tensor) -> tf.Tensor:
    """Adds two convolutions; the second halves the number of frames."""
    x = features
    for name, stride in (("conv_0", 1), ("conv_1", 2)):
        # Keras' padding `same` is not symmetric where the stride is 2.
        x = keras.layers.ZeroPadding1D(1)(x)
        x = keras.layers.Conv1D(config.width, 3, stride, name=name)(x)
        x = keras.layers.Activation("gelu")(x)
    return x


WHISPER = EncoderFamily(
    kind="whisper",
    config=WhisperConfig,
    build=whisper,
    sizes={
        # For quick runs.
        "tiny": WhisperConfig(depth=2, width=96, heads=4, ffn=192),
        "large": WhisperConfig(),
    },
    published="Qwen/Qwen-Audio on huggingface.co, of which the audio encoder is taken",
)
