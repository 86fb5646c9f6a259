"""The identity of a run: a folder that states its settings, recipe, clips and audio files."""

import dataclasses
import hashlib
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_collections
import pandas as pd

import asd_tf
from asd_tf.config import first_difference
from asd_tf.data.clips import clips_digest, load_clips, write_clips
from asd_tf.data.fingerprints import changed, fingerprints_of
from asd_tf.errors import InputError, UsageError
from asd_tf.files import is_leftover, read_json, write_csv, write_json
from asd_tf.old_keys import current_recipe
from asd_tf.run.settings import Settings

# Version of config.json. That of asd_tf 0.1 has no such key, and other names of keys and stages.
FORMAT_VERSION = 2

LOCK = ".lock"
"""The file that a process locks which trains in the folder."""

DECIDING = ("calibration.false_alarms", "calibration.rule", "recording.pool")
"""The keys of a recipe that may change on a finished run: they decide, and nothing is fitted."""

_AUDIO = "audio.csv"
_OF_BEGINNING = (LOCK, "clips.csv", _AUDIO, "lost+found")

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """A run folder: config.json, clips.csv, audio.csv and the results of the run.

    Attributes:
        path: The folder.
        settings: The settings beside the recipe.
        recipe: Its recipe, with all overrides applied.
        clips: All clips that it trains on and scores.
        audio: clip_id to the fingerprint of its file, see `asd_tf.data.fingerprints`; None for a
            run of an earlier version.
    """

    path: Path
    settings: Settings
    recipe: ml_collections.ConfigDict
    clips: pd.DataFrame
    audio: Mapping[str, str] | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        settings: Settings,
        recipe: ml_collections.ConfigDict,
        clips: pd.DataFrame,
        *,
        overwrite: bool = False,
    ) -> "RunFolder":
        """Opens a run folder, new or to be resumed.

        Args:
            path: The folder.
            settings: The settings beside the recipe.
            recipe: Its recipe, with all overrides applied.
            clips: All clips that it trains on and scores.
            overwrite: Whether a run that is already there is deleted first.

        Raises:
            UsageError: If the folder holds a run with other settings, or data, or an audio file has
                changed since.
            InputError: If it holds something that is not a run.
        """
        if overwrite and path.exists():
            _delete_run(path)
        audio = fingerprints_of(clips[clips["split"] != "supplemental"])
        folder = cls(path, settings, recipe, clips, audio)
        if (path / "config.json").exists():
            folder._check_same(read_description(path))
            return folder
        check_free(path)
        path.mkdir(parents=True, exist_ok=True)
        # config.json comes last and makes the folder a run: one killed before can start again. The
        # folder itself stays, since it may be a mounted volume or a link.
        write_clips(path / "clips.csv", clips)
        write_csv(path / _AUDIO, pd.DataFrame(audio.items(), columns=["clip_id", "fingerprint"]))
        folder.write_description()
        return folder

    @classmethod
    def load(cls, path: Path) -> "RunFolder":
        """Opens an existing run with its stored settings; also one of asd_tf 0.1, to evaluate it.

        Raises:
            InputError: If there is none, or its files are damaged.
        """
        stored = read_description(path)
        try:
            settings = Settings(**stored["settings"])
            recipe = ml_collections.ConfigDict(stored["recipe"])
        except (KeyError, TypeError) as error:
            raise InputError(f"{path / 'config.json'}: the file is damaged ({error})") from None
        clips = load_clips(path / "clips.csv")
        if clips_digest(clips) != stored.get("clips", {}).get("sha256"):
            raise InputError(f"{path / 'clips.csv'}: altered since the training, or damaged")
        return cls(path, settings, recipe, clips, _load_audio(path))

    def description(self) -> dict[str, Any]:
        """Returns the content of `config.json`: versions, settings, data and recipe."""
        is_train = self.clips["split"] == "train"
        return {
            "format_version": FORMAT_VERSION,
            "asd_tf": asd_tf.__version__,
            "settings": dataclasses.asdict(self.settings),
            "clips": {
                "count": len(self.clips),
                "sha256": clips_digest(self.clips),
                "train_sha256": clips_digest(self.clips[is_train]),
                "audio_sha256": self._audio_digest(self.clips),
                "train_audio_sha256": self._audio_digest(self.clips[is_train]),
            },
            "recipe": self.recipe.to_dict(),
        }

    def write_description(self) -> None:
        """Writes `config.json`."""
        write_json(self.path / "config.json", self.description())

    def single(self, index: int) -> Path:
        """Returns the folder of one of the runs that are fused."""
        return single_folder(self.path, index)

    def _audio_digest(self, clips: pd.DataFrame) -> str | None:
        """Returns the SHA-256 of the fingerprints of clips; None if these are not known."""
        if self.audio is None:
            return None
        lines = [f"{clip} {self.audio[clip]}\n" for clip in clips["clip_id"] if clip in self.audio]
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def _check_same(self, stored: Mapping[str, Any]) -> None:
        check_resumable(self.path, stored)
        mine = self.description()
        if (self.path / "detector" / "detector.json").exists():
            stored = {**stored, "recipe": _deciding_as(mine["recipe"], stored["recipe"])}
        for part in ("settings", "recipe", "clips"):
            difference = first_difference(_without_audio(stored[part]), _without_audio(mine[part]))
            if difference is not None:
                key, there, here = difference
                name = f"{part}.{key}" if part == "clips" else key
                raise UsageError(
                    f"{self.path} holds a run with {name}={there}, not {here}: choose another "
                    f"--run_dir, or --overwrite to start again{_advice(part, self.path)}"
                )
        self._check_same_audio()

    def _check_same_audio(self) -> None:
        stored = _load_audio(self.path)
        if stored is None:
            _logger.warning(
                "%s: has no %s, as it was begun by an earlier version: whether an audio file has "
                "changed since is not known", self.path, _AUDIO,
            )  # fmt: skip
            return
        clips = list(changed(stored, self.audio or {}))
        if clips:
            path = self.clips.loc[self.clips["clip_id"] == clips[0], "path"].iloc[0]
            more = f", as have {len(clips) - 1} more clips" if len(clips) > 1 else ""
            raise UsageError(
                f"{path}: has changed since the run in {self.path} was begun{more}: choose another "
                "--run_dir, or --overwrite to start again"
            )


def _advice(part: str, path: Path) -> str:
    """Returns what else can be done where clips have changed."""
    advice = f"; with another one, --init_from={path} starts from the weights of this run"
    return advice if part == "clips" else ""


def _deciding_as(recipe: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a stored recipe with those values of another that `DECIDING` names."""
    changed = {section: dict(values) if isinstance(values, Mapping) else values
               for section, values in stored.items()}  # fmt: skip
    for section, key in (name.split(".") for name in DECIDING):
        if key in changed.get(section, {}) and key in recipe.get(section, {}):
            changed[section][key] = recipe[section][key]
    return changed


def _without_audio(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves out the digests of audio, whose difference is explained by `_check_same_audio`."""
    return {key: value for key, value in values.items() if not key.endswith("audio_sha256")}


def _load_audio(path: Path) -> dict[str, str] | None:
    """Reads the fingerprints of the audio files of a run; None for one of an earlier version.

    Raises:
        InputError: If the file is damaged.
    """
    try:
        frame = pd.read_csv(path / _AUDIO, dtype=str, keep_default_na=False)
        return dict(zip(frame["clip_id"], frame["fingerprint"], strict=True))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError):
        raise InputError(f"{path / _AUDIO}: the file is damaged") from None


def single_folder(path: Path, index: int) -> Path:
    """Returns the folder of a single run within that of several."""
    return path / "runs" / str(index)


def network_folder(path: Path, name: str) -> Path:
    """Returns the folder of a network of a run, a run of its own without some of the clips."""
    return path / "networks" / name


def read_description(path: Path) -> dict[str, Any]:
    """Reads the `config.json` of a run; its recipe has the keys of today.

    Raises:
        InputError: If the folder holds no run, or the file is broken.
    """
    file = path / "config.json"
    try:
        description = read_json(file)
    except OSError:
        raise InputError(f"{path}: no run is there (config.json is missing)") from None
    except ValueError:
        raise InputError(f"{file}: the file is not JSON; use --overwrite to start again") from None
    if isinstance(description, dict) and isinstance(description.get("recipe"), dict):
        description["recipe"] = current_recipe(description["recipe"])
    return description


def check_resumable(path: Path, description: Mapping[str, Any]) -> None:
    """Checks that a run was started by a version whose stages this version can continue.

    Raises:
        UsageError: If not; the message says what can still be done with the run.
    """
    version = description.get("format_version", 1)
    if version != FORMAT_VERSION:
        raise UsageError(
            f"{path} holds a run of asd_tf {description.get('asd_tf', 'of unknown version')}: its "
            f"stages cannot be continued or reused: evaluate it (asd-evaluate --run_dir={path}), "
            "use its detector, or --overwrite to train again"
        )


def check_free(path: Path) -> None:
    """Checks that a run may begin in a folder, or that one is there.

    Raises:
        InputError: If the folder holds something else.
    """
    if path.is_dir() and not (path / "config.json").exists() and _foreign(path):
        raise InputError(f"{path}: the folder is not empty and holds no run; choose another")


def _foreign(path: Path) -> list[Path]:
    """Returns what in a folder neither a run that was killed as it began nor a file system left."""
    return [
        inside
        for inside in path.iterdir()
        if inside.name not in _OF_BEGINNING and not is_leftover(inside.name)
    ]


def _delete_run(path: Path) -> None:
    """Deletes a run, but never the files of a folder that holds no run, and not the folder."""
    if not (path / "config.json").exists() and _foreign(path):
        raise InputError(f"--overwrite: {path} holds no run, so it is left as it is")
    for inside in sorted(path.iterdir(), key=lambda inside: inside.name == "config.json"):
        if inside.name in (LOCK, "lost+found"):
            continue
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        else:
            inside.unlink()
