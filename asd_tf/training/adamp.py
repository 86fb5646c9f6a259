"""AdamP (Heo et al., ICLR 2021): Adam that does not lengthen scale-invariant weights."""

import math

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class AdamP(keras.optimizers.Optimizer):
    """Adam whose step loses its radial part where a weight looks scale-invariant.

    Batch norms and cosines make the length of the weights before them meaningless, while momentum
    makes them grow, and so makes the steps relatively smaller. A variable of two or more axes
    counts as scale-invariant where its gradient is almost orthogonal to it (Algorithm 2): first
    looked at channel by channel, then as a whole. Vectors such as biases never do.

    The last axis of a variable is that of its channels, as in the kernels of Keras and in the
    centres of the cosine losses. Weight decay is decoupled from the gradient.

    Args:
        learning_rate: A number or a schedule.
        beta_1: Of the first moment.
        beta_2: Of the second moment.
        epsilon: Added to the root of the second moment, and to lengths.
        weight_decay: Share of the learning rate by which weights shrink in a step.
        delta: The largest |cosine| of gradient and weight counts as orthogonal below
            delta / sqrt(size of the weight).
        decay_ratio: Factor of the weight decay where the radial part was taken out.
        name: Of the optimizer.
        **kwargs: Of `keras.optimizers.Optimizer`.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        delta: float = 0.1,
        decay_ratio: float = 0.1,
        name: str = "AdamP",
        **kwargs,
    ):
        # Keras' own decay, which is that of AdamW, stays off: this one depends on the projection.
        super().__init__(name=name, weight_decay=None, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.decoupled_decay = weight_decay
        self.delta = delta
        self.decay_ratio = decay_ratio

    def build(self, var_list):
        """Makes the moments of the variables."""
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        self._built = True
        self._first, self._second = (
            [
                self.add_variable_from_reference(model_variable=variable, variable_name=moment)
                for variable in var_list
            ]
            for moment in ("m", "v")
        )

    def update_step(self, gradient, variable):
        """Updates one variable."""
        gradient = tf.convert_to_tensor(gradient)
        step = tf.cast(self.iterations + 1, variable.dtype)
        rate = tf.cast(self.learning_rate, variable.dtype)
        index = self._index_dict[self._var_key(variable)]
        first, second = self._first[index], self._second[index]
        first.assign(self.beta_1 * first + (1 - self.beta_1) * gradient)
        second.assign(self.beta_2 * second + (1 - self.beta_2) * tf.square(gradient))
        root = tf.sqrt(second) / tf.sqrt(1 - tf.pow(self.beta_2, step))
        direction = first / (root + self.epsilon)
        decay = rate * self.decoupled_decay
        if variable.shape.rank > 1:
            direction, is_projected = self._projected(gradient, variable, direction)
            decay = tf.where(is_projected, decay * self.decay_ratio, decay)
        length = rate / (1 - tf.pow(self.beta_1, step))
        variable.assign(variable * (1 - decay) - length * direction)

    def _projected(self, gradient, variable, direction):
        """Takes the radial part out of a direction if the weight looks scale-invariant.

        Returns the direction, and whether that was done.
        """
        per_channel = list(range(variable.shape.rank - 1))
        whole = list(range(variable.shape.rank))
        by_channel, channels_are = self._tangential(gradient, variable, direction, per_channel)
        as_whole, whole_is = self._tangential(gradient, variable, direction, whole)
        projected = tf.where(channels_are, by_channel, tf.where(whole_is, as_whole, direction))
        return projected, channels_are | whole_is

    def _tangential(self, gradient, variable, direction, axes):
        """Projects a direction off the weight over `axes`, and tells whether it should be."""

        def dot(one, other):
            return tf.reduce_sum(one * other, axes, keepdims=True)

        lengths = tf.sqrt(dot(variable, variable))
        products = tf.maximum(tf.sqrt(dot(gradient, gradient)) * lengths, self.epsilon)
        cosines = tf.abs(dot(gradient, variable)) / products
        size = math.prod(variable.shape[axis] for axis in axes)
        unit = variable / (lengths + self.epsilon)
        is_orthogonal = tf.reduce_max(cosines) < self.delta / math.sqrt(size)
        return direction - unit * dot(unit, direction), is_orthogonal

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "learning_rate": self._serialize_hyperparameter(self._learning_rate),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "weight_decay": self.decoupled_decay,
            "delta": self.delta,
            "decay_ratio": self.decay_ratio,
        }
