"""Wav2Vec2 (Baevski et al., NeurIPS 2020): convolutions on a waveform, then a transformer."""

import dataclasses

import keras
import tensorflow as tf

from asd_tf.errors import UsageError
from asd_tf.models.encoders.blocks import Parts, Transformer, dropout, layer_norm, step_seed
from asd_tf.models.encoders.positions import ConvPositions
from asd_tf.models.encoders.sizes import Sizes

CONV_NORMS = ("group", "layer")


@dataclasses.dataclass(frozen=True)
class Wav2Vec2Config(Sizes):
    """Sizes of a Wav2Vec2 encoder; the defaults are those of "base".

    Args:
        filters: Of each convolution.
        kernels: Length of each convolution.
        strides: Of each convolution.
        conv_bias: Whether the convolutions have a bias.
        conv_norm: `group`: the first convolution is normalised over time; `layer`: all are, over
            their filters.
        depth: Number of blocks.
        width: Size of a token.
        heads: Number of attention heads.
        ffn: Size inside the feed-forward part.
        conv_positions: Taps of the position convolution.
        conv_groups: Groups of the position convolution.
        stable: Whether norms stand before attention and feed-forward part.
        epsilon: Of the norms.
        normalise: Whether each waveform is brought to mean 0 and variance 1 first.
        input_dropout: Of the projected features.
        dropout: Behind attention and feed-forward part.
        attention_dropout: Of attention weights.
        activation_dropout: Inside the feed-forward part.
        layer_drop: Probability that a block is left out of a training step.
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
    normalise: bool = True
    input_dropout: float = 0.0
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    layer_drop: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        if not len(self.filters) == len(self.kernels) == len(self.strides):
            raise ValueError("filters, kernels and strides are not equally many")
        if self.conv_norm not in CONV_NORMS:
            raise ValueError(
                f"conv_norm {self.conv_norm!r} is not known: use one of {', '.join(CONV_NORMS)}"
            )

    def transformer(self) -> Transformer:
        """Returns the stack of blocks."""
        return Transformer(
            self.depth,
            self.width,
            self.heads,
            self.ffn,
            pre_norm=self.stable,
            epsilon=self.epsilon,
            dropout=self.dropout,
            attention_dropout=self.attention_dropout,
            activation_dropout=self.activation_dropout,
            layer_drop=self.layer_drop,
        )


def wav2vec2(config: Wav2Vec2Config, samples: int, parts: Parts | None = None) -> keras.Model:
    """Makes a Wav2Vec2 encoder.

    Args:
        config: Its sizes.
        samples: N, at 16 kHz; at least 400, which is one token. Zheng 2024 gives it 2 s.
        parts: What stands in for its parts; it has no features that could be augmented.

    Returns:
        A model from waveform [batch, N] in -1..1 to tokens [batch, tokens, width], float32; one
        token each 20 ms.

    Raises:
        UsageError: If N is shorter.
    """
    parts = parts or Parts()
    waveform = keras.Input([samples], name="waveform")
    transformer = config.transformer()
    seed = step_seed(
        waveform, parts.seed, config.input_dropout, *transformer.rates, parts.dense_dropout
    )
    tokens = _convolutions(config, waveform)
    tokens = layer_norm(config.epsilon, "features_norm")(tokens)
    tokens = keras.layers.Dense(config.width, name="features_projection")(tokens)
    tokens = dropout(tokens, config.input_dropout, seed, "input_dropout")
    place = ConvPositions(config.conv_positions, config.conv_groups, name="conv_positions")
    tokens = keras.layers.Add(dtype="float32")([tokens, place(tokens)])
    norm = layer_norm(config.epsilon, "encoder_norm")
    if not config.stable:
        tokens = norm(tokens)
    tokens = transformer(dropout(tokens, config.dropout, seed, "encoder_dropout"), parts, seed)
    return keras.Model(waveform, norm(tokens) if config.stable else tokens, name="wav2vec2")


def _convolutions(config: Wav2Vec2Config, waveform: tf.Tensor) -> tf.Tensor:
    """Adds the convolutions: waveform [batch, N] to features [batch, tokens, filters]."""
    x = keras.layers.Reshape([waveform.shape[1], 1])(waveform)
    if config.normalise:
        x = Standardise()(x)
    for index, (filters, size, stride) in enumerate(
        zip(config.filters, config.kernels, config.strides, strict=True)
    ):
        if x.shape[1] < size:
            raise UsageError(
                f"clips of {waveform.shape[1]} samples are too short for one token: use longer ones"
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
class Standardise(keras.layers.Layer):
    """Brings each waveform [batch, N, 1] to mean 0 and variance 1, in float32."""

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, waveform):
        """Standardises."""
        mean, variance = tf.nn.moments(waveform, axes=[1], keepdims=True)
        return (waveform - mean) / tf.sqrt(variance + 1e-7)
