"""Adam with a learning rate for each kind of layer."""

from collections.abc import Mapping

import keras
import tensorflow as tf

# What belongs to the convolutions of a network: theirs are the norms that follow them.
_CONVOLUTIONAL = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.BatchNormalization,
)


def rate_factors(model: keras.Model, *, convolution: float) -> dict[str, float]:
    """Returns the `factors` of a `LayerwiseAdam` by which convolutions learn at another rate.

    Args:
        model: A built model; layers within its layers count too.
        convolution: Factor of the learning rate for convolutions and batch norms; other layers,
            such as dense ones and centres of losses, learn at the rate itself.
    """
    return {
        weight.name: convolution
        for layer in model.submodules
        if isinstance(layer, _CONVOLUTIONAL)
        for weight in layer.trainable_weights
    }


@keras.saving.register_keras_serializable(package="asd_tf")
class LayerwiseAdam(keras.optimizers.Optimizer):
    """Adam (Kingma and Ba, ICLR 2015, Algorithm 1) with a factor of the rate for each variable.

    One optimizer with one count of steps and one schedule, so that it is checkpointed whole. As in
    PyTorch, epsilon is added to the corrected root, and a `beta_1` that changes from step to step
    is corrected as if it had always been what it is now.

    Args:
        learning_rate: A number or a schedule.
        factors: Names of variables to factors of the learning rate; others have 1.
        beta_1: Of the first moment: a number or a schedule.
        beta_2: Of the second moment.
        epsilon: Added to the root of the second moment.
        name: Of the optimizer.
        **kwargs: Of `keras.optimizers.Optimizer`.
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
        super().__init__(name=name, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        # Pairs, because a checkpoint would track a dictionary.
        self._named_factors = tuple((factors or {}).items())
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, var_list):
        """Makes the moments of the variables and looks up their factors.

        Raises:
            ValueError: If a factor is that of no variable, or two variables share its name.
        """
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        self._built = True
        self._factors = tuple(_in_order(dict(self._named_factors), var_list))
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
        beta_1 = self.beta_1(self.iterations) if callable(self.beta_1) else self.beta_1
        beta_1 = tf.cast(beta_1, variable.dtype)
        index = self._index_dict[self._var_key(variable)]
        rate = tf.cast(self.learning_rate, variable.dtype) * self._factors[index]
        first, second = self._first[index], self._second[index]
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
            "learning_rate": self._serialize_hyperparameter(self._learning_rate),
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


def _in_order(factors: dict[str, float], variables: list[tf.Variable]) -> list[float]:
    """Returns the factor of each variable."""
    names = [variable.name for variable in variables]
    for name in factors:
        if names.count(name) != 1:
            raise ValueError(
                f"the factor of {name} is that of {names.count(name)} variables: take factors "
                "from the model that is trained, and give its layers names of their own"
            )
    return [factors.get(name, 1.0) for name in names]
