"""What a threshold can promise: the range of shares of false alarms, and the rules beyond it."""

FALSE_ALARMS = (1e-6, 0.99)
"""The smallest and the largest share of false alarms that can be asked for."""

DEFAULT_FALSE_ALARMS = 0.1

RULES = ("conformal", "gamma")
"""What is done beyond the highest normal score, see `asd_tf.scoring.p_values.PValues`."""
