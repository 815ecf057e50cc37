"""What the arm controller's alarm and error numbers mean, as cause and action, in the operator's language.

The texts stand in grbl_texts.yaml, one entry for each code.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

LANGUAGES: Final = ("en", "fr")
LANGUAGE_VARIABLE: Final = "SEWCELL_LANGUAGE"
"""Environment variable that names the language; anything but "fr" means English."""
LAST_ALARM: Final = 22
LAST_ERROR: Final = 92


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why it happened, and what to do about it."""

    cause: str
    action: str


def explain_alarm(code: int, language: str | None = None) -> Explanation:
    """Cause and action of `ALARM:code`; `language` is one of LANGUAGES, None takes that of the environment."""
    return _explain("alarms", code, "ask_alarm", language or _choose_language())


def explain_error(code: int, language: str | None = None) -> Explanation:
    """Cause and action of `error:code`; `language` as for `explain_alarm`."""
    return _explain("errors", code, "ask_error", language or _choose_language())


def describe_alarm(code: int | None) -> str:
    """The sentence for `ALARM:code`, with cause and action; None for an alarm whose code was not told."""
    if code is None:
        return _say("unknown_alarm")
    found = explain_alarm(code)
    return _say("alarm", code=code, cause=found.cause, action=found.action)


def describe_error(code: int, line: str) -> str:
    """The sentence for a `line` that was refused with `error:code`, with cause and action."""
    found = explain_error(code)
    return _say("error", code=code, line=line, cause=found.cause, action=found.action)


def describe_restart() -> str:
    """The sentence for a controller that has restarted."""
    return _say("restarted")


def _say(name: str, **values: object) -> str:
    sentence: str = _load()["sentences"][name][_choose_language()]
    return sentence.format(**values)


def _choose_language() -> str:
    chosen = os.environ.get(LANGUAGE_VARIABLE, "").lower()[:2]
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


def _explain(table: str, code: int, ask: str, language: str) -> Explanation:
    texts = _load()
    entry = texts[table].get(code, {"action": ask, "free": True})
    cause = texts["free"] if entry.get("free") else entry
    return Explanation(cause[language], texts["actions"][entry["action"]][language])


@cache
def _load() -> dict[str, Any]:
    path = Path(__file__).with_suffix(".yaml")
    texts: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return texts
