"""Set up logging: structlog for us, the same renderer for the libraries, everything to stderr."""

import logging
import sys
import threading
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from moderation.settings import TelemetrySettings
from moderation.telemetry.exceptions import describe_exception
from moderation.telemetry.privacy import harmless, harmless_text, keep_content_out

_HANDLER_NAME = "voice-moderation"
_OURS = "moderation"


def configure_logs(settings: TelemetrySettings, stream: TextIO | None = None) -> None:
    """Log to a stream (stderr) from now on. Called once by each command that logs; calling again replaces.

    Our loggers (`moderation.*`) log from `settings.log_level` up, all libraries from `warning` up. Errors that nobody
    caught, in any thread, are logged too, so that Python does not print their text.
    """
    output = stream or sys.stderr
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_common(), ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.set_name(_HANDLER_NAME)
    handler.setFormatter(_formatter(settings, output))
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.get_name() == _HANDLER_NAME]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(settings.log_level.upper())
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _formatter(settings: TelemetrySettings, output: TextIO) -> ProcessorFormatter:
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=output.isatty())
    )
    return ProcessorFormatter(
        processors=[ProcessorFormatter.remove_processors_meta, renderer],
        foreign_pre_chain=[_render_foreign, structlog.contextvars.merge_contextvars, *_common()],
        pass_foreign_args=True,
        use_get_message=False,
    )


def _common() -> list[Processor]:
    return [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_exception,
        keep_content_out,
    ]


def _render_foreign(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Fill a library's message in, its arguments made harmless first, and keep its first line.

    Further lines are reprs and tracebacks (asyncio's "exception was never retrieved" shows the exception's text there).
    """
    template, arguments = str(event["event"]), event.pop("positional_args", None)
    try:
        message = template % _harmless_arguments(arguments) if arguments else template
    except (TypeError, ValueError, KeyError):
        message = template
    return {**event, "event": harmless_text(message.partition("\n")[0])}


def _harmless_arguments(arguments: Any) -> Any:
    if isinstance(arguments, dict):
        return {key: harmless(value) for key, value in arguments.items()}
    return tuple(harmless(argument) for argument in arguments)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger(f"{_OURS}.uncaught").critical("uncaught_error", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_type is SystemExit:
        return
    name = arguments.thread.name if arguments.thread else None
    structlog.get_logger(f"{_OURS}.uncaught").critical("uncaught_error", thread=name, exc_info=arguments.exc_value)
