"""Large batches on small machines: gradients of several steps, applied as one."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class Accumulated(keras.optimizers.Optimizer):
    """An optimizer that is given the mean gradient of every few steps.

    With batches of equal size and a loss that is a mean, it sees what it would see of a batch
    that many times as large; only statistics over a batch, as of batch norm, are those of the small
    one. The inner optimizer counts, schedules, clips and decays by its own steps; `iterations` of
    this one counts the small steps. What is held lies in variables and hence in checkpoints. What
    is held when the training ends is not applied, so the number of steps should be a multiple.

    For float16, wrap this in a `LossScaleOptimizer`: a step with infinite gradients is then left
    out, and the mean waits for another one.

    Args:
        inner: A Keras optimizer.
        steps: Small steps in a step of the inner optimizer, at least 1.
        name: Of the optimizer.

    Raises:
        ValueError: If `steps` is less.
    """

    def __init__(self, inner, steps: int, name: str = "Accumulated", **kwargs):
        if steps < 1:
            raise ValueError(f"gradients of {steps} steps cannot be applied: use at least 1")
        super().__init__(name=name, weight_decay=None, **kwargs)
        self.inner = inner
        self.steps = steps

    def build(self, var_list):
        """Makes the sums of gradients, and the inner optimizer's variables."""
        super().build(var_list)
        if getattr(self, "_built", False):
            return
        self._built = True
        self.inner.build(var_list)
        self._held = tf.Variable(
            0,
            trainable=False,
            dtype=tf.int64,
            name="held",
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        self._variables.append(self._held)
        self._sums = [
            self.add_variable_from_reference(model_variable=variable, variable_name="sum")
            for variable in var_list
        ]

    def apply_gradients(
        self, grads_and_vars, name=None, skip_gradients_aggregation=False, **kwargs
    ):
        """Adds gradients, and applies their mean after every `steps` calls."""
        pairs = [(gradient, variable) for gradient, variable in grads_and_vars]
        with tf.init_scope():
            self.build([variable for _, variable in pairs])
        pairs = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
        if not skip_gradients_aggregation:
            pairs = self.aggregate_gradients(pairs)
        gradients = [tf.convert_to_tensor(gradient) for gradient, _ in pairs]
        # In a closure, since replicas would be handed the parts of a mirrored variable.
        variables = [variable for _, variable in pairs]

        def add_and_apply(strategy, *gradients):
            for gradient, total in zip(gradients, self._sums_of(variables), strict=True):
                strategy.extended.update(total, _add, args=(gradient,), group=False)
            self._held.assign_add(1)
            is_full = self._held >= self.steps
            tf.cond(is_full, lambda: self._apply(strategy, variables), lambda: self._held)
            return self.iterations.assign_add(1)

        # A condition around what replicas do together is possible only outside of them.
        return tf.distribute.get_replica_context().merge_call(add_and_apply, args=gradients)

    def _apply(self, strategy, variables):
        """Applies the mean of what is held, lets it go, and returns that nothing is held."""
        sums = self._sums_of(variables)

        def in_replica():
            self.inner.apply_gradients(
                [(t / self.steps, v) for t, v in zip(sums, variables, strict=True)],
                skip_gradients_aggregation=True,
            )

        strategy.extended.call_for_each_replica(in_replica)
        for total in sums:
            strategy.extended.update(total, lambda t: t.assign(tf.zeros_like(t)), group=False)
        return self._held.assign(0)

    def _sums_of(self, variables):
        return [self._sums[self._index_dict[self._var_key(variable)]] for variable in variables]

    @property
    def learning_rate(self):
        """That of the inner optimizer."""
        return self.inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner.learning_rate = value

    def finalize_variable_values(self, var_list):
        """Lets the inner optimizer put averages in place, if it keeps them."""
        self.inner.finalize_variable_values(var_list)

    def get_config(self):
        """Returns the arguments."""
        return {
            "inner": keras.saving.serialize_keras_object(self.inner),
            "steps": self.steps,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Makes the optimizer with the inner one."""
        inner = keras.saving.deserialize_keras_object(
            config["inner"], custom_objects=custom_objects
        )
        return cls(**{**config, "inner": inner})


def _add(total, gradient):
    total.assign_add(tf.cast(gradient, total.dtype))
