"""Wrappers of an encoder's blocks: gradient checkpointing and layer-wise gradient decay."""

import keras
import tensorflow as tf

from asd_tf.arguments import check_probabilities
from asd_tf.models.layers.wrapper import Wrapper


@keras.saving.register_keras_serializable(package="asd_tf")
class Recomputed(Wrapper):
    """A block whose activations are computed again for the gradient instead of being stored.

    Gradient checkpointing (Chen et al., "Training deep nets with sublinear memory cost", 2016).
    Called like the block, with a list whose first tensor is its tokens [batch, tokens, width];
    outputs and gradients are those of the block. Only the inputs of a block stay in memory, and
    each block is computed twice in a step. All randomness of the block must come from a seed among
    its inputs, and it must not update statistics.

    Args:
        block: A model or layer.
    """

    WRAPPED = "block"

    def __init__(self, block: keras.Model, **kwargs):
        # The block casts its own inputs; a relative bias must stay float32.
        super().__init__(**{**kwargs, "autocast": False})
        self.block = block

    def call(self, inputs, training=None):
        """Calls the block."""
        if not training:
            return self.block(inputs, training=training)
        positions = [i for i, tensor in enumerate(inputs) if tensor.dtype.is_floating]

        def compute(*floats):
            # A seed has no gradient, so it must not be an argument of recompute_grad.
            arguments = list(inputs)
            for position, tensor in zip(positions, floats, strict=True):
                arguments[position] = tensor
            return self.block(arguments, training=True)

        return tf.recompute_grad(compute)(*(inputs[position] for position in positions))


@keras.saving.register_keras_serializable(package="asd_tf")
class GradientDecay(Wrapper):
    """A block whose gradient with respect to its tokens is multiplied by a ratio.

    As in BEATs, whose `layer_wise_gradient_decay_ratio` is 0.6. The weights of block i of d blocks,
    counted from 0, get gradients multiplied by ratio^(d - 1 - i), and the layers before all blocks
    by ratio^d. The gradient that reaches a shared relative bias through block i is not decayed by
    that block. Outputs are those of the block. Adam, whose steps do not depend on the size of the
    gradients, is nearly unaffected.

    Args:
        block: A model or layer, called with a list whose first tensor is its tokens.
        ratio: In [0, 1].

    Raises:
        ValueError: If `ratio` is out of range.
    """

    WRAPPED = "block"

    def __init__(self, block: keras.Model, ratio: float, **kwargs):
        super().__init__(**{**kwargs, "autocast": False})
        check_probabilities(ratio=ratio)
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
        return {**super().get_config(), "ratio": self.ratio}
