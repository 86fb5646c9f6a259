"""The header of a safetensors file must be bounded before it is parsed."""

import struct

import pytest

from asd_tf.checkpoints.folders import SafetensorsFiles
from asd_tf.errors import InputError


@pytest.mark.parametrize(
    "content",
    [
        struct.pack("<Q", 2**24) + b"{" + b" " * 2**24 + b"}",  # larger than any encoder needs
        struct.pack("<Q", 2**20) + b"{}",  # beyond the end
        struct.pack("<Q", 2**64 - 1) + b"{}",
        struct.pack("<Q", 0),
        b"\x02\x00",
        b"",
    ],
)
def test_a_header_out_of_bounds_is_refused(tmp_path, content):
    """A header of an absurd size must be refused with one line that names the file."""
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.safetensors: is not a complete safetensors file"):
        SafetensorsFiles([tmp_path / "x.safetensors"])
