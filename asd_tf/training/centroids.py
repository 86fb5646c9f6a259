"""The centroids of DDCSAD, computed over the training set between epochs."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from asd_tf.losses.ddcsad import DDCSAD


class CentroidUpdate(keras.callbacks.Callback):
    """Sets the centroids before the first step, and again at the end of every epoch.

    Section 2.2 of Kuroyanagi et al. (2021): those of the network as it was drawn at first, and of
    the whole training set at each epoch. As they are set before the checkpoint of an epoch is
    written, a training that is resumed has them from there; and the centroids at the end are those
    of the network at the end, which scores are made with.

    With `adapt_norms`, the batch norms learn the statistics of the training set before that. Those
    they begin with, 0 and 1, make embeddings of a deep residual network thousands long in
    inference, although not in training: the first centroids would lie far from everything, and the
    first epochs do no more than shorten embeddings. The paper does not tell how it avoids that.

    A network that is not trained has no callbacks: call `update` then.

    Args:
        ddcsad: The layer whose centroids they are.
        embedder: From the dataset's inputs, and `training` as a Keras model has it, to the
            embeddings [batch, D] that `ddcsad` gets: a model with the layers of the network that is
            trained, or a tf.function of it, which is faster. Centroids are those of inference.
        clips: Finite dataset of (inputs, labels): the training set once, in batches; labels [batch]
            or [batch, 1], 1 for normal and 0 for outliers, or a share of normal. It must give the
            same each time. Nothing but running sums is kept of it.
        adapt_norms: Whether to run the training set once as in training before the first step;
            not needed by a network that has been trained before.
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
        """Sets them from the network as it was drawn, or as another training left it."""
        if epoch == 0:
            if self.adapt_norms:
                self._adapt_norms()
            self.update()

    def on_epoch_end(self, epoch, logs=None):
        """Sets them for the next epoch."""
        self.update()

    def _adapt_norms(self):
        """Runs the training set as in training; the norms' statistics are all that changes."""
        for inputs, _ in self.clips:
            self.embedder(inputs, training=True)

    def update(self) -> None:
        """Sets both centroids to the means over the training set.

        Raises:
            ValueError: If it holds no normal clip or no outlier.
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
                f"a training set of {counts[0]:g} normal clips and {counts[1]:g} outliers has no "
                "two centroids: give clips of both kinds"
            )
        for centroid, mean in zip(
            (self.ddcsad.normal_centroid, self.ddcsad.outlier_centroid),
            sums / counts[:, np.newaxis],
            strict=True,
        ):
            centroid.assign(mean)
