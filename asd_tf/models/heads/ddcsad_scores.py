"""The two terms of the anomaly score of a binary classifier with DDCSAD."""

import keras
import tensorflow as tf

from asd_tf.losses.ddcsad import DDCSAD
from asd_tf.models.layers.wrapper import Wrapper


@keras.saving.register_keras_serializable(package="asd_tf")
class DDCSADScores(Wrapper):
    """The two terms of the anomaly score (Kuroyanagi et al., DCASE 2021, eq. 7), [batch, 2].

    Called with a list of logits of being normal [batch] or [batch, 1] and embeddings [batch, D].
    The first column is 1 - p in [0, 1], where p is the probability of being normal. The second is
    the squared distance d to the normal centroid. d' of eq. 7 is d standardized over many clips;
    the backend `PosteriorDistance` computes it.

    Args:
        ddcsad: The trained layer.
    """

    WRAPPED = "ddcsad"

    def __init__(self, ddcsad: DDCSAD, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.ddcsad = ddcsad

    def build(self, input_shape):
        """Creates the centroids if the layer was loaded from a file."""
        if not self.ddcsad.built:
            self.ddcsad.build(input_shape[::-1])
        super().build(input_shape)

    def call(self, inputs):
        """Computes both columns."""
        logits, embeddings = inputs
        # Unlike 1 - sigmoid, this keeps its digits where p is almost 1.
        unlikely = tf.sigmoid(-tf.reshape(logits, [-1]))
        return tf.stack([unlikely, self.ddcsad.distances(embeddings)], axis=1)
