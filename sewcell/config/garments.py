"""A garment's pieces and cloth without its cell: enough to look for them."""

from dataclasses import dataclass
from pathlib import Path

from sewcell.config.document import read_document
from sewcell.config.loader import Layer, load_yaml, validate_document
from sewcell.config.lookup import find_file
from sewcell.config.models import FabricModel, GarmentModel
from sewcell.errors import ConfigError
from sewcell.pattern.dxf import read_pieces
from sewcell.pattern.piece import Piece


@dataclass(frozen=True, slots=True)
class Cloth:
    """What a garment is cut from: its pieces, in the order of the garment file, and its fabric."""

    garment: GarmentModel
    fabric: FabricModel
    pieces: tuple[Piece, ...]


def load_cloth(path: Path) -> Cloth:
    """Read a garment file with the pattern and the fabric that it names.

    Raises: ConfigError when a file is missing or wrong, or a piece has no outline in the pattern.
    """
    document = read_document(path)
    layer = Layer(validate_document(document, GarmentModel), document)
    garment = layer.values
    root = path.parent.parent
    if not (root / "fabrics").is_dir():
        root = Path("configs")

    def find(kind: str, reference: str) -> Path:
        try:
            return find_file(kind, reference, root, path.parent)
        except ConfigError as error:
            raise ConfigError(f"{layer.find_origin(kind).describe()}: {error}") from error

    fabric = load_yaml(find("fabric", garment.fabric), FabricModel)
    known = read_pieces(find("pattern", garment.pattern), garment.size)
    missing = [item.piece for item in garment.pieces if item.piece not in known]
    if missing:
        raise ConfigError(
            f"{layer.find_origin('pieces').describe()}: piece {missing[0]!r} has no outline in the pattern; "
            f"it has: {', '.join(known)}"
        )
    return Cloth(garment, fabric, tuple(known[item.piece] for item in garment.pieces))
