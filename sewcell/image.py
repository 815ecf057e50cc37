"""The picture that travels from a camera to vision, and the seam where cameras are exchanged."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Image:
    """One picture. `pixels`: (H, W, 3) uint8, blue-green-red. `taken_at`: loop time of the exposure [s]."""

    pixels: NDArray[np.uint8]
    camera: str
    taken_at: float


class ImageSource(Protocol):
    """A camera, a folder of files, or the renderer of the simulated world."""

    async def grab(self) -> Image:
        """Take a picture now; raises LinkError when the camera gives none."""
        ...

    async def close(self) -> None: ...
