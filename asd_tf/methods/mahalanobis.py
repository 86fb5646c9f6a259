"""A baseline without training: Mahalanobis distance of log-mel statistics to the normal clips.

The features of a clip are mean and standard deviation over time of its log-mel spectrogram; each
machine and section has a mean and a Ledoit-Wolf covariance of them.
"""

import keras
import ml_collections
import pandas as pd

from asd_tf.frontends.statistics import TimeStatistics
from asd_tf.methods.common.checks import check_recipe
from asd_tf.methods.common.log_mel import log_mel_layer
from asd_tf.run.fit_detector import fit_untrained, scorer_of
from asd_tf.run.run import Run

TRAINS_NOTHING = True


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks the recipe; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, choices={})
    scorer_of(config, "features")


def fit(run: Run) -> None:
    """Exports the statistics of a clip as a network, and fits their covariances."""
    fit_untrained(run, build_network)


def build_network(run: Run) -> keras.Model:
    """Builds waveform [batch, N] to log-mel statistics [batch, 2 x mels]."""
    config = run.config
    waveform = keras.Input([run.samples], name="waveform")
    return keras.Model(waveform, TimeStatistics()(log_mel_layer(config)(waveform)))
