"""Wav2Vec2 (Baevski et al., NeurIPS 2020): convolutions on a waveform, then a transformer."""

import dataclasses

import keras
import tensorflow as tf

from asd_tf.arguments import check_choices
from asd_tf.models.encoders.blocks import (
    Parts,
    Transformer,
    add_step_seed,
    dropout,
    layer_norm,
)
from asd_tf.models.encoders.config import EncoderConfig
from asd_tf.models.encoders.family import EncoderFamily
from asd_tf.models.encoders.positions import ConvPositions

CONV_NORMS = ("group", "layer")


@dataclasses.dataclass(frozen=True)
class Wav2Vec2Config(EncoderConfig):
    """Sizes of a Wav2Vec2 encoder; the defaults are those of "base".

    Args:
        filters: Filters of each convolution.
        kernels: Kernel length of each convolution.
        strides: Stride of each convolution.
        conv_bias: Whether the convolutions have a bias.
        conv_norm: `group`: the first convolution is normalized over time; `layer`: all convolutions
            are normalized over their filters.
        depth: Number of blocks.
        width: Size of a token.
        heads: Number of attention heads.
        ffn: Size of the hidden layer in the feed-forward part.
        conv_positions: Taps of the position convolution.
        conv_groups: Groups of the position convolution.
        stable: Whether layer norms precede attention and feed-forward part (pre-norm).
        epsilon: Added to the variance in the layer norms.
        normalize: Whether each waveform is first scaled to mean 0 and variance 1.
        input_dropout: Rate of the projected features.
        dropout: Rate after attention and after the feed-forward part.
        attention_dropout: Rate of the attention weights.
        activation_dropout: Rate inside the feed-forward part.
        layer_drop: Probability that a block is skipped in a training step.
    """

    filters: tuple[int, ...] = (512,) * 7
    kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    conv_bias: bool = False
    conv_norm: str = "group"
    depth: int = 12
    width: int = 768
    heads: int = 12
    ffn: int = 3072
    conv_positions: int = 128
    conv_groups: int = 16
    stable: bool = False
    epsilon: float = 1e-5
    normalize: bool = True
    input_dropout: float = 0.0
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    layer_drop: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        if not len(self.filters) == len(self.kernels) == len(self.strides):
            raise ValueError(
                "filters, kernels and strides must have the same length, got "
                f"{len(self.filters)}, {len(self.kernels)} and {len(self.strides)}"
            )
        check_choices(CONV_NORMS, conv_norm=self.conv_norm)

    def transformer(self) -> Transformer:
        """Returns the stack of blocks."""
        return super().transformer(pre_norm=self.stable, epsilon=self.epsilon)


def wav2vec2(config: Wav2Vec2Config, samples: int, parts: Parts | None = None) -> keras.Model:
    """Builds a Wav2Vec2 encoder.

    Args:
        config: Its sizes.
        samples: N, at 16 kHz; at least 400, which is one token. Zheng 2024 uses inputs of 2 s.
        parts: Replacements of its parts; `augment` is ignored, as there are no features before the
            network.

    Returns:
        A model from waveform [batch, N] in -1..1 to tokens [batch, tokens, width], float32, one
        token every 20 ms.

    Raises:
        ValueError: If N is too small.
    """
    parts = parts or Parts()
    waveform = keras.Input([samples], name="waveform")
    transformer = config.transformer()
    seed = add_step_seed(
        waveform, parts.seed, config.input_dropout, *transformer.rates, parts.dense_dropout
    )
    tokens = _convolutions(config, waveform)
    tokens = layer_norm(config.epsilon, "features_norm")(tokens)
    tokens = keras.layers.Dense(config.width, name="features_projection")(tokens)
    tokens = dropout(tokens, config.input_dropout, seed, "input_dropout")
    positions = ConvPositions(config.conv_positions, config.conv_groups, name="conv_positions")
    tokens = keras.layers.Add(dtype="float32")([tokens, positions(tokens)])
    norm = layer_norm(config.epsilon, "encoder_norm")
    if not config.stable:
        tokens = norm(tokens)
    tokens = transformer(dropout(tokens, config.dropout, seed, "encoder_dropout"), parts, seed)
    return keras.Model(waveform, norm(tokens) if config.stable else tokens, name="wav2vec2")


def _convolutions(config: Wav2Vec2Config, waveform: tf.Tensor) -> tf.Tensor:
    """Adds the convolutions: waveform [batch, N] to features [batch, tokens, filters]."""
    x = keras.layers.Reshape([waveform.shape[1], 1])(waveform)
    if config.normalize:
        x = Standardize()(x)
    for index, (filters, size, stride) in enumerate(
        zip(config.filters, config.kernels, config.strides, strict=True)
    ):
        if x.shape[1] < size:
            raise ValueError(
                f"samples must be enough for one token, got {waveform.shape[1]}: use longer clips"
            )
        name = f"conv_{index}"
        x = keras.layers.Conv1D(filters, size, stride, use_bias=config.conv_bias, name=name)(x)
        if config.conv_norm == "layer":
            x = layer_norm(1e-5, f"{name}_norm")(x)
        elif index == 0:
            x = keras.layers.GroupNormalization(
                filters, epsilon=1e-5, dtype="float32", name=f"{name}_norm"
            )(x)
        x = keras.layers.Activation("gelu")(x)
    return x


@keras.saving.register_keras_serializable(package="asd_tf")
class Standardize(keras.layers.Layer):
    """Scales each waveform [batch, N, 1] to mean 0 and variance 1, in float32."""

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, waveform):
        """Standardizes."""
        mean, variance = tf.nn.moments(waveform, axes=[1], keepdims=True)
        return (waveform - mean) / tf.sqrt(variance + 1e-7)


WAV2VEC2 = EncoderFamily(
    kind="wav2vec2",
    config=Wav2Vec2Config,
    build=wav2vec2,
    sizes={
        # For quick runs.
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
    published="facebook/wav2vec2-base on huggingface.co",
)
