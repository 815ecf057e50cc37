"""Drafts the chest pocket of a man's shirt, size M, and writes it as an AAMA/ASTM D6673 DXF file.

    python tools/draft_shirt_pocket.py [FILE]

The pocket is worn on the left chest and drawn with its face up; y is the grain, x points from the front placket to the
armhole, the origin is the centre of the 120 x 140 mm box around it. Both sides are plumb. The bottom runs to a point
that stands 6 mm towards the armhole, and the armhole corner sits 6 mm lower than the front corner, so that the pocket
looks level on the sloping chest; for the machine this tells the face from the back, and either from a half turn.
The top carries a hem allowance of 20 mm: notches mark its fold line on both sides. The hem is sewn 8 mm above the fold,
12 mm below the raw edge, and the stitches begin and end 6 mm inside the sides.
"""

import sys
from pathlib import Path

import ezdxf

WIDTH, HEIGHT = 120.0, 140.0
HEM_ALLOWANCE = 20.0
HEM_LINE = 12.0
HEM_INSET = 6.0
POINT_DEPTH_FRONT, POINT_DEPTH_ARMHOLE = 25.0, 19.0
POINT_OFFSET = 6.0
NOTCH_DEPTH = 4.0

LEFT, RIGHT, TOP, BOTTOM = -WIDTH / 2, WIDTH / 2, HEIGHT / 2, -HEIGHT / 2
TARGET = Path(__file__).resolve().parents[1] / "configs" / "patterns" / "shirt-pocket.dxf"

Point = tuple[float, float]


def outline() -> list[Point]:
    """The cut line, counter-clockwise from the front top corner [mm]."""
    return [
        (LEFT, TOP),
        (LEFT, BOTTOM + POINT_DEPTH_FRONT),
        (POINT_OFFSET, BOTTOM),
        (RIGHT, BOTTOM + POINT_DEPTH_ARMHOLE),
        (RIGHT, TOP),
    ]


def hem_line() -> list[Point]:
    """The line of the stitches [mm]."""
    return [(LEFT + HEM_INSET, TOP - HEM_LINE), (RIGHT - HEM_INSET, TOP - HEM_LINE)]


def draft() -> ezdxf.document.Drawing:
    """The whole drawing; lengths in millimetres."""
    drawing = ezdxf.new("R12")
    block = drawing.blocks.new("POCKET_M")
    for row, text in enumerate(("Piece Name: POCKET", "Size: M", "Quantity: 1", "Category: POCKET", "Material: SHELL")):
        block.add_text(text, height=3, dxfattribs={"layer": "1", "insert": (-20, -8 * row)})
    block.add_polyline2d(outline(), close=True, dxfattribs={"layer": "1"})
    for corner in outline():
        block.add_point(corner, dxfattribs={"layer": "2"})
    fold = TOP - HEM_ALLOWANCE
    block.add_point((LEFT, fold, NOTCH_DEPTH), dxfattribs={"layer": "4", "angle": 0.0})
    block.add_point((RIGHT, fold, NOTCH_DEPTH), dxfattribs={"layer": "4", "angle": 180.0})
    block.add_line((-30, -40), (-30, 40), dxfattribs={"layer": "7"})
    block.add_line((LEFT, fold), (RIGHT, fold), dxfattribs={"layer": "8"})
    block.add_polyline2d(hem_line(), dxfattribs={"layer": "14"})
    space = drawing.modelspace()
    space.add_blockref("POCKET_M", (0, 0), dxfattribs={"layer": "1"})
    title = (
        "ASTM/D6673",
        "Style Name: SHIRT-POCKET",
        "Author: SEWCELL",
        "Product: SEWCELL",
        "Version: 1",
        "Sample Size: M",
    )
    for row, text in enumerate((*title, "Units: METRIC")):
        space.add_text(text, height=3, dxfattribs={"layer": "1", "insert": (0, -100 - 8 * row)})
    return drawing


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    draft().saveas(target)


if __name__ == "__main__":
    main()
