"""The published encoders that lie in tests/golden, as a user has them."""

import shutil
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "golden"


def hugging_face_folder(name: str, folder: Path) -> Path:
    """Lays out a golden encoder as a folder of Hugging Face."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(GOLDEN / f"{name}.json", folder / "config.json")
    shutil.copy(GOLDEN / f"{name}.safetensors", folder / "model.safetensors")
    return folder
