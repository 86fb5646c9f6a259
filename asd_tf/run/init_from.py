"""`--init_from`: the networks of a run start from the weights of a finished one."""

import hashlib
import logging
from pathlib import Path

import keras

from asd_tf.data.sessions import natural_order
from asd_tf.errors import UsageError
from asd_tf.files import sha256_of
from asd_tf.run.folder import network_folder, single_folder
from asd_tf.training.stage import Stage
from asd_tf.training.warm_start import warm_start

_SHOWN = 3

_logger = logging.getLogger(__name__)


def checked_source(folder: Path) -> Path:
    """Returns the folder of a run whose weights others may start from.

    Args:
        folder: The folder of a run, or that of the detector in it.

    Raises:
        UsageError: If no finished training of networks is there.
    """
    run = folder.resolve().parent if (folder / "detector.json").exists() else folder
    if _weights(run):
        return run
    if (folder / "detector.json").exists():
        raise UsageError(
            f"--init_from={folder}: the networks of a detector alone have no names of weights; "
            "give the folder of the run that made it"
        )
    raise UsageError(f"--init_from={folder}: no finished training of a network is there")


def digest_of(run: Path) -> str:
    """Returns a digest of all weights that a run has: what a warm start depends on."""
    lines = [f"{path.relative_to(run).as_posix()} {sha256_of(path)}\n" for path in _weights(run)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def source_of_single(run: Path, index: int) -> Path:
    """Returns what one of several runs starts from: the one of its number, where there are some."""
    single = single_folder(run, index)
    return single if single.exists() else run


def source_of_network(run: Path, name: str) -> Path:
    """Returns what a network that does not see all clips starts from: the one of its name.

    Where the other run has none, it is what `start_from` finds there.
    """
    own = network_folder(run, name)
    return own if _own_weights(own) else run


def check_apart(target: Path, **sources: Path | None) -> None:
    """Checks that a run does not write where it reads another one.

    Args:
        target: Folder of the run that is written.
        sources: Flag to the folder of a run that is read; None for none.

    Raises:
        UsageError: If two are one folder, or one is within the other.
    """
    written = target.resolve()
    for flag, source in sources.items():
        if source is None:
            continue
        read = source.resolve()
        if written in (read, *read.parents) or read in written.parents:
            relation = "is" if read == written else "shares files with"
            raise UsageError(
                f"--{flag}={source}: {relation} the folder of this run, {target}, which must not "
                "be read while it is written: choose another --run_dir"
            )


def start_from(run: Path, stage: Stage, model: keras.Model) -> None:
    """Starts a stage from the weights of the same stage of another run, and says from how many.

    Args:
        run: Folder of the other run. If it has no stages of its own, they are those of its first
            network, or of its first single run.
        stage: The stage.
        model: Its model.
    """
    run = _with_stages(run)
    source = run / "stages" / stage.name / Stage.WEIGHTS
    if not (source.parent / "DONE").exists() or not source.exists():
        _logger.warning("%s: starts anew, since %s has no such stage", stage.name, run)
        return
    found = warm_start(model, source, stage.folder / "warm_start")
    left = [*(f"{name} (another shape)" for name in found.other_shape), *found.missing]
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    _logger.info(
        "%s: starts from %d of %d weights of %s%s", stage.name, found.taken,
        found.taken + len(left), run,
        f"; not from {', '.join(left[:_SHOWN])}{more}" if left else "",
    )  # fmt: skip


def _with_stages(run: Path) -> Path:
    """Returns the folder that has stages with weights: of a network, the run or a single run."""
    if _own_weights(run):
        return run
    inside = [path for kind in ("networks", "runs") for path in _in_order(run / kind)]
    return next((found for path in inside if _weights(found := _with_stages(path))), run)


def _in_order(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"), key=lambda path: natural_order(path.name))


def _own_weights(run: Path) -> list[Path]:
    """Returns the files of weights of the finished stages of a run itself."""
    weights = [done.with_name(Stage.WEIGHTS) for done in run.glob("stages/*/DONE")]
    return sorted(path for path in weights if path.exists())


def _weights(run: Path) -> list[Path]:
    """Returns the files of weights of a run, of its networks and of its single runs."""
    parts = [*run.glob("networks/*"), *run.glob("runs/*"), *run.glob("runs/*/networks/*")]
    return sorted(path for folder in (run, *parts) for path in _own_weights(folder))
