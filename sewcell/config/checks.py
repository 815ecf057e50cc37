"""Checks across files: does the garment fit the pattern, the machine, the table and the fabric?"""

from collections.abc import Iterator

import numpy as np
from shapely import LineString, Polygon, oriented_envelope

from sewcell.config.loader import Fault, Layer
from sewcell.config.messages import list_names, suggest
from sewcell.config.models import FabricModel, GarmentModel, SeamModel
from sewcell.config.models_cell import ArmModel, CellModel, TableModel
from sewcell.pattern.piece import Piece
from sewcell.units import MM

PIN_WINDOW = (0.4, 1.4)
"""How far the pins go in to take exactly one ply, over its thickness: assumed, see docs/cloth.md."""


def find_faults(
    garment: Layer[GarmentModel],
    fabric: Layer[FabricModel],
    cell: Layer[CellModel],
    arm: Layer[ArmModel],
    pieces: dict[str, Piece],
) -> list[Fault]:
    """Everything in which files that are each right for themselves contradict one another."""
    return [
        *_check_pieces(garment, cell, pieces),
        *_check_foot(fabric.values, cell),
        *_check_pins(fabric.values, cell),
        *_check_home(arm.values, cell),
    ]


def _check_pieces(garment: Layer[GarmentModel], cell: Layer[CellModel], pieces: dict[str, Piece]) -> Iterator[Fault]:
    pattern = garment.values.pattern
    for i, wanted in enumerate(garment.values.pieces):
        where = garment.find_origin("pieces", i, "piece")
        piece = pieces.get(wanted.piece)
        if piece is None:
            known = f"known: {list_names(pieces)}{suggest(wanted.piece, pieces)}"
            yield where, f"no piece {wanted.piece!r} of size {garment.values.size!r} in {pattern}; {known}"
            continue
        too_large = _explain_if_too_large(piece, cell.values.table)
        if too_large:
            yield where, too_large
        for k, seam in enumerate(wanted.seams):
            for key, text in _check_seam(seam, piece, cell.values):
                yield garment.find_origin("pieces", i, "seams", k, *key), text


def _explain_if_too_large(piece: Piece, table: TableModel) -> str | None:
    corners = np.array(oriented_envelope(Polygon(piece.outline / MM)).exterior.coords)
    short, long = sorted(np.hypot(*np.diff(corners[:3], axis=0).T))
    for name, size in (("table.size_mm", table.size_mm), ("table.pick_zone", table.pick_zone.size_mm())):
        if short > min(size) or long > max(size):
            zone = f"{size[0]:g} x {size[1]:g} mm of the cell's {name}"
            return f"{piece.name} is {long:.0f} x {short:.0f} mm, larger than the {zone}; choose a smaller pattern"
    return None


def _check_seam(seam: SeamModel, piece: Piece, cell: CellModel) -> Iterator[tuple[tuple[str, ...], str]]:
    """Key of the seam, and what is wrong with its value."""
    shortest, longest = cell.machine.stitch_length_mm
    stitch = seam.stitch_length_mm
    if not shortest <= stitch <= longest:
        yield ("stitch_length_mm",), f"must be {shortest:g} to {longest:g}, the range of the machine, got {stitch:g}"
    top_speed = cell.machine.max_speed_spm
    for key, speed in ((("speed_spm",), seam.speed_spm), (("backtack", "speed_spm"), seam.backtack.speed_spm)):
        if speed > top_speed:
            yield key, f"must be <= {top_speed:g}, the machine's max_speed_spm, got {speed:g}"
    count = len(piece.sew_lines)
    if seam.sew_line > count:
        exist = f"{count} sew line{'' if count == 1 else 's'} on layer 14"
        yield ("sew_line",), f"{piece.name} has {exist} of its pattern, got {seam.sew_line}"
        return
    length = LineString(piece.sew_lines[seam.sew_line - 1]).length / MM
    if stitch > length:
        yield ("stitch_length_mm",), f"must be shorter than the seam, {length:.1f} mm, got {stitch:g}"
    locked = max(seam.backtack.start_stitches, seam.backtack.end_stitches)
    if locked * stitch > length:
        yield ("backtack",), f"{locked} stitches of {stitch:g} mm are longer than the seam, {length:.1f} mm; use fewer"


def _check_foot(fabric: FabricModel, cell: Layer[CellModel]) -> Iterator[Fault]:
    lift = cell.values.machine.foot_lift_mm
    if lift <= fabric.thickness_mm:
        text = f"must be > {fabric.thickness_mm:g}, the thickness of {fabric.name}, got {lift:g}"
        yield cell.find_origin("machine", "foot_lift_mm"), text


def _check_pins(fabric: FabricModel, cell: Layer[CellModel]) -> Iterator[Fault]:
    """Pins that only scratch a ply hold nothing, and pins that go through it take the next one, too."""
    least, most = (share * fabric.thickness_mm for share in PIN_WINDOW)
    depth = cell.values.tool.pin_penetration_mm
    if not least <= depth <= most:
        text = (
            f"must be {least:.2f} to {most:.2f} for one ply of {fabric.name}, {fabric.thickness_mm:g} mm thick, got "
            f"{depth:g}: shorter pins hold nothing, longer ones take two plies"
        )
        yield cell.find_origin("tool", "pin_penetration_mm"), text


def _check_home(arm: ArmModel, cell: Layer[CellModel]) -> Iterator[Fault]:
    limits = zip(cell.values.home_deg, arm.limits.lower_deg, arm.limits.upper_deg, strict=True)
    for i, (angle, lower, upper) in enumerate(limits):
        if not lower <= angle <= upper:
            text = f"must be {lower:g} to {upper:g}, the limits of joint {i + 1} of {arm.name}, got {angle:g}"
            yield cell.find_origin("home_deg", i), text
