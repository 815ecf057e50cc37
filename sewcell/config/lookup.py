"""Where configuration files are: by name in the folder of their kind, or by a path."""

from pathlib import Path

from sewcell.config.messages import list_names, show_path, suggest
from sewcell.errors import ConfigError


def suffix_of(kind: str) -> str:
    """Patterns are DXF files, everything else is YAML."""
    return ".dxf" if kind == "pattern" else ".yaml"


def list_known(kind: str, root: Path) -> list[str]:
    """Names of the files of a kind ("cell") in its folder ("cells") under `root` ("configs")."""
    return sorted(path.stem for path in (root / f"{kind}s").glob(f"*{suffix_of(kind)}"))


def is_path(reference: str) -> bool:
    """True for `../cells/x.yaml`, false for the name `x`."""
    return "/" in reference or reference.endswith((".yaml", ".dxf"))


def find_file(kind: str, reference: str, root: Path, folder: Path) -> Path:
    """The file that `reference` stands for: a name under `root`, or a path relative to `folder`.

    Raises: ConfigError `no cell 'bnech'; known: bench; did you mean 'bench'?`
    """
    path = folder / reference if is_path(reference) else root / f"{kind}s" / f"{reference}{suffix_of(kind)}"
    try:
        found = path.exists()
    except (OSError, ValueError):
        found = False
    if found:
        return path
    if is_path(reference):
        siblings = (
            sorted(file.stem for file in path.parent.glob(f"*{suffix_of(kind)}")) if "\0" not in reference else []
        )
        where = f" in {show_path(path.parent)}"
        raise ConfigError(
            f"no {kind} {show_path(path)}; known{where}: {list_names(siblings)}{suggest(path.stem, siblings)}"
        )
    known = list_known(kind, root)
    where = "" if known else f" (looked in {show_path(root / (kind + 's'))})"
    raise ConfigError(f"no {kind} {reference!r}; known: {list_names(known)}{where}{suggest(reference, known)}")
