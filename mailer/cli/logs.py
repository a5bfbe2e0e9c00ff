"""Log lines on standard error: an event and key=value, or a JSON object; discreet by default.

Callers log an event name and hand its facts as `extra`: `log.info("accepted", extra={"delivery":
7})`. Whatever a line holds, tokens in links never leave, and addresses are masked unless asked
for with -vv.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Literal

from mailer.core.address import masked

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

_TOKEN = re.compile(r"/(confirm|not-me|check-mail|leave|manage|rejoin)/[^\s\"'?#/]+")
_ADDRESS = re.compile(r"[^\s\"'<>(),;:=/]+@[\w-]+(\.[\w-]+)*")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_BARE = re.compile(r"[^\s\"=]+")


def start(*, level: str, form: Literal["text", "json"], verbose: int = 0) -> None:
    """Send the log to standard error; called again, the new wishes replace the old.

    Args:
        level: the least that is told: debug, info, warning or error.
        form: lines for people, or one JSON object a line.
        verbose: 1 tells everything of ours, 2 shows addresses too.
    """
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _StandardError)]:
        root.removeHandler(old)
    handler = _StandardError()
    handler.setFormatter(_Line(form=form, discreet=verbose < 2))
    root.addHandler(handler)
    root.setLevel(max(LEVELS[level], logging.WARNING))  # what we use may speak up when it matters
    logging.getLogger("mailer").setLevel(logging.DEBUG if verbose else LEVELS[level])


class _StandardError(logging.StreamHandler):  # type: ignore[type-arg] # not generic at run time
    """Writes to what standard error is at the moment of writing."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _Line(logging.Formatter):
    """One record as one line."""

    def __init__(self, *, form: Literal["text", "json"], discreet: bool) -> None:
        super().__init__()
        self._form = form
        self._discreet = discreet

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": self._discreetly(record.getMessage()),
        }
        facts = vars(record)
        if not _STANDARD.issuperset(facts):
            said |= {
                key: self._discreetly(value) for key, value in facts.items() if key not in _STANDARD
            }
        if record.exc_info:
            said["fault"] = self._discreetly(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=False) if self._form == "json" else _text(said)

    def _discreetly(self, value: object) -> object:
        if value is None or isinstance(value, (bool, int, float)):
            return value
        text = str(value)
        if "/" in text:  # a look that costs nothing: of busy pages there are many lines
            text = _TOKEN.sub(r"/\1/***", text)
        if "@" in text and self._discreet:
            text = _ADDRESS.sub(lambda found: masked(found[0]), text)
        return text


def _text(facts: dict[str, object]) -> str:
    head = f"{facts.pop('at')} {facts.pop('level')} {_escaped(str(facts.pop('event')))}"
    fault = facts.pop("fault", None)
    line = " ".join([head, *(f"{key}={_quoted(value)}" for key, value in facts.items())])
    return f"{line}\n{fault}" if fault else line


def _quoted(value: object) -> str:
    text = str(value)
    return (
        text
        if _BARE.fullmatch(text) and text.isprintable()
        else json.dumps(text, ensure_ascii=False)
    )


def _escaped(text: str) -> str:
    """No line of ours may be made to look like two."""
    return text if text.isprintable() else json.dumps(text, ensure_ascii=False)[1:-1]
