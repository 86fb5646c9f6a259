"""Low-rank adaptation (Hu et al., ICLR 2022) of the dense layers of an encoder."""

import dataclasses
import re
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from asd_tf.arguments import check_counts, check_positive, check_rates
from asd_tf.compat import sublayers
from asd_tf.models.encoders.blocks import KINDS, dense
from asd_tf.models.layers.stateless_dropout import dropped

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


@keras.saving.register_keras_serializable(package="asd_tf")
class LoRADense(keras.layers.Layer):
    """A frozen dense layer plus a trained matrix of low rank.

    Maps x [..., width] to x K + b + alpha / rank x dropout(x) A B [..., units]. B is initialized
    with zeros, so that the layer starts as the function x K + b. K and b are never trained, even if
    the layer is set to trainable. With dropout it is called with [x, seed [2] of the step], without
    dropout with x.

    Args:
        units: Size of the output.
        rank: Columns of A [width, rank] and rows of B [rank, units].
        alpha: Greater than 0; the factor of A B is alpha / rank.
        dropout: Rate of the input of A in training, in [0, 1).
        use_bias: Whether there is b.
        kernel_initializer: Initializer of K, until pre-trained weights are loaded.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        units: int,
        rank: int,
        alpha: float,
        dropout: float = 0.0,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_counts(units=units, rank=rank)
        check_positive(alpha=alpha)
        check_rates(dropout=dropout)
        self.units = units
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    @property
    def factor(self) -> float:
        """Factor of the product of A and B."""
        return self.alpha / self.rank

    @property
    def takes_seed(self) -> bool:
        """Whether it is called with [x, seed]."""
        return self.dropout > 0

    def build(self, input_shape):
        """Creates the weights."""
        width = (input_shape[0] if self.takes_seed else input_shape)[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=[width, self.units],
            initializer=self.kernel_initializer,
            trainable=False,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=[self.units], initializer="zeros", trainable=False
            )
        # Uniform up to 1 / sqrt(width), as in the published code; the paper says "Gaussian".
        initializer = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        self.lora_a = self.add_weight(
            name="lora_a", shape=[width, self.rank], initializer=initializer
        )
        self.lora_b = self.add_weight(
            name="lora_b", shape=[self.rank, self.units], initializer="zeros"
        )
        super().build(input_shape)

    def call(self, inputs, training=None):
        """Computes the sum of both terms."""
        x, seed = inputs if self.takes_seed else (inputs, None)
        outputs = tf.matmul(x, self.kernel)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        if self.takes_seed and training:
            x = dropped(x, self.dropout, seed, self.name)
        return outputs + self.factor * tf.matmul(tf.matmul(x, self.lora_a), self.lora_b)

    def merged_kernel(self) -> np.ndarray:
        """Returns K + alpha / rank x A B, [width, units], rounded once to float32."""
        first, second = (weight.numpy().astype(np.float64) for weight in (self.lora_a, self.lora_b))
        return (self.kernel.numpy() + self.factor * first @ second).astype(np.float32)

    def get_config(self):
        """Returns the arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "rank": self.rank,
            "alpha": self.alpha,
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@dataclasses.dataclass(frozen=True)
class LoraPlan:
    """The dense layers of an encoder that are adapted, and their ranks.

    Covers Tables 1, 2, 3, 5 and 6 of Zheng et al.: rank (Table 2), matrices (3), layers (5) and
    boosted ranks (6). "Latter half v 1.5 times" of Table 6 is boost=1.5, boost_matrices=("v",),
    boost_layers="latter half". Without matrices the encoder is frozen; full fine-tuning uses no
    plan at all.

    Layers are written as in Table 5, counted from 1: "all", "latter half", or "1-4,9-12".

    Args:
        alpha: The factor of each product is alpha divided by its rank. Not stated in the paper; the
            only public reimplementation uses 8.
        rank: Rank of the matrices that are not boosted.
        matrices: The adapted dense layers, some of `KINDS`.
        layers: The blocks in which they are adapted.
        boost: Factor of a boosted rank.
        boost_matrices: The adapted dense layers whose rank is boosted.
        boost_layers: The blocks in which it is boosted.
        dropout: Rate of the input of A, in [0, 1).

    Raises:
        ValueError: If a value is out of range.
    """

    alpha: float
    rank: int = 64
    matrices: tuple[str, ...] = ("q", "v")
    layers: str = "all"
    boost: float = 1.0
    boost_matrices: tuple[str, ...] = ()
    boost_layers: str = "all"
    dropout: float = 0.0

    def __post_init__(self):
        check_positive(alpha=self.alpha, boost=self.boost)
        check_counts(rank=self.rank)
        check_rates(dropout=self.dropout)
        _check_among("matrices", self.matrices, KINDS)
        _check_among("boost_matrices", self.boost_matrices, self.matrices)
        if self.boost_matrices:
            rank = round(self.rank * self.boost)
            if rank < 1:
                raise ValueError(f"boost times rank must be at least 1, got {rank}")

    def rank_of(self, kind: str, layer: int, depth: int) -> int:
        """Returns the rank of a dense layer, 0 if it is not adapted.

        Args:
            kind: One of `KINDS`.
            layer: Number of its block, from 0.
            depth: Number of blocks of the encoder.

        Raises:
            ValueError: If a layer of the plan is beyond the depth.
        """
        if kind not in self.matrices or layer not in layers_of(self.layers, depth):
            return 0
        is_boosted = kind in self.boost_matrices and layer in layers_of(self.boost_layers, depth)
        return round(self.rank * self.boost) if is_boosted else self.rank

    def dense(self, depth: int) -> Callable[..., keras.layers.Layer]:
        """Returns the function that makes the dense layers of an encoder, for `Parts.dense`.

        Args:
            depth: Number of blocks of the encoder.

        Raises:
            ValueError: If a layer of the plan is beyond the depth.
        """
        for layers in (self.layers, self.boost_layers):
            layers_of(layers, depth)

        def make(units: int, *, name: str, kind: str, layer: int, **kwargs) -> keras.layers.Layer:
            rank = self.rank_of(kind, layer, depth)
            if not rank:
                return dense(units, name=name, kind=kind, layer=layer, **kwargs)
            return LoRADense(units, rank, self.alpha, self.dropout, name=name, **kwargs)

        return make


def _check_among(name: str, values: tuple[str, ...], choices: tuple[str, ...]) -> None:
    for value in values:
        if value not in choices:
            raise ValueError(f"{name} must be among {', '.join(choices)}, got {value!r}")


def layers_of(text: str, depth: int) -> frozenset[int]:
    """Returns the numbers, from 0, of the blocks that "all", "latter half" or "1-4,9-12" names.

    Raises:
        ValueError: If the text is none of these, or a block is beyond the depth.
    """
    if text == "all":
        return frozenset(range(depth))
    if text == "latter half":
        return frozenset(range(depth // 2, depth))
    found = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= depth:
            raise ValueError(
                "layers must be 'all', 'latter half', or numbers and ranges in "
                f"1-{depth} such as '1-{depth // 2 or 1},{depth}', got {text!r}"
            )
        found |= set(range(first - 1, last))
    return frozenset(found)


def lora_layers(network: keras.Model) -> list[LoRADense]:
    """Returns the adapted dense layers of a network."""
    return [layer for layer in sublayers(network) if isinstance(layer, LoRADense)]


def freeze_all_but_lora(encoder: keras.Model) -> None:
    """Sets everything but the matrices of low rank to not trainable.

    Call it before `compile`. Batch norms then use their moving statistics in training too.
    """
    for layer in [encoder, *sublayers(encoder)]:
        if not any(isinstance(x, LoRADense) for x in [layer, *sublayers(layer)]):
            layer.trainable = False


def parameter_counts(network: keras.Model) -> tuple[int, int]:
    """Returns the number of trainable parameters of a network, and of all its parameters."""

    def total(weights) -> int:
        return sum(int(np.prod(weight.shape)) for weight in weights)

    return total(network.trainable_weights), total(network.weights)
