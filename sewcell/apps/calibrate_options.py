"""The options that several `sewcell calibrate` commands share."""

from pathlib import Path
from typing import Annotated

import typer

from sewcell.geometry.board_pattern import EXAMPLES

BoardOption = Annotated[str, typer.Option(help=f"The board: {EXAMPLES}.")]
LensOption = Annotated[Path, typer.Option(help="Lens file of `calibrate camera`, or a camera file.")]
PicturesOption = Annotated[Path | None, typer.Option(help="Folder of pictures; without it, they are taken now.")]
GarmentOption = Annotated[Path, typer.Option(help="Garment file that names the cell.")]
CellOption = Annotated[str | None, typer.Option(help="Cell file or name; default: the garment's.")]
BackendOption = Annotated[str, typer.Option(help="'sim' for the simulated cell, 'serial' for the hardware.")]
PortsOption = Annotated[str | None, typer.Option(help="Ports file or name, for the hardware; default: the cell's.")]
SeedOption = Annotated[int, typer.Option(help="Varies the simulated pictures and postures.")]
ImperfectionsOption = Annotated[
    str | None, typer.Option(help="How the simulated cell differs from its files: a level, by name or file.")
]
KeepOption = Annotated[Path | None, typer.Option(help="Folder to store what is taken, for --pictures later.")]
OutOption = Annotated[Path | None, typer.Option(help="File to write; default: in configs/calibration.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that an earlier calibration wrote.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
