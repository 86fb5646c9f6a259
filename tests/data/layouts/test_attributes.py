"""Clips must get the attributes of their rows in the tables of their data."""

import pytest

from asd_tf.data.layouts.attributes import AttributeTables
from asd_tf.data.layouts.file_index import list_files
from asd_tf.errors import InputError

NAME = "section_00_source_train_normal_0000_noAttribute"


def tables(root, **texts: str) -> AttributeTables:
    for place, text in texts.items():
        path = root.joinpath(*place.split("__")[:-1], f"attributes_{place.split('__')[-1]}.csv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return AttributeTables(list_files(root))


def test_a_row_belongs_to_its_machine(tmp_path):
    """The machine must match, too: all machines have clips of the same names."""
    found = tables(
        tmp_path,
        dev_data__fan__00=(
            f"file_name,d1p,d1v,d2p,d2v\nfan/train/{NAME}.wav,vel,6,amp,3\n"
            "fan/train/other.wav,vel,7,,\n"
        ),
    )
    clip = f"dev_data/fan/train/{NAME}.flac"
    assert found.find(clip, "fan") == {"vel": "6", "amp": "3"}
    assert list(found.find(clip, "fan")) == ["vel", "amp"]
    assert found.find("dev_data/fan/train/other.wav", "fan") == {"vel": "7"}
    assert found.find("dev_data/fan/train/third.wav", "fan") == {}
    assert found.find(f"dev_data/valve/train/{NAME}.wav", "valve") == {}


def test_a_table_above_its_machines(tmp_path):
    text = f"file_name,d1p,d1v\nfan/train/{NAME}.wav,vel,6\nvalve\\train\\{NAME}.wav,pat,2\n"
    found = tables(tmp_path, dev_data__00=text)
    assert found.find(f"dev_data/fan/train/{NAME}.wav", "fan") == {"vel": "6"}
    assert found.find(f"dev_data/valve/train/{NAME}.wav", "valve") == {"pat": "2"}
    assert found.find(f"eval_data/fan/train/{NAME}.wav", "fan") == {}


def test_the_nearest_table_counts(tmp_path):
    found = tables(
        tmp_path,
        **{"00": f"file_name,d1p,d1v\nfan/train/{NAME}.wav,vel,1\n"},
        fan__00=f"file_name,d1p,d1v\n{NAME}.wav,vel,2\n",
    )
    assert found.find(f"fan/train/{NAME}.wav", "fan") == {"vel": "2"}


@pytest.mark.parametrize("cells", ["noAttribute,", ",", '"",""'])
def test_hidden_attributes_are_none(tmp_path, cells):
    found = tables(tmp_path, fan__00=f"file_name,d1p,d1v\nfan/train/{NAME}.wav,{cells}\n")
    assert found.find(f"fan/train/{NAME}.wav", "fan") == {}


@pytest.mark.parametrize(
    ("text", "message"), [("a,b\n1,2\n", "no column file_name"), ("", "no column file_name")]
)
def test_a_wrong_table_is_named(tmp_path, text, message):
    with pytest.raises(InputError, match=rf"attributes_00\.csv.*{message}"):
        tables(tmp_path, fan__00=text).find("fan/train/a.wav", "fan")


def test_a_table_that_is_not_text_is_named(tmp_path):
    found = tables(tmp_path, fan__00="")
    (tmp_path / "fan" / "attributes_00.csv").write_bytes(b"file_name\n\xff\xfe\xfd\n")
    with pytest.raises(InputError, match=r"attributes_00\.csv.*damaged"):
        found.find("fan/train/a.wav", "fan")
