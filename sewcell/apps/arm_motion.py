"""The commands `sewcell arm home` and `sewcell arm jog`: move the arm by hand, at the hardware."""

import asyncio
import sys
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from sewcell.apps.messages import refuse
from sewcell.config.arms import to_arm_model
from sewcell.config.layers import load_cell, load_ports
from sewcell.drivers.devices.arm import ArmDevice
from sewcell.drivers.devices.arm_reports import ArmState
from sewcell.drivers.devices.jog_run import JOG_SPEED
from sewcell.drivers.transport.serial_port import SerialTransport
from sewcell.errors import ConfigError, DeviceFaultError, SewcellError
from sewcell.units import DEG

LET_GO = 0.15
"""A key that has not repeated itself for this long was let go [s]."""
QUIT, FORWARD, BACKWARD = "q", "+", "-"

CellOption = Annotated[str, typer.Option(help="Cell file or name.")]
PortsOption = Annotated[str | None, typer.Option(help="Ports file or name; default: the cell's ports.")]


def home(cell: CellOption = "bench", ports: PortsOption = None) -> None:
    """Send all joints to their reference, after a person has made sure that the way is clear."""
    console = Console(highlight=False)
    if not typer.confirm("The arm will move to its home posture. Is everybody out of its reach?"):
        raise typer.Exit(1)
    _run(console, cell, ports, _home)


def jog(
    joint: Annotated[int, typer.Option(min=1, max=6, help="Joint to begin with.")] = 1,
    speed: Annotated[float, typer.Option(min=0.1, max=JOG_SPEED / DEG, help="Degrees a second.")] = 5.0,
    cell: CellOption = "bench",
    ports: PortsOption = None,
) -> None:
    """Turn single joints for as long as a key is held: + and - turn, 1 to 6 choose the joint, q ends."""
    console = Console(highlight=False)
    if not sys.stdin.isatty():
        raise refuse(console, ConfigError("a jog needs a person at the keyboard: run this command in a terminal"))
    console.print("hold + or - to turn, 1 to 6 choose the joint, q ends; let go to stop")
    with _single_keys():
        _run(console, cell, ports, lambda arm, console: _jog(arm, console, joint - 1, speed * DEG))


def _run(
    console: Console, cell: str, ports: str | None, action: Callable[[ArmDevice, Console], Awaitable[None]]
) -> None:
    try:
        setup = load_cell(cell)
        port = (setup.cell.ports if ports is None else load_ports(ports)).arm
        limits = to_arm_model(setup.arm, setup.arm_file).limits

        async def work() -> None:
            arm = ArmDevice(await SerialTransport.open(port.url, port.baud, port.parity), limits, port.byte_time)
            try:
                await greet(arm, console)
                await action(arm, console)
            finally:
                await arm.close()

        asyncio.run(work())
    except SewcellError as error:
        raise refuse(console, error) from error


async def greet(arm: ArmDevice, console: Console) -> None:
    """Connect; an alarm is told and unlocked, for it is what homing and jogging are there to end."""
    try:
        await arm.connect()
    except DeviceFaultError as alarm:
        if arm.state is not ArmState.FAULT:
            raise
        console.print(f"[yellow]alarm[/yellow]: {alarm}", soft_wrap=True)
        await arm.unlock()


async def _home(arm: ArmDevice, console: Console) -> None:
    await arm.home()
    console.print(f"home: {_show_joints(arm)}")


async def _jog(arm: ArmDevice, console: Console, joint: int, speed: float) -> None:
    loop = asyncio.get_running_loop()
    key, held, pressed_at = "", "", 0.0

    def is_held() -> bool:
        return key == held and loop.time() < pressed_at + LET_GO

    def read_key() -> None:
        nonlocal key, pressed_at
        key, pressed_at = sys.stdin.read(1), loop.time()

    loop.add_reader(sys.stdin, read_key)
    try:
        while key != QUIT:
            if key in (FORWARD, BACKWARD):
                held = key
                await arm.jog(joint, speed if held == FORWARD else -speed, is_held)
                console.print(f"joint {joint + 1}: {_show_joints(arm)}")
                key = "" if key == held else key
            elif key and key in "123456":
                joint, key = int(key) - 1, ""
                console.print(f"joint {joint + 1}")
            await asyncio.sleep(0.02)
    finally:
        loop.remove_reader(sys.stdin)


def _show_joints(arm: ArmDevice) -> str:
    return " ".join(f"{angle / DEG:.2f}" for angle in arm.position.joints) + " deg"


@contextmanager
def _single_keys() -> Iterator[None]:
    """Keys come one by one, without Enter and without being shown."""
    settings = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, settings)
