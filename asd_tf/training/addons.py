"""The progress bar of tensorflow-addons: the one place that imports that package."""

import warnings

import keras
import tqdm

with warnings.catch_warnings():
    # At import the package warns that its development has ended; users cannot do anything about it.
    warnings.simplefilter("ignore", UserWarning)
    try:
        import tensorflow_addons as tfa
    except ImportError:  # It has no release for newer TensorFlow, for Python 3.12 or for ARM.
        tfa = None

_BAR = "{n_fmt}/{total_fmt}{bar} ETA: {remaining}s - {desc}"


def progress_bar() -> keras.callbacks.Callback:
    """Returns a callback that shows one tqdm bar per epoch with the running loss.

    The bar over all epochs is off, because it would not reach its end when a run is resumed.
    """
    if tfa is None:
        return EpochBars()
    return tfa.callbacks.TQDMProgressBar(show_overall_progress=False, leave_epoch_progress=True)


class EpochBars(keras.callbacks.Callback):
    """Shows what the bar of tensorflow-addons shows, where that package is missing."""

    def on_epoch_begin(self, epoch, logs=None):
        """Begins a bar."""
        print(f"Epoch {epoch + 1}/{self.params['epochs']}")
        self._bar = tqdm.tqdm(total=self.params["steps"], bar_format=_BAR, dynamic_ncols=True)

    def on_train_batch_end(self, batch, logs=None):
        """Advances the bar; tqdm draws it at most ten times a second."""
        self._bar.set_description_str(_text(logs), refresh=False)
        self._bar.update()

    def on_epoch_end(self, epoch, logs=None):
        """Leaves the bar with the means of the epoch."""
        self._bar.set_description_str(_text(logs))
        self._bar.close()


def _text(logs: dict[str, float] | None) -> str:
    return " - ".join(f"{name}: {value:0.4f}" for name, value in (logs or {}).items())
