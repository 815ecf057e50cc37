"""The `sewcell` command: starts the command line, or says in one sentence what the system lacks."""

import sys

SYSTEM_PACKAGES = {
    "libGL.so": "libgl1",
    "libgthread": "libglib2.0-0",
    "libglib": "libglib2.0-0",
    "libstdc++": "libstdc++6",
    "libgomp": "libgomp1",
}
"""Debian packages of the system libraries that OpenCV and the others load."""


def explain_missing_library(error: ImportError) -> str | None:
    """One sentence for a system library that could not be loaded; None for any other failed import.

    The loader says: "libGL.so.1: cannot open shared object file: No such file or directory".
    """
    text = str(error)
    if "cannot open shared object file" not in text:
        return None
    library = text.split(":", 1)[0].strip()
    package = next((name for start, name in SYSTEM_PACKAGES.items() if library.startswith(start)), None)
    remedy = f"apt-get install {package}" if package else "find its package with apt-file search " + library
    return f"the system library {library} is missing: {remedy}"


def main() -> None:
    """Entry point of the command."""
    try:
        from sewcell.apps.cli import app
    except ImportError as error:
        explanation = explain_missing_library(error)
        if explanation is None:
            raise
        sys.exit(explanation)
    app()
