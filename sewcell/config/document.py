"""YAML files as plain data that remembers the file and line of every value."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean

from sewcell.config.messages import Loc, show_loc, show_path
from sewcell.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: file, line (from 1) and the keys that lead to it there."""

    path: Path
    line: int
    loc: Loc

    def describe(self) -> str:
        """`configs/garments/x.yaml:12 pieces[0].seams[0].speed_spm`"""
        return f"{show_path(self.path)}:{self.line} {show_loc(self.loc)}".rstrip()


@dataclass(frozen=True, slots=True)
class Document:
    """The keys and values of a file, and where each was written."""

    data: dict[str, Any]
    origins: dict[Loc, Origin]

    def find_origin(self, loc: Loc) -> Origin:
        """Where the value at `loc` stands; of one that is missing, the line of its nearest parent."""
        for length in range(len(loc), -1, -1):
            if loc[:length] in self.origins:
                near = self.origins[loc[:length]]
                return Origin(near.path, near.line, (*near.loc, *loc[length:]))
        raise KeyError(loc)

    def patch(self, patch: dict[str, Any], source: "Document", at: Loc) -> "Document":
        """This document with `patch`, which stands at `at` in `source`, merged in deeply; lists are replaced."""
        data, origins = dict(self.data), dict(self.origins)
        _merge(data, origins, patch, (), source, at)
        return Document(data, origins)


def read_document(path: Path) -> Document:
    """Read one YAML file whose top level is a mapping.

    Raises: ConfigError with file and line when the file is missing, is no text, no YAML, empty, or repeats a key.
    """
    shown = show_path(path)
    text = _read_text(path, shown)
    yaml = YAML(typ="rt")
    try:
        tree = yaml.load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        key = str(error.problem).split('"')[1] if '"' in str(error.problem) else "?"
        raise ConfigError(f"{shown}:{line}: the key {key!r} stands twice; keep one") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(f"{shown}:{mark.line + 1 if mark else 1}: {_explain_syntax(error)}") from error
    except YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{shown} is not a text file that YAML can read ({reason})") from error
    except (
        ValueError,
        ArithmeticError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        NotImplementedError,
    ) as error:
        raise ConfigError(
            f"{shown} holds a value that YAML cannot read ({error}); write plain numbers and text"
        ) from error
    if tree is None:
        raise ConfigError(f"{shown} is empty; copy one of the files beside it and change that")
    if not isinstance(tree, CommentedMap):
        kind = "a list" if isinstance(tree, list) else f"the value {str(tree)[:40]!r}"
        raise ConfigError(f"{shown}: must be a list of `key: value` lines, got {kind}")
    origins: dict[Loc, Origin] = {(): Origin(path, 1, ())}
    return Document(_to_plain(tree, (), path, 1, origins, ()), origins)


def _read_text(path: Path, shown: str) -> str:
    try:
        raw = path.read_bytes()
    except IsADirectoryError as error:
        raise ConfigError(f"{shown} is a folder; name a YAML file in it") from error
    except FileNotFoundError as error:
        raise ConfigError(f"no file {shown}; check the name") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{shown} cannot be read ({reason}); check the path and its permissions") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(f"{shown}:{line}: is not UTF-8 text; save it as a UTF-8 text file") from error


def _explain_syntax(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or error).split())
    if "'\\t'" in problem:
        return "a tab stands where YAML wants spaces; indent with spaces"
    if "expected a single document" in str(error.context or "") + problem:
        return "the file holds a second document after '---'; keep one"
    return f"not YAML: {problem}"


def _to_plain(node: Any, loc: Loc, path: Path, line: int, origins: dict[Loc, Origin], above: tuple[int, ...]) -> Any:
    """The value of a ruamel node as dict, list, str, int, float, bool or None; fills `origins`."""
    origins[loc] = Origin(path, line, loc)
    if id(node) in above:
        raise ConfigError(f"{origins[loc].describe()}: holds itself through an alias; write it out")
    inner = (*above, id(node))
    if isinstance(node, CommentedMap):
        plain: dict[str, Any] = {}
        for key, value in node.items():
            if not isinstance(key, str):
                raise ConfigError(f"{origins[loc].describe()}: the key {key} is not text; quote it or correct it")
            position = (node.lc.data or {}).get(key)
            plain[str(key)] = _to_plain(
                value, (*loc, str(key)), path, position[0] + 1 if position else line, origins, inner
            )
        return plain
    if isinstance(node, CommentedSeq):
        positions = node.lc.data or {}
        return [
            _to_plain(value, (*loc, i), path, positions[i][0] + 1 if i in positions else line, origins, inner)
            for i, value in enumerate(node)
        ]
    return _to_scalar(node, origins[loc])


def _to_scalar(node: Any, origin: Origin) -> Any:
    if node is None or isinstance(node, bool):
        return node
    if isinstance(node, ScalarBoolean):
        return bool(node)
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        if not isfinite(node):
            raise ConfigError(f"{origin.describe()}: must be a finite number, got {float(node)}")
        return float(node)
    if isinstance(node, str):
        return str(node)
    raise ConfigError(f"{origin.describe()}: must be a number, text, list or keys, got a {type(node).__name__}")


def _merge(
    data: dict[str, Any], origins: dict[Loc, Origin], patch: Mapping[str, Any], into: Loc, source: Document, at: Loc
) -> None:
    for key, value in patch.items():
        loc, written = (*into, key), (*at, key)
        if isinstance(value, dict) and isinstance(data.get(key), dict):
            data[key] = dict(data[key])
            _merge(data[key], origins, value, loc, source, written)
            continue
        data[key] = value
        for old in [other for other in origins if other[: len(loc)] == loc]:
            del origins[old]
        for other, origin in source.origins.items():
            if other[: len(written)] == written:
                origins[(*loc, *other[len(written) :])] = origin
