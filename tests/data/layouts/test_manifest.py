"""A manifest must be read as it is written, or be an error that names the line."""

from pathlib import Path

import pandas as pd
import pytest
from data_helpers import touch_files

from asd_tf.data.layouts.readers import read_clips
from asd_tf.errors import InputError


def write(root: Path, text: str, *files: str) -> Path:
    touch_files(root, files or ("a.wav", "b.wav", "press/long.wav"))
    (root / "clips.csv").write_text(text)
    return root / "clips.csv"


@pytest.mark.parametrize("dataset", [None, "manifest"])
def test_all_columns(tmp_path, dataset):
    path = write(
        tmp_path,
        "\ufeffpath,machine,section,domain,split,label,channel,start_s,duration_s,load,shift\n"
        "a.wav,press,01,target,train,,,,,high,\n"
        "\n"
        "press/long.wav,press,,,test,anomaly,far,12.5,10,,night\n"
        f'"{tmp_path}/b.wav","saw, big",,source,test,0,,,2,,\n',
    )
    clips, name = read_clips(path, dataset)
    assert name == "manifest"
    ids = ["a.wav", "press/long.wav#12.5-22.5#channel1", f"{tmp_path}/b.wav#0-2"]
    assert list(clips["clip_id"]) == ids
    assert list(clips["path"]) == [f"{tmp_path}/{f}" for f in ("a.wav", "press/long.wav", "b.wav")]
    assert list(clips["machine"]) == ["press", "press", "saw, big"]
    assert list(clips["section"]) == ["01", "00", "00"]
    assert clips["domain"].tolist()[::2] == ["target", "source"]
    assert pd.isna(clips["domain"][1])
    assert list(clips["split"]) == ["train", "test", "test"]
    assert list(clips["label"]) == [0, 1, 0]
    assert clips["channel"].isna().tolist() == [True, False, True]
    assert clips["channel"][1] == 1
    assert clips["start_s"].tolist() == [0, 12.5, 0]
    assert clips["duration_s"].tolist()[1:] == [10, 2]
    assert list(clips["attributes"]) == [{"load": "high"}, {"shift": "night"}, {}]


def test_two_columns_are_enough(tmp_path):
    clips, _ = read_clips(write(tmp_path, "path,machine\na.wav,press\nb.wav,saw\n"))
    assert set(clips["split"]) == {"train"}
    assert (set(clips["section"]), set(clips["domain"]), set(clips["label"])) == (
        {"00"},
        {"source"},
        {0},
    )


def test_parts_of_a_file_are_clips_of_their_own(tmp_path):
    rows = "".join(f"press/long.wav,press,{i / 3:.6f},0.25\n" for i in range(20))
    clips, _ = read_clips(write(tmp_path, f"path,machine,start_s,duration_s\n{rows}"))
    assert clips["clip_id"].is_unique
    assert len(clips) == 20


def test_the_flag_fills_what_the_manifest_leaves_open(tmp_path):
    path = write(tmp_path, "path,machine,channel\na.wav,press,\nb.wav,press,2\n")
    assert list(read_clips(path, channel="far")[0]["channel"]) == [1, 2]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "no column 'path', but nothing"),
        ("file,machine\na.wav,x\n", 1, "no column 'path', but file, machine; the columns are path"),
        ("path;machine\na.wav;x\n", 1, "with commas between them"),
        ("path,machine,label,label\na.wav,x,0,0\n", 1, "'label' occurs twice"),
        ("path,machine,\na.wav,x,0\n", 1, "a column has no name"),
        ("path,machine\na.wav,x\nb.wav\n", 3, "1 cells, but the header has 2"),
        ("path,machine\n,x\n", 2, "no path"),
        ("path,machine\na.wav,\n", 2, "no machine"),
        ("path,machine\na.wav,x\nb.wav,x\na.wav,x\n", 4, r"a\.wav is in line 2 already"),
        ("path,machine,split\na.wav,x,dev\n", 2, "split 'dev' is not one of train, test"),
        ("path,machine,domain\na.wav,x,near\n", 2, "domain 'near' is not one of source, target"),
        ("path,machine,label\na.wav,x,2\n", 2, "label '2' is not one of 0, normal, 1, anomaly"),
        ("path,machine,label\na.wav,x,1\n", 2, "an anomalous clip in train"),
        ("path,machine,channel\na.wav,x,left\n", 2, "channel 'left': must be near"),
        ("path,machine,start_s\na.wav,x,-1\n", 2, "start_s '-1' is not a time in seconds"),
        ("path,machine,start_s\na.wav,x,nan\n", 2, "start_s 'nan'"),
        ("path,machine,duration_s\na.wav,x,0\n", 2, "duration_s '0' is not a length in seconds"),
        ("path,machine,duration_s\na.wav,x,1:30\n", 2, "duration_s '1:30'"),
        ("path,machine\nc.wav,x\n", 2, r"there is no file .*c\.wav"),
        ("path,machine\na.wav,x\nc.wav,x\nd.wav,x\n", 3, "and 1 more line"),
        ("path,machine\n../a.wav,x\n", 2, "lies outside of"),
        ("path,machine\npress/../../a.wav,x\n", 2, "write an absolute path"),
        ('path,machine\n"a.wav,x\n', 2, "damaged"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, line, message):
    """An error in a list of thousands of clips must name its line."""
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=rf"clips\.csv, line {line}: .*{message}") as raised:
        read_clips(path)
    assert "\n" not in str(raised.value)


def test_a_path_may_turn_back_within_its_folder(tmp_path):
    clips, _ = read_clips(write(tmp_path, "path,machine\npress/../a.wav,x\n"))
    assert list(clips["clip_id"]) == ["a.wav"]


def test_a_manifest_without_clips(tmp_path):
    with pytest.raises(InputError, match="has no clips"):
        read_clips(write(tmp_path, "path,machine\n"))


def test_no_manifest(tmp_path):
    with pytest.raises(InputError, match=r"clips\.csv: the manifest cannot be read: No such file"):
        read_clips(tmp_path / "clips.csv")
    with pytest.raises(InputError, match="the manifest cannot be read: Is a directory"):
        read_clips(tmp_path, "manifest")


def test_a_manifest_of_another_encoding(tmp_path):
    path = write(tmp_path, "")
    path.write_bytes("path,machine\na.wav,Säge\n".encode("latin-1"))
    with pytest.raises(InputError, match="save the manifest as CSV UTF-8"):
        read_clips(path)
