"""The detectors and the new recordings of the tests of versions."""

import pytest
from versions import make_detectors, write_tones


@pytest.fixture(scope="module")
def detectors(dataset, tmp_path_factory):
    return make_detectors(dataset, tmp_path_factory.mktemp("versions"))


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    return write_tones(tmp_path_factory.mktemp("new"), "00", 4)
