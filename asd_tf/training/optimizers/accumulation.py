"""Gradient accumulation: large batches on machines with little memory."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_counts
from asd_tf.compat import Optimizer, apply_summed, native, summed_over_replicas


@keras.saving.register_keras_serializable(package="asd_tf")
class Accumulated(Optimizer):
    """Applies an inner optimizer to the mean gradient of every few steps.

    With batches of equal size and a loss that is a mean over the batch, the mean gradient is that
    of one batch `steps` times as large; only statistics over a batch, such as those of batch norm,
    are computed on the small batches. The inner optimizer counts, schedules, clips and decays by
    its own steps; `iterations` of this optimizer counts the small steps. Accumulated gradients are
    variables, and so part of checkpoints. Gradients that are still accumulated when the training
    ends are not applied, so the number of small steps should be a multiple of `steps`.

    For float16, wrap this in a `LossScaleOptimizer`: a step with infinite gradients is then
    skipped, and the mean is applied one small step later.

    Args:
        inner: A Keras optimizer.
        steps: Small steps per step of the inner optimizer.
        name: Name of the optimizer.

    Raises:
        ValueError: If `steps` is not a positive integer.
    """

    def __init__(self, inner, steps: int, name: str = "Accumulated", **kwargs):
        check_counts(steps=steps)
        # The learning rate is that of the inner optimizer.
        super().__init__(learning_rate=0.0, name=name, **kwargs)
        self.inner = inner
        self.steps = steps

    def build(self, variables):
        """Creates the sums of gradients, and the inner optimizer's variables."""
        if self.built:
            return
        super().build(variables)
        self.inner.build(variables)
        self._held = self.add_variable(
            [], dtype="int64", aggregation="only_first_replica", name="held"
        )
        self._sums = [self.add_variable_from_reference(variable, "sum") for variable in variables]

    def apply(self, grads, trainable_variables):
        """Adds gradients to the sums, and applies the means in every `steps`-th call."""
        if not self.built:
            self.build(list(trainable_variables))
        pairs = zip(grads, trainable_variables, strict=True)
        pairs = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
        gradients = summed_over_replicas([tf.convert_to_tensor(gradient) for gradient, _ in pairs])
        # Passed by closure: as arguments, mirrored variables would be split into their components.
        variables = [variable for _, variable in pairs]

        def add_and_apply(strategy, *gradients):
            for gradient, total in zip(gradients, self._sums_of(variables), strict=True):
                strategy.extended.update(native(total), _add, args=(gradient,), group=False)
            self._held.assign_add(1)
            is_full = self._held >= self.steps
            tf.cond(is_full, lambda: self._apply_means(strategy, variables), lambda: False)
            self.iterations.assign_add(1)

        # A condition around communication between replicas must be outside the replica context.
        tf.distribute.get_replica_context().merge_call(add_and_apply, args=gradients)

    def _apply_means(self, strategy, variables):
        """Applies the mean gradients, and resets the sums and the count of accumulated steps."""
        sums = self._sums_of(variables)

        def in_replica():
            apply_summed(self.inner, [total / self.steps for total in sums], variables)

        strategy.extended.call_for_each_replica(in_replica)
        for total in sums:
            strategy.extended.update(native(total), _clear, group=False)
        self._held.assign(0)
        return True

    def _sums_of(self, variables):
        return [self._sums[self._get_variable_index(variable)] for variable in variables]

    @property
    def variables(self):
        """The sums, the counts, and the variables of the inner optimizer."""
        return [*super().variables, *self.inner.variables]

    @property
    def learning_rate(self):
        """Learning rate of the inner optimizer."""
        return self.inner.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner.learning_rate = value

    def finalize_variable_values(self, var_list):
        """Lets the inner optimizer assign averaged weights, if it keeps any."""
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
        """Builds the optimizer and the inner optimizer."""
        inner = keras.saving.deserialize_keras_object(
            config["inner"], custom_objects=custom_objects
        )
        return cls(**{**config, "inner": inner})


def _add(total, gradient):
    total.assign_add(tf.cast(gradient, total.dtype))


def _clear(total):
    total.assign(tf.zeros_like(total))
