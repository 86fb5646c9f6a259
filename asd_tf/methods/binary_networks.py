"""The networks that tell the clips of a section from others (Kuroyanagi et al., DCASE 2021)."""

import dataclasses
import functools
from collections.abc import Callable

import keras
import ml_collections
import tensorflow as tf

from asd_tf.frontends.mel import LogMel
from asd_tf.losses.arcface import ArcFace
from asd_tf.losses.ddcsad import DDCSAD, DDCSADScores
from asd_tf.models.crops import OnCrops, evenly_spaced
from asd_tf.models.efficientnet_b3 import efficientnet_b3
from asd_tf.models.resnet34 import resnet34
from asd_tf.models.resnext50 import resnext50
from asd_tf.training.anew import Anew
from asd_tf.training.layerwise_adam import LayerwiseAdam, rate_factors
from asd_tf.training.one_cycle import one_cycle_momentum, one_cycle_rate

KINDS = ("resnet34", "resnext50", "efficientnet_b3")

# Of the networks of a section, in their order.
DOMAINS = ("source", "target")


@dataclasses.dataclass(frozen=True)
class BinaryNetwork:
    """A binary classifier with metric learning, and its parts, which share their weights.

    Attributes:
        training: (waveform, label [batch, 1]) to logits, compiled with the losses of eq. 6.
        encoder: Levels in dB [batch, frames, bands] to embeddings z [batch, D].
        embed: Waveforms, and whether in training, to embeddings.
        posterior: The layer from z to the logit of being normal.
        ddcsad: The layer with the centroids.
        anew: Brings `training` back to where it was drawn.
    """

    training: keras.Model
    encoder: keras.Model
    embed: Callable[..., tf.Tensor]
    posterior: keras.layers.Layer
    ddcsad: DDCSAD
    anew: Anew

    @property
    def samples(self) -> int:
        """Length of a waveform."""
        return self.training.inputs[0].shape[1]


class DomainNetworks:
    """The classifiers of both domains, which are trained for one section after the other.

    Args:
        recipe: The recipe.
        standardise: Layer that standardises levels, for networks that do not scale them themselves.
        samples: Length of a clip.
    """

    def __init__(
        self, recipe: ml_collections.ConfigDict, standardise: keras.layers.Layer, samples: int
    ):
        self.recipe = recipe
        self._samples = samples
        self.of_domain = {
            domain: binary_network(recipe, train, standardise)
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
        frames, bands = frontend.output_shape[1:]
        crop = keras.Input([recipe.crop.frames, bands], name="crop")
        pairs = [_pair(self.of_domain[domain], domain)(crop) for domain in domains]
        pairs = keras.layers.Concatenate(name="pairs")(pairs) if len(pairs) > 1 else pairs[0]
        starts = evenly_spaced(frames, recipe.crop.frames, recipe.crop.in_scoring)
        on_crops = OnCrops(keras.Model(crop, pairs), starts, name="crops")
        return keras.Model(frontend.input, on_crops(frontend.output))


def _pair(network: BinaryNetwork, name: str) -> keras.Model:
    """Builds levels of a crop to the pair (1 - p, d) of a network, [batch, 2]."""
    encoder = network.encoder
    pair = DDCSADScores(network.ddcsad)([network.posterior(encoder.output), encoder.output])
    return keras.Model(encoder.input, pair, name=name)


def log_mel_model(recipe: ml_collections.ConfigDict, samples: int) -> keras.Model:
    """Builds waveform [batch, samples] to log-mels in dB [batch, frames, bands]."""
    waveform = keras.Input([samples], name="waveform")
    levels = LogMel(recipe.data.sample_rate, **recipe.frontend)(waveform)
    return keras.Model(waveform, levels, name="frontend")


def crop_samples(recipe: ml_collections.ConfigDict) -> int:
    """Returns the samples of a waveform that has as many frames as a crop."""
    return recipe.frontend.frame_length + (recipe.crop.frames - 1) * recipe.frontend.frame_step


def binary_network(
    recipe: ml_collections.ConfigDict,
    train: ml_collections.ConfigDict,
    standardise: keras.layers.Layer,
) -> BinaryNetwork:
    """Builds and compiles a classifier of crops (Fig. 2).

    Args:
        recipe: `frontend`, `crop`, `network` and `loss` of the recipe.
        train: `epochs`, `steps_per_epoch`, `learning_rate` and `convolution_rate` of a domain.
        standardise: Layer that standardises levels.
    """
    loss, frontend = recipe.loss, log_mel_model(recipe, crop_samples(recipe))
    levels = keras.Input(frontend.output_shape[1:], name="levels")
    encoded = _encoded(recipe.network, levels, standardise)
    encoder = keras.Model(levels, encoded, name="encoder")
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
    return BinaryNetwork(training, encoder, embed, posterior, ddcsad, Anew(training))


def _encoded(
    network: ml_collections.ConfigDict, levels: tf.Tensor, standardise: keras.layers.Layer
) -> tf.Tensor:
    """Adds the feature extractor and the dense layer that makes z of its output."""
    if network.kind == "efficientnet_b3":
        x = efficientnet_b3(levels)
    else:
        resnet = {"resnet34": resnet34, "resnext50": resnext50}[network.kind]
        # A layer of its own: one that networks share would keep all of them in memory.
        own = type(standardise).from_config(standardise.get_config())
        x = resnet(own(levels), width=network.width, blocks=network.blocks)
    return keras.layers.Dense(network.embedding, dtype="float32", name="embedding")(x)


def _compile(
    training: keras.Model,
    encoder: keras.Model,
    loss: ml_collections.ConfigDict,
    train: ml_collections.ConfigDict,
) -> None:
    """Compiles a classifier: cross-entropy, and Adam with two rates that go up and down once."""
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
    training.compile(optimizer, losses, loss_weights=weights)
