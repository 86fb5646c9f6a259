"""Arguments out of range must be refused when a network or layer is created."""

import itertools

import keras
import numpy as np
import pytest

from asd_tf.losses import DDCSAD, GenerativeContrastiveLoss, SubclusterAdaCos
from asd_tf.models import (
    conformer_autoencoder,
    conformer_block,
    embedding_model,
    interpolation_dnn,
    log_mel_resnet,
    mobile_face_net,
    mobilenet_v2,
    predictive_autoencoder,
    resnet18,
    resnet34,
    resnext50,
    spectrogram_resnet,
    spectrum_cnn,
    stgram_mfn,
    window_autoencoder,
)
from asd_tf.models.encoders import GradientDecay, LoRADense, Parts, Transformer
from asd_tf.models.encoders.attention import (
    DotProductAttention,
    RelativeGate,
    RelativePositionBias,
)
from asd_tf.models.encoders.ced import DynamicRange
from asd_tf.models.encoders.positions import ConvPositions, PatchPositions, PositionTable
from asd_tf.models.encoders.segments import JoinSegments, SplitSegments
from asd_tf.models.heads import ApplyToCrops, ResidualDistances, evenly_spaced
from asd_tf.models.layers import (
    CountedDropout,
    LayerDrop,
    LayerFactory,
    ReconstructFrames,
    RelativeSelfAttention,
    SeededDropout,
    StepSeed,
    pool_tokens,
)

IMAGE = keras.Input([40, 32])
WAVE = keras.Input([20000])


def block(**kwargs):
    return conformer_block(IMAGE, itertools.count(), **kwargs)


def transformer(**kwargs):
    return Transformer(**{"depth": 1, "width": 8, "heads": 2, "ffn": 8, "pre_norm": True, **kwargs})


def lora(**kwargs):
    return LoRADense(**{"units": 3, "rank": 2, "alpha": 1.0, **kwargs})


def stgram(**kwargs):
    return stgram_mfn(IMAGE, WAVE, **kwargs)


def pae(**kwargs):
    small = {"encoder": 8, "decoder": 4, "bottleneck": 2, "blocks": 1, "heads": 2}
    return predictive_autoencoder(5, 6, **{**small, **kwargs})


def conformer(**kwargs):
    return conformer_autoencoder(**{"frames": 5, "bands": 4, "groups": 2, "width": 8, **kwargs})


def of(build, *inputs):
    """Returns a function that builds a network on given inputs."""

    def built(**kwargs):
        return build(*inputs, **kwargs)

    built.__name__ = build.__name__
    return built


CASES = [
    (embedding_model, {"samples": 3072, "width": 0}, "width"),
    (embedding_model, {"samples": 3072, "dense": 0}, "dense"),
    (embedding_model, {"samples": 3072, "l2": -1.0}, "l2"),
    (of(spectrogram_resnet, IMAGE), {"width": 0}, "width"),
    (of(spectrum_cnn, WAVE), {"dense": 0}, "dense"),
    (of(log_mel_resnet, IMAGE), {"width": 0}, "width"),
    (of(log_mel_resnet, IMAGE), {"dense": 2.5}, "dense"),
    (of(mobile_face_net, keras.Input([32, 32, 2])), {"width": 0}, "width"),
    (of(mobile_face_net, keras.Input([32, 32, 2])), {"embedding": 0}, "embedding"),
    (of(mobilenet_v2, IMAGE), {"alpha": 0.0}, "alpha"),
    (of(mobilenet_v2, IMAGE), {"classes": 0}, "classes"),
    (of(resnet18, IMAGE), {"width": 0}, "width"),
    (of(resnet34, IMAGE), {"blocks": (1, 0)}, r"blocks\[1\]"),
    (of(resnet34, IMAGE), {"embedding": 0}, "embedding"),
    (of(resnext50, IMAGE), {"groups": 0}, "groups"),
    (of(resnext50, IMAGE), {"group_width": 0}, "group_width"),
    (stgram, {"width": 0}, "width"),
    (stgram, {"embedding": 0}, "embedding"),
    (window_autoencoder, {"depth": 0}, "depth"),
    (window_autoencoder, {"hidden": 0}, "hidden"),
    (window_autoencoder, {"bottleneck": 0}, "bottleneck"),
    (window_autoencoder, {"frames": 0}, "frames"),
    (window_autoencoder, {"std": 0.0}, "std"),
    (interpolation_dnn, {"widths": (4, 0)}, r"widths\[1\]"),
    (interpolation_dnn, {"std": -1.0}, "std"),
    (pae, {"heads": 3}, "heads"),
    (pae, {"blocks": 0}, "blocks"),
    (pae, {"expansion": 0}, "expansion"),
    (pae, {"std": 0.0}, "std"),
    (conformer, {"blocks": 0}, "blocks"),
    (conformer, {"heads": 3}, "heads"),
    (conformer, {"dropout": 1.0}, "dropout"),
    (conformer, {"bottleneck": 0}, "bottleneck"),
    (block, {"kernel": 0}, "kernel"),
    (block, {"expansion": 0}, "expansion"),
    (transformer, {"depth": 0}, "depth"),
    (transformer, {"heads": 3}, "heads"),
    (transformer, {"ffn": 0}, "ffn"),
    (transformer, {"layer_drop": 1.0}, "layer_drop"),
    (Parts, {"dense_dropout": 1.0}, "dense_dropout"),
    (lora, {"rank": 0}, "rank"),
    (lora, {"alpha": 0.0}, "alpha"),
    (lora, {"units": 0}, "units"),
    (lora, {"dropout": 1.0}, "dropout"),
    (GradientDecay, {"block": keras.layers.Dense(2), "ratio": 1.5}, "ratio"),
    (DotProductAttention, {"heads": 0}, "heads"),
    (DotProductAttention, {"heads": 2, "dropout": 1.0}, "dropout"),
    (RelativePositionBias, {"heads": 2, "buckets": 2}, "buckets"),
    (RelativePositionBias, {"heads": 2, "buckets": 8, "max_distance": 2}, "max_distance"),
    (RelativeGate, {"heads": 0}, "heads"),
    (DynamicRange, {"decibels": 0.0}, "decibels"),
    (ConvPositions, {"taps": 0}, "taps"),
    (ConvPositions, {"groups": 0}, "groups"),
    (PositionTable, {"rows": 0}, "rows"),
    (PatchPositions, {"times": 0}, "times"),
    (SplitSegments, {"size": 0}, "size"),
    (SplitSegments, {"size": 5, "last": "drop"}, "last"),
    (JoinSegments, {"count": 0}, "count"),
    (RelativeSelfAttention, {"heads": 0}, "heads"),
    (RelativeSelfAttention, {"heads": 2, "dropout": 1.0}, "rate"),
    (CountedDropout, {"rate": -0.1, "seed": 0}, "rate"),
    (SeededDropout, {"rate": 1.0}, "rate"),
    (LayerDrop, {"rate": 1.1}, "rate"),
    (LayerFactory, {"l2": -0.1}, "l2"),
    (ReconstructFrames, {"networks": []}, "networks"),
    (of(pool_tokens, IMAGE), {"pooling": "max"}, "pooling"),
    (of(pool_tokens, IMAGE), {"hidden": 0}, "hidden"),
    (evenly_spaced, {"frames": 5, "size": 6, "crops": 2}, "size"),
    (evenly_spaced, {"frames": 5, "size": 3, "crops": 0}, "crops"),
    (GenerativeContrastiveLoss, {"classes": 2, "temperature": float("nan")}, "temperature"),
    (GenerativeContrastiveLoss, {"classes": 2, "l2": -1.0}, "l2"),
    (SubclusterAdaCos, {"classes": 1}, "classes"),
    (SubclusterAdaCos, {"classes": 2, "subclusters": 0}, "subclusters"),
    (SubclusterAdaCos, {"classes": 2, "initial_scale": 0.0}, "initial_scale"),
    (DDCSAD, {"weight": float("nan")}, "weight"),
]


@pytest.mark.parametrize(
    ("build", "arguments", "name"), CASES, ids=[f"{c[0].__name__}-{c[2]}" for c in CASES]
)
def test_arguments_out_of_range_are_refused(build, arguments, name):
    """The message must name the argument and the value it got."""
    with pytest.raises(ValueError, match=rf"^{name} must .* got .*"):
        build(**arguments)


def test_sizes_that_do_not_fit_the_input_are_refused():
    crops = keras.Sequential([keras.Input([4, 3]), keras.layers.Flatten()])
    with pytest.raises(ValueError, match=r"^starts must be in \[0, 2\], got \[0, 3\]$"):
        ApplyToCrops(crops, [0, 3]).build([None, 6, 3])
    with pytest.raises(ValueError, match=r"^starts must be one or more"):
        ApplyToCrops(crops, [])
    with pytest.raises(ValueError, match=r"^groups must divide the width 6, got 4$"):
        ConvPositions(3, 4).build([None, 5, 6])
    windows = keras.Sequential([keras.Input([4, 3]), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match=r"^precisions must have the shape \[kinds, 3, 3\]"):
        ResidualDistances(windows, np.eye(3))


def test_a_step_seed_is_zero_in_inference():
    assert StepSeed(3)(np.ones([1])).numpy().tolist() == [0, 0]
