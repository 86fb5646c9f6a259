"""From tokens to one embedding: their mean, or mean and deviation under learned attention."""

import keras
import tensorflow as tf

POOLINGS = ("mean", "attentive_statistics")

# Added to variances, so that the gradient of the root stays finite where all tokens are equal.
_VARIANCE = 1e-7


def pool_tokens(tokens: tf.Tensor, how: str = "mean", hidden: int = 48) -> tf.Tensor:
    """Adds a pooling over tokens.

    Attentive statistics (Okabe et al., Interspeech 2018) with the context of ECAPA-TDNN
    (Desplanques et al., Interspeech 2020): the attention to each value of each token is learned
    from the token and from mean and deviation of all of them.

    Args:
        tokens: Keras tensor [batch, tokens, width].
        how: One of `POOLINGS`.
        hidden: Size inside the attention.

    Returns:
        Keras tensor, float32: [batch, width] for `mean`, [batch, 2 x width] for
        `attentive_statistics`, mean before deviation.

    Raises:
        ValueError: If `how` is another.
    """
    if how not in POOLINGS:
        raise ValueError(f"pooling {how!r} is not known: use one of {', '.join(POOLINGS)}")
    if how == "mean":
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

    Each token is followed by mean and deviation over all tokens of its clip. Float32 under every
    precision policy.
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
    """[tokens, logits], both [batch, tokens, width], to mean and deviation [batch, 2 x width].

    Both are weighted by the softmax of the logits over the tokens, each value by its own. Float32
    under every precision policy.
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, inputs):
        """Weights and sums."""
        tokens, logits = inputs
        weights = tf.nn.softmax(logits, axis=1)
        mean = tf.reduce_sum(weights * tokens, axis=1)
        # Around the mean: the difference of two squares loses its digits.
        variance = tf.reduce_sum(weights * tf.square(tokens - mean[:, tf.newaxis]), axis=1)
        return tf.concat([mean, tf.sqrt(variance + _VARIANCE)], axis=-1)
