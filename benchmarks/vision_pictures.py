"""Makes the pictures of docs/vision.md: every hard case with what was found."""

from pathlib import Path

import cv2
import numpy as np

from benchmarks.vision_scoring import make_camera
from sewcell.image import Image
from sewcell.vision.background import Background
from sewcell.vision.draw import draw_result
from sewcell.vision.piece_pose import locate
from sim.camera.suite.cases import HARD, make_case
from sim.camera.suite.drafts import draft_pieces

FOLDER = Path(__file__).parents[1] / "docs/images"
WIDTH = 720
SEED = 3


def main() -> None:
    """One picture a kind, in docs/images."""
    FOLDER.mkdir(exist_ok=True)
    pieces = [piece for piece in draft_pieces() if np.ptp(piece.outline, axis=0).max() < 0.4]
    for kind in HARD:
        case = make_case(kind, "2 MP", SEED, pieces)
        picture, camera = Image(case.pixels, kind, 0.0), make_camera(case)
        result = locate(picture, Background(case.empty), camera, pieces, thickness=case.thickness)
        canvas = draw_result(picture, result, camera, pieces, case.thickness)
        height = round(canvas.shape[0] * WIDTH / canvas.shape[1])
        small = cv2.resize(canvas, (WIDTH, height), interpolation=cv2.INTER_AREA)
        path = FOLDER / f"vision-{kind.replace(' ', '-')}.jpg"
        cv2.imwrite(str(path), small, [cv2.IMWRITE_JPEG_QUALITY, 82])
        print(f"{path.name}: {', '.join(located.piece for located in result.pieces) or 'nothing found'}")


if __name__ == "__main__":
    main()
