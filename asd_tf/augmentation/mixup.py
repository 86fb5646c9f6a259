"""Mixup of clips and their labels."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_choices, check_probabilities

LABEL_RULES = ("max", "sum")


def mixup(
    waveform: tf.Tensor,
    labels: tf.Tensor,
    seed: tf.Tensor,
    probability: float = 1.0,
    label_rule: str = "max",
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mixes clip i of a batch with clip batch - 1 - i.

    The weight of a clip is drawn uniformly in [0, 1), separately for each clip; its partner has one
    minus that weight (Wilkinghoff 2023, Section 2.2). Stateless: equal arguments give equal
    results.

    Args:
        waveform: [batch, N], float.
        labels: [batch, classes], one-hot, float.
        seed: [2], integer.
        probability: Probability that a clip is mixed, in [0, 1]; drawn for each clip. 1 as
            published.
        label_rule: `max` as published: the larger of both weighted labels, so that two clips of one
            class have a target below 1; `sum` for their sum.

    Returns:
        The mixed waveforms and labels, of the same shapes.

    Raises:
        ValueError: If `probability` or `label_rule` is out of range.
    """
    check_probabilities(probability=probability)
    check_choices(LABEL_RULES, label_rule=label_rule)
    draws = tf.random.stateless_uniform([2, tf.shape(waveform)[0], 1], seed)
    share = tf.where(draws[1] < probability, draws[0], 1.0)
    own, other = share * labels, (1 - share) * tf.reverse(labels, [0])
    mixed_labels = tf.maximum(own, other) if label_rule == "max" else own + other
    return share * waveform + (1 - share) * tf.reverse(waveform, [0]), mixed_labels


@keras.saving.register_keras_serializable(package="asd_tf")
class MixPairs(keras.layers.Layer):
    """Mixes two tensors by given weights: a layer, so that features can be mixed too.

    Called with [first, second, share]: two tensors [batch, ...] of one shape and the weights
    [batch] of the first, in [0, 1]. Returns share x first + (1 - share) x second.
    """

    def call(self, inputs):
        """Mixes."""
        first, second, share = inputs
        share = tf.reshape(tf.cast(share, first.dtype), [-1] + [1] * (first.shape.rank - 1))
        return share * first + (1 - share) * second
