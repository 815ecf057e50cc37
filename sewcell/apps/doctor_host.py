"""What `sewcell doctor` finds in the computer itself, from its software to the age of the calibration."""

import shutil
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from sewcell.apps.doctor_lines import Finding
from sewcell.apps.serial_backend import CAMERA_NAME, make_camera_settings
from sewcell.config.calibration_files import check_file
from sewcell.config.layers import Job
from sewcell.config.loader import load_yaml
from sewcell.config.messages import show_path
from sewcell.config.models_calibration import CheckModel
from sewcell.drivers.devices.camera import CaptureSource
from sewcell.drivers.transport.urgency import LEVEL, may_hurry
from sewcell.errors import ConfigError, LinkError

GIGABYTE = 1e9
SCARCE, EMPTY = 5.0 * GIGABYTE, 0.5 * GIGABYTE
"""Free space from which on the recordings of a shift may not fit, and of a run."""
OLD = 7
"""Days after which the camera should be checked again."""
CHECK = "run `sewcell calibrate check`"
DARK, BRIGHT = 20.0, 240.0
"""Mean levels outside of which a picture shows nothing."""
PYMODBUS = "3.16."
PICTURES = 3


def examine_software() -> Finding:
    """Versions of what the drivers stand on."""
    names = ("sewcell", "pyserial", "pymodbus", "opencv-python")
    found = ", ".join(f"{name} {version(name)}" for name in names)
    if not version("pymodbus").startswith(PYMODBUS):
        return Finding("software", "fault", found, f"the drivers need pymodbus {PYMODBUS}*: pip install -e .")
    return Finding("software", "ok", found)


def examine_priority() -> Finding:
    """Whether a run may go before the other programs of the computer."""
    if may_hurry():
        return Finding("priority", "ok", "a run goes before other programs")
    return Finding(
        "priority",
        "warning",
        "a run waits for other programs; on a busy computer the sewing head stops for want of heartbeats",
        f"put '@dialout - rtprio {LEVEL}' into a file in /etc/security/limits.d, then log in again",
    )


def examine_disk(folder: Path) -> Finding:
    """Room for recordings."""
    there = next(place for place in (folder, *folder.resolve().parents) if place.exists())
    free = shutil.disk_usage(there).free
    found = f"{free / GIGABYTE:.1f} GB free for {show_path(folder)}"
    if free < EMPTY:
        return Finding("disk", "fault", found, f"delete old recordings in {show_path(folder)}")
    if free < SCARCE:
        return Finding("disk", "warning", found, f"move old recordings out of {show_path(folder)}")
    return Finding("disk", "ok", found)


def examine_clock(job: Job, now: datetime) -> Finding:
    """A clock that is behind the files was set back, or its battery is empty."""
    newest = max(job.files, key=lambda path: path.stat().st_mtime)
    written = datetime.fromtimestamp(newest.stat().st_mtime)
    found = f"{now:%Y-%m-%d %H:%M:%S}"
    if written > now:
        found += f", but {show_path(newest)} was written {written:%Y-%m-%d %H:%M}"
        return Finding("clock", "fault", found, "set the clock (timedatectl set-ntp true): records carry its time")
    return Finding("clock", "ok", found)


def examine_calibration(job: Job, now: datetime) -> Finding:
    """How the last check of the fiducials ended, and how old it is."""
    path = check_file(job.cell.name)
    if not path.is_file():
        return Finding("calibration", "warning", "was never checked", CHECK)
    try:
        last = load_yaml(path, CheckModel)
        age = now - datetime.fromisoformat(last.checked_at).replace(tzinfo=None)
    except (ConfigError, ValueError) as error:
        return Finding("calibration", "fault", str(error), f"{CHECK} again")
    found = f"checked {max(0, age.days)} days ago, largest deviation {last.largest_mm:.2f} mm"
    if not last.may_run:
        return Finding("calibration", "fault", found, f"do what that check said, then {CHECK} again")
    if age.days >= OLD:
        return Finding("calibration", "warning", found, CHECK)
    return Finding("calibration", "ok", found)


async def examine_camera(job: Job) -> Finding:
    """A few pictures of the camera."""
    camera = CaptureSource(CAMERA_NAME, make_camera_settings(job.cell.ports, job.camera))
    device = job.cell.ports.camera.device
    try:
        for _ in range(PICTURES):
            image = await camera.grab()
        health = camera.health
    except LinkError as error:
        cause, _, action = str(error).rpartition(": ")
        return Finding("camera", "fault", cause, action)
    finally:
        await camera.close()
    height, width = image.pixels.shape[:2]
    level = float(image.pixels.mean())
    rate = "" if health.period is None else f", {1.0 / health.period:.1f} pictures a second"
    found = f"{device}: {width} x {height} px{rate}, mean level {level:.0f}"
    if not DARK < level < BRIGHT:
        return Finding("camera", "warning", found, "check the light and exposure_ms in the ports")
    if health.lost:
        found += f", {health.lost} pictures lost"
        return Finding("camera", "warning", found, "use another USB port or a shorter cable")
    return Finding("camera", "ok", found)
