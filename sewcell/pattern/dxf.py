"""Pattern files (AAMA / ASTM D6673 DXF) read into pieces."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import ezdxf
import numpy as np
from ezdxf import path as dxf_path
from ezdxf.document import Drawing
from ezdxf.entities import DXFGraphic
from ezdxf.layouts import BlockLayout
from ezdxf.math import Vec3

from sewcell.errors import ConfigError
from sewcell.geometry.poses import Array
from sewcell.pattern.metadata import BlockTitle, read_block_title, read_title, read_unit
from sewcell.pattern.notch import drop_repeated_notches, place_notch, reflect_notch
from sewcell.pattern.outline import (
    JOIN_TOLERANCE,
    chain_ring,
    check_ring,
    drop_repeated_points,
    reflect_points,
    signed_distance,
    unfold_ring,
)
from sewcell.pattern.piece import Notch, Piece
from sewcell.units import MM

BOUNDARY, MIRROR, GRAINLINE, CUT_OUT, DRILL, SEW = 1, 6, 7, 11, 13, 14
NOTCHES = (4, 80, 81, 82, 83)
"""Layers of ASTM D6673; 84 to 87 hold validation copies of the curves and are not read."""
SHAPES = ("POINT", "LINE", "POLYLINE", "LWPOLYLINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE")
FLATTENING = 0.05 * MM
"""Largest distance between an arc or spline of the file and the polyline that stands for it."""

log = logging.getLogger(__name__)


def read_pieces(path: Path, size: str | None = None) -> dict[str, Piece]:
    """The pieces of one size of a pattern file, by name, in metres, in the coordinates of their blocks.

    Without `size`: the only size that the file has, or the sample size that it names.

    Raises: ConfigError naming the file when it cannot be read, holds no piece, lacks the size, or has a piece without a
        simple closed outline.
    Source: ASTM D6673-10, "Sewn Products Pattern Data Interchange - Data Format".
    """
    drawing = _open_drawing(path)
    title = read_title(_texts(drawing.modelspace()))
    blocks = [
        (read_block_title(block.name, _texts(block), title), block)
        for block in drawing.blocks
        if not block.name.startswith("*") and any(_layer(entity) == BOUNDARY for entity in _shapes(block))
    ]
    if not blocks:
        raise ConfigError(f"{path} holds no piece: no block has a boundary on layer 1; export it as AAMA/ASTM DXF")
    with _errors_at(str(path)):
        unit = _find_unit(path, drawing, [block for _, block in blocks])
    chosen = _choose_size(path, size, title, [names for names, _ in blocks])
    pieces: dict[str, Piece] = {}
    for names, block in blocks:
        if names.size != chosen:
            continue
        if names.piece in pieces:
            raise ConfigError(f"{path} has the piece {names.piece!r} of size {chosen!r} twice; rename one of them")
        with _errors_at(f"{path}, piece {names.piece!r} of size {chosen!r}"):
            pieces[names.piece] = _read_piece(names, block, unit)
    return pieces


@contextmanager
def _errors_at(place: str) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error
    except (ezdxf.DXFError, TypeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"{place}: the drawing is damaged ({error}); export it again as AAMA/ASTM DXF") from error


def _open_drawing(path: Path) -> Drawing:
    if not path.is_file():
        raise ConfigError(f"no pattern file {path}" + (": it is a folder" if path.is_dir() else ""))
    try:
        return ezdxf.readfile(path)
    except Exception as error:  # ezdxf lets many kinds through from damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(
            f"{path} cannot be read as a DXF file ({reason}); export it again as AAMA/ASTM DXF"
        ) from error


def _find_unit(path: Path, drawing: Drawing, blocks: Iterable[BlockLayout]) -> float:
    """Metres per unit of the drawing."""
    corners = [points for block in blocks for points in _lines(block, BOUNDARY, 1.0)]
    extent = max((float(np.ptp(points, axis=0).max()) for points in corners if len(points)), default=0.0)
    texts = [*_texts(drawing.modelspace()), *(text for block in drawing.blocks for text in _texts(block))]
    unit, source = read_unit(texts, drawing.header.get("$INSUNITS", 0), extent)
    if unit is None:
        raise ConfigError(f"it does not say its unit, and {extent:g} could be mm or inch; add the text 'Units: METRIC'")
    if source != "text":
        log.warning(
            "%s has no text 'Units: METRIC' or 'ENGLISH'; one unit is taken as %g mm from %s", path, unit / MM, source
        )
    return unit


def _choose_size(path: Path, size: str | None, title: dict[str, str], names: list[BlockTitle]) -> str:
    known = list(dict.fromkeys(name.size for name in names))
    wanted = size if size is not None else known[0] if len(known) == 1 else title.get("sample size", "")
    if wanted not in known:
        listed = ", ".join(known)
        if size is None:
            raise ConfigError(f"{path} has several sizes and names no sample size; choose one of: {listed}")
        raise ConfigError(f"{path} has no size {size!r}; it has: {listed}")
    return wanted


def _read_piece(names: BlockTitle, block: BlockLayout, unit: float) -> Piece:
    mirror = next((points[[0, -1]] for points in _lines(block, MIRROR, unit) if len(points) > 1), None)
    half = check_ring(chain_ring(list(_lines(block, BOUNDARY, unit)), mirror))
    outline = half if mirror is None else check_ring(unfold_ring(half, mirror))
    grainlines = [points[[0, -1]] for points in _lines(block, GRAINLINE, unit) if len(points) > 1]
    piece = Piece(
        name=names.piece,
        size=names.size,
        outline=outline,
        notches=drop_repeated_notches(_notches(block, unit, outline)),
        sew_lines=tuple(points for points in _lines(block, SEW, unit) if len(points) > 1),
        holes=tuple(
            check_ring(drop_repeated_points(points, closed=True), "inner cut-out")[::-1].copy()
            for points in _lines(block, CUT_OUT, unit)
        ),
        grainline=grainlines[0] if grainlines else None,
        drill_holes=_drill_holes(block, unit),
    )
    return piece if mirror is None or outline is half else _unfold_marks(piece, mirror)


def _unfold_marks(piece: Piece, mirror: Array) -> Piece:
    """The piece, whose outline is whole, with the marks of its drawn half on the other half too."""
    notches = drop_repeated_notches([*piece.notches, *(reflect_notch(notch, mirror) for notch in piece.notches)])
    drills = piece.drill_holes
    if drills is not None:
        off_line = drills[np.abs(signed_distance(drills, mirror)) > JOIN_TOLERANCE]
        drills = np.vstack([drills, reflect_points(off_line, mirror)])
    holes = (*piece.holes, *(reflect_points(hole, mirror)[::-1].copy() for hole in piece.holes))
    sew_lines = tuple(whole for line in piece.sew_lines for whole in _unfold_line(line, mirror))
    return replace(piece, notches=notches, drill_holes=drills, holes=holes, sew_lines=sew_lines)


def _unfold_line(line: Array, mirror: Array) -> list[Array]:
    """A sew line that meets the mirror line goes on across it; any other gets a second line on the other half."""
    offset = np.abs(signed_distance(line[[0, -1]], mirror))
    if offset.min() > JOIN_TOLERANCE:
        return [line, reflect_points(line, mirror)]
    towards = line if offset[1] <= offset[0] else line[::-1]
    return [drop_repeated_points(np.vstack([towards, reflect_points(towards, mirror)[-2::-1]]))]


def _notches(block: BlockLayout, unit: float, outline: Array) -> Iterator[Notch]:
    for entity in _shapes(block):
        if entity.dxftype() == "POINT" and _layer(entity) in NOTCHES:
            at = entity.dxf.location
            # Gerber writes the depth of the notch as z, CLO and Gerber its angle as group 50.
            yield place_notch(_to_metres([at], unit)[0], entity.dxf.get("angle"), float(at.z) * unit, outline)


def _drill_holes(block: BlockLayout, unit: float) -> Array | None:
    points = [
        entity.dxf.location for entity in _shapes(block) if entity.dxftype() == "POINT" and _layer(entity) == DRILL
    ]
    return _to_metres(points, unit) if points else None


def _lines(block: BlockLayout, layer: int, unit: float) -> Iterator[Array]:
    """Every line, arc or curve on the layer as a polyline (N, 2) [m], in the order of the file."""
    for entity in _shapes(block):
        if _layer(entity) == layer and entity.dxftype() != "POINT":
            vertices = dxf_path.make_path(entity).flattening(FLATTENING / unit)
            yield drop_repeated_points(_to_metres(vertices, unit))


def _to_metres(vertices: Iterable[Vec3], unit: float) -> Array:
    points = np.array([(v.x, v.y) for v in vertices]).reshape(-1, 2) * unit
    if not np.isfinite(points).all():
        raise ConfigError("it has a coordinate that is not a number; export it again")
    return points


def _shapes(block: BlockLayout) -> Iterator[DXFGraphic]:
    return (entity for entity in block if entity.dxftype() in SHAPES)


def _texts(layout: Iterable[DXFGraphic]) -> list[str]:
    return [entity.dxf.text for entity in layout if entity.dxftype() == "TEXT"]


def _layer(entity: DXFGraphic) -> int | None:
    """The number of the layer; files write it as "1", "01" or "Layer 1"."""
    digits = entity.dxf.layer.lower().removeprefix("layer").strip(" _-")
    return int(digits) if digits.isdecimal() else None
