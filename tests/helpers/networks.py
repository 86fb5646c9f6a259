"""What tests look up in a network."""

import keras
import tensorflow as tf

from asd_tf.compat import sublayers


def of_kind(model: keras.Model, *kinds: type) -> list[keras.layers.Layer]:
    """Returns the layers of some kinds, those inside other layers included."""
    return [layer for layer in sublayers(model) if isinstance(layer, kinds)]


def after(model: keras.Model, layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Returns the layers of a functional model that a layer's output goes to."""
    return [x for x in model.layers if any(y is layer.output for y in tf.nest.flatten(x.input))]
