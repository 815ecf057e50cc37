"""The commands `sewcell garment ...`: from a pattern file to a garment file."""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sewcell.apps.messages import refuse
from sewcell.errors import ConfigError
from sewcell.pattern.dxf import read_pieces
from sewcell.pattern.piece import Piece

garment_app = typer.Typer(no_args_is_help=True, help="Make garment files.")


@garment_app.callback()
def describe() -> None:
    """Make garment files."""


@garment_app.command("import")
def import_pattern(
    pattern: Annotated[Path, typer.Argument(help="Pattern file: AAMA / ASTM D6673 DXF.")],
    out: Annotated[Path, typer.Option(help="Folder of the garment file and a copy of the pattern.")],
    size: Annotated[str | None, typer.Option(help="Size; default: the only one or the sample size.")] = None,
    cell: Annotated[str, typer.Option(help="Cell that sews it.")] = "bench",
    fabric: Annotated[str, typer.Option(help="Fabric that it is cut from.")] = "cotton-shirting",
) -> None:
    """Write a garment file that names every piece of one size, so that the camera can look for them."""
    console = Console(highlight=False)
    try:
        pieces = read_pieces(pattern, size)
        written = _write(pattern, out, pieces, cell, fabric)
    except ConfigError as error:
        raise refuse(console, error) from error
    console.print(f"{len(pieces)} piece(s), {written}: {', '.join(pieces)}", soft_wrap=True, markup=False)


def _write(pattern: Path, out: Path, pieces: dict[str, Piece], cell: str, fabric: str) -> Path:
    """The garment file, written beside a copy of its pattern."""
    target = out / f"{pattern.stem}.dxf"
    path = out / f"{pattern.stem}.yaml"
    size = next(iter(pieces.values())).size
    lines = [
        f"# Pieces of {pattern.name}, size {size}. A piece gets sewn once `seams` are added: see shirt-pocket.yaml.",
        f"name: {json.dumps(pattern.stem, ensure_ascii=False)}",
        f"cell: {json.dumps(cell)}",
        f"fabric: {json.dumps(fabric)}",
        f"pattern: {json.dumps('./' + target.name, ensure_ascii=False)}",
        f"size: {json.dumps(size, ensure_ascii=False)}",
        "pieces:",
        *(f"  - piece: {json.dumps(name, ensure_ascii=False)}" for name in pieces),
        "vision:",
        "  min_confidence: 0.6",
        "  max_residual_mm: 0.5",
    ]
    try:
        out.mkdir(parents=True, exist_ok=True)
        if target.resolve() != pattern.resolve():
            shutil.copyfile(pattern, target)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{error.filename or out} cannot be written: {error.strerror}; choose another --out"
        ) from error
    return path
