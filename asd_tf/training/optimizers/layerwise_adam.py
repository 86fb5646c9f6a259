"""Adam with a learning rate for each kind of layer."""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from asd_tf.arguments import check_at_least, check_rates
from asd_tf.compat import path_of, sublayers
from asd_tf.training.optimizers.moments import MomentOptimizer

# Convolutions, and the batch norms that follow them.
_CONVOLUTIONAL = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.BatchNormalization,
)


def rate_factors(model: keras.Model, *, convolution: float) -> dict[str, float]:
    """Returns the `factors` of a `LayerwiseAdam` with another rate for convolutions.

    Args:
        model: A built model; layers inside its layers are included.
        convolution: Factor of the learning rate for convolutions and batch norms; all other layers,
            such as dense layers and the centers of losses, have the factor 1.

    Returns:
        Path of the variable to its factor, for the convolutions and batch norms.
    """
    return {
        path_of(weight): convolution
        for layer in sublayers(model)
        if isinstance(layer, _CONVOLUTIONAL)
        for weight in layer.trainable_weights
    }


@keras.saving.register_keras_serializable(package="asd_tf")
class LayerwiseAdam(MomentOptimizer):
    """Adam (Kingma and Ba, ICLR 2015, Algorithm 1) with a factor of the rate per variable.

    It is one optimizer with one step count and one schedule, so that its whole state is in a
    checkpoint. As in PyTorch, epsilon is added to the bias-corrected root, and the bias correction
    for a scheduled `beta_1` uses its present value for all steps.

    Args:
        learning_rate: A number or a schedule.
        factors: Path of a variable to its factor of the learning rate; 1 for all others.
        beta_1: Decay rate of the first moment: a number or a schedule.
        beta_2: Decay rate of the second moment, in [0, 1).
        epsilon: Added to the root of the second moment.
        name: Name of the optimizer.
        **kwargs: Further arguments of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If `beta_2` is out of range or a factor is negative.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        factors: Mapping[str, float] | None = None,
        beta_1=0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        name: str = "LayerwiseAdam",
        **kwargs,
    ):
        super().__init__(learning_rate, name=name, **kwargs)
        check_rates(beta_2=beta_2)
        check_at_least(0, **{f"factors[{key!r}]": value for key, value in (factors or {}).items()})
        # Pairs, because a checkpoint would track a dict.
        self._named_factors = tuple((factors or {}).items())
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables):
        """Creates the moments of the variables and looks up their factors.

        Raises:
            ValueError: If the name of a factor is that of no variable or of several.
        """
        if not self.built:
            self._factors = tuple(_in_order(dict(self._named_factors), variables))
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable."""
        gradient = tf.convert_to_tensor(gradient)
        step = tf.cast(self.iterations + 1, variable.dtype)
        beta_1 = self.beta_1(self.iterations) if callable(self.beta_1) else self.beta_1
        beta_1 = tf.cast(beta_1, variable.dtype)
        index = self._get_variable_index(variable)
        rate = tf.cast(learning_rate, variable.dtype) * self._factors[index]
        first, second = self._moments(variable)
        first.assign(beta_1 * first + (1 - beta_1) * gradient)
        second.assign(self.beta_2 * second + (1 - self.beta_2) * tf.square(gradient))
        root = tf.sqrt(second / (1 - tf.pow(self.beta_2, step)))
        variable.assign_sub(rate / (1 - tf.pow(beta_1, step)) * first / (root + self.epsilon))

    def get_config(self):
        """Returns the arguments."""
        beta_1 = self.beta_1
        if callable(beta_1):
            beta_1 = keras.optimizers.schedules.serialize(beta_1)
        return {
            **super().get_config(),
            "factors": dict(self._named_factors),
            "beta_1": beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Builds the optimizer and its schedules."""
        config = dict(config)
        if isinstance(config["beta_1"], dict):
            config["beta_1"] = keras.optimizers.schedules.deserialize(config["beta_1"])
        return super().from_config(config, custom_objects)


def _in_order(factors: dict[str, float], variables: Sequence) -> list[float]:
    """Returns the factor of each variable."""
    names = [path_of(variable) for variable in variables]
    for name in factors:
        if names.count(name) != 1:
            raise ValueError(
                f"each name in factors must be that of one variable, got {name} of "
                f"{names.count(name)} variables: make factors from the trained model, and give its "
                "layers unique names"
            )
    return [factors.get(name, 1.0) for name in names]
