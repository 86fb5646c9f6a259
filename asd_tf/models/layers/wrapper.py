"""Layers that hold a network or another layer, and are saved with it."""

from typing import Any, ClassVar

import keras


class Wrapper(keras.layers.Layer):
    """Base of layers that hold a network, a trained layer or a list of networks.

    The wrapped object is the first argument of a subclass and the attribute whose name is
    `WRAPPED`. It is serialized with the layer. `get_config` of a subclass adds its other arguments
    to the result of this class.
    """

    WRAPPED: ClassVar[str] = "network"

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, with the wrapped object serialized."""
        wrapped = getattr(self, self.WRAPPED)
        if isinstance(wrapped, list):
            config = [keras.saving.serialize_keras_object(network) for network in wrapped]
        else:
            config = keras.saving.serialize_keras_object(wrapped)
        return {**super().get_config(), self.WRAPPED: config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Wrapper":
        """Builds the layer and the wrapped object."""
        config = dict(config)
        wrapped = config.pop(cls.WRAPPED)
        if isinstance(wrapped, list):
            wrapped = [keras.saving.deserialize_keras_object(network) for network in wrapped]
        else:
            wrapped = keras.saving.deserialize_keras_object(wrapped)
        return cls(wrapped, **config)
