"""One autoencoder a machine and one classifier a section in minutes on two cores, mixed."""

import ml_collections
from asd_tf.configs.kuroyanagi.mix import mixed
from asd_tf.configs.kuroyanagi_ae import quick as ae
from asd_tf.configs.kuroyanagi_bc import quick as bc

# Overrides with which the shared test of all methods takes seconds.
TEST = (
    *(f"ae.{assignment}" for assignment in ae.TEST if not assignment.startswith("data.")),
    *(f"bc.{assignment}" for assignment in bc.TEST if not assignment.startswith("data.")),
    "data.seconds=0.5",
    "calibration.held_out=0.5",  # leaves as many held-out clips as a fusion needs
)


def get_config() -> ml_collections.ConfigDict:
    return mixed(ae.get_config(), bc.get_config())
