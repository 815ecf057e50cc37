"""Pictures and postures for a calibration: taken live, step by step, or read from a folder."""

import asyncio
import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from sewcell.backend import CellPorts, find_backend
from sewcell.config.layers import Job
from sewcell.config.messages import show_path
from sewcell.config.values import make_arm_model
from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.arm_reports import ArmState
from sewcell.errors import ConfigError, LinkError, VisionError
from sewcell.geometry.poses import Array
from sewcell.hands import Hands, Task
from sewcell.units import DEG
from sewcell.vision.boards import Picture

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
JOINTS_FILE = "joints.csv"
REST_TIME = 0.3
"""The arm stands when its joints have not changed for this long [s]."""
PATIENCE = 60.0
FEWER = 2
"""So many useless pictures are allowed for each one that is wanted."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture, one posture (6,) [rad], or both that belong together."""

    name: str
    pixels: Picture | None = None
    joints: Array | None = None


@dataclass(frozen=True, slots=True)
class LiveWish:
    """What to take: `count` shots that `use` accepts (it raises VisionError for others), each after its task.

    `keep`: folder in which the shots are stored, so that the same command can be repeated from it.
    """

    count: int
    make_task: Callable[[int], Task]
    use: Callable[[Shot], None]
    with_picture: bool
    with_joints: bool
    keep: Path | None = None


@contextmanager
def show_progress(console: Console) -> Iterator[Progress]:
    """A bar on the console; tasks are added by the caller."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress


def take_live(job: Job, backend_name: str, seed: int, wish: LiveWish, console: Console) -> None:
    """Guide a person through the shots, or let the simulated cell's hands do the work.

    Raises: LinkError when a device does not answer; VisionError when too many pictures are of no use.
    """
    backend = find_backend(backend_name)(job, seed, 1)

    async def take() -> None:
        ports = await backend.open()
        try:
            with show_progress(console) as progress:
                await _take(job, ports, backend.hands() or _Person(console, progress), wish, console, progress)
        finally:
            await backend.close()

    with asyncio.Runner(loop_factory=backend.make_loop) as runner:
        runner.run(take())


def read_folder(folder: Path, with_joints: bool = False) -> list[Shot]:
    """The pictures of a folder in the order of their names, with the postures of its `joints.csv`.

    Raises: ConfigError when the folder or the file is missing or wrong, or a picture cannot be read.
    """
    shown = show_path(folder)
    if not folder.is_dir():
        raise ConfigError(f"no folder {shown}: name a folder of pictures with --pictures")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ConfigError(f"{shown} holds no pictures ({' '.join(SUFFIXES)})")
    postures = dict(read_joints(folder / JOINTS_FILE)) if with_joints else {}
    missing = [path.name for path in paths if with_joints and path.name not in postures]
    if missing:
        raise ConfigError(f"{show_path(folder / JOINTS_FILE)} has no line for {missing[0]}")
    return [Shot(path.name, read_picture(path), postures.get(path.name)) for path in paths]


def read_picture(path: Path) -> Picture:
    """A picture file as blue-green-red pixels. Raises: ConfigError when it is missing or damaged."""
    if not path.is_file():
        raise ConfigError(f"no picture {show_path(path)}; check the name")
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ConfigError(f"{show_path(path)} cannot be read as a picture: it is damaged or of an unknown kind")
    return np.asarray(pixels, dtype=np.uint8)


def read_joints(path: Path) -> list[tuple[str, Array]]:
    """Names and postures (6,) [rad] of a file with lines `name,j1,...,j6`, joints in degrees as the pendant shows them.

    Raises: ConfigError with file and line.
    """
    shown = show_path(path)
    if not path.is_file():
        raise ConfigError(f"no file {shown}: it must hold lines `name,j1,j2,j3,j4,j5,j6`, joints in degrees")
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{shown} cannot be read as a table of text: save it as CSV in UTF-8") from error
    found = []
    for line, row in enumerate(rows, start=1):
        if not row or (line == 1 and row[0].strip().lower() == "name"):
            continue
        try:
            joints = np.array([float(value) for value in row[1:]])
        except ValueError as error:
            raise ConfigError(f"{shown}:{line}: joints must be numbers, in degrees") from error
        if len(joints) != 6 or not np.isfinite(joints).all():
            raise ConfigError(f"{shown}:{line}: must be a name and six joints in degrees, got {len(row)} values")
        found.append((row[0].strip(), joints * DEG))
    return found


class _Person:
    """Asks on the console and waits for Enter."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress

    async def carry_out(self, task: Task) -> None:
        self._progress.stop()
        self._console.print(f"{escape(str(task))} [bold]Then press Enter.[/bold]", soft_wrap=True)
        try:
            await asyncio.to_thread(input)
        except EOFError as error:
            raise ConfigError(
                "nobody answers at the keyboard: run this command in a terminal, or give it --pictures"
            ) from error
        self._progress.start()


async def _take(job: Job, ports: CellPorts, hands: Hands, wish: LiveWish, console: Console, progress: Progress) -> None:
    arm = ArmDevice(ports.arm, make_arm_model(job).limits, job.cell.ports.arm.byte_time)
    bar = progress.add_task("pictures" if wish.with_picture else "touches", total=wish.count)
    done = 0
    try:
        if wish.with_joints:
            await arm.connect()
        for number in range(1, FEWER * wish.count + 1):
            await hands.carry_out(wish.make_task(number))
            shot = await _take_one(ports, arm, wish, number)
            try:
                wish.use(shot)
            except VisionError as refusal:
                console.print(f"[yellow]not used[/yellow]: {escape(str(refusal))}", soft_wrap=True)
                continue
            if wish.keep is not None:
                _keep(wish.keep, shot)
            done += 1
            progress.update(bar, completed=done)
            if done == wish.count:
                return
    finally:
        await arm.close()
        await ports.field_bus.close()
        await ports.camera.close()
    raise VisionError(
        f"only {done} of {FEWER * wish.count} shots were of use, {wish.count} are needed: see the reasons above"
    )


async def _take_one(ports: CellPorts, arm: ArmDevice, wish: LiveWish, number: int) -> Shot:
    joints = await _read_standing(arm) if wish.with_joints else None
    pixels = (await ports.camera.grab()).pixels if wish.with_picture else None
    return Shot(f"{number:02d}.png" if wish.with_picture else f"touch {number}", pixels, joints)


async def _read_standing(arm: ArmDevice) -> Array:
    """The joints (6,) [rad] of the arm, once it stands."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    last, since = None, loop.time()
    while True:
        report = arm.position if arm.state is not ArmState.LOST else None
        if report is None or arm.state is ArmState.FAULT:
            raise LinkError(f"{arm.name}: the arm is in the state {arm.state.value}: clear it and start again")
        if last is None or np.any(report.joints != last):
            last, since = report.joints, loop.time()
        if report.at >= since + REST_TIME:
            return last
        if loop.time() > deadline:
            raise LinkError(f"{arm.name}: the arm does not come to rest: let go of the pendant and start again")
        await asyncio.sleep(0.05)


def _keep(folder: Path, shot: Shot) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shot.pixels is not None:
            (folder / shot.name).write_bytes(cv2.imencode(".png", shot.pixels)[1].tobytes())
        if shot.joints is not None:
            with (folder / JOINTS_FILE).open("a", encoding="utf-8") as file:
                file.write(",".join([shot.name, *(f"{angle / DEG:.4f}" for angle in shot.joints)]) + "\n")
    except OSError as error:
        raise ConfigError(f"{show_path(folder)} cannot be written ({error.strerror}): name another --keep") from error
