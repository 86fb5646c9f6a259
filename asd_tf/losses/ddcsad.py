"""The DDCSAD loss (Kuroyanagi et al., EUSIPCO 2021; DCASE 2021, Section 2.2), as a layer."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class DDCSAD(keras.layers.Layer):
    """Draws embeddings to the centroid of their own kind and drives them from that of the other.

    Called with a list of embeddings [batch, D] and of labels [batch] or [batch, 1], 1 for normal
    and 0 for outliers; gives the embeddings as they are, and adds to the model's losses (eq. 5)

        weight x mean of  |z - c_p|^2 + 1 / |z - c_n|^2    of normal clips
                          |z - c_n|^2 + 1 / |z - c_p|^2    of outliers

    where c_p and c_n are the centroids of the normal clips and of the outliers. A mixed label,
    which is the share of normal, has both rows mixed by its share. 1 / d is 1 / (d + epsilon), so
    that neither it nor its gradient is infinite at a centroid.

    The centroids are weights of the layer that do not train, are saved and checkpointed with it,
    and are zeros until a `CentroidUpdate` sets them. The loss is among the model's metrics as
    `ddcsad`, without its weight. Computed in float32 under every precision policy.

    Args:
        weight: lambda of eq. 6, which the paper leaves open.
        epsilon: Added to squared distances under a 1: that of Deep SAD (Ruff et al., ICLR 2020),
            from which the loss descends.

    Raises:
        ValueError: If `weight` is negative or `epsilon` is not positive.
    """

    def __init__(self, weight: float = 1.0, epsilon: float = 1e-6, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if weight < 0:
            raise ValueError(f"a weight of {weight} rewards a large loss: use 0 or more")
        if epsilon <= 0:
            raise ValueError(f"epsilon {epsilon} lets the loss be infinite: use a positive one")
        self.weight = weight
        self.epsilon = epsilon
        self._mean = keras.metrics.Mean("ddcsad")

    def build(self, input_shape):
        """Makes the centroids."""
        self.normal_centroid, self.outlier_centroid = (
            self.add_weight(
                name=f"{kind}_centroid",
                shape=[input_shape[0][-1]],
                initializer="zeros",
                trainable=False,
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )
            for kind in ("normal", "outlier")
        )
        super().build(input_shape)

    def call(self, inputs):
        """Adds the loss."""
        embeddings, labels = inputs
        share = tf.reshape(tf.cast(labels, tf.float32), [-1])
        to_normal = self.distances(embeddings)
        to_outliers = _squared_distances(embeddings, self.outlier_centroid)
        of_normal = to_normal + 1 / (to_outliers + self.epsilon)
        of_outliers = to_outliers + 1 / (to_normal + self.epsilon)
        loss = tf.reduce_mean(share * of_normal + (1 - share) * of_outliers)
        self.add_loss(self.weight * loss)
        # Called, for `update_state` fails where a model is built under tf.distribute.
        self._mean(loss)
        return embeddings

    def distances(self, embeddings: tf.Tensor) -> tf.Tensor:
        """Computes the squared distances [batch] of embeddings [batch, D] to c_p."""
        return _squared_distances(embeddings, self.normal_centroid)

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "weight": self.weight, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="asd_tf")
class DDCSADScores(keras.layers.Layer):
    """What the anomaly score of eq. 7 is made of: called with logits and embeddings, [batch, 2].

    The logits, [batch] or [batch, 1], are those of being normal, embeddings are [batch, D]. The
    first column is 1 - p, from 0 to 1, where p is the probability of being normal; the second is
    the squared distance d to the normal centroid. d' of eq. 7 is d standardised over many clips,
    and so is left to a backend.

    Args:
        ddcsad: The layer that was trained.
    """

    def __init__(self, ddcsad: DDCSAD, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.ddcsad = ddcsad

    def build(self, input_shape):
        """Makes the centroids if the layer comes from a file."""
        if not self.ddcsad.built:
            self.ddcsad.build(input_shape[::-1])
        super().build(input_shape)

    def call(self, inputs):
        """Computes both columns."""
        logits, embeddings = inputs
        # Keeps its digits where p is almost 1, unlike 1 - sigmoid.
        unlikely = tf.sigmoid(-tf.reshape(logits, [-1]))
        return tf.stack([unlikely, self.ddcsad.distances(embeddings)], axis=1)

    def get_config(self):
        """Returns the arguments."""
        ddcsad = keras.saving.serialize_keras_object(self.ddcsad)
        return {**super().get_config(), "ddcsad": ddcsad}

    @classmethod
    def from_config(cls, config):
        """Builds the layer and the one that was trained."""
        return cls(keras.saving.deserialize_keras_object(config.pop("ddcsad")), **config)


def _squared_distances(embeddings, centroid):
    return tf.reduce_sum(tf.square(embeddings - centroid), axis=1)
