"""The simplest baseline: a clip's root mean square is its anomaly score; nothing is trained."""

import keras
import ml_collections
import pandas as pd

from asd_tf.frontends.statistics import RootMeanSquare
from asd_tf.methods.common.checks import check_recipe
from asd_tf.run.fit_detector import fit_untrained, scorer_of
from asd_tf.run.run import Run

TRAINS_NOTHING = True


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks the recipe; see `asd_tf.methods.registry.Method`."""
    check_recipe(config, choices={})
    scorer_of(config, "features")


def fit(run: Run) -> None:
    """Exports the loudness of a clip as a network, and calibrates it."""
    fit_untrained(run, build_network)


def build_network(run: Run) -> keras.Model:
    """Builds waveform [batch, N] to its root mean square [batch, 1]."""
    waveform = keras.Input([run.samples], name="waveform")
    return keras.Model(waveform, RootMeanSquare()(waveform))
