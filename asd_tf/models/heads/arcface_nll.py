"""The negative log-likelihood of each class by a trained ArcFace layer."""

import keras
import tensorflow as tf

from asd_tf.losses.arcface import ArcFace
from asd_tf.models.layers.wrapper import Wrapper


@keras.saving.register_keras_serializable(package="asd_tf")
class ArcFaceNLL(Wrapper):
    """Embeddings [batch, D] to the negative log-likelihood of each class [batch, classes].

    The likelihood of a class is computed with the margin on that class, as in the training loss of
    a clip of the class: the anomaly score of STgram-MFN.

    Args:
        arcface: The trained layer.
    """

    WRAPPED = "arcface"

    def __init__(self, arcface: ArcFace, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.arcface = arcface

    def call(self, embeddings):
        """Computes the negative log-likelihoods, with the margin on each class in turn."""
        with_margin, without = self.arcface.both_logits(embeddings)
        is_own = tf.eye(self.arcface.classes, dtype=tf.bool)
        logits = tf.where(is_own, with_margin[:, tf.newaxis], without[:, tf.newaxis])
        return tf.reduce_logsumexp(logits, axis=-1) - with_margin
