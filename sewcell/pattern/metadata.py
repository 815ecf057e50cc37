"""The `Key: value` texts of a pattern file: unit, piece name, size."""

from collections.abc import Iterable
from dataclasses import dataclass

from sewcell.units import MM

INCH = 25.4 * MM
LARGEST_IN_INCH = 200.0
"""No piece is longer than five metres: a larger number is millimetres."""
SMALLEST_IN_MM = 8.0
"""No piece whose longest side is shorter than this in millimetres can be cut: a smaller number is inches."""


@dataclass(frozen=True, slots=True)
class BlockTitle:
    """What a block stands for: one piece in one size."""

    piece: str
    size: str


def read_title(texts: Iterable[str]) -> dict[str, str]:
    """`Key: value` texts as a dictionary with keys in lower case; of repeated keys the first counts."""
    title: dict[str, str] = {}
    for text in texts:
        key, colon, value = text.partition(":")
        if colon and value.strip():
            title.setdefault(key.strip().lower(), value.strip())
    return title


def read_block_title(block_name: str, texts: Iterable[str], file_title: dict[str, str]) -> BlockTitle:
    """Piece and size of a block, from its texts; where they are missing, from its name `PIECE_SIZE`."""
    title = read_title(texts)
    stem, underscore, suffix = block_name.rpartition("_")
    piece = title.get("piece name") or (stem if underscore else block_name)
    size = title.get("size") or (suffix if underscore else file_title.get("sample size", ""))
    return BlockTitle(piece, size)


def read_unit(texts: Iterable[str], header_unit: int, extent: float) -> tuple[float | None, str]:
    """Metres per drawing unit, and where that comes from: "text", "$INSUNITS" or "the size of the pieces".

    `header_unit` is the header's $INSUNITS (1 inch, 4 mm, 5 cm; 0 not given). `extent` is the longest side of
    a boundary in drawing units; it decides only where one of the two units would be absurd. None: nothing tells.
    Source: ASTM D6673-10: METRIC is millimetres, ENGLISH is inches.
    """
    named = {"metric": MM, "english": INCH}.get(read_title(texts).get("units", "").lower())
    if named is not None:
        return named, "text"
    from_header = {1: INCH, 4: MM, 5: 10.0 * MM}.get(header_unit)
    if from_header is not None:
        return from_header, "$INSUNITS"
    if extent > LARGEST_IN_INCH:
        return MM, "the size of the pieces"
    if 0.0 < extent < SMALLEST_IN_MM:
        return INCH, "the size of the pieces"
    return None, ""
