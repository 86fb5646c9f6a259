"""Extractors: networks from waveforms to features, as SavedModels."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from asd_tf.compat import native
from asd_tf.data.groups import Group, groups_of
from asd_tf.data.health.measures import measure
from asd_tf.data.pipeline import scoring_batches
from asd_tf.errors import InputError, UsageError
from asd_tf.extraction.loading.saved_model import load_saved_model
from asd_tf.files import atomic_path, folder_digest

_logger = logging.getLogger(__name__)


def export_extractor(model: keras.Model, folder: Path) -> None:
    """Writes a network as a SavedModel that needs neither Keras nor asd_tf to run.

    The root follows the interface of reusable SavedModels of TF-Hub: `root(waveform,
    training=False)`, with `variables` and `trainable_variables`, so that
    `hub.KerasLayer(trainable=True)` can fine-tune it. The signature `serving_default` maps
    `waveform` to `features`.

    A network that depends on the section has a second input named `group`. Its signature has
    `waveform` and `group`, and its root is called with a dict of the two.

    Args:
        model: Network from waveform [batch, N] float32 in -1..1, or from [waveform, group] with
            group [batch] int32, to features [batch, D] or [batch, items, D].
        folder: Folder to write; an error leaves no folder.

    Raises:
        ValueError: If the network has other inputs.
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
    # A session, as of TensorFlow Serving, restores variables of TensorFlow alone.
    root.variables = root.model_variables = [native(variable) for variable in model.variables]
    root.trainable_variables = [native(variable) for variable in model.trainable_variables]
    root.regularization_losses = []
    root.__call__ = tf.function(call)
    for training in (False, True):
        root.__call__.get_concrete_function(given, training=training)
    with atomic_path(folder) as temporary:
        tf.saved_model.save(root, str(temporary), signatures={"serving_default": serve})


class Extractors(Mapping[str, "Extractor"]):
    """Extractors by name, loaded on access; only some are in memory at a time.

    Args:
        folders: Name to SavedModel.
    """

    # Bytes of weights. More large networks of an ensemble would not fit into memory.
    MAX_LOADED = 2**30

    def __init__(self, folders: Mapping[str, Path]):
        self._folders = dict(folders)
        self._loaded: dict[str, Extractor] = {}

    def __getitem__(self, name: str) -> "Extractor":
        """Loads an extractor, and releases the least recently used ones if they are too large."""
        extractor = self._loaded.pop(name, None) or Extractor(self._folders[name])
        self._loaded[name] = extractor
        while len(self._loaded) > 1 and self._bytes_loaded() > self.MAX_LOADED:
            self._loaded.pop(next(iter(self._loaded))).release()
        return extractor

    def _bytes_loaded(self) -> int:
        return sum(extractor.weight_bytes for extractor in self._loaded.values())

    def __iter__(self) -> Iterator[str]:
        """Iterates over the names."""
        return iter(self._folders)

    def __len__(self) -> int:
        """Returns the number of extractors."""
        return len(self._folders)


def _input_specs(model: keras.Model) -> dict[str, tf.TensorSpec]:
    """Returns the inputs of a network by name, in their order."""
    samples, names = model.inputs[0].shape[-1], [tensor.name for tensor in model.inputs]
    specs = {"waveform": tf.TensorSpec([None, samples], tf.float32, name="waveform")}
    if names[1:] == ["group"]:
        specs["group"] = tf.TensorSpec([None], tf.int32, name="group")
    elif len(names) > 1:
        raise ValueError(
            f"a network with the inputs {', '.join(names)} cannot be exported: it must "
            "have one input, the waveform, and may have a second one named `group`"
        )
    return specs


class Extractor:
    """A loaded SavedModel, which can compute and nothing else.

    Args:
        folder: The SavedModel.

    Raises:
        InputError: If it cannot be loaded, has an operation that no extractor needs, or is none.

    Attributes:
        samples: Number N of samples of its waveforms.
        feature_shape: Shape of the features of a clip, [D] or [items, D].
        needs_group: Whether the number of the section of each clip is an input.
        weight_bytes: Size of its weights in memory.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        # The root keeps the variables alive; the signature alone does not.
        self._root = load_saved_model(Path(folder))
        try:
            self._serve = self._root.signatures["serving_default"]
            inputs = self._serve.structured_input_signature[1]
            self.samples = int(inputs["waveform"].shape[-1])
            self.needs_group = "group" in inputs
            shape = self._serve.structured_outputs["features"].shape[1:]
            self.feature_shape = tuple(int(size) for size in shape)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            raise InputError(f"{folder}: has no signature from waveforms to features") from None
        self.weight_bytes = sum(
            variable.dtype.size * variable.shape.num_elements() for variable in self._root.variables
        )

    @property
    def digest(self) -> str:
        """SHA-256 of all its files; extractors with equal digests compute equal features."""
        return folder_digest(self.folder)

    def __call__(self, waveform: tf.Tensor, group: np.ndarray | None = None) -> np.ndarray:
        """Computes features.

        Args:
            waveform: [batch, N] float32 in -1..1.
            group: [batch] the number of the section of each clip; ignored unless `needs_group`.

        Returns:
            [batch, D] or [batch, items, D] float32.
        """
        inputs = {"waveform": waveform}
        if self.needs_group:
            inputs["group"] = tf.constant(group, tf.int32)
        return self._serve(**inputs)["features"].numpy()

    def release(self) -> None:
        """Frees the memory of the weights; the extractor cannot be used afterwards.

        TensorFlow 2.15 keeps the variables of a loaded SavedModel until the process ends.
        """
        for variable in self._root.variables:
            empty = tf.zeros([0], variable.dtype)
            tf.raw_ops.AssignVariableOp(resource=variable.handle, value=empty)

    def features(
        self,
        clips: pd.DataFrame,
        sample_rate: int,
        batch_size: int = 32,
        progress: Callable[[int], None] = lambda done: None,
        section_ids: Mapping[Group, int] | None = None,
        out: np.ndarray | None = None,
        measures: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Computes the features of clips; only one batch of waveforms is in memory at a time.

        Args:
            clips: The clip table.
            sample_rate: Sample rate of the waveforms, in Hz.
            batch_size: Number of clips of a batch.
            progress: Called after each batch with the number of clips that are newly done.
            section_ids: Number of each machine and section; needed if `needs_group`.
            out: Float32 array [clips, ...] to write to, such as a memory map; None for a new one.
            measures: Array [clips, measures] for the measures of the waveforms; None not to measure
                them.

        Returns:
            Features [clips, ...] with NaN for clips that are unreadable or have features that are
            not finite, and ok [clips] bool.

        Raises:
            UsageError: If the number of a section is needed and missing.
        """
        group = self.section_ids_of(clips, section_ids)
        shape = (len(clips), *self.feature_shape)
        values = np.empty(shape, np.float32) if out is None else out
        ok = np.zeros(len(clips), bool)
        for indices, waveform in scoring_batches(clips, self.samples, sample_rate, batch_size):
            indices = indices.numpy()
            found = self(waveform, None if group is None else group[indices])
            values[indices] = found
            if measures is not None:
                measures[indices] = measure(waveform.numpy(), sample_rate)
            ok[indices] = np.isfinite(found).reshape(len(found), -1).all(axis=1)
            for index in indices[~ok[indices]]:
                _logger.warning("%s: its features are not finite", clips["path"].iloc[index])
            progress(len(indices))
        values[~ok] = np.nan
        progress(int(np.sum(~ok)))
        return values, ok

    def section_ids_of(
        self, clips: pd.DataFrame, section_ids: Mapping[Group, int] | None
    ) -> np.ndarray | None:
        """Returns [clips] int32, the number of the section of each clip; None unless `needs_group`.

        Raises:
            UsageError: If the number of a section is needed and missing.
        """
        if not self.needs_group:
            return None
        section_ids, groups = section_ids or {}, groups_of(clips)
        unknown = [group for group in groups if group not in section_ids]
        if unknown:
            machine, section = unknown[0]
            raise UsageError(
                f"{machine}, section {section}: it has no number, but the network needs one for "
                "every machine and section"
            )
        return np.array([section_ids[group] for group in groups], np.int32)
