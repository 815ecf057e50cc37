"""The thread that watches a live camera: keeps its queue empty, stamps its pictures, counts lost ones, reconnects."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sewcell.drivers.devices.camera_settings import CameraSettings, describe_camera, open_capture
from sewcell.errors import LinkError
from sewcell.units import MS

RETRY = 0.5
"""Pause before a camera that is gone is opened again [s]."""
STAMP_AGE = 1.0
"""A camera's own clock is trusted while its pictures are not older than this by it [s]."""
QUEUED = 0.5
"""Pictures that come within this share of the time between their exposures have waited in a queue."""
LOST_FROM = 1.6
"""An interval of this many periods means that a picture was lost."""
CLOCK_WINDOW = 60.0
"""The fastest picture of so long a time tells how a stream's clock stands [s]: long against a stall of the network,
short against the drift of a clock."""
INTERVALS = 50
LEAST_INTERVALS = 3

Frame = tuple[NDArray[np.uint8], float]
"""Pixels and time of the exposure [s]."""
Deliver = Callable[[Frame | LinkError], None]


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """What the film was like so far. `period`: between pictures [s], None while not known. `reconnections`: how often
    the camera had to be opened again.
    """

    pictures: int = 0
    lost: int = 0
    reconnections: int = 0
    period: float | None = None


class FilmThread:
    """Watches the camera `name` from `start` to `close`. `clock`: the loop's time, which any thread may ask for."""

    def __init__(self, name: str, settings: CameraSettings, clock: Callable[[], float]) -> None:
        self._name = name
        self._settings = settings
        self._who = describe_camera(name, settings)
        self._clock = clock
        self._lock = threading.Lock()
        self._wanted: tuple[float, Deliver] | None = None
        self._pictures = self._lost = self._openings = 0
        self._delays: deque[tuple[float, float]] = deque()
        self._before: tuple[float, float] | None = None
        self._intervals: deque[float] = deque(maxlen=INTERVALS)
        self._failure: LinkError | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)

    def start(self) -> None:
        """Open the camera and watch it."""
        self._thread.start()

    def close(self, patience: float) -> None:
        """Let the camera go, at most after `patience` [s]."""
        self._closing.set()
        self._thread.join(patience)

    @property
    def failure(self) -> LinkError | None:
        """Why there are no pictures at present."""
        return self._failure

    @property
    def health(self) -> CameraHealth:
        """Counts so far."""
        intervals = list(self._intervals)
        period = median(intervals) if len(intervals) >= LEAST_INTERVALS else None
        return CameraHealth(self._pictures, self._lost, max(0, self._openings - 1), period)

    def want(self, since: float, deliver: Deliver) -> None:
        """Have `deliver` called once, in the thread, with the next picture that was exposed at `since` [s] or later; or
        with the reason why the camera has never given one.
        """
        with self._lock:
            self._wanted = since, deliver

    def forget(self) -> None:
        """Nobody wants a picture."""
        with self._lock:
            self._wanted = None

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                capture = open_capture(self._name, self._settings)
            except LinkError as failure:
                self._fail(failure)
            else:
                self._openings += 1
                try:
                    self._watch(capture)
                finally:
                    capture.release()
            self._closing.wait(RETRY)

    def _watch(self, capture: Any) -> None:
        """Take every picture off the camera until it gives none."""
        last: float | None = None
        self._before = None
        self._delays.clear()
        while not self._closing.is_set():
            if not capture.grab():
                self._fail(
                    LinkError(
                        f"{self._who} gives no picture: check its cable and power, and that no other program uses it"
                    )
                )
                return
            stamp = self._stamp(capture)
            if stamp is None:
                continue
            if last is not None:
                self._count(stamp - last)
            last = stamp
            self._pictures += 1
            self._failure = None
            with self._lock:
                wanted = self._wanted
                if wanted is None or stamp < wanted[0]:
                    continue
                self._wanted = None
            wanted[1](self._develop(capture, stamp))

    def _stamp(self, capture: Any) -> float | None:
        """When the picture was exposed, by the camera's own clock; None for one that has waited in a queue.

        V4L2 uses the clock of the loop. The clock of a stream begins anywhere, and anew when it goes back; of late the
        picture that came fastest by it sets it, so that one that was held up on its way is not taken for a new one.
        FFmpeg gathers pictures while it opens a stream: they come faster than they were exposed.
        """
        now = self._clock()
        told = float(capture.get(cv2.CAP_PROP_POS_MSEC)) * MS
        if isinstance(self._settings.device, int) and now - STAMP_AGE < told <= now:
            return told
        before, self._before = self._before, (now, told)
        if before is None or now - before[0] < QUEUED * (told - before[1]):
            return None
        if told < before[1]:
            self._delays.clear()
        while self._delays and self._delays[0][0] < now - CLOCK_WINDOW:
            self._delays.popleft()
        self._delays.append((now, now - told))
        return told + min(delay for _, delay in self._delays) - self._settings.latency

    def _count(self, interval: float) -> None:
        period = self.health.period
        if period is not None and interval > LOST_FROM * period:
            self._lost += round(interval / period) - 1
        else:
            self._intervals.append(interval)

    def _develop(self, capture: Any, stamp: float) -> Frame | LinkError:
        try:
            found, pixels = capture.retrieve()
        except cv2.error as cause:
            return LinkError(f"{self._who} gives a picture that cannot be read: {cause}; check its cable")
        if not found:
            return LinkError(f"{self._who} gives a picture that cannot be read: check its cable")
        return np.ascontiguousarray(pixels, dtype=np.uint8), stamp

    def _fail(self, failure: LinkError) -> None:
        self._failure = failure
        with self._lock:
            wanted = self._wanted
            if self._pictures or wanted is None:
                return
            self._wanted = None
        wanted[1](failure)
