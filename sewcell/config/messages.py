"""Wording of configuration errors: paths, places in files, lists of what exists, suggestions."""

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

Loc = tuple[str | int, ...]
"""Where a value stands: keys, and indices of list items from 0."""


def show_path(path: Path) -> str:
    """The path relative to the working directory when it lies below it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return os.path.normpath(path)


def show_loc(loc: Sequence[str | int]) -> str:
    """`pieces[0].seams[0].speed_spm`"""
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def suggest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when one of `known` is close to `word`, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def list_names(known: Iterable[str]) -> str:
    """The names in order, or "none"."""
    return ", ".join(sorted(known)) or "none"
