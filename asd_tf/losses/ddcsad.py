"""The DDCSAD loss (Kuroyanagi et al., EUSIPCO 2021; DCASE 2021, Section 2.2), as a layer."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_at_least, check_positive
from asd_tf.compat import Layer


@keras.saving.register_keras_serializable(package="asd_tf")
class DDCSAD(Layer):
    """Pulls embeddings to the centroid of their own kind and pushes them from the other centroid.

    Called with a list of embeddings [batch, D] and labels [batch] or [batch, 1], 1 for normal clips
    and 0 for outliers; returns the embeddings unchanged and adds to the model's losses (eq. 5)

        weight x mean of  |z - c_p|^2 + 1 / |z - c_n|^2    for normal clips
                          |z - c_n|^2 + 1 / |z - c_p|^2    for outliers

    where c_p and c_n are the centroids of the normal clips and of the outliers. A mixed label is
    the weight of the first row; one minus it is the weight of the second. 1 / d is computed as
    1 / (d + epsilon), so that it and its gradient stay finite at a centroid.

    The centroids are weights of the layer that are not trainable. They are saved and checkpointed
    with it, and are zeros until a `CentroidUpdate` sets them. The model's metric `ddcsad` is the
    loss without its weight. Computed in float32 under every precision policy.

    Args:
        weight: lambda of eq. 6, at least 0; not stated in the paper.
        epsilon: Added to squared distances in denominators, greater than 0. The default is that of
            Deep SAD (Ruff et al., ICLR 2020), on which the loss is based.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(self, weight: float = 1.0, epsilon: float = 1e-6, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_at_least(0, weight=weight)
        check_positive(epsilon=epsilon)
        self.weight = weight
        self.epsilon = epsilon
        self._mean = keras.metrics.Mean("ddcsad")

    def build(self, input_shape):
        """Creates the centroids."""
        self.normal_centroid, self.outlier_centroid = (
            self.add_weight(
                name=f"{kind}_centroid",
                shape=[input_shape[0][-1]],
                initializer="zeros",
                trainable=False,
                aggregation="only_first_replica",
            )
            for kind in ("normal", "outlier")
        )
        super().build(input_shape)

    def call(self, inputs):
        """Adds the loss."""
        embeddings, labels = inputs
        normal_share = tf.reshape(tf.cast(labels, tf.float32), [-1])
        to_normal = self.distances(embeddings)
        to_outliers = _squared_distances(embeddings, self.outlier_centroid)
        normal_loss = to_normal + 1 / (to_outliers + self.epsilon)
        outlier_loss = to_outliers + 1 / (to_normal + self.epsilon)
        loss = tf.reduce_mean(normal_share * normal_loss + (1 - normal_share) * outlier_loss)
        self.add_loss(self.weight * loss)
        # Not `update_state`, which fails where a model is built under tf.distribute.
        self._mean(loss)
        return embeddings

    def distances(self, embeddings: tf.Tensor) -> tf.Tensor:
        """Computes the squared distances [batch] from embeddings [batch, D] to c_p."""
        return _squared_distances(embeddings, self.normal_centroid)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "weight": self.weight, "epsilon": self.epsilon}


def _squared_distances(embeddings, centroid):
    return tf.reduce_sum(tf.square(embeddings - centroid), axis=1)
