"""The predictive autoencoder of GeCo (Zeng et al., ICASSP 2023, Section 2.1)."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class MaskFrame(keras.layers.Layer):
    """Replaces one frame of each window by a token that is learned.

    Called with [windows, which]: windows [batch, frames, bands], and which [batch, frames], one
    where the frame is replaced and zero elsewhere.
    """

    def build(self, input_shape):
        """Makes the token."""
        self.token = self.add_weight(
            name="token",
            shape=[input_shape[0][-1]],
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )
        super().build(input_shape)

    def call(self, inputs):
        """Masks."""
        windows, which = inputs
        which = tf.cast(which, windows.dtype)[..., tf.newaxis]
        return windows * (1 - which) + tf.cast(self.token, windows.dtype) * which


@keras.saving.register_keras_serializable(package="asd_tf")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector to each position of [batch, positions, width]."""

    def build(self, input_shape):
        """Makes the vectors."""
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
    """Takes the frame [batch, bands] of each window that `which` [batch, frames] marks."""

    def call(self, inputs):
        """Picks."""
        windows, which = inputs
        return tf.einsum("btf,bt->bf", windows, tf.cast(which, windows.dtype))


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
    sd: float = 1.0,
) -> keras.Model:
    """Builds the network that predicts one frame of a window from the others.

    Encoder and decoder are transformer blocks (norms first, GELU) of two widths; between them, each
    frame passes a bottleneck of two dense layers. Levels are standardised inside, so that what goes
    in and comes out, and so the error, is in the units of the log-mels.

    Args:
        frames: Frames of a window.
        bands: Mel bands.
        encoder: Width of the encoder.
        decoder: Width of the decoder.
        bottleneck: Width between them.
        blocks: Transformer blocks of each.
        heads: Of the attention; divides both widths.
        expansion: Of the width within a block's dense part.
        mean: Of the log-mels.
        sd: Standard deviation of the log-mels.

    Returns:
        A model of (windows [batch, frames, bands], which [batch, frames]) to the prediction
        [batch, bands] of the frame that `which` marks, float32.
    """
    windows = keras.Input([frames, bands], name="windows")
    which = keras.Input([frames], name="which")
    x = keras.layers.Rescaling(1 / sd, -mean / sd, dtype="float32")(windows)
    x = MaskFrame(dtype="float32", name="mask")([x, which])
    x = PositionEmbedding(name="encoder_positions")(keras.layers.Dense(encoder)(x))
    for _ in range(blocks):
        x = _block(x, encoder, heads, expansion)
    x = keras.layers.LayerNormalization(dtype="float32")(x)
    x = keras.layers.Dense(bottleneck, activation="gelu", name="bottleneck")(x)
    x = PositionEmbedding(name="decoder_positions")(keras.layers.Dense(decoder)(x))
    for _ in range(blocks):
        x = _block(x, decoder, heads, expansion)
    x = keras.layers.LayerNormalization(dtype="float32")(x)
    x = PickFrame(dtype="float32", name="pick")([x, which])
    x = keras.layers.Dense(bands, dtype="float32")(x)
    prediction = keras.layers.Rescaling(sd, mean, dtype="float32", name="prediction")(x)
    return keras.Model([windows, which], prediction, name="predictive_autoencoder")


def _block(x, width, heads, expansion):
    """A transformer block: self-attention and a dense part, each behind a norm."""
    normed = keras.layers.LayerNormalization(dtype="float32")(x)
    attention = keras.layers.MultiHeadAttention(heads, width // heads)(normed, normed)
    x = keras.layers.Add()([x, attention])
    normed = keras.layers.LayerNormalization(dtype="float32")(x)
    hidden = keras.layers.Dense(expansion * width, activation="gelu")(normed)
    return keras.layers.Add()([x, keras.layers.Dense(width)(hidden)])
