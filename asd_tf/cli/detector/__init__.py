"""`asd-detector`: what is done with a detector after training."""

from asd_tf.cli.detector.command import COMMANDS, main

__all__ = ["COMMANDS", "main"]
