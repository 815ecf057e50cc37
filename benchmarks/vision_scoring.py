"""How the answers of a locator are held against the truth of the suite's pictures."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sewcell.errors import VisionError
from sewcell.geometry.planar import PlanarPose, wrap_angle
from sewcell.image import Image
from sewcell.pattern.piece import Piece
from sewcell.vision.background import Background
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.located import LocatedPiece, LocateResult
from sewcell.vision.piece_pose import locate
from sim.camera.suite.cases import Case, Truth
from sim.camera.suite.drafts import draft_pieces

SHIRT = Path(__file__).parents[2] / "shared/data/patterns/shirt_outlines.json"
NEAR = (2.0, 1.5)
"""A piece counts as found this near to the truth [mm, deg]."""


@dataclass(frozen=True, slots=True)
class ShearFound:
    """`ratio`: found over true shear; `sigma` [rad]: standard deviation that the locator gives for it."""

    ratio: float
    sigma: float


@dataclass
class Score:
    """Errors of the pieces found: [mm], [deg], and [mm] along the shadow; what was found of shear."""

    millimetres: list[float] = field(default_factory=list)
    degrees: list[float] = field(default_factory=list)
    along_shadow: list[float] = field(default_factory=list)
    shear: list[ShearFound] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    pieces: int = 0
    found: int = 0
    flagged: int = 0
    wrong: int = 0


def read_pieces() -> list[Piece]:
    """The seven own drafts, and the outlines of a real shirt where they are present."""
    pieces = list(draft_pieces())
    if SHIRT.exists():
        for name, corners in json.loads(SHIRT.read_text())["outlines"].items():
            outline = np.array(corners) * 1e-3
            following = np.roll(outline, -1, axis=0)
            turn = np.sum(outline[:, 0] * following[:, 1] - outline[:, 1] * following[:, 0])
            pieces.append(Piece(f"real {name}", "M", outline if turn > 0.0 else outline[::-1].copy()))
    return pieces


def make_camera(case: Case) -> CameraModel:
    """The locator's camera, from the values that the suite's camera was built with."""
    view = case.view
    return CameraModel(view.image_size_px, view.matrix, view.distortion, view.T_camera_base)


def score(cases: Iterable[Case], pieces: Sequence[Piece], candidates: int = 7) -> Score:
    """Look for pieces in every case, among `candidates` of them: those that lie there and the first of the others."""
    total = Score()
    for case in cases:
        lying = {truth.piece for truth in case.truths}
        others = [piece for piece in pieces if piece.name not in lying]
        chosen = [piece for piece in pieces if piece.name in lying] + others[: candidates - len(lying)]
        picture, background = Image(case.pixels, case.kind, 0.0), _background(case)
        began = time.thread_time()
        try:
            result = locate(picture, background, make_camera(case), chosen, thickness=case.thickness)
        except VisionError:
            result = LocateResult((), ())  # refused: nothing found, nothing claimed
        total.milliseconds.append(1e3 * (time.thread_time() - began))
        _add(total, case, result, {piece.name: piece for piece in pieces})
    return total


_BACKGROUNDS: dict[int, tuple[np.ndarray, Background]] = {}


def _background(case: Case) -> Background:
    """The empty table of the case, prepared once, as a cell does."""
    if id(case.empty) not in _BACKGROUNDS:
        _BACKGROUNDS[id(case.empty)] = case.empty, Background(case.empty)
    return _BACKGROUNDS[id(case.empty)][1]


def _add(total: Score, case: Case, result: LocateResult, pieces: dict[str, Piece]) -> None:
    """One picture: every truth is sought among the answers; an answer that is none, and claims to be sure, is wrong."""
    right: set[int] = set()
    for truth in case.truths:
        total.pieces += 1
        outline = pieces[truth.piece].outline
        for number, located in enumerate(result.pieces):
            if located.piece != truth.piece:
                continue
            error, angle = _differ(located.pose, truth.pose, outline)
            if located.pose.mirrored == truth.pose.mirrored and np.hypot(*error) < NEAR[0] and angle < NEAR[1]:
                right.add(number)
                total.found += 1
                total.flagged += "folded" in located.flags
                total.millimetres.append(float(np.hypot(*error)))
                total.degrees.append(angle)
                total.along_shadow.append(float(error @ case.shadow_run / np.hypot(*case.shadow_run)))
                if truth.shear:
                    total.shear.append(ShearFound(located.shear / truth.shear, located.sigma_shear))
                break
            if _is_open(located, truth):
                right.add(number)
                total.found += 1
                total.flagged += "folded" in located.flags
                break
    total.wrong += sum(
        number not in right and not located.ambiguous_with for number, located in enumerate(result.pieces)
    )


def _is_open(located: LocatedPiece, truth: Truth) -> bool:
    """Whether the truth, another face or another turn, is named among the other answers."""
    face = f"{truth.piece} face {'down' if truth.pose.mirrored else 'up'}"
    turned = located.pose.mirrored == truth.pose.mirrored and any("turned" in o for o in located.ambiguous_with)
    return face in located.ambiguous_with or turned


def _differ(found: PlanarPose, truth: PlanarPose, outline: np.ndarray) -> tuple[np.ndarray, float]:
    """Shift of the outline's centre (2,) [mm] and difference of the angles [deg]."""
    shift = 1e3 * (found.apply(outline).mean(axis=0) - truth.apply(outline).mean(axis=0))
    return shift, float(np.degrees(abs(wrap_angle(found.theta - truth.theta))))
