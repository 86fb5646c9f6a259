"""Mixup of clips and of their labels."""

import keras
import tensorflow as tf

LABEL_RULES = ("max", "sum")


def mixup(
    waveform: tf.Tensor,
    labels: tf.Tensor,
    seed: tf.Tensor,
    probability: float = 1.0,
    label_rule: str = "max",
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mixes each clip with its partner, which is the batch in reverse order.

    The share of a clip is drawn uniformly from 0 to 1 for each clip (Wilkinghoff 2023, Section
    2.2). Stateless: equal arguments give equal results.

    Args:
        waveform: [batch, N], float.
        labels: [batch, classes], one-hot, float.
        seed: [2], integer.
        probability: Of a clip to be mixed at all; drawn for each clip. As published: 1.
        label_rule: `max` as published: the larger of both weighted labels, so that two clips of one
            class have a target below 1; `sum` for their sum.

    Returns:
        The mixed waveforms and labels, of the shapes given.

    Raises:
        ValueError: If `probability` is not in 0..1, or the rule is another.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability {probability} is not one: use a value from 0 to 1")
    if label_rule not in LABEL_RULES:
        raise ValueError(
            f"label_rule {label_rule!r} is not known: use one of {', '.join(LABEL_RULES)}"
        )
    draws = tf.random.stateless_uniform([2, tf.shape(waveform)[0], 1], seed)
    share = tf.where(draws[1] < probability, draws[0], 1.0)
    own, other = share * labels, (1 - share) * tf.reverse(labels, [0])
    mixed_labels = tf.maximum(own, other) if label_rule == "max" else own + other
    return share * waveform + (1 - share) * tf.reverse(waveform, [0]), mixed_labels


@keras.saving.register_keras_serializable(package="asd_tf")
class MixPairs(keras.layers.Layer):
    """Mixes clips with given partners, as a layer, so that features can be mixed too.

    Called with [first, second, share]: two tensors [batch, ...] of one shape and the shares [batch]
    of the first, in 0..1. Gives share x first + (1 - share) x second.
    """

    def call(self, inputs):
        """Mixes."""
        first, second, share = inputs
        share = tf.reshape(tf.cast(share, first.dtype), [-1] + [1] * (first.shape.rank - 1))
        return share * first + (1 - share) * second
