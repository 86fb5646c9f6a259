"""Fetches an edition of DCASE Task 2 from Zenodo, and its evaluation labels."""

import dataclasses
import re
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path

from asd_tf.config import check_choice
from asd_tf.data.archives import BadArchiveError, check_space, csv_files_of, unpack
from asd_tf.data.editions import SUBSETS, Edition
from asd_tf.data.transfer import Patience, fetch, fetch_json
from asd_tf.errors import InputError
from asd_tf.files import read_json, write_json

ZENODO = "https://zenodo.org"
GITHUB = "https://github.com"

# Published archives of 16-bit audio unpack to 1.2 times their size; with a margin.
UNPACKED = 1.5

MAX_EVALUATOR_BYTES = 2**27

# dev_data_fan.zip, dev_fan.zip, eval_data_train_fan.zip, eval_data_fan_train.zip, and _r2 at the
# end where a file was replaced later.
_ARCHIVE = re.compile(
    r"(?P<subset>dev|eval)(_data)?_((?P<part>train|test)_)?(?P<machine>[A-Za-z0-9]+)"
    r"(_(?P<part_after>train|test))?(_r(?P<revision>\d+))?\.zip"
)


@dataclasses.dataclass(frozen=True)
class RecordFile:
    """A file of a Zenodo record.

    Attributes:
        record: Number of the record.
        name: Of the file.
        size: In bytes.
        md5: Its checksum.
    """

    record: int
    name: str
    size: int
    md5: str

    def url(self, server: str) -> str:
        """Returns the address of the page's download link, which unlike the API's knows ranges."""
        return f"{server}/records/{self.record}/files/{urllib.parse.quote(self.name)}"


@dataclasses.dataclass(frozen=True)
class Downloader:
    """Fetches the archives of an edition into a folder.

    `dev_data` gets the development set, `eval_data` the additional training and the evaluation
    set, `ground_truth` the labels of the latter. `.asd-data` holds what is on its way, and a note
    of each archive that was unpacked, which is not fetched again as long as its files are there.

    Attributes:
        edition: What to fetch.
        folder: Where it goes.
        server: Zenodo, or a mirror with the same addresses.
        github: GitHub, or a mirror with the same addresses.
        patience: How long to bear with a server.
        keep_archives: Whether archives stay in `.asd-data` when they are unpacked.
        say: Is told what happens, line by line.
        progress: Is called with the name of a file, the position in it and its size, in bytes.
    """

    edition: Edition
    folder: Path
    server: str = ZENODO
    github: str = GITHUB
    patience: Patience = dataclasses.field(default_factory=Patience)
    keep_archives: bool = False
    say: Callable[[str], None] = print
    progress: Callable[[str, int, int], None] = lambda name, position, size: None

    @property
    def _state(self) -> Path:
        return self.folder / ".asd-data"

    def run(self, subsets: Sequence[str] = SUBSETS, machines: Sequence[str] = ()) -> None:
        """Fetches and unpacks what is not there yet.

        Args:
            subsets: Of dev and eval.
            machines: Only these; all if there is none.

        Raises:
            UsageError: If the edition has no such machine.
            InputError: If a server or a file is not as needed, or the disk is too small.
        """
        wanted = [
            (subset, file)
            for subset in subsets
            for file in self._archives_of(subset, self._machines_of(subset, machines))
        ]
        missing = [(subset, file) for subset, file in wanted if not self._is_unpacked(subset, file)]
        if len(missing) < len(wanted):
            self.say(f"{len(wanted) - len(missing)} of {len(wanted)} archives are there already")
        sizes = [file.size for _, file in missing]
        if missing:
            self.say(f"archives to fetch: {len(missing)}, {sum(sizes) / 1e9:.2f} GB")
            archives = sum(sizes) if self.keep_archives else max(sizes)
            here = sum(path.stat().st_size for path in self._state.glob("*.zip*.part"))
            check_space(self.folder, int(archives + UNPACKED * sum(sizes)) - here)
        for subset, file in missing:
            self._fetch_and_unpack(subset, file)
        if "eval" in subsets:
            self._fetch_labels()

    def _machines_of(self, subset: str, machines: Sequence[str]) -> list[str]:
        known = self.edition.machines
        for machine in machines:
            check_choice("machine", machine, dict.fromkeys([*known["dev"], *known["eval"]]))
        return [machine for machine in known[subset] if machine in machines or not machines]

    def _archives_of(self, subset: str, machines: Sequence[str]) -> list[RecordFile]:
        """Finds the archives of machines in the records of a subset, each in its last revision."""
        if not machines:
            return []
        found = []
        for record in self.edition.records[subset]:
            latest: dict[tuple, tuple[int, RecordFile]] = {}
            for file in list_files(record, self.server, self.patience):
                match = _ARCHIVE.fullmatch(file.name)
                if match is None or match["subset"] != subset or match["machine"] not in machines:
                    continue
                key = (match["machine"], match["part"] or match["part_after"])
                entry = (int(match["revision"] or 1), file)
                latest[key] = max(entry, latest.get(key, entry), key=lambda entry: entry[0])
            absent = set(machines) - {machine for machine, _ in latest}
            if absent:
                raise InputError(
                    f"{self.server}/records/{record}: has no archive of {', '.join(sorted(absent))}"
                )
            found += [file for _, file in latest.values()]
        return found

    def _note_of(self, file: RecordFile) -> Path:
        return self._state / f"{file.record}-{file.name}.json"

    def _is_unpacked(self, subset: str, file: RecordFile) -> bool:
        try:
            note = read_json(self._note_of(file))
            return note["md5"] == file.md5 and all(
                _count_files(self.folder / f"{subset}_data" / folder) >= count
                for folder, count in note["files"].items()
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def _fetch_and_unpack(self, subset: str, file: RecordFile) -> None:
        archive = self._state / f"{file.record}-{file.name}"
        if not archive.exists():
            self._fetch(file, archive)
        try:
            counts = unpack(archive, self.folder / f"{subset}_data", self._state / "unpacking")
        except BadArchiveError:
            archive.unlink()
            raise
        write_json(self._note_of(file), {"md5": file.md5, "files": counts})
        if not self.keep_archives:
            archive.unlink()

    def _fetch(self, file: RecordFile, path: Path) -> None:
        fetch(
            file.url(self.server),
            path,
            self.patience,
            size=file.size,
            md5=file.md5,
            progress=lambda position: self.progress(file.name, position, file.size),
        )

    def _fetch_labels(self) -> None:
        """Fetches the official labels, which are not worth losing a download of audio for."""
        folder = self.folder / "ground_truth"
        if folder.is_dir() and any(folder.iterdir()):
            return
        try:
            if self.edition.label_record:
                for file in list_files(self.edition.label_record, self.server, self.patience):
                    if file.name.endswith(".csv"):
                        self._fetch(file, folder / file.name)
            else:
                url = f"{self.github}/{self.edition.evaluator}/archive/HEAD.zip"
                name = self.edition.evaluator.rpartition("/")[2]
                self._fetch_evaluator(url, folder / f"{name}.zip")
            self.say(f"{folder}: the evaluation labels of {self.edition.label_source}")
        except InputError as error:
            self.say(f"no evaluation labels: {error}; they are at {self.edition.label_source}")

    def _fetch_evaluator(self, url: str, path: Path) -> None:
        """Fetches a repository as a zip; it has no published length and checksum."""
        fetch(url, path, self.patience, max_size=MAX_EVALUATOR_BYTES)
        try:
            if not any(True for _ in csv_files_of(path)):
                raise InputError(f"{url}: holds no lists")
        except InputError:
            path.unlink()
            raise


def list_files(record: int, server: str, patience: Patience) -> list[RecordFile]:
    """Lists the files of a Zenodo record.

    Raises:
        InputError: If the server does not answer, or not with a record.
    """
    url = f"{server}/api/records/{record}"
    answer = fetch_json(url, patience)
    try:
        files = [
            RecordFile(record, entry["key"], int(entry["size"]), entry["checksum"])
            for entry in answer["files"]
        ]
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{url}: the answer is no record with files") from None
    for file in files:
        if not re.fullmatch(r"\w[\w .()+-]*", file.name):
            raise InputError(f"{url}: '{file.name}' is no file name")
        if not re.fullmatch(r"md5:[0-9a-f]{32}", file.md5) or file.size < 0:
            raise InputError(f"{url}: {file.name} has no size and MD5 checksum")
    return [dataclasses.replace(file, md5=file.md5.removeprefix("md5:")) for file in files]


def _count_files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.iterdir()) if folder.is_dir() else 0
