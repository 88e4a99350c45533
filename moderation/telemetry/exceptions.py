"""Exceptions as logs may show them: type and place; the text only of our own, which hold nothing that was said."""

import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from structlog.typing import EventDict, WrappedLogger

from moderation.errors import ModerationError

_MAX_FRAMES = 12
_MAX_CAUSES = 5


def describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: replace `exc_info` by `exception`, `exception_at` and `exception_causes`.

    `exception_at` lists the calls from the outermost to the innermost, as file, line and function.
    """
    error = _exception(event.pop("exc_info", None))
    event.pop("stack_info", None)
    event.pop("exception", None)
    if error is not None:
        event["exception"] = _named(error)
        event["exception_at"] = _places(error.__traceback__)[-_MAX_FRAMES:]
        causes = [f"{_named(cause)} at {place}" for cause in _causes(error) for place in _innermost(cause)]
        if causes:
            event["exception_causes"] = causes
    return event


def _exception(exc_info: Any) -> BaseException | None:
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as error, _):
            return error
        case True | 1:
            return sys.exception()
        case _:
            return None


def _named(error: BaseException) -> str:
    name = type(error).__qualname__
    return f"{name}: {error}" if isinstance(error, ModerationError) else name


def _causes(error: BaseException) -> list[BaseException]:
    causes: list[BaseException] = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while cause is not None and cause not in causes and len(causes) < _MAX_CAUSES:
        causes.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return causes


def _innermost(error: BaseException) -> list[str]:
    return _places(error.__traceback__)[-1:] or ["an unknown place"]


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.StackSummary.extract(traceback.walk_tb(trace), lookup_lines=False)
    return [f"{'/'.join(Path(f.filename).parts[-3:])}:{f.lineno} in {f.name}" for f in frames]
