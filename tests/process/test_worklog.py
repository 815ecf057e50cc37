"""The log of a run that lasts a whole shift."""

import numpy as np

from sewcell.geometry.planar import PlanarPose
from sewcell.geometry.poses import make_pose
from sewcell.image import Image
from sewcell.process.looking import SeamOrder, Verdict
from sewcell.process.recipe import SeamRecipe
from sewcell.process.worklog import MOST_PICTURED, InspectedSeam, PieceLog, Sighting, Worklog
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.located import LocatedPiece
from tests.process.test_grip import POCKET

CAMERA = CameraModel((64, 48), np.eye(3), np.zeros(5), make_pose((0.0, 0.0, 1.0), (np.pi, 0.0, 0.0)))
SEAM = SeamRecipe("hem", np.zeros((2, 2)), 2.5e-3, 10.0, 0, 0, 1.0, 0.012, 1e-3)


def finish(log: PieceLog, refusal: str = "") -> None:
    pose = PlanarPose(0.1, 0.2, 0.3)
    located = LocatedPiece("POCKET", "M", pose, 0, 0, 0, 1, 1, 0, (), (), np.zeros((3, 2)))
    picture = Image(np.zeros((48, 64, 3), np.uint8), "overhead", float(log.index))
    log.found = log.finished = Sighting(picture, located, CAMERA, 0.3e-3)
    order = SeamOrder(POCKET, SEAM, pose, CAMERA, 3e-4)
    verdict = Verdict("overhead", 0.0, order, None, refusal)
    log.inspected = [InspectedSeam(picture, verdict)] if refusal else []


def test_of_a_shift_only_the_last_and_the_first_flagged_pieces_keep_pictures_and_all_keep_figures():
    worklog = Worklog()
    for number in range(300):
        finish(worklog.begin_piece("POCKET"), "too dark to tell" if number % 10 == 5 else "")
    worklog.begin_piece("POCKET")
    pictured = [log.index for log in worklog.pieces if log.found and log.found.image is not None]
    assert pictured == [*range(5, 5 + 10 * MOST_PICTURED, 10), *range(301 - MOST_PICTURED - 1, 300)]
    assert all(log.finished.located.pose.x == 0.1 for log in worklog.pieces[:300] if log.finished)
    assert sum(bool(log.flags) for log in worklog.pieces) == 30
