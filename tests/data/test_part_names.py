"""Names must tell where a recording starts in its file, whatever else they tell."""

import pytest

from asd_tf.data.part_names import file_of, part_suffix, start_of


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        ("", 0.0),
        ("#channel1", 0.0),
        ("#20261130", 0.0),
        (part_suffix(12.5, 10), 12.5),
        (part_suffix(3, float("nan")), 3.0),
        (part_suffix(0.25, 1) + "#channel1", 0.25),
        (part_suffix(0.25, 1) + "#0123abcd", 0.25),
    ],
)
def test_the_start_is_told(suffix, start):
    assert start_of(f"day-1/fan#2-a.wav{suffix}") == start
    assert file_of(f"day-1/fan#2-a.wav{suffix}") == "day-1/fan#2-a.wav"
