"""Refuses pictures of a board that cannot calibrate a lens, and says which ones to take instead."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sewcell.errors import VisionError
from sewcell.geometry.poses import Array
from sewcell.units import DEG
from sewcell.vision.boards import BoardView

FEWEST_VIEWS = 8
FIELDS = (5, 4)
"""Fields of the picture, across and down, in which corners are looked for."""
LEAST_COVERAGE = 0.6
LEAST_TILT = 15.0 * DEG
"""Between the two views whose boards differ most in tilt."""
SAME_VIEW_PX = 0.5
OUTLIER_FACTOR = 3.0
OUTLIER_PX = 0.3
WORST_RMS_PX = 1.0
ROWS = ("top", "upper middle", "lower middle", "bottom")
COLUMNS = ("far left", "left", "middle", "right", "far right")


def count_fields(views: Sequence[BoardView]) -> NDArray[np.int64]:
    """How many corners of all views lie in each field of the picture, (down, across)."""
    counts = np.zeros((FIELDS[1], FIELDS[0]), dtype=np.int64)
    for view in views:
        share = view.pixels / np.asarray(view.image_size_px)
        column, row = np.clip((share * FIELDS).astype(int), 0, np.array(FIELDS) - 1).T
        np.add.at(counts, (row, column), 1)
    return counts


def measure_coverage(views: Sequence[BoardView]) -> float:
    """Share of the picture's fields that hold at least one corner."""
    return float(np.mean(count_fields(views) > 0))


def check_views(views: Sequence[BoardView]) -> None:
    """What can be seen before a fit. Raises: VisionError that names what is missing or which picture is wrong."""
    if len(views) < FEWEST_VIEWS:
        show = "picture shows" if len(views) == 1 else "pictures show"
        raise VisionError(
            f"only {len(views)} {show} the board, "
            f"at least {FEWEST_VIEWS} are needed: take more, tilted to all sides and all over the picture"
        )
    for view in views[1:]:
        if view.image_size_px != views[0].image_size_px:
            one, other = ("x".join(map(str, v.image_size_px)) for v in (views[0], view))
            raise VisionError(
                f"{views[0].name} is {one} px, {view.name} is {other} px: take all pictures with one camera and setting"
            )
    for i, view in enumerate(views):
        for earlier in views[:i]:
            if show_same(view, earlier):
                raise VisionError(
                    f"{earlier.name} and {view.name} show the board at the same place: take one of them out, for it "
                    "would feign an accuracy that is not there"
                )
    counts = count_fields(views)
    if np.mean(counts > 0) < LEAST_COVERAGE:
        empty = [f"{ROWS[r]} {COLUMNS[c]}" for r, c in np.argwhere(counts == 0)]
        raise VisionError(
            f"the board covers {100 * np.mean(counts > 0):.0f} % of the picture, at least {100 * LEAST_COVERAGE:.0f} % "
            f"are needed: show it also at the {', '.join(empty)}"
        )


def show_same(one: BoardView, other: BoardView) -> bool:
    """Whether the board has not moved between two views."""
    if len(one.pixels) != len(other.pixels) or not np.array_equal(one.points, other.points):
        return False
    return bool(np.abs(one.pixels - other.pixels).max() < SAME_VIEW_PX)


def check_fitted(views: Sequence[BoardView], poses: Sequence[Array], view_rms_px: Array) -> None:
    """What only a fit shows. `poses`: T_camera_board. Raises: VisionError that names the cause or the picture."""
    normals = np.array([T[:3, 2] for T in poses])
    tilt = float(np.arccos(np.clip((normals @ normals.T).min(), -1.0, 1.0)))
    if tilt < LEAST_TILT:
        raise VisionError(
            f"the board has nearly the same tilt in all pictures (within {tilt / DEG:.0f} deg): tilt it by 20 to 45 "
            "degrees to the left, right, front and back; without that the focal length stays open"
        )
    worst = int(np.argmax(view_rms_px))
    others = float(np.median(np.delete(view_rms_px, worst)))
    if view_rms_px[worst] > max(OUTLIER_FACTOR * others, OUTLIER_PX):
        raise VisionError(
            f"{views[worst].name} does not fit the others: {view_rms_px[worst]:.2f} px against {others:.2f} px; take "
            "it out or take it again (the board moved, is bent, or the picture is blurred)"
        )
    rms = float(np.sqrt(np.mean(view_rms_px**2)))
    if rms > WORST_RMS_PX:
        raise VisionError(
            f"the lens fits the pictures to {rms:.1f} px only, {WORST_RMS_PX:g} px is the most: check that the board "
            "is flat, its counts are right, and the pictures are sharp"
        )
