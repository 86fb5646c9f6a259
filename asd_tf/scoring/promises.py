"""What thresholds can promise, and ranges of the settings that they come from."""

FALSE_ALARMS = (1e-6, 0.99)
"""The smallest and the largest share of false alarms that can be asked for."""

DEFAULT_FALSE_ALARMS = 0.1

NETWORKS = (2, 20)
"""Of `calibration.method=cross_fit_network`, see `asd_tf.scoring.calibration.METHODS`."""

EPOCHS_SHARE = (0.01, 1.0)
"""The share of the epochs of a recipe that each of these is trained for."""

RULES = ("conformal", "gamma")
"""What is done beyond the highest normal score, see `asd_tf.scoring.p_values.PValues`."""
