"""The ArcFace loss (Deng et al., CVPR 2019), as a layer."""

import math

import keras
import tensorflow as tf

from asd_tf.arguments import check_at_least, check_positive

# Keeps the gradient of the sine finite where an embedding has the direction of a center.
EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="asd_tf")
class ArcFace(keras.layers.Layer):
    """Embeddings and labels to logits, to be trained with cross-entropy from logits.

    Called with a list of embeddings [batch, D] and labels [batch, classes]; returns logits [batch,
    classes]. Each class has a center on the unit sphere; theta is the angle between embedding and
    center. A margin m is added to the angle of the true class:

        scale x cos(theta + m)    for the true class
        scale x cos(theta)        for all others

    Beyond theta = pi - m, cos(theta + m) would rise again. There the cosine of the true class is
    replaced by cos(theta) - m sin(m), as published. With an easy margin it is replaced by
    cos(theta) wherever theta is above pi / 2. A mixed label gives each of several classes a weight;
    the logits of a class with and without margin are averaged by that weight.

    Labels decide on the margin in training and in inference alike: labels of zeros give logits
    without it, one-hot labels logits with it, which is how STgram-MFN scores its test clips.
    Computed in float32 under every precision policy.

    Args:
        classes: Number of classes, at least 2.
        margin: m, in radians, in [0, pi / 2]: 0.5 in the paper, 0.7 in STgram-MFN's configuration.
        scale: s, the length to which embeddings are scaled, greater than 0: 64 in the paper, 30 in
            STgram-MFN.
        easy_margin: Whether the margin is left out where the angle is above pi / 2.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        classes: int,
        margin: float = 0.5,
        scale: float = 30.0,
        easy_margin: bool = False,
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_at_least(2, classes=classes)
        if not 0 <= margin <= math.pi / 2:
            raise ValueError(f"margin must be in [0, pi/2], got {margin}")
        check_positive(scale=scale)
        self.classes = classes
        self.margin = margin
        self.scale = scale
        self.easy_margin = easy_margin

    def build(self, input_shape):
        """Creates the centers."""
        self.centers = self.add_weight(
            name="centers",
            shape=[input_shape[0][-1], self.classes],
            initializer="glorot_uniform",
        )
        super().build(input_shape)

    def call(self, inputs):
        """Computes the logits."""
        embeddings, labels = inputs
        with_margin, without = self.both_logits(embeddings)
        labels = tf.cast(labels, without.dtype)
        return labels * with_margin + (1 - labels) * without

    def both_logits(self, embeddings: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes the logits of embeddings with the margin on every class, and without margin.

        Args:
            embeddings: [batch, D].

        Returns:
            Logits [batch, classes] with the margin, and logits [batch, classes] without it.
        """
        cosines = tf.matmul(
            tf.nn.l2_normalize(embeddings, axis=1), tf.nn.l2_normalize(self.centers, axis=0)
        )
        return self.scale * self._with_margin(cosines), self.scale * cosines

    def _with_margin(self, cosines):
        """Turns cosines of angles into those of angles larger by the margin."""
        sines = tf.sqrt(tf.maximum(1 - tf.square(cosines), EPSILON))
        larger = cosines * math.cos(self.margin) - sines * math.sin(self.margin)
        if self.easy_margin:
            return tf.where(cosines > 0, larger, cosines)
        threshold = -math.cos(self.margin)
        return tf.where(cosines > threshold, larger, cosines - self.margin * math.sin(self.margin))

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "classes": self.classes,
            "margin": self.margin,
            "scale": self.scale,
            "easy_margin": self.easy_margin,
        }
