"""A model that is built once and trained several times, on one task after the other."""

import keras


class Anew:
    """Brings a compiled model back to where it stood when it was drawn.

    TensorFlow 2.15 keeps the graph of a model that was trained, and with it the model's weights, as
    long as the process lives: a network for each of hundreds of sections would fill the memory.
    And tracing takes longer than many a step. So sections share one model; each begins from the
    same draw.

    Args:
        model: A compiled model that has not been trained yet.
    """

    def __init__(self, model: keras.Model):
        self._model = model
        model.optimizer.build(model.trainable_variables)
        self._weights = model.get_weights()
        self._state = [variable.numpy() for variable in model.optimizer.variables]

    def reset(self) -> None:
        """Sets the weights, and the state of the optimizer, to what they were."""
        self._model.set_weights(self._weights)
        for variable, value in zip(self._model.optimizer.variables, self._state, strict=True):
            variable.assign(value)
