"""The ArcFace loss (Deng et al., CVPR 2019), as a layer."""

import math

import keras
import tensorflow as tf

# Keeps the gradient of the sine finite where an embedding points exactly at a centre.
EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="asd_tf")
class ArcFace(keras.layers.Layer):
    """Embeddings and labels to logits, to be trained with cross-entropy from logits.

    Called with a list of embeddings [batch, D] and labels [batch, classes]; gives logits [batch,
    classes]. Each class has a centre on the unit sphere; theta is the angle between embedding and
    centre. The logit of the true class is as if that angle were larger by the margin m:

        scale x cos(theta + m)    of the true class
        scale x cos(theta)        of the others

    Beyond theta = pi - m, where cos(theta + m) would rise again, the first is replaced, as
    published, by cos(theta) - m sin(m); or, with an easy margin, by cos(theta) wherever theta is
    above pi / 2. For a mixed label, which is a share of each of several classes, both logits of a
    class are mixed by its share.

    The margin follows the labels, in training and outside: labels of zeros give the logits without
    it, one-hot ones those with it, as STgram-MFN scores its test clips. Computed in float32 under
    every precision policy.

    Args:
        classes: Number of classes, at least 2.
        margin: m, in radians: 0.5 in the paper, 0.7 in STgram-MFN's configuration.
        scale: s, the length to which embeddings are scaled: 64 in the paper, 30 in STgram-MFN.
        easy_margin: Whether the margin is left off where the angle is above pi / 2.

    Raises:
        ValueError: If there are fewer than two classes, or the margin is not in 0..pi / 2.
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
        if classes < 2:
            raise ValueError(f"{classes} classes cannot be told apart: use at least 2")
        if not 0 <= margin <= math.pi / 2:
            raise ValueError(f"a margin of {margin} is no acute angle: use one from 0 to pi / 2")
        self.classes = classes
        self.margin = margin
        self.scale = scale
        self.easy_margin = easy_margin

    def build(self, input_shape):
        """Draws the centres."""
        self.centers = self.add_weight(
            name="centers",
            shape=[input_shape[0][-1], self.classes],
            initializer="glorot_uniform",
        )
        super().build(input_shape)

    def call(self, inputs):
        """Computes the logits."""
        embeddings, labels = inputs
        cosines = tf.matmul(
            tf.nn.l2_normalize(embeddings, axis=1), tf.nn.l2_normalize(self.centers, axis=0)
        )
        labels = tf.cast(labels, cosines.dtype)
        return self.scale * (labels * self._with_margin(cosines) + (1 - labels) * cosines)

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
