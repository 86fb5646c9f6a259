"""Compilation of networks, in one way for all methods."""

import keras

from asd_tf.compat import LossScaleOptimizer


def compile_network(
    network: keras.Model, optimizer: keras.optimizers.Optimizer, loss=None, **kwargs
) -> None:
    """Compiles a network without XLA, and with a scaled loss under `mixed_float16`.

    Args:
        network: The network.
        optimizer: Its optimizer.
        loss: Its loss, or None if its layers add all losses.
        **kwargs: Further arguments of `compile`.
    """
    if network.dtype_policy.name == "mixed_float16":
        optimizer = LossScaleOptimizer(optimizer)
    # Keras 3 would otherwise turn XLA on where there is a GPU, and results would differ.
    network.compile(optimizer, loss, jit_compile=False, **kwargs)
