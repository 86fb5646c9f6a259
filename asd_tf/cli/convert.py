"""`asd-convert`: converts published weights of an encoder to Keras."""

from pathlib import Path

from absl import flags

from asd_tf.cli import app
from asd_tf.errors import InputError, UsageError

DESCRIPTION = """
Converts published weights of an encoder into a folder with Keras weights, config and checksum.
Neither PyTorch nor an internet connection is needed.

  asd-convert IN OUT
  asd-convert BEATs_iter3_plus_AS2M.pt beats

IN is an official .pt file of BEATs or CED, or a Hugging Face folder of Wav2Vec2, Whisper,
Qwen-Audio or CED, or embedding_model.tflite of pyopen-wakeword. Training accepts both:
--pretrained=OUT or --pretrained=IN. Weights that do not match their config are refused, and so is a
.pt file that would run code.
"""

# Length of a clip, 2 s; no weight depends on it.
_SAMPLES = 32000


def define_flags(values: flags.FlagValues) -> None:
    """Defines no flags: the command has none of its own."""


def main(argv: list[str] | None = None) -> None:
    """Runs the command and exits."""
    app.run(convert, define_flags, DESCRIPTION, argv)


def convert(values: flags.FlagValues, positional: list[str]) -> None:
    """Converts the weights."""
    if len(positional) != 2:
        raise UsageError("name the published weights and a folder to make; see --help")
    given, out = map(Path, positional)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists and is not empty; choose another folder")

    from asd_tf.checkpoints.converted import WEIGHTS, write_converted
    from asd_tf.checkpoints.load import load_encoder, pretrained_encoder
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
    app.echo(
        f"{out}: {kind_of(config)}, {config.depth} layers of width {config.width}, "
        f"{model.count_params():,} parameters"
    )
    app.echo(f"checksum     {sha256_of(out / WEIGHTS)}  {WEIGHTS}")
    app.echo(f"next         asd-train --method=zheng --pretrained={out}   fine-tunes it")
