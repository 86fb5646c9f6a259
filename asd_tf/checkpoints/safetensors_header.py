"""The size of the header of a safetensors file, checked before it is parsed."""

import struct
from pathlib import Path

from asd_tf.errors import InputError

# The library takes 100 MB, which become gigabytes when they are parsed. A tensor takes about 120
# bytes; the largest encoders have 2,000 tensors.
MAX_HEADER_BYTES = 8 * 2**20


def check_header(path: Path) -> None:
    """Checks that the header is within the file and of a usual size.

    Raises:
        InputError: If it is not.
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(8)
    size = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if not 2 <= size <= min(MAX_HEADER_BYTES, path.stat().st_size - 8):
        raise InputError(
            f"{path}: is not a complete safetensors file (its header has {size} bytes); "
            "take a fresh copy"
        )
