"""The names of this package for Keras 2.15."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

LossScaleOptimizer = keras.mixed_precision.LossScaleOptimizer

_AGGREGATIONS = {
    "none": tf.VariableAggregation.NONE,
    "mean": tf.VariableAggregation.MEAN,
    "sum": tf.VariableAggregation.SUM,
    "only_first_replica": tf.VariableAggregation.ONLY_FIRST_REPLICA,
}


class Layer(keras.layers.Layer):
    """A layer whose `add_weight` takes the name of an aggregation, as in Keras 3."""

    def add_weight(self, *, aggregation: str = "none", **kwargs):
        """Adds a weight."""
        return super().add_weight(aggregation=_AGGREGATIONS[aggregation], **kwargs)


class Optimizer(keras.optimizers.Optimizer):
    """An optimizer with the constructor and the methods of Keras 3."""

    def __init__(self, learning_rate, weight_decay=None, name: str | None = None, **kwargs):
        super().__init__(name=name or type(self).__name__, weight_decay=weight_decay, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.built = False

    def build(self, variables):
        """Remembers the order of the variables."""
        super().build(variables)
        # The second is what Keras' own optimizers set.
        self.built = self._built = True

    def add_variable(self, shape, initializer="zeros", dtype=None, aggregation="none", name=None):
        """Adds a variable that belongs to no weight."""
        variable = tf.Variable(
            keras.initializers.get(initializer)(shape, dtype=dtype),
            trainable=False,
            name=name,
            aggregation=_AGGREGATIONS[aggregation],
        )
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(self, reference_variable, name=None):
        """Adds a variable of zeros with the shape of a weight."""
        return super().add_variable_from_reference(reference_variable, name)

    def apply_gradients(
        self, grads_and_vars, name=None, skip_gradients_aggregation=False, **kwargs
    ):
        """Sums gradients over the replicas and applies them."""
        pairs = list(grads_and_vars)
        with tf.init_scope():
            self.build([variable for _, variable in pairs])
        pairs = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
        if not skip_gradients_aggregation:
            pairs = self.aggregate_gradients(pairs)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self.iterations

    def apply(self, grads, trainable_variables):
        """Applies gradients that have been summed over the replicas."""
        pairs = list(zip(grads, trainable_variables, strict=True))
        super().apply_gradients(pairs, skip_gradients_aggregation=True)

    def _update_step(self, gradient, variable):
        self.update_step(gradient, variable, self.learning_rate)

    def _get_variable_index(self, variable):
        return self._index_dict[self._var_key(variable)]

    def get_config(self):
        """Returns the arguments."""
        rate = self._serialize_hyperparameter(self._learning_rate)
        return {**super().get_config(), "learning_rate": rate}


def sublayers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Returns all layers inside a model or layer, each once, without the layer itself."""
    return [module for module in layer.submodules if isinstance(module, keras.layers.Layer)]


def path_of(variable: tf.Variable) -> str:
    """Returns the name of a variable with those of the layers that hold it."""
    return variable.name.removesuffix(":0")


def native(variable: tf.Variable) -> tf.Variable:
    """Returns the variable of TensorFlow."""
    return variable


def state_of_training(model: keras.Model) -> dict[str, Any]:
    """Returns what `tf.train.Checkpoint` has to hold of a compiled model with a built optimizer."""
    return {"model": model, "optimizer": model.optimizer}


def save_h5(model: keras.Model, path: Path) -> None:
    """Writes weights in the older H5 layout, which `load_weights` of both versions reads."""
    model.save_weights(path, save_format="h5")


def summed_over_replicas(gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the gradients as they are: `Optimizer.apply` gets them summed over the replicas."""
    return list(gradients)


def apply_summed(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[tf.Variable],
) -> None:
    """Applies gradients that have been summed over the replicas; called in each replica."""
    pairs = list(zip(gradients, variables, strict=True))
    optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)


def efficientnet_b3(**kwargs) -> keras.Model:
    """Builds Keras' EfficientNet-B3 without dropping blocks in training."""
    return keras.applications.EfficientNetB3(**kwargs, drop_connect_rate=0.0)
