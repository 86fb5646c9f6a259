"""How unlikely each class is by the logits of a classifier."""

import keras
import tensorflow as tf

FORMS = ("log_odds", "log_odds_as_code")


@keras.saving.register_keras_serializable(package="asd_tf")
class ClassSurprise(keras.layers.Layer):
    """Logits [batch, classes] to how unlikely each class is, of that shape.

    With p the softmax of a class, `log_odds` is log((1 - p) / p), as the baselines of DCASE 2021
    and 2022 are described (Kawaguchi et al., DCASE 2021, Section 4.2). Their code has a parenthesis
    elsewhere and computes log((1 - p) - log p), which is `log_odds_as_code`. Both fall as p rises,
    so that crops rank alike, but the means of clips do not.

    Args:
        form: `log_odds` or `log_odds_as_code`.

    Raises:
        ValueError: If it is another.
    """

    def __init__(self, form: str = "log_odds", **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        if form not in FORMS:
            raise ValueError(f"form {form!r} is not known: use one of {', '.join(FORMS)}")
        self.form = form

    def call(self, logits):
        """Computes it, for each class against all others."""
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
