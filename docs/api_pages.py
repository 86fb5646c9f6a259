"""Writes the pages of the API: one for each package, with the docstrings of all its modules."""

import pkgutil
from pathlib import Path
from types import ModuleType

from draw_architecture import layers

# Commands are used from a shell, where --help says more; of the versions of Keras that `compat`
# stands for, one is installed.
LEFT_OUT = ("cli", "compat", "configs")


def write_api_pages(package: ModuleType, folder: Path) -> None:
    """Writes `index.rst` and a page for each package below `package`.

    Args:
        package: The package whose API is described.
        folder: Where the pages go. Pages of packages that are gone are deleted.
    """
    folder.mkdir(exist_ok=True)
    top = package.__name__
    pages = {top: [], **{name: [] for name in _names(package.__path__, top, packages=True)}}
    for name in _names(package.__path__, top, packages=False):
        pages[name.rpartition(".")[0]].append(name)
    texts = {name: _page(name, modules) for name, modules in pages.items()}
    order = sorted(pages, key=_layer_of)
    texts["index"] = "\n".join(
        ["API", "===", "", ".. toctree::", "", *(f"   {name}" for name in order), ""]
    )
    for path in folder.glob("*.rst"):
        if path.stem not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / f"{name}.rst"
        # A page that has not changed is left alone, so that it is not built anew.
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _names(path: list[str], prefix: str, packages: bool) -> list[str]:
    """Returns the public modules or packages below a package, without importing any of them."""
    names = []
    for module in pkgutil.iter_modules(path):
        if module.name.startswith("_") or module.name in LEFT_OUT:
            continue
        name = f"{prefix}.{module.name}"
        if module.ispkg == packages:
            names.append(name)
        if module.ispkg:
            below = [str(Path(folder) / module.name) for folder in path]
            names += _names(below, name, packages)
    return names


def _layer_of(name: str) -> tuple[int, str]:
    """Sorts packages as the layers are: the package itself, then from the top downwards."""
    order = [package for layer in layers() for package in layer]
    package = f"{name}.".split(".")[1]
    return (order.index(package) if package in order else -1, name)


def _page(package: str, modules: list[str]) -> str:
    lines = [package, "=" * len(package), "", f".. automodule:: {package}", "   :no-members:", ""]
    for name in modules:
        title = name.rpartition(".")[2]
        lines += [title, "-" * len(title), "", f".. automodule:: {name}", ""]
    return "\n".join(lines)
