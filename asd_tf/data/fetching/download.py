"""Fetches an edition of DCASE Task 2 from Zenodo, and its evaluation labels."""

import dataclasses
import logging
import re
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path

from asd_tf.config import check_choice
from asd_tf.data.archives import BadArchiveError, check_space, csv_files_of, unpack
from asd_tf.data.clips import SUBSETS
from asd_tf.data.fetching.transfer import Patience, fetch, fetch_json
from asd_tf.data.layouts.editions import Edition
from asd_tf.errors import InputError
from asd_tf.files import read_json, write_json

ZENODO = "https://zenodo.org"
GITHUB = "https://github.com"

_log = logging.getLogger(__name__)

# Published archives of 16-bit audio unpack to 1.2 times their size; this adds a margin.
UNPACKED_RATIO = 1.5

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
        name: Name of the file.
        size: Size of the file in bytes.
        md5: MD5 checksum of the file, in hexadecimal digits.
    """

    record: int
    name: str
    size: int
    md5: str

    def url(self, server: str) -> str:
        """Returns the download link of the record's page, which unlike the API's has ranges."""
        return f"{server}/records/{self.record}/files/{urllib.parse.quote(self.name)}"


@dataclasses.dataclass(frozen=True)
class Downloader:
    """Fetches the archives of an edition into a folder, and logs what it does.

    The development set goes to `dev_data`, the additional training set and the evaluation set to
    `eval_data`, and the labels of the evaluation set to `ground_truth`. `.asd-data` holds partial
    downloads and a note of each archive that was unpacked, which is not fetched again as long as
    its files are there.

    Attributes:
        edition: The edition to fetch.
        folder: The folder of the data.
        server: Zenodo, or a mirror with the same addresses.
        github: GitHub, or a mirror with the same addresses.
        patience: How long to wait for a server.
        keep_archives: Whether archives are kept in `.asd-data` when they are unpacked.
        progress: Called with the name of a file, the position in it and its size, in bytes.
    """

    edition: Edition
    folder: Path
    server: str = ZENODO
    github: str = GITHUB
    patience: Patience = dataclasses.field(default_factory=Patience)
    keep_archives: bool = False
    progress: Callable[[str, int, int], None] = lambda name, position, size: None

    @property
    def _state(self) -> Path:
        return self.folder / ".asd-data"

    def run(self, subsets: Sequence[str] = SUBSETS, machines: Sequence[str] = ()) -> None:
        """Fetches and unpacks the archives that are not unpacked yet.

        Args:
            subsets: The subsets to fetch, of dev and eval.
            machines: The machines to fetch; all if empty.

        Raises:
            UsageError: If the edition has no such machine.
            InputError: If a server fails, a file is wrong or damaged, or the disk is too small.
        """
        wanted = [
            (subset, file)
            for subset in subsets
            for file in self._archives_of(subset, self._machines_of(subset, machines))
        ]
        missing = [(subset, file) for subset, file in wanted if not self._is_unpacked(subset, file)]
        if len(missing) < len(wanted):
            unpacked = len(wanted) - len(missing)
            _log.info("%d of %d archives are there already", unpacked, len(wanted))
        sizes = [file.size for _, file in missing]
        if missing:
            _log.info("archives to fetch: %d, %.2f GB", len(missing), sum(sizes) / 1e9)
            archives = sum(sizes) if self.keep_archives else max(sizes)
            fetched = sum(path.stat().st_size for path in self._state.glob("*.zip*.part"))
            check_space(self.folder, int(archives + UNPACKED_RATIO * sum(sizes)) - fetched)
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
        """Finds the archives of machines in the records of a subset, in their last revisions."""
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
        """Fetches the official labels; a failure is logged and does not stop the download."""
        folder = self.folder / "ground_truth"
        if folder.is_dir() and any(folder.iterdir()):
            return
        try:
            if self.edition.label_record:
                for file in list_files(self.edition.label_record, self.server, self.patience):
                    if file.name.endswith(".csv"):
                        self._fetch(file, folder / file.name)
            elif self.edition.evaluator:
                url = f"{self.github}/{self.edition.evaluator}/archive/HEAD.zip"
                name = self.edition.evaluator.rpartition("/")[2]
                self._fetch_evaluator(url, folder / f"{name}.zip")
            _log.info("%s: the evaluation labels of %s", folder, self.edition.label_source)
        except InputError as error:
            _log.warning("no evaluation labels: %s; see %s", error, self.edition.label_source)

    def _fetch_evaluator(self, url: str, path: Path) -> None:
        """Fetches a repository as a zip, which has no published length or checksum."""
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
        raise InputError(f"{url}: the answer is not a record with files") from None
    for file in files:
        if not re.fullmatch(r"\w[\w .()+-]*", file.name):
            raise InputError(f"{url}: '{file.name}' is not a file name")
        if not re.fullmatch(r"md5:[0-9a-f]{32}", file.md5) or file.size < 0:
            raise InputError(f"{url}: {file.name} has no size and MD5 checksum")
    return [dataclasses.replace(file, md5=file.md5.removeprefix("md5:")) for file in files]


def _count_files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.iterdir()) if folder.is_dir() else 0
