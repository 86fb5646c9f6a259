"""Names and numbers of channels must be read right, and a detector gets its clips' channel."""

import pandas as pd
import pytest

from asd_tf.data.layouts.channels import common_channel, parse_channel
from asd_tf.errors import UsageError


@pytest.mark.parametrize(
    ("text", "channel"), [("near", 0), ("far", 1), ("mean", None), ("0", 0), ("12", 12)]
)
def test_channels_have_names_and_numbers(text, channel):
    assert parse_channel(text) == channel


@pytest.mark.parametrize("text", ["", "-1", "left", "1.5", "²"])
def test_another_channel_is_an_error(text):
    with pytest.raises(UsageError, match=f"channel '{text}': must be near, far, mean or a number"):
        parse_channel(text)


@pytest.mark.parametrize(
    ("channels", "common"),
    [
        ([1, 1], 1),
        ([0, 0], 0),
        ([pd.NA, pd.NA], None),
        ([0, 1], None),
        ([0, pd.NA], None),
        ([], None),
    ],
)
def test_a_detector_has_the_channel_of_all_its_clips(channels, common):
    assert common_channel(pd.DataFrame({"channel": pd.array(channels, "Int64")})) == common
