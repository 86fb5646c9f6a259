"""What a network leaves for scoring: a SavedModel from waveforms to features."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.data.pipeline import scoring_batches
from asd_tf.detector.base import Group
from asd_tf.detector.folder import folder_digest
from asd_tf.errors import UsageError
from asd_tf.files import atomic_path


def export_extractor(model: keras.Model, folder: Path) -> None:
    """Writes a network as a SavedModel that needs neither Keras nor asd_tf to run.

    The root is callable as TF-Hub's reusable SavedModels are: `root(waveform, training=False)`,
    with `variables` and `trainable_variables`, so that `hub.KerasLayer(trainable=True)` can
    fine-tune it. The signature `serving_default` maps `waveform` to `features`.

    A network that needs to know the section has a second input, named `group`: its signature has
    `waveform` and `group`, and its root is called with a dict of these two.

    Args:
        model: waveform [batch, N] float32 in -1..1 to features [batch, D] or [batch, items, D];
            or [waveform, group], with group [batch] int32, to the same.
        folder: Where it goes, whole or not at all.

    Raises:
        ValueError: If there are other inputs.
    """
    specs = _input_specs(model)

    def call(inputs, training=False):
        values = [inputs[name] for name in specs] if len(specs) > 1 else inputs
        return model(values, training=training)

    def served(**inputs):
        return {"features": call(inputs if len(specs) > 1 else inputs["waveform"])}

    serve = tf.function(served).get_concrete_function(**specs)
    given = specs if len(specs) > 1 else specs["waveform"]
    root = tf.train.Checkpoint()
    root.model_variables = model.variables
    root.variables = model.variables
    root.trainable_variables = model.trainable_variables
    root.regularization_losses = []
    root.__call__ = tf.function(call)
    for training in (False, True):
        root.__call__.get_concrete_function(given, training=training)
    with atomic_path(folder) as temporary:
        tf.saved_model.save(root, str(temporary), signatures={"serving_default": serve})


class Extractors(Mapping[str, "Extractor"]):
    """SavedModels by name, loaded when they are asked for, a few of them at a time.

    Args:
        folders: Name to SavedModel.
    """

    # Of ensembles of large networks, more would not fit into memory.
    MOST_LOADED = 16

    def __init__(self, folders: Mapping[str, Path]):
        self._folders = dict(folders)
        self._loaded: dict[str, Extractor] = {}

    def __getitem__(self, name: str) -> "Extractor":
        """Loads an extractor; the one that was asked for longest ago makes room."""
        extractor = self._loaded.pop(name, None) or Extractor(self._folders[name])
        self._loaded[name] = extractor
        if len(self._loaded) > self.MOST_LOADED:
            self._loaded.pop(next(iter(self._loaded))).release()
        return extractor

    def __iter__(self) -> Iterator[str]:
        """Iterates over the names."""
        return iter(self._folders)

    def __len__(self) -> int:
        """Counts the names."""
        return len(self._folders)


def _input_specs(model: keras.Model) -> dict[str, tf.TensorSpec]:
    """Returns what a network takes, in the order in which it takes it."""
    waveform = model.inputs[0]
    specs = {"waveform": tf.TensorSpec([None, waveform.shape[-1]], tf.float32, name="waveform")}
    if model.input_names[1:] == ["group"]:
        specs["group"] = tf.TensorSpec([None], tf.int32, name="group")
    elif len(model.inputs) > 1:
        raise ValueError(
            f"a network of the inputs {', '.join(model.input_names)} cannot be exported: use one "
            "of waveforms, or of waveforms and `group`"
        )
    return specs


class Extractor:
    """A loaded SavedModel.

    Args:
        folder: The SavedModel.

    Attributes:
        samples: Length N of the waveform that it takes.
        feature_shape: Shape of the features of a clip, [D] or [items, D].
        needs_group: Whether it must be told the section of each clip, as a number.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        # The root keeps the variables alive; the signature alone does not.
        self._root = tf.saved_model.load(str(folder))
        self._serve = self._root.signatures["serving_default"]
        inputs = self._serve.structured_input_signature[1]
        self.samples = int(inputs["waveform"].shape[-1])
        self.needs_group = "group" in inputs
        self.feature_shape = tuple(self._serve.structured_outputs["features"].shape[1:])

    @property
    def digest(self) -> str:
        """SHA-256 over all its files: equal digests mean equal features."""
        return folder_digest(self.folder)

    def __call__(self, waveform: tf.Tensor, group: np.ndarray | None = None) -> np.ndarray:
        """Computes features [batch, D] or [batch, items, D] of waveforms [batch, N].

        Args:
            waveform: The waveforms.
            group: The number of each clip's section, [batch]; for one that needs it alone.
        """
        inputs = {"waveform": waveform}
        if self.needs_group:
            inputs["group"] = tf.constant(group, tf.int32)
        return self._serve(**inputs)["features"].numpy()

    def release(self) -> None:
        """Frees the memory of the weights; nothing can be computed any more.

        TensorFlow 2.15 keeps the variables of a SavedModel that was loaded until the process ends.
        """
        for variable in self._root.variables:
            nothing = tf.zeros([0], variable.dtype)
            tf.raw_ops.AssignVariableOp(resource=variable.handle, value=nothing)

    def features(
        self,
        clips: pd.DataFrame,
        sample_rate: int,
        batch_size: int = 32,
        progress: Callable[[int], None] = lambda done: None,
        numbers: Mapping[Group, int] | None = None,
        out: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Computes the features of clips, whose waveforms are never all in memory.

        Args:
            clips: The clip table.
            sample_rate: Of the waveforms, in Hz.
            batch_size: Clips at a time.
            progress: Told the number of clips after each batch.
            numbers: Machine and section to the number by which the network knows them; for one
                that needs it alone.
            out: Float32 array [clips, ...] to write to, such as a memory map; None for a new one.

        Returns:
            Features [clips, ...] with NaN for unreadable clips, and ok [clips].

        Raises:
            UsageError: If a number is needed and missing.
        """
        group = self.group_of(clips, numbers)
        shape = (len(clips), *self.feature_shape)
        values = np.empty(shape, np.float32) if out is None else out
        ok = np.zeros(len(clips), bool)
        for rows, waveform in scoring_batches(clips, self.samples, sample_rate, batch_size):
            rows = rows.numpy()
            values[rows] = self(waveform, None if group is None else group[rows])
            ok[rows] = True
            progress(len(rows))
        values[~ok] = np.nan
        progress(int(np.sum(~ok)))
        return values, ok

    def group_of(
        self, clips: pd.DataFrame, numbers: Mapping[Group, int] | None
    ) -> np.ndarray | None:
        """Returns the number of each clip's section [clips] int32; None where none is needed.

        Raises:
            UsageError: If a number is needed and missing.
        """
        if not self.needs_group:
            return None
        groups = list(zip(clips["machine"], clips["section"], strict=True))
        unknown = [group for group in groups if group not in (numbers or {})]
        if unknown:
            machine, section = unknown[0]
            raise UsageError(
                f"{machine}, section {section}: it has no number, which this network needs; give "
                "one to every machine and section"
            )
        return np.array([numbers[group] for group in groups], np.int32)
