"""AdamP (Heo et al., ICLR 2021): Adam that does not lengthen scale-invariant weights."""

import math

import keras
import tensorflow as tf

from asd_tf.arguments import check_rates
from asd_tf.training.optimizers.moments import MomentOptimizer


@keras.saving.register_keras_serializable(package="asd_tf")
class AdamP(MomentOptimizer):
    """Adam without the radial component of the step for scale-invariant weights.

    The function of a network does not depend on the norm of weights that are followed by a batch
    norm or a cosine. Momentum lets that norm grow, which makes steps relatively smaller. A variable
    with two or more axes is taken for scale-invariant if its gradient is almost orthogonal to it
    (Algorithm 2): first tested per channel, then as a whole. Vectors such as biases are never
    taken for scale-invariant.

    The last axis of a variable is its channel axis, as in the kernels of Keras and in the centers
    of the cosine losses. Weight decay is decoupled from the gradient.

    Args:
        learning_rate: A number or a schedule.
        beta_1: Decay rate of the first moment, in [0, 1).
        beta_2: Decay rate of the second moment, in [0, 1).
        epsilon: Added to the root of the second moment, and to norms.
        weight_decay: Weights are multiplied by 1 - learning rate x weight_decay in each step.
        delta: Gradient and weight are taken for orthogonal if the largest |cosine| is below
            delta / sqrt(size of the weight).
        decay_ratio: Factor of the weight decay where the radial component is removed.
        name: Name of the optimizer.
        **kwargs: Further arguments of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If `beta_1` or `beta_2` is out of range.
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
        # Keras' own weight decay is off, since this one depends on the projection.
        super().__init__(learning_rate, name=name, **kwargs)
        check_rates(beta_1=beta_1, beta_2=beta_2)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.decoupled_decay = weight_decay
        self.delta = delta
        self.decay_ratio = decay_ratio

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable."""
        gradient = tf.convert_to_tensor(gradient)
        step = tf.cast(self.iterations + 1, variable.dtype)
        rate = tf.cast(learning_rate, variable.dtype)
        first, second = self._moments(variable)
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
        """Removes the radial component of a direction if the weight is taken for scale-invariant.

        Returns the direction, and whether the component was removed.
        """
        per_channel = list(range(variable.shape.rank - 1))
        whole = list(range(variable.shape.rank))
        by_channel, channels_are = self._tangential(gradient, variable, direction, per_channel)
        as_whole, whole_is = self._tangential(gradient, variable, direction, whole)
        projected = tf.where(channels_are, by_channel, tf.where(whole_is, as_whole, direction))
        return projected, channels_are | whole_is

    def _tangential(self, gradient, variable, direction, axes):
        """Returns the direction orthogonal to the weight over `axes`, and whether to use it."""

        def dot(left, right):
            return tf.reduce_sum(left * right, axes, keepdims=True)

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
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "weight_decay": self.decoupled_decay,
            "delta": self.delta,
            "decay_ratio": self.decay_ratio,
        }
