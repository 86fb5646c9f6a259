"""The plain setting: there is nothing to make quicker."""

from asd_tf.configs.statistics.paper import get_config

__all__ = ["get_config"]

# Overrides with which the shared test of all methods takes seconds.
TEST = ("data.seconds=1.0",)
