"""Batches of waveforms and their classes, to train classifiers."""

import dataclasses

import numpy as np
import tensorflow as tf

from asd_tf.augmentation.mixup import mixup
from asd_tf.data.pipeline import training_batches
from asd_tf.run.run import Run
from asd_tf.training.stage import Stage


@dataclasses.dataclass(frozen=True)
class LabeledWaveforms:
    """Streams batches of ((waveform, one-hot class), one-hot class), mixed on request.

    Called with the number of a step, it returns the endless dataset from that step on.

    Attributes:
        run: The run.
        stage: The stage, which gives the seed.
        indices: Indices of the training clips that are used.
        class_ids: [clips] int, class of each training clip.
        classes: Number of classes.
        samples: Length of a waveform.
        batch_size: Clips in a batch.
        mix_probability: Probability that a clip is mixed with another one, see `mixup`.
        label_rule: See `mixup`.
    """

    run: Run
    stage: Stage
    indices: np.ndarray
    class_ids: np.ndarray
    classes: int
    samples: int
    batch_size: int
    mix_probability: float = 0.0
    label_rule: str = "sum"

    def __call__(self, first_step: int) -> tf.data.Dataset:
        """Returns the dataset from a step on."""
        batches = training_batches(
            self.run.train_clips,
            samples=self.samples,
            sample_rate=self.run.config.data.sample_rate,
            batch_size=self.batch_size,
            seed=self.stage.seed,
            stage=self.stage.seed_word,
            first_step=first_step,
            pools=[(self.indices, self.batch_size)],
        )
        class_ids = tf.constant(self.class_ids, tf.int32)

        def label(step, index, waveform):
            one_hot = tf.one_hot(tf.gather(class_ids, index), self.classes)
            if self.mix_probability:
                seed = self.stage.step_seed(step)
                waveform, one_hot = mixup(
                    waveform, one_hot, seed, self.mix_probability, self.label_rule
                )
            return (waveform, one_hot), one_hot

        return batches.map(label).prefetch(tf.data.AUTOTUNE)
