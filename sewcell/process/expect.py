"""What a seam should look like on a piece that lies on the table."""

import numpy as np
from shapely import LinearRing, Point

from sewcell.errors import VisionError
from sewcell.geometry.planar import PlanarPose
from sewcell.pattern.piece import Piece
from sewcell.process.grip import count_stitches, orient_line
from sewcell.process.recipe import SeamRecipe
from sewcell.units import MM
from sewcell.vision.inspection import SeamExpectation

PARALLEL = 0.3 * MM
"""The edge beside a seam may come nearer or go farther by this [m]; what differs more is not judged."""
PLACES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Parts of the seam at which its distance from the edge is taken from the pattern."""


def expect_seam(piece: Piece, seam: SeamRecipe, T_table_piece: PlanarPose) -> SeamExpectation:
    """The `seam` of a `piece` that lies at `T_table_piece`: its line on the table, and how far it runs from the edge.

    Raises: VisionError when the nearest edge of the pattern does not run parallel to the seam.
    """
    line = orient_line(piece, seam)
    along = line[1] - line[0]
    length = float(np.hypot(*along))
    edge = LinearRing(piece.outline)
    places = [Point(line[0] + part * along) for part in PLACES]
    margins = [edge.distance(place) for place in places]
    low, high = min(margins), max(margins)
    if high - low > PARALLEL:
        raise VisionError(
            f"seam '{seam.name}' is {low / MM:.1f} to {high / MM:.1f} mm from the nearest edge of its pattern: only "
            "seams along a parallel edge can be judged"
        )
    middle = places[len(places) // 2]
    nearest = edge.interpolate(edge.project(middle))
    aside = along[0] * (nearest.y - middle.y) - along[1] * (nearest.x - middle.x)
    _, stitch_length = count_stitches(length, seam.stitch_length)
    return SeamExpectation(
        name=seam.name,
        line=T_table_piece.apply(line),
        margin=float(np.mean(margins)),
        edge_on_left=bool((aside > 0.0) != T_table_piece.mirrored),
        tolerance=seam.tolerance,
        stitch_length=stitch_length,
        backtack=stitch_length * max(seam.backtack_start, seam.backtack_end),
    )
