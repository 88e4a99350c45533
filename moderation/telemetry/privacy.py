"""Keep what people said out of logs, whatever is handed to a logger.

Logs carry ids, codes and counts. Keys that name content are dropped, values that might hold some are replaced by their
type, and text is bounded and stripped of control characters (ids come from producers, who may write anything).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from numbers import Integral, Real
from pathlib import Path
from typing import Any
from uuid import UUID

from structlog.typing import EventDict, WrappedLogger

CONTENT_KEYS = frozenset(
    {"audio", "context", "detections", "payload", "samples", "spoken", "text", "texts", "transcript", "words"}
)
"""Names under which content travels in this system; nothing under them is ever logged."""

MAX_TEXT_CHARACTERS = 300
_MAX_ITEMS = 20
_STRUCTLOG_KEYS = frozenset({"_record", "_from_structlog"})


def keep_content_out(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: drop and replace, at every depth."""
    return {
        key: value if key in _STRUCTLOG_KEYS else harmless(value)
        for key, value in event.items()
        if str(key).lower() not in CONTENT_KEYS
    }


def harmless(value: Any) -> Any:  # noqa: PLR0911  a branch for each kind of value
    """The value as it may be logged.

    Numbers, instants, ids, enum members and paths stay; text is bounded; containers are gone through; bytes become
    their length; anything else, exceptions included, becomes the name of its type.
    """
    match value:
        case None | bool():
            return value
        case Real():  # numpy's numbers too
            return int(value) if isinstance(value, Integral) else float(value)
        case Enum():
            return harmless(value.value)
        case str():
            return harmless_text(value)
        case datetime():
            return value.isoformat()
        case Path() | UUID():
            return harmless_text(str(value))
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case Mapping():
            items = list(value.items())[:_MAX_ITEMS]
            return {harmless_text(str(k)): harmless(v) for k, v in items if str(k).lower() not in CONTENT_KEYS}
        case list() | tuple() | set() | frozenset():
            return [harmless(item) for item in list(value)[:_MAX_ITEMS]]
        case _:
            return f"<{type(value).__name__}>"


def harmless_text(text: str) -> str:
    """Bounded, on one line, without control characters."""
    bounded = text if len(text) <= MAX_TEXT_CHARACTERS else f"{text[:MAX_TEXT_CHARACTERS]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in bounded)
