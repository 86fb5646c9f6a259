"""The names of this package for Keras 3."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import tensorflow as tf

Layer = keras.layers.Layer
Optimizer = keras.optimizers.Optimizer


@keras.saving.register_keras_serializable(package="asd_tf")
class LossScaleOptimizer(keras.optimizers.LossScaleOptimizer):
    """Skips a step if the gradients of any replica are not finite.

    Keras 3 asks the first replica only, whose gradients have not been summed with the others' yet.
    """

    def check_finite(self, grads):
        """Returns whether all gradients of all replicas are finite."""
        infinite = tf.cast(tf.logical_not(super().check_finite(grads)), tf.float32)
        return tf.equal(summed_over_replicas([infinite])[0], 0)


def sublayers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Returns all layers inside a model or layer, each once, without the layer itself."""
    found: dict[int, keras.layers.Layer] = {}

    def visit(parent: keras.layers.Layer) -> None:
        # A model has its layers in a public list, a layer only in its attributes.
        held = parent.layers if isinstance(parent, keras.Model) else list(vars(parent).values())
        for child in keras.tree.flatten(held):
            if isinstance(child, keras.layers.Layer) and id(child) not in found:
                found[id(child)] = child
                visit(child)

    visit(layer)
    found.pop(id(layer), None)
    return list(found.values())


def path_of(variable: keras.Variable | tf.Variable) -> str:
    """Returns the name of a variable with those of the layers that hold it."""
    return getattr(variable, "path", None) or variable.name.removesuffix(":0")


def native(variable: keras.Variable | tf.Variable) -> tf.Variable:
    """Returns the variable of TensorFlow, which `tf.distribute` needs."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def state_of_training(model: keras.Model) -> dict[str, Any]:
    """Returns what `tf.train.Checkpoint` has to hold of a compiled model with a built optimizer.

    Listed one by one: from a model, TensorFlow finds neither the states of random generators nor
    everything in layers inside layers.
    """
    return {"variables": model.variables, "optimizer": model.optimizer.variables}


def save_h5(model: keras.Model, path: Path) -> None:
    """Writes weights in the older H5 layout, which `load_weights` of both versions reads."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        file.attrs["keras_version"] = keras.__version__.encode()
        file.attrs["backend"] = b"tensorflow"
        for layer in model.layers:
            group = file.create_group(layer.name)
            weights = [*layer.trainable_weights, *layer.non_trainable_weights]
            names = [f"{weight.path}:0" for weight in weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, weights, strict=True):
                group.create_dataset(name, data=weight.numpy())


def summed_over_replicas(gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the gradients that `Optimizer.apply` gets, summed over the replicas."""
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, list(gradients))


def apply_summed(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[keras.Variable],
) -> None:
    """Applies gradients that have been summed over the replicas; called in each replica."""
    # The optimizer clips what it gets in each replica, and only then sums it over the replicas: so
    # the first replica gives all, and the others nothing.
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        is_first = tf.equal(tf.distribute.get_replica_context().replica_id_in_sync_group, 0)
        gradients = [tf.where(is_first, gradient, 0) for gradient in gradients]
    optimizer.apply(list(gradients), list(variables))


def efficientnet_b3(**kwargs) -> keras.Model:
    """Builds Keras' EfficientNet-B3 without dropping blocks in training."""
    network = keras.applications.EfficientNetB3(**kwargs)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return network
