"""A cut piece as drawn: outline, notches, sew lines, grainline, in metres in the coordinates of the pattern file."""

from dataclasses import dataclass

from sewcell.geometry.poses import Array


@dataclass(frozen=True, slots=True)
class Notch:
    """A cut mark on the outline. `position` (2,) [m], `direction` (2,) unit vector into the piece, `depth` [m]."""

    position: Array
    direction: Array
    depth: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of one size.

    `outline` (N, 2) [m]: counter-clockwise, first point not repeated, half pieces already unfolded.
    `sew_lines`: polylines (K, 2) [m] in the order of the file. `holes`: inner cut-outs (M, 2), clockwise.
    `grainline`: (2, 2) start and end, or None. `drill_holes` (D, 2).
    """

    name: str
    size: str
    outline: Array
    notches: tuple[Notch, ...] = ()
    sew_lines: tuple[Array, ...] = ()
    holes: tuple[Array, ...] = ()
    grainline: Array | None = None
    drill_holes: Array | None = None
