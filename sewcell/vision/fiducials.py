"""How does the camera stand, and has it or the table moved? By fiducials at known places of the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sewcell.errors import InterlockError, VisionError
from sewcell.geometry.poses import Array
from sewcell.units import MM
from sewcell.vision.background import check_exposure
from sewcell.vision.boards import BoardView, Picture, find_fiducials
from sewcell.vision.camera_model import CameraModel
from sewcell.vision.lens import Lens, locate_board

LIMIT = 0.2 * MM
"""Largest deviation of a fiducial at which the cell may run [m]."""
FEWEST = 4
LEAST_SPREAD = 20.0 * MM
"""Of fiducials across the line on which they lie [m]: the root of the summed squares."""


@dataclass(frozen=True, slots=True)
class FiducialCheck:
    """`deviations` (2,) [m] of each fiducial from its place, by number."""

    deviations: dict[int, Array]

    @property
    def worst(self) -> tuple[int, float]:
        """The fiducial with the largest deviation, and how much that is [m]."""
        sizes = {number: float(np.hypot(*deviation)) for number, deviation in self.deviations.items()}
        number = max(sizes, key=sizes.__getitem__)
        return number, sizes[number]

    def require_within(self, limit: float = LIMIT) -> None:
        """Raises: InterlockError past `limit` that says what has probably moved, and what to do."""
        number, size = self.worst
        if size <= limit:
            return
        others = [np.hypot(*deviation) for other, deviation in self.deviations.items() if other != number]
        alone = max(others) <= limit
        cause = (
            f"the others are within {max(others) / MM:.2f} mm, so this one was probably moved or is dirty: stick it "
            "back and remember the places anew"
            if alone
            else "several are off, so the camera or its mount was probably moved: calibrate the table anew"
        )
        raise InterlockError(
            f"do not run: fiducial {number} is {size / MM:.2f} mm off its place, {limit / MM:g} mm is the most; {cause}"
        )


def measure_fiducials(camera: CameraModel, pictures: Sequence[dict[int, Array]]) -> dict[int, Array]:
    """Mean places (2,) [m] on the table of the fiducials that all `pictures` show; these: centres [px] by number."""
    common = set.intersection(*(set(seen) for seen in pictures)) if pictures else set()
    return {
        number: camera.table_points(np.array([seen[number] for seen in pictures])).mean(axis=0)
        for number in sorted(common)
    }


def check_fiducials(measured: dict[int, Array], known: dict[int, Array]) -> FiducialCheck:
    """Compare places on the table [m], by number.

    Raises: VisionError when one of the known fiducials is not seen (named): it may hide what has moved.
    """
    missing = sorted(set(known) - set(measured))
    if missing:
        raise VisionError(
            f"the picture does not show fiducial{'s' if len(missing) > 1 else ''} {', '.join(map(str, missing))}: "
            "clear the table, move the arm out of the picture, and check the light"
        )
    if len(known) < FEWEST:
        raise VisionError(f"{len(known)} fiducials cannot show how the camera stands: at least {FEWEST} are needed")
    return FiducialCheck({number: np.asarray(measured[number] - place) for number, place in known.items()})


def view_fiducials(
    seen: Mapping[int, Array], known: Mapping[int, Array], picture: str, size_px: tuple[int, int]
) -> tuple[list[int], BoardView]:
    """The fiducials that are seen at (2,) [px] and known at (2,) [m] as one board, and their numbers in its order.

    Raises: VisionError when they are fewer than FEWEST, or lie on one line, about which the camera could turn unseen.
    """
    numbers = sorted(set(seen) & set(known))
    if len(numbers) < FEWEST:
        raise VisionError(
            f"{picture} shows {len(numbers)} of the {len(known)} known fiducials, {FEWEST} are needed: clear the "
            "table, move the arm out of the picture, and check light and focus"
        )
    points = np.array([[*known[number], 0.0] for number in numbers])
    if np.linalg.svd(points[:, :2] - points[:, :2].mean(axis=0), compute_uv=False)[1] < LEAST_SPREAD:
        raise VisionError(
            f"the fiducials that {picture} shows lie on one line: clear the table, and stick them at the corners of "
            "the working area"
        )
    return numbers, BoardView(picture, points, np.array([seen[number] for number in numbers]), size_px)


def align_camera(camera: CameraModel, picture: Picture, known: Mapping[int, Array]) -> CameraModel:
    """The camera as it stands in this `picture` by the fiducials with centres `known` (2,) [m] on the table.

    Raises: VisionError when the picture is blank, dark or overexposed, those that it shows do not tell (see
    `view_fiducials`), or one lies beside its place by more than LIMIT.
    """
    check_exposure(picture)
    numbers, view = view_fiducials(find_fiducials(picture), known, "the picture", (picture.shape[1], picture.shape[0]))
    lens = Lens(camera.image_size_px, camera.matrix, camera.distortion)
    aligned = replace(camera, T_camera_table=locate_board(lens, view).T_camera_board)
    beside = np.linalg.norm(aligned.table_points(view.pixels) - view.points[:, :2], axis=1)
    if beside.max() > LIMIT:
        raise VisionError(
            f"fiducial {numbers[int(beside.argmax())]} lies {beside.max() / MM:.2f} mm beside its place on the table, "
            f"{LIMIT / MM:g} mm is the most: it was moved or is dirty, or the lens is not the one of the camera's file"
        )
    return aligned


def measure_shift(before: CameraModel, after: CameraModel, places: Sequence[Array]) -> float:
    """How far off the table's `places` (2,) are seen when the camera that stands as `after` is taken for `before` [m]:
    the largest distance."""
    seen = before.table_points(after.project_plane(np.array(places)))
    return float(np.linalg.norm(seen - np.array(places), axis=1).max())
