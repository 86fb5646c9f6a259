"""The loss of GeCo (Zeng et al., ICASSP 2023, Section 2.2), as a layer."""

import keras
import tensorflow as tf

FORMS = ("bce", "contrastive")


def contrastive_losses(
    embeddings: tf.Tensor, ids: tf.Tensor, temperature: float = 1.0
) -> tf.Tensor:
    """Computes eq. 2 for each original, as an anchor among those of its own machine id.

    With z the embedding of an anchor, P those of the other originals of its id in the batch, and N
    those of all reconstructions of its id in the batch:

        - 1/|P| sum over p in P of log( exp(z.p / T) / sum over a in P and N of exp(z.a / T) )

    Originals and reconstructions of other ids have no part in it.

    Args:
        embeddings: [2N, D], the reconstructions behind the originals and in their order.
        ids: [N], integer: the machine id of each original.
        temperature: T; the paper has none, which is 1.

    Returns:
        [N], 0 for an anchor without another original of its id.
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
class GenerativeContrastiveLoss(keras.layers.Layer):
    """Tells apart machine ids and, within each id, originals and reconstructions.

    Called with a list of embeddings [2N, D], the reconstructions behind the originals and in their
    order, and of the machine ids [N] of the originals, integers in 0..classes - 1. Gives the logits
    [2N, classes] of a linear layer and adds the loss (eq. 3) to the model, which is compiled
    without one:

        L = L_CE + lambda L_Con

    L_CE is the cross-entropy of the machine id, mean over all 2N. L_Con is one of

    - `bce`: class c has two learned vectors, w_p for originals and w_n for reconstructions. The
      loss is the cross-entropy of which of both a sample is, from the logits z.w_p / T and
      z.w_n / T of its own class; mean over all 2N. So we read the paper's remark that weight
      vectors in place of embeddings make eq. 2 a binary cross-entropy.
    - `contrastive`: eq. 2 itself, see `contrastive_losses`; mean over all N anchors, those that
      count 0 among them.

    Embeddings, and w_p and w_n, are of length 1 in L_Con, as in the supervised contrastive learning
    that the paper cites; so their products are cosines, and the temperature T has a meaning. With
    `normalise=False` they are as they are. The linear layer sees embeddings as they are.

    `balance` is lambda, a weight of the layer that does not train, is saved and checkpointed with
    it, and is what a `StepSchedule` sets. Both terms are among the model's metrics, as
    `cross_entropy` and `contrastive`, without lambda. Computed in float32 under every precision
    policy. Under tf.distribute each replica contrasts its own clips, so that `contrastive` depends
    on how a batch is divided.

    Args:
        classes: Number of machine ids, at least 2.
        form: Of L_Con: `bce` or `contrastive`.
        temperature: T; the paper has none, which is 1.
        normalise: Whether L_Con compares directions only.
        balance: lambda at first.
        l2: Factor of the squared weights in the loss, of the linear layer and of w_p and w_n.

    Raises:
        ValueError: If there are fewer than two ids, the form is another, or the temperature is not
            positive.
    """

    def __init__(
        self,
        classes: int,
        form: str = "bce",
        temperature: float = 1.0,
        normalise: bool = True,
        balance: float = 0.0,
        l2: float = 0.0,
        **kwargs,
    ):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if classes < 2:
            raise ValueError(f"{classes} machine ids cannot be told apart: use at least 2")
        if form not in FORMS:
            raise ValueError(f"form {form!r} is not known: use one of {', '.join(FORMS)}")
        if temperature <= 0:
            raise ValueError(f"a temperature of {temperature} is none: use a positive one")
        self.classes = classes
        self.form = form
        self.temperature = temperature
        self.normalise = normalise
        self.initial_balance = balance
        self.l2 = l2
        self._cross_entropy = keras.metrics.Mean("cross_entropy")
        self._contrastive = keras.metrics.Mean("contrastive")

    def build(self, input_shape):
        """Makes lambda and the weights of both tasks."""
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
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
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
        # Called, for `update_state` fails where a model is built under tf.distribute.
        self._cross_entropy(cross_entropy)
        self._contrastive(contrastive)
        return logits

    def _contrastive_losses(self, embeddings, ids):
        """Computes L_Con of each sample or anchor."""
        if self.normalise:
            embeddings = tf.nn.l2_normalize(embeddings, axis=1)
        if self.form == "contrastive":
            return contrastive_losses(embeddings, ids, self.temperature)
        pairs = tf.nn.l2_normalize(self.pairs, axis=0) if self.normalise else self.pairs
        logits = tf.matmul(embeddings, pairs) / self.temperature
        of_class = tf.reshape(logits, [-1, self.classes, 2])
        own = tf.gather(of_class, tf.tile(ids, [2]), batch_dims=1)
        is_reconstruction = tf.repeat([0, 1], tf.size(ids))
        return tf.nn.sparse_softmax_cross_entropy_with_logits(is_reconstruction, own)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "classes": self.classes,
            "form": self.form,
            "temperature": self.temperature,
            "normalise": self.normalise,
            "balance": self.initial_balance,
            "l2": self.l2,
        }
