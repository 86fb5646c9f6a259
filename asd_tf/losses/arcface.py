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
        with_margin, without = self.both_logits(embeddings)
        labels = tf.cast(labels, without.dtype)
        return labels * with_margin + (1 - labels) * without

    def both_logits(self, embeddings: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Computes the logits of `embeddings` [batch, D] with the margin for each, and without."""
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


@keras.saving.register_keras_serializable(package="asd_tf")
class ArcFaceSurprise(keras.layers.Layer):
    """Embeddings [batch, D] to how unlikely each class is, [batch, classes].

    It is minus the logarithm of the probability that the class has where the margin is put on it,
    as in the loss of a clip of that class: the anomaly score of STgram-MFN.

    Args:
        arcface: The layer that was trained.
    """

    def __init__(self, arcface: ArcFace, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.arcface = arcface

    def call(self, embeddings):
        """Computes it, with the margin on each class in turn."""
        with_margin, without = self.arcface.both_logits(embeddings)
        is_own = tf.eye(self.arcface.classes, dtype=tf.bool)
        logits = tf.where(is_own, with_margin[:, tf.newaxis], without[:, tf.newaxis])
        return tf.reduce_logsumexp(logits, axis=-1) - with_margin

    def get_config(self):
        """Returns the arguments."""
        arcface = keras.saving.serialize_keras_object(self.arcface)
        return {**super().get_config(), "arcface": arcface}

    @classmethod
    def from_config(cls, config):
        """Builds the layer and the one that was trained."""
        return cls(keras.saving.deserialize_keras_object(config.pop("arcface")), **config)
