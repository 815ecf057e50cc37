"""Where numba keeps compiled kernels: in a folder that belongs to exactly this text of all of them.

numba compiles a kernel anew when its own file has changed, not when a kernel that it calls or a constant that it takes
from another file has.
"""

import hashlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"
"""Environment variable by which numba is told; where it is set already, it stays."""
_KERNEL = re.compile(rb"^\s*@(njit|vectorize|guvectorize|jit)\b", re.MULTILINE)
_IMPORT = re.compile(rb"^from ([\w.]+) import", re.MULTILINE)


def use_own_folder() -> None:
    """Have numba keep what it compiles from now on in the folder of the present text."""
    if VARIABLE in os.environ:
        return
    here = Path(__file__).parent
    folder = here / "__pycache__" / f"kernels-{digest_kernels([here, here.parent / 'sim'])[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # an installation that nobody may write to: numba finds a place of its own
        return
    os.environ[VARIABLE] = str(folder)
    if (numba := sys.modules.get("numba")) is not None:
        numba.config.CACHE_DIR = str(folder)


def digest_kernels(packages: Sequence[Path]) -> str:
    """sha256 of the files of the `packages` that hold kernels, and of those that these import from the packages."""
    texts = {
        ".".join(path.relative_to(package.parent).with_suffix("").parts): path.read_bytes()
        for package in packages
        for path in package.rglob("*.py")
    }
    kernels = {name for name, text in texts.items() if _KERNEL.search(text)}
    imported = {match.decode() for name in kernels for match in _IMPORT.findall(texts[name])}
    sha = hashlib.sha256()
    for name in sorted(kernels | (imported & texts.keys())):
        sha.update(name.encode() + b"\0" + texts[name])
    return sha.hexdigest()
