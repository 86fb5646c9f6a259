"""Pre-trained weights must fit their encoder, or be refused by name."""

import json
import shutil
import struct

import numpy as np
import pytest
from harness import exit_of
from published import GOLDEN, hugging_face_folder
from torch_archive import write_torch_zip

from asd_tf.checkpoints.load import entries_of, load_encoder, pretrained_encoder, put_weights
from asd_tf.checkpoints.mapping import published_weights, variables_of
from asd_tf.checkpoints.torch_zip import read_torch_zip
from asd_tf.cli import convert
from asd_tf.errors import InputError
from asd_tf.models.encoders.beats import BeatsConfig
from asd_tf.models.encoders.build import FAMILIES, build_encoder

QUERY = "encoder.layers.1.self_attn.q_proj.weight"
SAMPLES = 8000


def loaded(path):
    return pretrained_encoder(load_encoder(path), SAMPLES, str(path))


@pytest.fixture
def beats():
    """The content of the golden BEATs, to be spoiled."""
    return read_torch_zip(GOLDEN / "beats_tiny.pt")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda cfg, model: model.pop(QUERY), f"it lacks {QUERY}"),
        (lambda cfg, model: model.update(foreign=model[QUERY]), "it holds foreign"),
        (lambda cfg, model: model.update({QUERY: model[QUERY][:, 1:]}), "48x47 (not 48x48)"),
        (lambda cfg, model: model.update({QUERY: model[QUERY] * np.nan}), f"{QUERY} (not finite)"),
        (lambda cfg, model: cfg.update(encoder_layers=3), "it lacks encoder.layers.2."),
        (lambda cfg, model: cfg.update(encoder_layers=1), "it holds encoder.layers.1."),
        (lambda cfg, model: cfg.update(raw2fbank_pad=1), "raw2fbank_pad=1 is not supported"),
        (lambda cfg, model: cfg.update(fbank_mean=None), "mean must be a finite number"),
        (lambda cfg, model: cfg.update(fbank_std=0.0), "deviation must be greater than 0"),
        (lambda cfg, model: cfg.update(encoder_layers="2"), "depth must be a positive integer"),
        (lambda cfg, model: cfg.update(encoder_attention_heads=5), "heads must divide the width"),
        (lambda cfg, model: cfg.pop("conv_pos"), "its config lacks conv_pos"),
        (lambda cfg, model: cfg.update(layer_norm_first=True), "layer_norm_first=True is not"),
        (lambda cfg, model: model.pop("patch_embedding.weight"), "none of the known encoders"),
        (lambda cfg, model: model.update({QUERY.replace("q_proj", "relative_attention_bias"):
                                          np.zeros((320, 4), np.float32)}), "all layers share"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_refused_by_name(beats, tmp_path, spoil, message):
    """The message must name the weights that do not fit."""
    spoil(beats["cfg"], beats["model"])
    write_torch_zip(tmp_path / "x.pt", {key: dict(beats[key]) for key in ("cfg", "model")})
    with pytest.raises(InputError) as error:
        loaded(tmp_path / "x.pt")
    assert message in str(error.value)
    assert str(tmp_path / "x.pt") in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_refused_checkpoint_changes_nothing(beats):
    pretrained = load_encoder(GOLDEN / "beats_tiny.pt")
    model = build_encoder(pretrained.config, SAMPLES)
    before = model.get_weights()
    spoiled = {**pretrained.weights, "encoder.layers.1.fc2.bias": np.zeros(3)}
    with pytest.raises(InputError, match="fc2"):
        put_weights(model, pretrained._replace(weights=spoiled), "x")
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("value", [(1, 2), {"cfg": {}, "model": 3}, {"cfg": 1, "model": {}}, {}])
def test_other_checkpoints_are_no_encoder(tmp_path, value):
    write_torch_zip(tmp_path / "x.pt", value)
    with pytest.raises(InputError, match=r"x\.pt"):
        load_encoder(tmp_path / "x.pt")


def test_ced_is_known_without_a_config(tmp_path):
    """CED must be read with and without a config, and with both sets of names."""
    golden = read_torch_zip(GOLDEN / "ced_tiny.pt")
    expected = load_encoder(GOLDEN / "ced_tiny.pt")
    weights = dict(golden["model"])
    # Heads are 64 wide in all published sizes, so one of width 48 needs to be told.
    for renamed in (
        weights,
        {f"encoder.{name.replace('init_bn.1', 'init_bn')}": weights[name] for name in weights
         if not name.startswith("outputlayer")},
    ):  # fmt: skip
        write_torch_zip(tmp_path / "y.pt", {"cfg": {"num_heads": 3}, "model": renamed})
        found = load_encoder(tmp_path / "y.pt")
        assert (found.config.width, found.config.depth, found.config.ffn) == (48, 2, 192)
        for name, array in found.weights.items():
            np.testing.assert_array_equal(array, expected.weights[name])


def test_wav2vec2_with_other_names_and_a_head_is_the_same(tmp_path):
    """An encoder with a prefix and a speech head must be read without the head."""
    plain = load_encoder(hugging_face_folder("wav2vec2_tiny", tmp_path / "plain"))
    folder = tmp_path / "other"
    folder.mkdir()
    config = json.loads((GOLDEN / "wav2vec2_tiny.json").read_text())
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text('{"do_normalize": false}')
    weights = {f"wav2vec2.{mixed_name(name)}": array for name, array in plain.weights.items()}
    parts = {"model-1.safetensors": dict(list(weights.items())[:9]),
             "model-2.safetensors": {**dict(list(weights.items())[9:]),
                                     "lm_head.weight": np.zeros((8, 48), np.float32)}}  # fmt: skip
    for name, part in parts.items():
        write_safetensors(folder / name, part)
    index = {name: file for file, part in parts.items() for name in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    found = load_encoder(folder)
    assert not found.config.normalize and plain.config.normalize
    assert found.weights.keys() == plain.weights.keys()
    for name, array in found.weights.items():
        np.testing.assert_array_equal(array, plain.weights[name])
    index["wav2vec2.missing"] = "model-1.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    with pytest.raises(InputError, match=r"lacks wav2vec2\.missing"):
        load_encoder(folder)
    index["wav2vec2.missing"] = "../plain/model.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    with pytest.raises(InputError, match="is not in the folder"):
        load_encoder(folder)


def mixed_name(name):
    """Of weight norm, returns one name as since PyTorch 2.1, and one as before."""
    return name.replace("weight_g", "parametrizations.weight.original0")


def write_safetensors(path, arrays, dtype="F32"):
    """Writes a file; as BF16, of each float32 the upper half."""
    header, data = {}, b""
    for name, array in arrays.items():
        values = np.ascontiguousarray(array, np.float32)
        if dtype == "BF16":
            values = (values.view(np.uint32) >> 16).astype(np.uint16)
        offsets = [len(data), len(data) + values.nbytes]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
        data += values.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


OPENAI = {
    "layers.": "blocks.", "self_attn.q_proj": "attn.query", "self_attn.k_proj": "attn.key",
    "self_attn.v_proj": "attn.value", "self_attn.out_proj": "attn.out", "fc1": "mlp.0",
    "fc2": "mlp.2", "self_attn_layer_norm": "attn_ln", "final_layer_norm": "mlp_ln",
    "embed_positions.weight": "positional_embedding",
}  # fmt: skip


def openai_name(name):
    for ours, theirs in OPENAI.items():
        name = name.replace(ours, theirs)
    return "ln_post" + name.removeprefix("layer_norm") if name.startswith("layer_norm") else name


def test_the_encoder_of_qwen_audio_is_taken_out_of_the_language_model(tmp_path):
    """OpenAI's names and bfloat16 values must be read."""
    plain = load_encoder(hugging_face_folder("whisper_tiny", tmp_path / "plain"))
    folder = tmp_path / "qwen"
    folder.mkdir()
    audio = {"n_mels": 80, "n_ctx": 1500, "n_state": 48, "n_head": 4, "n_layer": 2,
             "avg_pool": True}  # fmt: skip
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen", "audio": audio}))
    weights = {f"transformer.audio.{openai_name(name)}": array
               for name, array in plain.weights.items()}  # fmt: skip
    more = ("transformer.audio.proj.weight", "transformer.audio.audio_bos_eos_token.weight",
            "transformer.h.0.attn.c_attn.weight")  # fmt: skip
    weights.update({name: np.zeros((2, 2)) for name in more})
    write_safetensors(folder / "model.safetensors", weights, "BF16")
    found = load_encoder(folder)
    # The feed-forward part of all published ones is four times as wide; the golden's is not.
    assert (found.config.ffn, found.config.pool) == (192, True)
    assert found.weights.keys() == plain.weights.keys()
    for name, array in found.weights.items():
        np.testing.assert_allclose(array, plain.weights[name], rtol=2**-7, atol=1e-30)


def test_broken_folders_are_refused(tmp_path):
    folder = hugging_face_folder("whisper_tiny", tmp_path / "x")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(InputError, match="not a complete safetensors file"):
        load_encoder(folder)
    weights.unlink()
    with pytest.raises(InputError, match=r"holds none of model\.safetensors"):
        load_encoder(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        load_encoder(folder)
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json: there is no such file"):
        load_encoder(folder)
    with pytest.raises(InputError, match="no such file"):
        load_encoder(tmp_path / "nowhere")


def test_the_wrong_kind_is_refused(tmp_path):
    """Folders of other models must be refused."""
    folder = hugging_face_folder("whisper_tiny", tmp_path / "x")
    shutil.copy(GOLDEN / "wav2vec2_tiny.json", folder / "config.json")
    with pytest.raises(InputError, match="lacks feature_extractor"):
        loaded(folder)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(InputError, match="none of the known encoders"):
        load_encoder(folder)


@pytest.mark.parametrize("kind", list(FAMILIES))
def test_every_variable_has_a_published_name(kind):
    """Every variable must be filled from the checkpoint."""
    config = FAMILIES[kind].sizes["tiny"]
    model = build_encoder(config, max(SAMPLES, FAMILIES[kind].least_samples))
    named = {name for entry in entries_of(config) for name in entry.variables
             if not entry.of_head}  # fmt: skip
    assert named == set(variables_of(model))


@pytest.mark.slow
def test_twelve_layers_go_through_the_official_layout_and_come_back_bit_by_bit(tmp_path):
    """Weights must survive the conversion unchanged."""
    config = BeatsConfig(layer_drop=0.05)
    model = build_encoder(config, 32000)
    values = {name: variable.numpy() for name, variable in variables_of(model).items()}
    assert 90e6 < sum(value.size for value in values.values()) < 91e6
    cfg = {
        "input_patch_size": 16, "embed_dim": 512, "encoder_layers": 12, "encoder_embed_dim": 768,
        "encoder_ffn_embed_dim": 3072, "encoder_attention_heads": 12, "activation_fn": "gelu",
        "layer_norm_first": False, "deep_norm": True, "conv_bias": False, "conv_pos": 128,
        "conv_pos_groups": 16, "relative_position_embedding": True, "num_buckets": 320,
        "max_distance": 800, "gru_rel_pos": True, "encoder_layerdrop": 0.05, "dropout": 0.0,
        "finetuned_model": False,
    }  # fmt: skip
    official = published_weights(entries_of(config), values)
    write_torch_zip(tmp_path / "official.pt", {"cfg": cfg, "model": official})
    assert exit_of(convert.main, tmp_path / "official.pt", tmp_path / "converted") == 0
    for path in ("official.pt", "converted"):
        pretrained = load_encoder(tmp_path / path)
        assert pretrained.config == config
        found = variables_of(pretrained_encoder(pretrained, 32000, path))
        assert found.keys() == values.keys()
        for name, value in values.items():
            assert found[name].numpy().tobytes() == value.tobytes(), name


def test_openbeats_are_normalized_by_their_own_statistics(beats, tmp_path):
    """Mean and deviation of the filter bank must be those of the config, also once converted."""
    beats["cfg"].update(fbank_mean=10.0, fbank_std=3.0, raw2fbank_pad=0)
    path = tmp_path / "open.pt"
    write_torch_zip(path, {key: dict(beats[key]) for key in ("cfg", "model")})
    assert exit_of(convert.main, path, tmp_path / "out") == 0
    wave = np.random.default_rng(0).normal(0, 0.1, [1, SAMPLES]).astype(np.float32)
    published = loaded(GOLDEN / "beats_tiny.pt")
    layers = [loaded(path).get_layer("filter_bank"), published.get_layer("filter_bank")]
    features = np.float32([[[13.0]]])
    np.testing.assert_allclose(layers[0](features), (13.0 - 10.0) / 6.0, rtol=1e-5)
    np.testing.assert_allclose(layers[1](features), (13.0 - 15.41663) / 2 / 6.55582, rtol=1e-5)
    tokens = loaded(path)(wave)
    np.testing.assert_allclose(loaded(tmp_path / "out")(wave), tokens, rtol=1e-5, atol=1e-6)
    assert not np.allclose(published(wave), tokens, atol=1e-3)
