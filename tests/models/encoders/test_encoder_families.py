"""Each encoder must be known by one family and one checkpoint reader."""

import dataclasses
import inspect

import pytest

from asd_tf.checkpoints.load import READERS, entries_of
from asd_tf.models.encoders.build import FAMILIES, config_from, kind_of


def test_each_encoder_has_one_reader():
    assert sorted(reader.config.__name__ for reader in READERS) == sorted(
        family.config.__name__ for family in FAMILIES.values()
    )


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_family_holds_all_that_is_known_of_an_encoder(kind):
    family = FAMILIES[kind]
    assert family.kind == kind
    assert family.published
    assert all(isinstance(config, family.config) for config in family.sizes.values())
    assert list(inspect.signature(family.build).parameters)[:3] == ["config", "samples", "parts"]
    for config in family.sizes.values():
        assert kind_of(config) == kind
        assert config_from(kind, dataclasses.asdict(config)) == config
        assert list(entries_of(config))


@pytest.mark.parametrize("kind", [kind for kind in FAMILIES if kind != "speech_embedding"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("depth", 0), ("width", -4), ("heads", 7), ("heads", 2.0), ("ffn", True), ("dropout", 1.0),
     ("attention_dropout", -0.1)],
)  # fmt: skip
def test_sizes_out_of_range_are_refused(kind, name, value):
    with pytest.raises(ValueError, match=rf"^{name} must .* got {value}$"):
        dataclasses.replace(FAMILIES[kind].sizes["tiny"], **{name: value})


@pytest.mark.parametrize("widths", [(4, 4, 8, 8), (4, 4, 8, 8, 0), [4, 4, 8, 8, 8]])
def test_widths_out_of_range_are_refused(widths):
    with pytest.raises(ValueError, match=r"^widths must be "):
        FAMILIES["speech_embedding"].config(widths=widths)


def test_unknown_encoders_and_values_are_refused():
    with pytest.raises(ValueError, match=r"^encoder must be one of beats, ced, .* got 'bert'$"):
        config_from("bert", {})
    with pytest.raises(ValueError, match=r"^ced has no taps$"):
        config_from("ced", {"taps": 3})
