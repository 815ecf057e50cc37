"""Snapshot and restore of the simulated cell: world, plant, controllers, camera, chance and clock, as bytes."""

import hashlib
import io
import pickle
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from sewcell.errors import ConfigError
from sim.cell import SimulatedCell
from sim.link import Cable, DeviceEnd

MAGIC = b"sewcell snapshot\n"
LINE = "line"
"""Stands for a cable or its end: a conversation between two programs is no part of a snapshot."""


def take_snapshot(cell: SimulatedCell) -> bytes:
    """The cell as it is now, between two steps.

    The cables are left out: bytes on the way are lost, as when a cable is pulled.
    Raises: ValueError when the world lives in another process.
    """
    file = io.BytesIO()
    try:
        _Pickler(file).dump(cell)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise ValueError(f"this cell cannot be kept: {error}") from error
    return MAGIC + simulation_version().encode() + b"\n" + zlib.compress(file.getvalue(), 1)


def restore_snapshot(data: bytes) -> SimulatedCell:
    """The cell of a snapshot, with the same future bit for bit; nobody is connected to it yet.

    A snapshot is a program as much as it is data (Python's pickle): open only your own.
    Raises: ConfigError when it is none, is damaged, or was taken by another version of the simulation.
    """
    if not data.startswith(MAGIC):
        raise ConfigError("this is no snapshot of a simulated cell: take one with sim.snapshot.take_snapshot")
    version, _, packed = data[len(MAGIC) :].partition(b"\n")
    if version != simulation_version().encode():
        raise ConfigError(
            f"the snapshot was taken by another version of the simulation ({version.decode('ascii', 'replace')[:12]}, "
            f"this is {simulation_version()[:12]}): take it anew, or go back to that version"
        )
    try:
        cell = _Unpickler(io.BytesIO(zlib.decompress(packed))).load()
    except (zlib.error, pickle.UnpicklingError, EOFError, AttributeError, ImportError) as error:
        raise ConfigError(f"the snapshot is damaged ({error}): take it anew") from error
    assert isinstance(cell, SimulatedCell)
    return cell


@cache
def simulation_version() -> str:
    """sha256 of the program text, with the values of `sewcell` in it: what is kept means something to exactly this."""
    root = Path(__file__).parents[1]
    sha = hashlib.sha256()
    kept = (path for part in ("sim", "sewcell") for kind in ("*.py", "*.urdf") for path in (root / part).rglob(kind))
    for path in sorted(kept):
        sha.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return sha.hexdigest()


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> str | None:
        return LINE if isinstance(obj, Cable | DeviceEnd) else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> None:
        return None
