"""Pooling of tokens to one embedding: their mean, or attentive statistics."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_choices, check_counts

POOLINGS = ("mean", "attentive_statistics")

# Added to variances, so that the gradient of the square root is finite if all tokens are equal.
_VARIANCE = 1e-7


def pool_tokens(tokens: tf.Tensor, pooling: str = "mean", hidden: int = 48) -> tf.Tensor:
    """Adds a pooling over tokens.

    `attentive_statistics` are those of Okabe et al. (Interspeech 2018) with the context of
    ECAPA-TDNN (Desplanques et al., Interspeech 2020): the attention weight of each value of each
    token is a function of the token and of mean and standard deviation over all tokens.

    Args:
        tokens: Keras tensor [batch, tokens, width].
        pooling: One of `POOLINGS`.
        hidden: Size of the hidden layer in the attention.

    Returns:
        Keras tensor, float32: [batch, width] for `mean`; [batch, 2 x width] for
        `attentive_statistics`, means before standard deviations.

    Raises:
        ValueError: If an argument is out of range.
    """
    check_choices(POOLINGS, pooling=pooling)
    check_counts(hidden=hidden)
    if pooling == "mean":
        return keras.layers.GlobalAveragePooling1D(dtype="float32", name="mean_of_tokens")(tokens)
    x = TokensInContext(name="tokens_in_context")(tokens)
    x = keras.layers.Dense(hidden, activation="relu", name="attention_hidden")(x)
    x = keras.layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, dtype="float32", name="attention_norm"
    )(x)
    x = keras.layers.Activation("tanh")(x)
    logits = keras.layers.Dense(tokens.shape[-1], name="attention_logits")(x)
    return AttendedStatistics(name="attended_statistics")([tokens, logits])


@keras.saving.register_keras_serializable(package="asd_tf")
class TokensInContext(keras.layers.Layer):
    """Tokens [batch, tokens, width] to [batch, tokens, 3 x width].

    Appends to each token mean and standard deviation over all tokens of its clip. Float32 under
    every precision policy.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, tokens):
        """Appends."""
        mean, variance = tf.nn.moments(tokens, axes=[1], keepdims=True)
        context = tf.concat([mean, tf.sqrt(variance + _VARIANCE)], axis=-1)
        return tf.concat([tokens, tf.repeat(context, tf.shape(tokens)[1], axis=1)], axis=-1)


@keras.saving.register_keras_serializable(package="asd_tf")
class AttendedStatistics(keras.layers.Layer):
    """[tokens, logits], both [batch, tokens, width], to weighted statistics [batch, 2 x width].

    Mean and standard deviation over the tokens, weighted by the softmax of the logits over the
    tokens, separately for each value. Float32 under every precision policy.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, inputs):
        """Computes mean and standard deviation."""
        tokens, logits = inputs
        weights = tf.nn.softmax(logits, axis=1)
        mean = tf.reduce_sum(weights * tokens, axis=1)
        # Around the mean: the difference of two mean squares would lose digits.
        variance = tf.reduce_sum(weights * tf.square(tokens - mean[:, tf.newaxis]), axis=1)
        return tf.concat([mean, tf.sqrt(variance + _VARIANCE)], axis=-1)
