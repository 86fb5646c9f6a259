"""The predictive autoencoder of GeCo (Zeng et al., ICASSP 2023, Section 2.1)."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_at_least, check_counts, check_divisors, check_positive


@keras.saving.register_keras_serializable(package="asd_tf")
class MaskFrame(keras.layers.Layer):
    """Replaces one frame of each window by a learned token.

    Called with [windows, position]: windows [batch, frames, bands], and the one-hot position
    [batch, frames] of the frame to replace.
    """

    def build(self, input_shape):
        """Creates the token."""
        self.token = self.add_weight(
            name="token",
            shape=[input_shape[0][-1]],
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )
        super().build(input_shape)

    def call(self, inputs):
        """Masks."""
        windows, position = inputs
        position = tf.cast(position, windows.dtype)[..., tf.newaxis]
        return windows * (1 - position) + tf.cast(self.token, windows.dtype) * position


@keras.saving.register_keras_serializable(package="asd_tf")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector to each position of [batch, positions, width]."""

    def build(self, input_shape):
        """Creates the vectors."""
        self.positions = self.add_weight(
            name="positions",
            shape=input_shape[1:],
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )
        super().build(input_shape)

    def call(self, inputs):
        """Adds."""
        return inputs + tf.cast(self.positions, inputs.dtype)


@keras.saving.register_keras_serializable(package="asd_tf")
class PickFrame(keras.layers.Layer):
    """Takes one frame of each window.

    Called with [windows, position]: windows [batch, frames, width], and the one-hot position
    [batch, frames] of the frame to take. Returns [batch, width].
    """

    def call(self, inputs):
        """Picks."""
        windows, position = inputs
        return tf.einsum("btf,bt->bf", windows, tf.cast(position, windows.dtype))


def predictive_autoencoder(
    frames: int = 5,
    bands: int = 128,
    *,
    encoder: int = 512,
    decoder: int = 256,
    bottleneck: int = 64,
    blocks: int = 2,
    heads: int = 8,
    expansion: int = 4,
    mean: float = 0.0,
    std: float = 1.0,
) -> keras.Model:
    """Builds the network that predicts one frame of a window from the others.

    Encoder and decoder are stacks of transformer blocks (pre-norm, GELU) of two widths. Between
    them, each frame passes a bottleneck of two dense layers. Log-mels are standardized inside: the
    input, the prediction and so the error are in the units of the log-mels.

    Args:
        frames: Frames of a window, at least 2.
        bands: Mel bands.
        encoder: Width of the encoder.
        decoder: Width of the decoder.
        bottleneck: Width of the bottleneck.
        blocks: Transformer blocks of the encoder, and of the decoder.
        heads: Heads of the attention; a divisor of both widths.
        expansion: Width of the hidden layer of a feed-forward part, as a multiple of the width.
        mean: Mean of the log-mels.
        std: Standard deviation of the log-mels, greater than 0.

    Returns:
        A model from (windows [batch, frames, bands], one-hot position [batch, frames]) to the
        prediction [batch, bands] of the frame at the position, float32.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_at_least(2, frames=frames)
    check_counts(bands=bands, bottleneck=bottleneck, blocks=blocks, expansion=expansion)
    check_divisors(encoder, heads=heads)
    check_divisors(decoder, heads=heads)
    check_positive(std=std)
    windows = keras.Input([frames, bands], name="windows")
    position = keras.Input([frames], name="position")
    x = keras.layers.Rescaling(1 / std, -mean / std, dtype="float32")(windows)
    x = MaskFrame(dtype="float32", name="mask")([x, position])
    x = PositionEmbedding(name="encoder_positions")(keras.layers.Dense(encoder)(x))
    for _ in range(blocks):
        x = _block(x, encoder, heads, expansion)
    x = keras.layers.LayerNormalization(dtype="float32")(x)
    x = keras.layers.Dense(bottleneck, activation="gelu", name="bottleneck")(x)
    x = PositionEmbedding(name="decoder_positions")(keras.layers.Dense(decoder)(x))
    for _ in range(blocks):
        x = _block(x, decoder, heads, expansion)
    x = keras.layers.LayerNormalization(dtype="float32")(x)
    x = PickFrame(dtype="float32", name="pick")([x, position])
    x = keras.layers.Dense(bands, dtype="float32")(x)
    prediction = keras.layers.Rescaling(std, mean, dtype="float32", name="prediction")(x)
    return keras.Model([windows, position], prediction, name="predictive_autoencoder")


def _block(x, width, heads, expansion):
    """A transformer block: self-attention and a feed-forward part, each after a layer norm."""
    normed = keras.layers.LayerNormalization(dtype="float32")(x)
    attention = keras.layers.MultiHeadAttention(heads, width // heads)(normed, normed)
    x = keras.layers.Add()([x, attention])
    normed = keras.layers.LayerNormalization(dtype="float32")(x)
    hidden = keras.layers.Dense(expansion * width, activation="gelu")(normed)
    return keras.layers.Add()([x, keras.layers.Dense(width)(hidden)])
