"""A model that is built once and trained several times, from the same initial state."""

import keras


class InitialState:
    """Restores the initial weights and optimizer state of a compiled model.

    TensorFlow 2.15 keeps the graph of a trained model, and with it the model's weights, in memory
    until the process ends: one network per section would fill the memory where there are hundreds
    of sections. Tracing also takes longer than many training steps. So sections share one model,
    and each training starts from the same initial weights.

    Args:
        model: A compiled model that has not been trained yet.
    """

    def __init__(self, model: keras.Model):
        self._model = model
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)
        self._weights = model.get_weights()
        self._state = [variable.numpy() for variable in model.optimizer.variables]

    def restore(self) -> None:
        """Sets the weights and the state of the optimizer to their initial values."""
        self._model.set_weights(self._weights)
        for variable, value in zip(self._model.optimizer.variables, self._state, strict=True):
            variable.assign(value)
