"""YAML files checked against their models; every fault becomes one line that names file, line and key."""

from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Generic, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sewcell.config.base import Model
from sewcell.config.document import Document, Origin, read_document
from sewcell.config.messages import Loc, suggest
from sewcell.errors import ConfigError

M = TypeVar("M", bound=Model)

Fault = tuple[Origin, str]
"""Where something is wrong, and what."""

LIMITS = {
    "greater_than": ("gt", ">"),
    "greater_than_equal": ("ge", ">="),
    "less_than": ("lt", "<"),
    "less_than_equal": ("le", "<="),
}
KINDS = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text (in quotes, if it looks like a number)",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a block of keys",
    "model_type": "a block of keys",
    "string_too_short": "a name",
}
"""What pydantic's error types ask for, in words."""


@dataclass(frozen=True, slots=True)
class Layer(Generic[M]):
    """The values of one file, perhaps changed by others, and where each was written."""

    values: M
    document: Document

    def find_origin(self, *loc: str | int) -> Origin:
        """Where the value at `loc` was written."""
        return self.document.find_origin(loc)


def load_yaml(path: Path, model: type[M]) -> M:
    """Read a file as the values of `model`.

    Raises: ConfigError with one line for each fault, in the order of the file.
    """
    return validate_document(read_document(path), model)


def validate_document(document: Document, model: type[M]) -> M:
    """The values of a document that was read, and perhaps merged, before.

    Raises: ConfigError with one line for each fault, in the order of the file.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        details = _drop_misspelt(error.errors())
        raise join_faults([_describe(detail, document, model) for detail in details]) from error


def join_faults(faults: list[Fault]) -> ConfigError:
    """One error for several faults, one a line, those of one file in the order of its lines."""
    ordered = sorted(faults, key=lambda fault: (str(fault[0].path), fault[0].line))
    return ConfigError("\n".join(dict.fromkeys(f"{origin.describe()}: {text}" for origin, text in ordered)))


def _drop_misspelt(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """The faults without the missing keys that stand there in another spelling: one mistake is told once."""
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]
    return [
        detail
        for detail in details
        if detail["type"] != "missing"
        or not any(
            loc[:-1] == detail["loc"][:-1] and suggest(str(loc[-1]), [str(detail["loc"][-1])]) for loc in unknown
        )
    ]


def _describe(detail: ErrorDetails, document: Document, model: type[Model]) -> Fault:
    """Where a fault stands and what it is; a missing or unknown key is a fault of the block around it."""
    loc, kind = detail["loc"], detail["type"]
    origin = document.find_origin(loc)
    if kind not in ("missing", "extra_forbidden"):
        return origin, _explain_value(detail)
    parent = Origin(origin.path, origin.line, origin.loc[:-1])
    name = loc[-1]
    if isinstance(name, int):
        return parent, f"must have at least {name + 1} values, got {len(detail['input'])}"
    if kind == "missing":
        return parent, f"the key {name!r} is missing"
    known = _find_model(model, loc[:-1]).model_fields
    hint = suggest(name, known)
    return parent, f"unknown key {name!r}{hint or '; known: ' + ', '.join(known)}"


def _explain_value(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    got = _shorten(detail["input"])
    if kind in LIMITS:
        key, sign = LIMITS[kind]
        return f"must be {sign} {context[key]:g}, got {got}"
    if kind in KINDS:
        return f"must be {KINDS[kind]}, got {got}"
    if kind == "literal_error":
        return f"must be {context['expected']}, got {got}"
    if kind == "too_long":
        return f"must have at most {context['max_length']} values, got {context['actual_length']}"
    if kind == "value_error":
        return str(context["error"])
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, got {got}"


def _shorten(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, float):
        return f"{value:g}"
    text = "a block of keys" if isinstance(value, dict) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _find_model(model: type[Model], loc: Loc) -> type[Model]:
    """The model of the block at `loc`, which is known to be one."""
    annotation: Any = model
    for step in loc:
        if isinstance(step, int):
            annotation = get_args(annotation)[0]
        else:
            annotation = annotation.model_fields[step].annotation
            options = [option for option in get_args(annotation) if option is not NoneType]
            if NoneType in get_args(annotation):
                annotation = options[0]
    found: type[Model] = annotation
    return found
