"""The features of an encoder in time and frequency, after its last layer or an earlier one."""

import keras

from asd_tf.models.encoders.build import FAMILIES, kind_of
from asd_tf.models.encoders.config import EncoderConfig
from asd_tf.models.encoders.speech_embedding import SpeechEmbeddingConfig


def has_layers(config: EncoderConfig) -> bool:
    """Returns whether features of earlier layers can be taken of an encoder."""
    return isinstance(config, SpeechEmbeddingConfig)


def band_frames(encoder: keras.Model, config: EncoderConfig, layer: int):
    """Returns what an encoder computes, with a place for each frame and band.

    Args:
        encoder: The encoder, as `build_encoder` makes it.
        config: Its config.
        layer: Number of a convolution of speech_embedding, from 0, after whose activation the
            features are taken; after the last one, 19, they are its tokens. Of no effect on other
            encoders.

    Returns:
        Keras tensor [batch, frames, bands, channels]. Tokens whose order is not by time are frames
        of one band.
    """
    if has_layers(config) and layer < config.depth - 1:
        return encoder.get_layer(f"activation_{layer}").output
    tokens, bands = encoder.output, FAMILIES[kind_of(config)].bands
    frames, width = tokens.shape[1] // bands, tokens.shape[2]
    return keras.layers.Reshape([frames, bands, width], name="tokens_by_band")(tokens)
