"""The steps before the first piece: the arm goes home, the camera learns the empty table."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from sewcell.process.actions import find_camera, go_home
from sewcell.process.looking import EmptyTable
from sewcell.process.workcell import Workcell
from sewcell.vision.background import make_background


@dataclass(frozen=True, slots=True)
class LookAtEmptyTable:
    """Learn what the table looks like without a piece."""

    name: ClassVar[str] = "look at empty table"

    async def run(self, cell: Workcell) -> None:
        await asyncio.sleep(cell.station.camera_settle)
        image = await cell.grab()
        cell.camera_stood = await find_camera(cell, image)
        cell.background = make_background([image])
        cell.on_empty_table(EmptyTable(image.camera, image.taken_at))


@dataclass(frozen=True, slots=True)
class GoHome:
    """Bring the arm from wherever it stands to its home posture, out of the camera's view."""

    name: ClassVar[str] = "go home"

    async def run(self, cell: Workcell) -> None:
        await go_home(cell)
