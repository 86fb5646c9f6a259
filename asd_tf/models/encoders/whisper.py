"""The encoder of Whisper (Radford et al., 2022), which is also that of Qwen-Audio."""

import dataclasses

import keras
import tensorflow as tf

from asd_tf.errors import UsageError
from asd_tf.frontends.mel import LogMel
from asd_tf.models.encoders.blocks import Parts, Transformer, dropout, layer_norm, step_seed
from asd_tf.models.encoders.positions import PositionTable
from asd_tf.models.encoders.segments import SplitSegments
from asd_tf.models.encoders.sizes import Sizes

# Samples at 16 kHz that a token of the transformer covers.
SAMPLES_PER_TOKEN = 320


@dataclasses.dataclass(frozen=True)
class WhisperConfig(Sizes):
    """Sizes of a Whisper encoder; the defaults are those of Qwen-Audio, Whisper's "large-v2".

    Args:
        bands: Of the log-mel spectrogram.
        depth: Number of blocks.
        width: Size of a token.
        heads: Number of attention heads.
        ffn: Size inside the feed-forward part.
        positions: Rows of the table of positions: 1,500 for 30 s.
        pool: Whether two tokens are averaged before the last norm, as Qwen-Audio does.
        dropout: Of the first tokens, and behind attention and feed-forward part.
        attention_dropout: Of attention weights.
        activation_dropout: Inside the feed-forward part.
        layer_drop: Probability that a block is left out of a training step.
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
        return Transformer(
            self.depth,
            self.width,
            self.heads,
            self.ffn,
            pre_norm=True,
            key_bias=False,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
            activation_dropout=self.activation_dropout,
            layer_drop=self.layer_drop,
        )


def whisper(
    config: WhisperConfig, samples: int, parts: Parts | None = None, pad: bool = False
) -> keras.Model:
    """Makes the encoder of Whisper or Qwen-Audio.

    Args:
        config: Its sizes.
        samples: N, at 16 kHz; at least 640, and no more than the table of positions has room for.
            Zheng 2024 gives it 2 s.
        parts: What stands in for its parts.
        pad: Whether silence is added up to the last position, as Whisper does; without it, only
            the first rows of the table are used.

    Returns:
        A model from waveform [batch, N] in -1..1 to tokens [batch, tokens, width], float32; one
        token each 20 ms, or each 40 ms with `pool`.

    Raises:
        UsageError: If N is shorter or longer.
    """
    parts = parts or Parts()
    longest = config.positions * SAMPLES_PER_TOKEN
    if not 2 * SAMPLES_PER_TOKEN <= samples <= longest:
        raise UsageError(
            f"clips of {samples} samples do not fit: use {2 * SAMPLES_PER_TOKEN} to {longest}"
        )
    waveform = keras.Input([samples], name="waveform")
    transformer = config.transformer()
    seed = step_seed(waveform, parts.seed, *transformer.rates, parts.dense_dropout)
    features = log_mel(config, SplitSegments(longest, "zeros")(waveform) if pad else waveform)
    tokens = _convolutions(config, parts.augment(features))
    tokens = PositionTable(config.positions, name="positions")(tokens)
    tokens = transformer(dropout(tokens, config.dropout, seed, "input_dropout"), parts, seed)
    if config.pool:
        tokens = keras.layers.AveragePooling1D(2, dtype="float32")(tokens)
    return keras.Model(waveform, layer_norm(1e-5, "encoder_norm")(tokens), name="whisper")


def log_mel(config: WhisperConfig, waveform: tf.Tensor) -> tf.Tensor:
    """Adds the frontend: waveform [batch, N] to [batch, N // 160, bands]."""
    logarithm = LogMel(
        n_mels=config.bands,
        frame_length=400,
        frame_step=160,
        bands="slaney",
        center=True,
    )(waveform)
    return WhisperScale(name="scaled_log_mel")(logarithm)


@keras.saving.register_keras_serializable(package="asd_tf")
class WhisperScale(keras.layers.Layer):
    """Levels [batch, frames + 1, bands] in dB to Whisper's features [batch, frames, bands].

    Without the last frame; at least the clip's loudest minus 80 dB; then level / 40 + 1.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, levels):
        """Scales."""
        levels = levels[:, :-1]
        loudest = tf.reduce_max(levels, axis=[1, 2], keepdims=True)
        return tf.maximum(levels, loudest - 80.0) / 40.0 + 1.0


def _convolutions(config: WhisperConfig, features: tf.Tensor) -> tf.Tensor:
    """Adds two convolutions, of which the second halves the frames."""
    x = features
    for name, stride in (("conv_0", 1), ("conv_1", 2)):
        # Keras' own padding is not the same on both sides where the stride is 2.
        x = keras.layers.ZeroPadding1D(1)(x)
        x = keras.layers.Conv1D(config.width, 3, stride, name=name)(x)
        x = keras.layers.Activation("gelu")(x)
    return x
