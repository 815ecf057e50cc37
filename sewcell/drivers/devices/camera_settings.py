"""How a camera is opened through OpenCV: device, rate, exposure, gain, and what it has really taken of them."""

import os
from dataclasses import dataclass
from typing import Any, Literal

import cv2

from sewcell.errors import LinkError
from sewcell.units import MS

Api = Literal["any", "ffmpeg", "gstreamer", "v4l2"]
APIS: dict[str, int] = {
    "any": cv2.CAP_ANY,
    "ffmpeg": cv2.CAP_FFMPEG,
    "gstreamer": cv2.CAP_GSTREAMER,
    "v4l2": cv2.CAP_V4L2,
}
FFMPEG_QUIET = {"OPENCV_FFMPEG_LOGLEVEL": "-8"}
"""What a camera lacks is told in one sentence, not in the words of the libraries."""
FFMPEG_OPTIONS = "rtsp_transport;tcp|fpsprobesize;0"
"""For network cameras, unless the variable is set: OpenCV's default, and no gathering of pictures to find their rate,
which FFmpeg would do until the timeout at less than some pictures a second."""
V4L2_MANUAL, V4L2_AUTOMATIC = 1.0, 3.0
"""V4L2_EXPOSURE_MANUAL and V4L2_EXPOSURE_APERTURE_PRIORITY of the Video4Linux2 control V4L2_CID_EXPOSURE_AUTO."""
V4L2_EXPOSURE_UNIT = 1e-4
"""Unit of V4L2_CID_EXPOSURE_ABSOLUTE [s]."""
TOLERANCE = 0.1
"""A camera rounds; what differs by more than this share was not taken."""


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """A camera and how it is to take pictures.

    `device`: number of a USB camera, file, URL, or GStreamer pipeline. `size`: (width, height) of its pictures [px].
    `frame_rate` [1/s], `exposure` [s] and `gain` (in the camera's own units) stay as they are when None; without
    `exposure` the camera exposes by itself. `latency`: from exposure to arrival [s], where the camera tells no time.
    `timeout`: longest wait for a picture, and for the camera to open [s].
    """

    device: int | str
    size: tuple[int, int] | None = None
    api: Api = "any"
    frame_rate: float | None = None
    exposure: float | None = None
    gain: float | None = None
    latency: float = 0.0
    timeout: float = 8.0

    @property
    def is_live(self) -> bool:
        """Whether it films by itself, as opposed to a file that waits to be read."""
        return isinstance(self.device, int) or "://" in self.device or "!" in self.device


def open_capture(name: str, settings: CameraSettings) -> Any:
    """The cv2.VideoCapture of a camera, set as it should be.

    Raises: LinkError that names the camera and what to do.
    """
    os.environ.update(FFMPEG_QUIET)
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", FFMPEG_OPTIONS)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    who = describe_camera(name, settings)
    if settings.api == "gstreamer" and not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        raise LinkError(f"{who} cannot be opened: this OpenCV has no GStreamer: install one built with it, or use V4L2")
    is_url = isinstance(settings.device, str) and "://" in settings.device
    api = cv2.CAP_FFMPEG if is_url and settings.api == "any" else APIS[settings.api]
    timeout_ms = round(settings.timeout / MS)
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms]
    try:
        capture = cv2.VideoCapture(settings.device, api, timeouts if api == cv2.CAP_FFMPEG else [])
    except cv2.error as cause:
        raise LinkError(f"{who} cannot be opened: {cause}; check its entry in the ports") from cause
    if not capture.isOpened():
        capture.release()
        raise LinkError(
            f"{who} cannot be opened: check its cable and power, that no other program uses it, and its entry in the "
            "ports"
        )
    for prop, value, what in list_properties(settings):
        if not capture.set(prop, value) or _was_refused(capture.get(prop), value):
            capture.release()
            raise LinkError(
                f"{who} does not take {what}: set it with the camera's own program, and take it out of the ports"
            )
    return capture


def describe_camera(name: str, settings: CameraSettings) -> str:
    """What alarms call it."""
    return f"camera {name} ({settings.device})"


def list_properties(settings: CameraSettings) -> list[tuple[int, float, str]]:
    """(property of cv2, value in its unit, in words) of everything that has to be set, in this order."""
    found: list[tuple[int, float, str]] = []
    if isinstance(settings.device, int) and settings.size is not None:
        width, height = settings.size
        found += [
            (cv2.CAP_PROP_FRAME_WIDTH, float(width), f"a picture width of {width} px"),
            (cv2.CAP_PROP_FRAME_HEIGHT, float(height), f"a picture height of {height} px"),
        ]
    if settings.frame_rate is not None:
        found.append((cv2.CAP_PROP_FPS, settings.frame_rate, f"{settings.frame_rate:g} pictures a second"))
    if settings.exposure is not None:
        what = f"an exposure of {settings.exposure / MS:g} ms"
        found += [
            (cv2.CAP_PROP_AUTO_EXPOSURE, V4L2_MANUAL, what),
            (cv2.CAP_PROP_EXPOSURE, round(settings.exposure / V4L2_EXPOSURE_UNIT), what),
        ]
    elif isinstance(settings.device, int) and settings.api == "v4l2":
        found.append((cv2.CAP_PROP_AUTO_EXPOSURE, V4L2_AUTOMATIC, "automatic exposure"))
    if settings.gain is not None:
        found.append((cv2.CAP_PROP_GAIN, settings.gain, f"a gain of {settings.gain:g}"))
    return found


def _was_refused(taken: float, wanted: float) -> bool:
    return abs(taken - wanted) > TOLERANCE * max(abs(wanted), 1.0)
