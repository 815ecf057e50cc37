"""Pictures from files, refused when they are damaged, and into files."""

from pathlib import Path

import cv2
import numpy as np

from sewcell.errors import VisionError
from sewcell.image import Image
from sewcell.vision.thinning import Pixels

_ENDS = {b"\xff\xd8": b"\xff\xd9", b"\x89PNG": b"IEND"}
"""How a JPEG and a PNG file begin, and what their last bytes hold."""
_TAIL = 64


def read_picture(path: Path) -> Image:
    """The picture in a file, as the sensor took it (no turning by EXIF), named after the file.

    Raises: VisionError when there is no such file, or it is no picture, or its end is missing.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise VisionError(f"the picture {path} cannot be read: {error.strerror}; check the path") from error
    for start, end in _ENDS.items():
        if data.startswith(start) and end not in data[-_TAIL:]:
            raise VisionError(f"the picture {path} is corrupt: its end is missing; copy or take it again")
    pixels = None
    if data:
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        except cv2.error:
            pixels = None
    if pixels is None:
        raise VisionError(f"{path} is no picture, or a corrupt one: give a PNG, JPEG, BMP or TIFF file")
    return Image(np.asarray(pixels, np.uint8), path.name, 0.0)


def write_picture(path: Path, pixels: Pixels) -> None:
    """Write a picture (H, W, 3), blue-green-red, in the form that the end of the name says.

    Raises: VisionError when that cannot be done.
    """
    try:
        written = cv2.imwrite(str(path), pixels)
    except cv2.error:
        written = False
    if not written:
        raise VisionError(f"the picture {path} cannot be written: give a folder that exists and .png or .jpg")
