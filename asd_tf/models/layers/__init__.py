"""Layers that several networks share."""

from asd_tf.models.layers.convolutions import BlockConv1D, GroupedConv2D, StemConv2D
from asd_tf.models.layers.factory import LayerFactory, batch_norm, fast_batch_norm
from asd_tf.models.layers.frame_pooling import DeviationPooling
from asd_tf.models.layers.pooling import pool_tokens
from asd_tf.models.layers.reconstruct_frames import ReconstructFrames
from asd_tf.models.layers.relative_attention import RelativeSelfAttention
from asd_tf.models.layers.stateless_dropout import (
    CountedDropout,
    LayerDrop,
    SeededDropout,
    StepSeed,
)
from asd_tf.models.layers.wrapper import Wrapper

__all__ = [
    "BlockConv1D",
    "CountedDropout",
    "DeviationPooling",
    "GroupedConv2D",
    "LayerDrop",
    "LayerFactory",
    "ReconstructFrames",
    "RelativeSelfAttention",
    "SeededDropout",
    "StemConv2D",
    "StepSeed",
    "Wrapper",
    "batch_norm",
    "fast_batch_norm",
    "pool_tokens",
]
