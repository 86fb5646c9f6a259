"""The centroids of DDCSAD, computed over the training set after each epoch."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from asd_tf.losses.ddcsad import DDCSAD


class CentroidUpdate(keras.callbacks.Callback):
    """Sets the centroids before the first step and after every epoch.

    Kuroyanagi et al. (2021, Section 2.2) compute centroids with the initial network, and over the
    whole training set after each epoch. They are set before the checkpoint of an epoch is written,
    so that a resumed training restores them. The final centroids are those of the final network, as
    scoring needs them.

    With `adapt_norms`, the batch norms first adapt their statistics to the training set. With their
    initial statistics, mean 0 and variance 1, the embeddings of a deep residual network have norms
    of thousands in inference, although not in training: the first centroids would lie far from all
    embeddings, and the first epochs would only shrink embeddings. How the authors avoid this is not
    stated in the paper.

    A network that is not trained has no callbacks: call `update` then.

    Args:
        ddcsad: The layer whose centroids are set.
        embedder: Maps the inputs of a batch to the embeddings [batch, D] that `ddcsad` gets; called
            with `training` like a Keras model. It is a model with the layers of the trained
            network, or a tf.function of that model, which is faster. Centroids are computed with
            training=False.
        clips: Finite dataset of batches (inputs, labels) with the training set once; labels [batch]
            or [batch, 1] are 1 for normal clips, 0 for outliers, or in between for a mixed clip. It
            must yield the same batches each time. Only running sums are kept in memory.
        adapt_norms: Whether to run the training set once in training mode before the first step;
            not needed for a network that has been trained before.
    """

    def __init__(
        self,
        ddcsad: DDCSAD,
        embedder: Callable[..., tf.Tensor],
        clips: tf.data.Dataset,
        adapt_norms: bool = False,
    ):
        super().__init__()
        self.ddcsad = ddcsad
        self.embedder = embedder
        self.clips = clips
        self.adapt_norms = adapt_norms

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the centroids of the initial network, before the first epoch."""
        if epoch == 0:
            if self.adapt_norms:
                self._adapt_norms()
            self.update()

    def on_epoch_end(self, epoch, logs=None):
        """Sets the centroids for the next epoch."""
        self.update()

    def _adapt_norms(self):
        """Runs the training set in training mode, which only changes the norms' statistics."""
        for inputs, _ in self.clips:
            self.embedder(inputs, training=True)

    def update(self) -> None:
        """Sets both centroids to the means over the training set.

        Raises:
            ValueError: If the training set holds no normal clip or no outlier.
        """
        size = self.ddcsad.normal_centroid.shape[0]
        sums, counts = np.zeros([2, size]), np.zeros(2)
        for inputs, labels in self.clips:
            embeddings = self.embedder(inputs, training=False).numpy().astype(np.float64)
            normal = np.reshape(labels.numpy(), -1).astype(np.float64)
            shares = np.stack([normal, 1 - normal])
            sums += shares @ embeddings
            counts += shares.sum(axis=1)
        if not counts.all():
            raise ValueError(
                "clips must hold normal clips and outliers, "
                f"got {counts[0]:g} normal clips and {counts[1]:g} outliers"
            )
        for centroid, mean in zip(
            (self.ddcsad.normal_centroid, self.ddcsad.outlier_centroid),
            sums / counts[:, np.newaxis],
            strict=True,
        ):
            centroid.assign(mean)
