"""The system of Kuroyanagi et al., DCASE 2021: autoencoders and binary classifiers, fused.

"An ensemble approach to anomalous sound detection based on conformer-based autoencoder and binary
classifier incorporated with metric learning", Section 3.3: the scores of both are standardized
and averaged. Each part is also a method by itself: `kuroyanagi_ae` and `kuroyanagi_bc`.
"""

import ml_collections
import pandas as pd

from asd_tf.config import check_choices
from asd_tf.errors import UsageError
from asd_tf.methods.common.ensembles import fuse_parts
from asd_tf.methods.kuroyanagi import autoencoder, classifier
from asd_tf.run.run import SHARED_SECTIONS, Run
from asd_tf.scoring.fusion import RULES

# Backends are fitted to, and networks selected by, clips that no network has seen.
NEEDS_HELD_OUT = True

PARTS = {"ae": autoencoder, "bc": classifier}


def check(config: ml_collections.ConfigDict, clips: pd.DataFrame) -> None:
    """Checks both parts; see `asd_tf.methods.registry.Method`."""
    check_choices(config, {"fusion.rule": RULES})
    shared = {key: config[key] for key in SHARED_SECTIONS}
    for name, part in PARTS.items():
        own = ml_collections.ConfigDict({**config[name], **shared})
        try:
            part.check(own, clips)
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from None


def fit(run: Run) -> None:
    """Trains both parts and writes the detector."""
    parts = {name: run.part(name, section=name) for name in PARTS}
    fuse_parts(run, parts, lambda name: PARTS[name].fit(parts[name]), run.config.fusion.rule)
