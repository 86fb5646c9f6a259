"""Keras 3 where Keras 2.15 is installed: the one place that knows that there are two.

Everything else is written for the public API of Keras 3. What Keras 2.15 lacks, or calls by another
name, has one name here with a definition for each: `keras_3` shows what is meant, and `keras_2` is
deleted together with the support of that version.
"""

import keras

# Keras 2 has no operations of its own.
if hasattr(keras, "ops"):
    from asd_tf.compat.keras_3 import (
        Layer,
        LossScaleOptimizer,
        Optimizer,
        apply_summed,
        efficientnet_b3,
        native,
        path_of,
        save_h5,
        state_of_training,
        sublayers,
        summed_over_replicas,
    )
else:
    from asd_tf.compat.keras_2 import (
        Layer,
        LossScaleOptimizer,
        Optimizer,
        apply_summed,
        efficientnet_b3,
        native,
        path_of,
        save_h5,
        state_of_training,
        sublayers,
        summed_over_replicas,
    )

__all__ = [
    "Layer",
    "LossScaleOptimizer",
    "Optimizer",
    "apply_summed",
    "efficientnet_b3",
    "native",
    "path_of",
    "save_h5",
    "state_of_training",
    "sublayers",
    "summed_over_replicas",
]
