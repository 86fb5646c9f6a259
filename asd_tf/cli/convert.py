"""`asd-convert`: makes published weights of an encoder into weights of Keras."""

from pathlib import Path

from absl import flags

from asd_tf.cli import app
from asd_tf.errors import InputError, UsageError

DESCRIPTION = """
Makes published weights of an encoder into a folder with weights of Keras, its config and a
checksum. Neither PyTorch nor the network is needed.

  asd-convert BEATs_iter3_plus_AS2M.pt OUT

IN is an official .pt file of BEATs or CED, or a Hugging Face folder of Wav2Vec2, Whisper,
Qwen-Audio or CED. Training takes OUT, and IN as well: --pretrained=OUT. Weights that do not fit
their own config are refused, and so is a .pt file that wants to run code.
"""

# Any length will do, since no weight depends on it: 2 s.
_SAMPLES = 32000


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command: none of its own."""


def main(argv: list[str] | None = None) -> None:
    """Runs the command and exits."""
    app.run(convert, define_flags, DESCRIPTION, argv)


def convert(values: flags.FlagValues, positional: list[str]) -> None:
    """Converts."""
    if len(positional) != 2:
        raise UsageError("name the published weights and a folder to make; see --help")
    given, out = map(Path, positional)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: something is there already; choose another folder")

    from asd_tf.checkpoints.converted import WEIGHTS, write_converted
    from asd_tf.checkpoints.load import load_encoder, pretrained_encoder
    from asd_tf.cli.messages import say
    from asd_tf.files import sha256_of
    from asd_tf.models.encoders.build import kind_of

    pretrained = load_encoder(given)
    config = pretrained.config
    head = {"head": True} if getattr(config, "classes", None) else {}
    model = pretrained_encoder(pretrained, _SAMPLES, str(given), **head)
    source = {"name": given.name}
    if given.is_file():
        source["sha256"] = sha256_of(given)
    write_converted(out, config, model, source)
    say(
        f"{out}: {kind_of(config)}, {config.depth} layers of width {config.width}, "
        f"{model.count_params():,} parameters"
    )
    say(f"checksum     {sha256_of(out / WEIGHTS)}  {WEIGHTS}")
    say(f"next         asd-train --method=zheng --pretrained={out}   fine-tunes it")
