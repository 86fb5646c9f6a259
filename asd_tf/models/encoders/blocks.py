"""The transformer layers that all encoders share."""

import dataclasses
from collections.abc import Callable

import keras
import tensorflow as tf

from asd_tf.models.encoders.attention import DotProductAttention, RelativeGate
from asd_tf.models.encoders.randomness import LayerDrop, SeededDropout, StepSeed

# What a dense layer of a block does, which its name and the factory's `kind` say.
KINDS = ("q", "k", "v", "out", "ffn1", "ffn2")


def plain_dense(units: int, *, name: str, kind: str, layer: int, **kwargs) -> keras.layers.Layer:
    """Makes the dense layers of a block where nobody wants others.

    Args:
        units: Size of the output.
        name: Of the layer: `layer_<layer>_<kind>`.
        kind: One of `KINDS`.
        layer: Number of the block, from 0.
        kwargs: More arguments of a Dense: `use_bias` and `kernel_initializer`.
    """
    return keras.layers.Dense(units, name=name, **kwargs)


def as_it_is(block: keras.Model) -> keras.layers.Layer:
    """Wraps a block in nothing."""
    return block


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a user of an encoder may put in its place.

    Args:
        dense: Makes every dense layer of every block, called as `plain_dense` is. Whatever it makes
            must be a layer from [batch, tokens, width] to [batch, tokens, units] of the name given,
            with weights `<name>/kernel` and `<name>/bias` if it shall take pre-trained ones.
        wrap: Wraps every block, which is a functional model called with a list: its tokens, then
            what it needs of the relative bias [1, heads, tokens, tokens] and the seed [2]. Gives
            a layer that is called alike.
        augment: Changes the features [batch, frames, bands] between frontend and network; a
            function from Keras tensor to Keras tensor. Wav2Vec2 has none.
        seed: Of dropout and layer drop.
        dense_dropout: Of the dense layers; where it is not zero, those that have `takes_seed` are
            called with [x, seed [2] of the step].
    """

    dense: Callable[..., keras.layers.Layer] = plain_dense
    wrap: Callable[[keras.Model], keras.layers.Layer] = as_it_is
    augment: Callable[[tf.Tensor], tf.Tensor] = lambda features: features
    seed: int = 0
    dense_dropout: float = 0.0


@dataclasses.dataclass(frozen=True)
class Transformer:
    """The shape of a stack of blocks.

    Args:
        depth: Number of blocks.
        width: Size of a token.
        heads: Number of attention heads.
        ffn: Size inside the feed-forward part.
        pre_norm: Whether norms stand before attention and feed-forward part, or after their sums.
        alpha: Factor of the shortcut (DeepNet, Wang et al. 2022).
        beta: Gain of the initial v, out, ffn1 and ffn2 (DeepNet).
        epsilon: Of the norms.
        key_bias: Whether the projection of the keys has a bias.
        dropout: Behind attention and feed-forward part.
        attention_dropout: Of attention weights.
        activation_dropout: Inside the feed-forward part.
        layer_drop: Probability that a block is left out of a training step.
    """

    depth: int
    width: int
    heads: int
    ffn: int
    pre_norm: bool
    alpha: float = 1.0
    beta: float = 1.0
    epsilon: float = 1e-5
    key_bias: bool = True
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    layer_drop: float = 0.0

    def __call__(
        self,
        tokens: tf.Tensor,
        parts: Parts,
        seed: tf.Tensor | None,
        bias: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Adds the stack to tokens [batch, tokens, width]; gives tokens, float32."""
        for index in range(self.depth):
            wanted = (tokens, bias, seed if self._needs_seed(parts) else None)
            inputs = [tensor for tensor in wanted if tensor is not None]
            outputs = parts.wrap(self.block(index, inputs, parts))(inputs)
            if self.layer_drop:
                drop = LayerDrop(self.layer_drop, name=f"layer_{index}_drop")
                outputs = drop([tokens, outputs, seed])
            tokens = outputs
        return tokens

    @property
    def rates(self) -> tuple[float, ...]:
        """All probabilities; where one is not zero, the blocks need a seed."""
        return (self.dropout, self.attention_dropout, self.activation_dropout, self.layer_drop)

    def _needs_seed(self, parts: Parts) -> bool:
        rates = (self.dropout, self.attention_dropout, self.activation_dropout)
        return any((*rates, parts.dense_dropout))

    def block(self, index: int, like: list[tf.Tensor], parts: Parts) -> keras.Model:
        """Makes block `index` for inputs like those given."""
        # A batch of fixed size would have to suit the number of replicas, also for bias and seed.
        inputs = [keras.Input(tensor.shape[1:], dtype=tensor.dtype) for tensor in like]
        seed = inputs[-1] if self._needs_seed(parts) else None
        bias = inputs[1] if len(inputs) - (seed is not None) > 1 else None
        one = _Block(self, index, parts, seed)
        tokens = one.residual(inputs[0], lambda x: one.attention(x, bias), "attention")
        tokens = one.residual(tokens, one.feed_forward, "ffn")
        return keras.Model(inputs, tokens, name=f"layer_{index}")


@dataclasses.dataclass(frozen=True)
class _Block:
    """One block, while it is made."""

    shape: Transformer
    index: int
    parts: Parts
    seed: tf.Tensor | None

    def residual(
        self, x: tf.Tensor, branch: Callable[[tf.Tensor], tf.Tensor], name: str
    ) -> tf.Tensor:
        """Adds a branch to its input, with a norm before the branch or behind the sum."""
        norm = layer_norm(self.shape.epsilon, self._name(f"{name}_norm"))
        added = ScaledAdd(self.shape.alpha)
        outputs = branch(norm(x) if self.shape.pre_norm else x)
        total = added([x, self._dropout(outputs, self.shape.dropout, f"{name}_dropout")])
        return total if self.shape.pre_norm else norm(total)

    def attention(self, x: tf.Tensor, bias: tf.Tensor | None) -> tf.Tensor:
        """Projects, attends and projects."""
        width = self.shape.width
        query = self._dense(x, width, "q")
        key = self._dense(x, width, "k", use_bias=self.shape.key_bias)
        value = self._dense(x, width, "v")
        attend = DotProductAttention(
            self.shape.heads,
            gated=bias is not None,
            dropout=self.shape.attention_dropout,
            name=self._name("attention"),
        )
        inputs = [query, key, value]
        if bias is not None:
            inputs += [RelativeGate(self.shape.heads, name=self._name("gate"))(query), bias]
        if self.shape.attention_dropout:
            inputs.append(self.seed)
        return self._dense(attend(inputs), width, "out")

    def feed_forward(self, x: tf.Tensor) -> tf.Tensor:
        """Two dense layers around a GELU."""
        x = keras.layers.Activation("gelu")(self._dense(x, self.shape.ffn, "ffn1"))
        x = self._dropout(x, self.shape.activation_dropout, "activation_dropout")
        return self._dense(x, self.shape.width, "ffn2")

    def _dense(self, x: tf.Tensor, units: int, kind: str, **kwargs) -> tf.Tensor:
        gain = 1.0 if kind in ("q", "k") else self.shape.beta
        kwargs["kernel_initializer"] = keras.initializers.VarianceScaling(
            gain**2, "fan_avg", "untruncated_normal"
        )
        dense = self.parts.dense(
            units, name=self._name(kind), kind=kind, layer=self.index, **kwargs
        )
        return dense([x, self.seed]) if getattr(dense, "takes_seed", False) else dense(x)

    def _dropout(self, x: tf.Tensor, rate: float, name: str) -> tf.Tensor:
        return dropout(x, rate, self.seed, self._name(name))

    def _name(self, part: str) -> str:
        return f"layer_{self.index}_{part}"


@keras.saving.register_keras_serializable(package="asd_tf")
class ScaledAdd(keras.layers.Layer):
    """[shortcut, branch] to alpha x shortcut + branch, in float32 under every precision policy.

    Args:
        alpha: Factor of the shortcut.
    """

    def __init__(self, alpha: float = 1.0, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.alpha = alpha

    def call(self, inputs):
        """Adds."""
        shortcut, branch = inputs
        return self.alpha * shortcut + branch

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "alpha": self.alpha}


def layer_norm(epsilon: float, name: str) -> keras.layers.Layer:
    """Makes a norm over the last axis, which stays float32 under mixed precision."""
    return keras.layers.LayerNormalization(epsilon=epsilon, dtype="float32", name=name)


def step_seed(inputs: tf.Tensor, seed: int, *rates: float) -> tf.Tensor | None:
    """Adds the seed of each step to a network, if any of its rates is not zero."""
    return StepSeed(seed, name="step_seed")(inputs) if any(rates) else None


def dropout(x: tf.Tensor, rate: float, seed: tf.Tensor | None, name: str) -> tf.Tensor:
    """Adds a dropout, if its rate is not zero."""
    return SeededDropout(rate, name=name)([x, seed]) if rate else x
