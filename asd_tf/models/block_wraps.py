"""What can be put around a block of an encoder: recomputation, and gradients that get smaller."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="asd_tf")
class Recomputed(keras.layers.Layer):
    """A block whose inner values are not kept for the gradient but computed again.

    After Chen et al., "Training deep nets with sublinear memory cost" (2016). Called as the block
    is, with a list whose first tensor is its tokens [batch, tokens, width]; it gives what the block
    gives, with the same gradients. Memory for a block falls to that of its inputs, and each
    is computed twice in a step. A block must draw nothing but by a seed that it is given, and have
    no statistics that it updates.

    Args:
        block: A model or layer.
    """

    def __init__(self, block: keras.Model, **kwargs):
        # The block has a policy of its own, and a relative bias must not lose its precision.
        super().__init__(**{**kwargs, "autocast": False})
        self.block = block

    def call(self, inputs, training=None):
        """Calls the block."""
        if not training:
            return self.block(inputs, training=training)
        places = [i for i, tensor in enumerate(inputs) if tensor.dtype.is_floating]

        def compute(*floats):
            # A seed has no gradient, so that it may not be among the arguments.
            arguments = list(inputs)
            for place, tensor in zip(places, floats, strict=True):
                arguments[place] = tensor
            return self.block(arguments, training=True)

        return tf.recompute_grad(compute)(*(inputs[place] for place in places))

    def get_config(self):
        """Returns the arguments."""
        block = keras.saving.serialize_keras_object(self.block)
        return {**super().get_config(), "block": block}

    @classmethod
    def from_config(cls, config):
        """Makes the layer with its block."""
        block = keras.saving.deserialize_keras_object(config["block"])
        return cls(**{**config, "block": block})


@keras.saving.register_keras_serializable(package="asd_tf")
class GradientDecay(keras.layers.Layer):
    """A block whose gradient with respect to its tokens is multiplied by a ratio.

    As BEATs does before every block with `layer_wise_gradient_decay_ratio` 0.6: the weights of the
    block i of d, from 0, get gradients multiplied by ratio^(d - 1 - i), and what is in front of the
    blocks by ratio^d; what reaches a shared relative bias through block i is not decayed by that
    block. The outputs are the block's. To Adam, whose steps do not depend on the length of a
    gradient, this is nearly nothing; `layer_multipliers` is for learning rates.

    Args:
        block: A model or layer, called with a list whose first tensor is its tokens.
        ratio: In 0..1.
    """

    def __init__(self, block: keras.Model, ratio: float, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        self.block = block
        self.ratio = ratio

    def call(self, inputs, training=None):
        """Calls the block."""
        tokens, *others = inputs
        return self.block([self._decayed(tokens), *others], training=training)

    def _decayed(self, tokens):
        @tf.custom_gradient
        def decayed(x):
            return tf.identity(x), lambda gradient: gradient * tf.cast(self.ratio, gradient.dtype)

        return decayed(tokens)

    def get_config(self):
        """Returns the arguments."""
        block = keras.saving.serialize_keras_object(self.block)
        return {**super().get_config(), "block": block, "ratio": self.ratio}

    @classmethod
    def from_config(cls, config):
        """Makes the layer with its block."""
        block = keras.saving.deserialize_keras_object(config["block"])
        return cls(**{**config, "block": block})
