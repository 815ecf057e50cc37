"""The tools that the steps of the process work with: devices, camera, station, recipe and log."""

from collections.abc import Callable
from dataclasses import dataclass

from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.gripper_io import GripperIo
from sewcell.drivers.devices.sewing_head import SewingHead
from sewcell.errors import InterlockError
from sewcell.image import Image, ImageSource
from sewcell.process.looking import Decision, EmptyTable, Verdict
from sewcell.process.recipe import Recipe
from sewcell.process.station import Station
from sewcell.process.worklog import Worklog
from sewcell.vision.background import Background
from sewcell.vision.camera_model import CameraModel


@dataclass(slots=True)
class Workcell:
    """One cell at work. `camera_model`: as its file says; `camera_stood`: when the empty table, the `background`, was
    looked at. `on_image` is told of every picture that a decision is taken from, `on_decision` of where a
    piece lies by it, `on_verdict` of how its seam was sewn, `on_empty_table` of the one that shows the table without a
    piece."""

    arm: ArmDevice
    head: SewingHead
    gripper: GripperIo
    camera: ImageSource
    camera_model: CameraModel
    station: Station
    recipe: Recipe
    worklog: Worklog
    on_image: Callable[[Image], None]
    on_decision: Callable[[Decision], None]
    on_verdict: Callable[[Verdict], None]
    on_empty_table: Callable[[EmptyTable], None]
    background: Background | None = None
    camera_stood: CameraModel | None = None

    def require_safe(self) -> None:
        """Raise InterlockError unless the safety chain allows motion."""
        self.gripper.require_safe()

    async def grab(self) -> Image:
        """Take a picture and tell the record of it."""
        image = await self.camera.grab()
        self.on_image(image)
        return image

    def require_background(self) -> Background:
        """The empty table; raises InterlockError when it has not been looked at."""
        if self.background is None:
            raise InterlockError("the empty table has not been looked at: start the run anew")
        return self.background
