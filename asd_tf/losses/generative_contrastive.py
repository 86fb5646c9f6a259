"""The loss of GeCo (Zeng et al., ICASSP 2023, Section 2.2), as a layer."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_at_least, check_choices, check_positive
from asd_tf.compat import Layer

FORMS = ("bce", "contrastive")


def contrastive_losses(
    embeddings: tf.Tensor, ids: tf.Tensor, temperature: float = 1.0
) -> tf.Tensor:
    """Computes eq. 2 with each original as the anchor.

    z is the embedding of the anchor. P are the embeddings of the other originals in the batch that
    have the anchor's machine id, N those of all reconstructions in the batch that have it:

        - 1/|P| sum over p in P of log( exp(z.p / T) / sum over a in P and N of exp(z.a / T) )

    Originals and reconstructions of other ids are not used.

    Args:
        embeddings: [2N, D]: the originals, then their reconstructions in the same order.
        ids: [N], integer: the machine id of each original.
        temperature: T; the paper has no temperature, which is 1.

    Returns:
        [N]; 0 for an anchor whose id has no other original in the batch.
    """
    originals = tf.split(embeddings, 2)[0]
    same = tf.equal(ids[:, tf.newaxis], ids[tf.newaxis])
    positives = tf.linalg.set_diag(same, tf.zeros_like(ids, tf.bool))
    similarities = tf.matmul(originals, embeddings, transpose_b=True) / temperature
    compared = tf.concat([positives, same], axis=1)
    # Never empty: an anchor is compared with its own reconstruction at least.
    log_sums = tf.reduce_logsumexp(
        tf.where(compared, similarities, similarities.dtype.min), axis=1, keepdims=True
    )
    log_shares = tf.split(similarities - log_sums, 2, axis=1)[0]
    weights = tf.cast(positives, log_shares.dtype)
    total = tf.reduce_sum(weights * log_shares, axis=1)
    return -tf.math.divide_no_nan(total, tf.reduce_sum(weights, axis=1))


@keras.saving.register_keras_serializable(package="asd_tf")
class GenerativeContrastiveLoss(Layer):
    """Classifies machine ids and, within each id, originals against reconstructions.

    Called with a list of embeddings [2N, D], which are the originals and then their reconstructions
    in the same order, and the machine ids [N] of the originals, integers in 0..classes - 1. Returns
    the logits [2N, classes] of a linear layer and adds the loss (eq. 3) to the model, which is
    compiled without a loss:

        L = L_CE + lambda L_Con

    L_CE is the cross-entropy of the machine id, mean over all 2N. L_Con is one of

    - `bce`: class c has two learned vectors, w_p for originals and w_n for reconstructions. The
      loss is a binary cross-entropy, original or reconstruction, with the logits z.w_p / T and
      z.w_n / T of the sample's own class; mean over all 2N. This is our reading of the paper's
      remark that eq. 2 becomes a binary cross-entropy if weight vectors replace embeddings.
    - `contrastive`: eq. 2 itself, see `contrastive_losses`; mean over all N anchors, including
      those with loss 0.

    In L_Con, embeddings, w_p and w_n are scaled to length 1, as in the supervised contrastive
    learning that the paper cites, so that products are cosines and the temperature T has a fixed
    meaning. With `normalize=False` they are not scaled. The linear layer always gets embeddings
    that are not scaled.

    `balance` is lambda: a weight of the layer that is not trainable, is saved and checkpointed with
    it, and is set by a `StepSchedule`. The model's metrics `cross_entropy` and `contrastive` are
    both terms without lambda. Computed in float32 under every precision policy. Under tf.distribute
    each replica compares its own clips only, so that `contrastive` depends on how a batch is split
    over the replicas.

    Args:
        classes: Number of machine ids, at least 2.
        form: Form of L_Con: `bce` or `contrastive`.
        temperature: T, greater than 0; the paper has no temperature, which is 1.
        normalize: Whether L_Con compares directions only.
        balance: Initial value of lambda.
        l2: Factor of the squared weights of the linear layer, w_p and w_n in the loss, at least 0.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        classes: int,
        form: str = "bce",
        temperature: float = 1.0,
        normalize: bool = True,
        balance: float = 0.0,
        l2: float = 0.0,
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_at_least(2, classes=classes)
        check_choices(FORMS, form=form)
        check_positive(temperature=temperature)
        check_at_least(0, l2=l2)
        self.classes = classes
        self.form = form
        self.temperature = temperature
        self.normalize = normalize
        self.initial_balance = balance
        self.l2 = l2
        self._cross_entropy = keras.metrics.Mean("cross_entropy")
        self._contrastive = keras.metrics.Mean("contrastive")

    def build(self, input_shape):
        """Creates lambda and the weights of both tasks."""
        size = input_shape[0][-1]
        regularizer = keras.regularizers.L2(self.l2) if self.l2 else None
        self.kernel = self.add_weight(
            name="kernel", shape=[size, self.classes], regularizer=regularizer
        )
        self.bias = self.add_weight(name="bias", shape=[self.classes], initializer="zeros")
        if self.form == "bce":
            # Columns 2c and 2c + 1 are w_p and w_n of class c.
            self.pairs = self.add_weight(
                name="pairs", shape=[size, 2 * self.classes], regularizer=regularizer
            )
        self.balance = self.add_weight(
            name="balance",
            shape=[],
            initializer=keras.initializers.Constant(self.initial_balance),
            trainable=False,
            aggregation="only_first_replica",
        )
        super().build(input_shape)

    def call(self, inputs):
        """Computes the logits and adds the loss."""
        embeddings, ids = inputs
        ids = tf.cast(ids, tf.int32)
        logits = tf.matmul(embeddings, self.kernel) + self.bias
        cross_entropy = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(tf.tile(ids, [2]), logits)
        )
        contrastive = tf.reduce_mean(self._contrastive_losses(embeddings, ids))
        self.add_loss(cross_entropy + self.balance * contrastive)
        # Not `update_state`, which fails where a model is built under tf.distribute.
        self._cross_entropy(cross_entropy)
        self._contrastive(contrastive)
        return logits

    def _contrastive_losses(self, embeddings, ids):
        """Computes L_Con of each sample or anchor."""
        if self.normalize:
            embeddings = tf.nn.l2_normalize(embeddings, axis=1)
        if self.form == "contrastive":
            return contrastive_losses(embeddings, ids, self.temperature)
        pairs = tf.nn.l2_normalize(self.pairs, axis=0) if self.normalize else self.pairs
        logits = tf.matmul(embeddings, pairs) / self.temperature
        by_class = tf.reshape(logits, [-1, self.classes, 2])
        own = tf.gather(by_class, tf.tile(ids, [2]), batch_dims=1)
        is_reconstruction = tf.repeat([0, 1], tf.size(ids))
        return tf.nn.sparse_softmax_cross_entropy_with_logits(is_reconstruction, own)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "classes": self.classes,
            "form": self.form,
            "temperature": self.temperature,
            "normalize": self.normalize,
            "balance": self.initial_balance,
            "l2": self.l2,
        }
