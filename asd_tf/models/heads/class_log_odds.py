"""The log-odds against each class, from the logits of a classifier."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_choices

FORMS = ("log_odds", "log_odds_as_code")


@keras.saving.register_keras_serializable(package="asd_tf")
class ClassLogOdds(keras.layers.Layer):
    """Logits [batch, classes] to the log-odds against each class [batch, classes].

    p is the softmax of a class. `log_odds` is log((1 - p) / p), as the baselines of DCASE 2021 and
    2022 are described (Kawaguchi et al., DCASE 2021, Section 4.2). Their code has a misplaced
    parenthesis and computes log((1 - p) - log p), which is `log_odds_as_code`. Both decrease with
    p, so that they rank crops equally, but not the means over the crops of clips.

    Args:
        form: `log_odds` or `log_odds_as_code`.

    Raises:
        ValueError: If `form` is neither.
    """

    def __init__(self, form: str = "log_odds", **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        check_choices(FORMS, form=form)
        self.form = form

    def call(self, logits):
        """Computes the log-odds of all other classes against each class."""
        if self.form == "log_odds_as_code":
            log_p = tf.nn.log_softmax(logits)
            return tf.math.log(1 - tf.exp(log_p) - log_p)
        classes = logits.shape[-1]
        is_own = tf.eye(classes, dtype=tf.bool)
        others = tf.where(is_own, logits.dtype.min, logits[:, tf.newaxis])
        return tf.reduce_logsumexp(others, axis=-1) - logits

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "form": self.form}
