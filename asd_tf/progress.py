"""Progress bars on the standard error."""

import contextlib
from collections.abc import Callable, Iterator

import tqdm


@contextlib.contextmanager
def progress_over(clips: int, task: str) -> Iterator[Callable[[int], None]]:
    """Shows a progress bar over clips.

    Args:
        clips: How many there are.
        task: What is done to them.

    Yields:
        A function to be called with how many more clips are done.
    """
    with tqdm.tqdm(total=clips, desc=task, unit="clip") as bar:
        yield bar.update
