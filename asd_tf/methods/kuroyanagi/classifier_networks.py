"""The binary classifiers of Kuroyanagi et al. (DCASE 2021): networks and losses."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import keras
import ml_collections
import tensorflow as tf

from asd_tf.losses.arcface import ArcFace
from asd_tf.losses.ddcsad import DDCSAD
from asd_tf.methods.common.log_mel import log_mel_layer
from asd_tf.models.efficientnet_b3 import efficientnet_b3
from asd_tf.models.heads.crops import ApplyToCrops, evenly_spaced
from asd_tf.models.heads.ddcsad_scores import DDCSADScores
from asd_tf.models.resnet import resnet34, resnext50
from asd_tf.run.frames import FRAMES, frame_sizes
from asd_tf.training.compiling import compile_network
from asd_tf.training.initial_state import InitialState
from asd_tf.training.one_cycle import one_cycle_momentum, one_cycle_rate
from asd_tf.training.optimizers.layerwise_adam import LayerwiseAdam, rate_factors

KINDS = ("resnet34", "resnext50", "efficientnet_b3")

# The domains of the networks of a section, in this order.
DOMAINS = ("source", "target")


@dataclasses.dataclass(frozen=True)
class BinaryNetwork:
    """A binary classifier with metric learning, and parts of it that share its weights.

    Attributes:
        training: (waveform, label [batch, 1]) to logits, compiled with the losses of eq. 6.
        encoder: Log-mels in dB [batch, frames, bands] to embeddings z [batch, D].
        embed: Called as embed(waveform, training=...), returns embeddings z.
        posterior: The layer from z to the logit of being normal.
        ddcsad: The layer with the centroids.
        initial_state: Restores the initial weights of `training`.
    """

    training: keras.Model
    encoder: keras.Model
    embed: Callable[..., tf.Tensor]
    posterior: keras.layers.Layer
    ddcsad: DDCSAD
    initial_state: InitialState

    @property
    def samples(self) -> int:
        """Length of a waveform."""
        return self.training.inputs[0].shape[1]


class DomainNetworks:
    """The classifiers of both domains, reused to train one section after the other.

    Args:
        recipe: The recipe.
        standardize: Layer that standardizes log-mels; not used by EfficientNet, which scales
            its input itself.
        samples: Length of a clip.
    """

    def __init__(
        self, recipe: ml_collections.ConfigDict, standardize: keras.layers.Layer, samples: int
    ):
        self.recipe = recipe
        self._samples = samples
        self.of_domain = {
            domain: binary_network(recipe, train, standardize)
            for domain, train in zip(DOMAINS, (recipe.train, recipe.target), strict=True)
        }

    def over_crops(self, domains: int) -> keras.Model:
        """Returns waveform to the pair (1 - p, d) of each domain, [batch, crops, 2 x domains]."""
        return self._both if domains > 1 else self._source

    @functools.cached_property
    def _source(self) -> keras.Model:
        return self._over_crops(DOMAINS[:1])

    @functools.cached_property
    def _both(self) -> keras.Model:
        return self._over_crops(DOMAINS)

    def _over_crops(self, domains: tuple[str, ...]) -> keras.Model:
        recipe = self.recipe
        frontend = log_mel_model(recipe, self._samples)
        frames, bands = frontend.output.shape[1:]
        crop = keras.Input([recipe.crop.frames, bands], name="crop")
        pairs = [_pair(self.of_domain[domain], domain)(crop) for domain in domains]
        pairs = keras.layers.Concatenate(name="pairs")(pairs) if len(pairs) > 1 else pairs[0]
        starts = evenly_spaced(frames, recipe.crop.frames, recipe.crop.num_eval_crops)
        on_crops = ApplyToCrops(keras.Model(crop, pairs), starts, name="crops")
        return keras.Model(frontend.input, on_crops(frontend.output))


def _pair(network: BinaryNetwork, name: str) -> keras.Model:
    """Builds log-mels of a crop to the pair (1 - p, d) of a network, [batch, 2]."""
    encoder = network.encoder
    pair = DDCSADScores(network.ddcsad)([network.posterior(encoder.output), encoder.output])
    return keras.Model(encoder.input, pair, name=name)


def log_mel_model(recipe: ml_collections.ConfigDict, samples: int) -> keras.Model:
    """Builds waveform [batch, samples] to log-mels in dB [batch, frames, bands]."""
    waveform = keras.Input([samples], name="waveform")
    others = {key: value for key, value in recipe.frontend.items() if key not in FRAMES}
    layer = log_mel_layer(recipe, **others)
    return keras.Model(waveform, layer(waveform), name="frontend")


def crop_samples(recipe: ml_collections.ConfigDict) -> int:
    """Returns the samples of a waveform that has as many frames as a crop."""
    length, step = frame_sizes(recipe)
    return length + (recipe.crop.frames - 1) * step


def binary_network(
    recipe: ml_collections.ConfigDict,
    train: ml_collections.ConfigDict,
    standardize: keras.layers.Layer,
) -> BinaryNetwork:
    """Builds and compiles a classifier of crops (Fig. 2).

    Args:
        recipe: `frontend`, `crop`, `network` and `loss` of the recipe.
        train: `epochs`, `steps_per_epoch`, `learning_rate` and `convolution_rate` of a domain.
        standardize: Layer that standardizes log-mels.
    """
    loss, frontend = recipe.loss, log_mel_model(recipe, crop_samples(recipe))
    log_mel_db = keras.Input(frontend.output.shape[1:], name="log_mel_db")
    encoded = _encoded(recipe.network, log_mel_db, standardize)
    encoder = keras.Model(log_mel_db, encoded, name="encoder")
    label = keras.Input([1], name="label")
    ddcsad = DDCSAD(loss.ddcsad, loss.epsilon, name="ddcsad")
    posterior = keras.layers.Dense(1, dtype="float32", name="posterior")
    embedder = keras.Model(frontend.input, encoder(frontend.output), name="embedder")
    embedding = ddcsad([embedder.output, label])
    outputs = {"posterior": posterior(embedding)}
    if loss.arcface:
        other = keras.layers.Rescaling(-1.0, 1.0, dtype="float32", name="outlier")(label)
        both = keras.layers.Concatenate(name="both_labels")([label, other])
        arcface = ArcFace(2, margin=loss.margin, scale=loss.scale, name="arcface")
        outputs["arcface"] = arcface([embedding, both])
    training = keras.Model([frontend.input, label], outputs)
    _compile(training, encoder, loss, train)
    embed = tf.function(
        lambda waveform, training: embedder(waveform, training=training), reduce_retracing=True
    )
    return BinaryNetwork(training, encoder, embed, posterior, ddcsad, InitialState(training))


def _encoded(
    network: ml_collections.ConfigDict, log_mel_db: tf.Tensor, standardize: keras.layers.Layer
) -> tf.Tensor:
    """Adds the backbone and the dense layer to the embedding z [batch, D]."""
    if network.kind == "efficientnet_b3":
        x = efficientnet_b3(log_mel_db)
    else:
        resnet = {"resnet34": resnet34, "resnext50": resnext50}[network.kind]
        # A copy of the layer: a shared one would keep all networks in memory.
        own = type(standardize).from_config(standardize.get_config())
        x = resnet(own(log_mel_db), width=network.width, blocks=network.blocks)
    return keras.layers.Dense(network.embedding, dtype="float32", name="embedding")(x)


def _compile(
    training: keras.Model,
    encoder: keras.Model,
    loss: ml_collections.ConfigDict,
    train: ml_collections.ConfigDict,
) -> None:
    """Compiles a classifier: cross-entropy, and Adam with two one-cycle learning rates."""
    steps = train.epochs * train.steps_per_epoch
    optimizer = LayerwiseAdam(
        one_cycle_rate(train.learning_rate, steps),
        rate_factors(encoder, convolution=train.convolution_rate / train.learning_rate),
        beta_1=one_cycle_momentum(steps),
    )
    losses = {"posterior": keras.losses.BinaryCrossentropy(from_logits=True)}
    weights = {"posterior": 1.0}
    if loss.arcface:
        losses["arcface"] = keras.losses.CategoricalCrossentropy(from_logits=True)
        weights["arcface"] = loss.arcface
    compile_network(training, optimizer, losses, loss_weights=weights)


def backend_of(score: ml_collections.ConfigDict, pairs: int) -> dict[str, Any]:
    """Describes the backend of eq. 7, by the network and the distances of each domain."""
    return {
        "combine": "known",
        "members": {
            domain: {
                "estimator": "PosteriorDistance",
                "domain": domain if pairs > 1 else "all",
                "params": {**score, "pair": pair},
            }
            for pair, domain in enumerate(DOMAINS[:pairs])
        },
    }
