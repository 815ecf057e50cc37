"""A video of the simulated cell at work, seen from a chosen side."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.errors import ConfigError
from sim.camera.mesh import Mesh
from sim.camera.overview import Overview, look_at
from sim.world.world import STEP

FRAME_STEPS = 12
"""Steps of the world between two frames: 20 frames a second."""
SIZE_PX = (960, 540)
SIDES = {
    "front": ((0.45, -1.50, 0.92), (0.37, 0.10, 0.34), 52.0),
    "left": ((-0.55, -1.25, 1.00), (0.38, 0.08, 0.28), 50.0),
    "right": ((1.55, -1.00, 0.98), (0.36, 0.10, 0.22), 54.0),
    "back": ((0.40, 1.60, 0.90), (0.36, 0.05, 0.32), 54.0),
    "top": ((0.36, -0.02, 1.75), (0.36, 0.08, 0.0), 52.0),
    "needle": ((0.50, -0.34, 0.27), (0.655, 0.02, 0.03), 42.0),
}
"""Where the eye is and where it looks, in base [m], and how wide the picture is [deg]."""


class Film:
    """Draws into an MP4 file.

    Raises: ConfigError when there is no such side, or the file cannot be written.
    """

    frame_steps = FRAME_STEPS

    def __init__(self, path: Path, side: str) -> None:
        if side not in SIDES:
            raise ConfigError(f"the cell cannot be filmed from '{side}'; known: {', '.join(SIDES)}")
        if path.suffix.lower() != ".mp4":
            raise ConfigError(f"{path} is not the name of an MP4 file: let it end in .mp4")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        except OSError as error:
            raise ConfigError(f"{path} cannot be written ({error.strerror}): name another file") from error
        eye, target, field_deg = SIDES[side]
        self._overview = Overview(look_at(eye, target, SIZE_PX, field_deg))
        rate = 1.0 / (FRAME_STEPS * STEP)
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, SIZE_PX)
        if not self._writer.isOpened():
            raise ConfigError(f"{path} cannot be written: this OpenCV has no MPEG-4 encoder; install opencv-python")

    def show(self, meshes: Sequence[Mesh], time: float) -> None:
        """Add one frame; `time` [s] is written into its corner."""
        self._writer.write(_stamp(self._overview.draw(meshes), f"{time:.2f} s"))

    def close(self) -> None:
        """Finish the file. May be repeated."""
        self._writer.release()


def _stamp(pixels: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    stamped = pixels.copy()
    for colour, width in (((30, 30, 30), 4), ((255, 255, 255), 1)):
        cv2.putText(stamped, text, (14, SIZE_PX[1] - 16), cv2.FONT_HERSHEY_DUPLEX, 0.7, colour, width, cv2.LINE_AA)
    return stamped
