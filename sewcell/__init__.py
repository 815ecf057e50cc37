"""Control software of a robotic sewing cell. `from sewcell import load_arm` gives the kinematics of an arm."""

from importlib import import_module
from typing import Any

from sewcell.kernel_cache import use_own_folder

use_own_folder()

__all__ = ["load_arm"]


def __getattr__(name: str) -> Any:
    """`load_arm`, imported when it is first asked for: it brings the configuration layer and numba with it."""
    if name == "load_arm":
        return import_module("sewcell.config.arms").load_arm
    raise AttributeError(f"module 'sewcell' has no attribute {name!r}")
