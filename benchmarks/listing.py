"""Time to list a data set, and whether it grows linearly with the number of files.

    python benchmarks/listing.py                        50,000 against 5,000 files, under a minute
    python benchmarks/listing.py --files=20000 --rounds=5

The sizes are measured in turns, and the fastest round counts, since machines are noisy. Growth is
linear if the ratio of the times is near that of the sizes. The files are links to nowhere, so that
opening one would fail. The clip table is checked, digested, written and read as well.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from asd_tf.data.clips import check_clips, clips_digest, load_clips, write_clips
from asd_tf.data.layouts.readers import read_clips

MACHINES = ("ToyCar", "bearing", "fan", "gearbox", "valve")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=50_000, help="files in the larger tree")
    parser.add_argument(
        "--factor", type=int, default=10, help="size of the larger tree over that of the smaller"
    )
    parser.add_argument("--rounds", type=int, default=3, help="times that each is measured")
    arguments = parser.parse_args()
    sizes = (arguments.files // arguments.factor, arguments.files)
    with tempfile.TemporaryDirectory() as folder:
        trees = {size: write_tree(Path(folder) / str(size), size) for size in sizes}
        seconds = {size: {} for size in sizes}
        for _ in range(arguments.rounds):
            for size, tree in trees.items():
                for name, value in measure(tree).items():
                    seconds[size][name] = min(value, seconds[size].get(name, value))
    small, large = sizes
    print(f"{'':10}{small:>10,} files{large:>10,} files{'ratio':>8}")
    for name in seconds[small]:
        a, b = seconds[small][name], seconds[large][name]
        print(f"{name:10}{a:>14.3f} s{b:>14.3f} s{b / a:>8.1f}")


def write_tree(root: Path, count: int) -> Path:
    """Makes links to nowhere, named as in DCASE 2023."""
    for machine in MACHINES:
        folder = root / "dev_data" / machine / "train"
        folder.mkdir(parents=True)
        for index in range(count // len(MACHINES)):
            name = f"section_00_source_train_normal_{index:05d}_vel_{index % 7}_amp_3.wav"
            (folder / name).symlink_to("nowhere")
    return root


def measure(tree: Path) -> dict[str, float]:
    """Returns the seconds of each step from a folder to a stored clip table and back."""
    seconds = {}

    def timed(name: str, step: Callable):
        start = time.perf_counter()
        result = step()
        seconds[name] = time.perf_counter() - start
        return result

    clips, _ = timed("list", lambda: read_clips(tree))
    timed("check", lambda: check_clips(clips))
    timed("digest", lambda: clips_digest(clips))
    timed("write", lambda: write_clips(tree / "clips.csv", clips))
    timed("load", lambda: load_clips(tree / "clips.csv"))
    return seconds


if __name__ == "__main__":
    main()
