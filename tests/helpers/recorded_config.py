"""A recipe that records which of its keys are looked up."""

import sys
from typing import Any

import ml_collections

# Modules that look up every key of a recipe, to check or to describe it. That is no use of it.
_INDIFFERENT = ("asd_tf.config", "asd_tf.run.folder", "asd_tf.experiment.evaluation")


class RecordedConfig(ml_collections.ConfigDict):
    """A copy of a recipe that adds each key that is looked up to a set.

    Copies by `copy.deepcopy` and sections of it record into the same set.

    Args:
        config: The recipe; its references between keys are kept.
        looked_up: The set to add dotted keys to.
        prefix: What stands before its keys.
    """

    def __init__(self, config=None, looked_up: set[str] | None = None, prefix: str = ""):
        super().__init__()
        object.__setattr__(self, "_looked_up", looked_up)
        object.__setattr__(self, "_prefix", prefix)
        if config is not None:
            for key, value in config.items(preserve_field_references=True):
                if isinstance(value, ml_collections.ConfigDict):
                    value = RecordedConfig(value, looked_up, f"{prefix}{key}.")
                self[key] = value

    def __deepcopy__(self, memo):
        copied = RecordedConfig(self, self._looked_up, self._prefix)
        return copied.lock() if self.is_locked else copied

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if self._looked_up is not None and not _is_indifferent(sys._getframe(1)):
            self._looked_up.add(f"{self._prefix}{key}")
        return value


def _is_indifferent(frame) -> bool:
    """Returns whether the caller outside of ml_collections is one that looks up all keys."""
    while frame.f_globals["__name__"].startswith(("ml_collections", __name__, "copy")):
        frame = frame.f_back
    return frame.f_globals["__name__"] in _INDIFFERENT
