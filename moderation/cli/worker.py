"""`moderation worker`."""

import asyncio
import contextlib
import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import structlog

from moderation.cli.stop_signals import StopRequests, on_stop_signals, say_at_once
from moderation.processes.free_memory import give_back
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.streaming.worker import Worker

EXIT_FAILED = 1


@click.command(
    epilog="Example: MODERATION_BROKER=kafka-1:9092 moderation worker. Run as many as there are partitions; they share "
    "the work through their consumer group. SIGTERM and Ctrl-C publish what is under way, commit, and leave the group; "
    "a second one, a second or more later, ends the worker at once."
)
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to create once models are loaded and partitions assigned; removed at the end.",
)
@click.pass_obj
def command(settings: Settings, ready_file: Path | None) -> None:
    """Consume audio chunks from Kafka; publish transcripts, flags and dead letters.

    Exits with 0 when it was stopped. With 1 when it cannot go on, when stopping in order took too long, and when it was
    told twice to stop: a supervisor should start it again; what was not committed is delivered again. With 2 when a
    setting, a model or the broker is missing: starting it again is of no use before that is put right.
    """
    from moderation.telemetry.logs import configure_logs

    configure_logs(settings.telemetry)
    asyncio.run(_run(settings, ready_file))


async def _run(settings: Settings, ready_file: Path | None) -> None:
    from moderation.bootstrap import build_worker
    from moderation.client.admin import require_topics

    log = structlog.get_logger("moderation.worker")
    stopping = _Stopping(settings, ready_file)
    stopping.listen()
    await require_topics(settings)

    def ready() -> None:
        # Loading models leaves 0.1 GB behind, and modules and models stay for good: each look of the collector at them
        # would hold every stream up by 0.1 s.
        give_back()
        gc.freeze()
        log.info("worker_ready")
        if ready_file:
            ready_file.touch()

    with build_worker(settings, on_ready=ready) as worker, stopping.of(worker):
        await _run_to_the_end(worker)
    log.info("worker_stopped")


async def _run_to_the_end(worker: "Worker") -> None:
    from moderation.errors import ConfigurationError, ModerationError

    try:
        await worker.run()
    except ConfigurationError:
        raise
    except ModerationError as error:
        click.echo(f"moderation worker: {error}", err=True)
        raise click.exceptions.Exit(EXIT_FAILED) from None


class _Stopping:
    """How this process ends: in order, in time, or at once."""

    def __init__(self, settings: Settings, ready_file: Path | None) -> None:
        self._deadline_s = settings.streaming.exit_deadline_s
        self._session_timeout_s = settings.kafka.session_timeout_s
        self._ready_file = ready_file
        self._worker: Worker | None = None

    def listen(self) -> None:
        """Heed signals from now on."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if self._worker is None:
                # Nothing was taken from the broker yet. Not sys.exit: an exception that is raised wherever a signal
                # happens to come, in the clean-up of an object for one, is dropped, and the request with it.
                os._exit(0)
            loop.call_soon_threadsafe(self._worker.stop)

        on_stop_signals(StopRequests(), loop.time, stop=stop, leave=self._leave)

    @contextlib.contextmanager
    def of(self, worker: "Worker") -> Iterator[None]:
        """While the body runs the worker: ends the process by force a while after the worker began to end."""
        self._worker = worker
        guard = asyncio.ensure_future(_end_in_time(worker, self._deadline_s))
        try:
            yield
        finally:
            if not guard.done():
                guard.cancel()
                end_by_force(self._deadline_s)
            self._remove_ready_file()

    def _leave(self) -> NoReturn:
        self._remove_ready_file()
        say_at_once(
            "moderation worker: told twice to stop, so it left at once. Utterances under way were not published; they "
            f"are delivered again when the group has noticed, after up to {self._session_timeout_s} s "
            "(MODERATION_KAFKA__SESSION_TIMEOUT_S)."
        )
        os._exit(EXIT_FAILED)

    def _remove_ready_file(self) -> None:
        if self._ready_file:
            self._ready_file.unlink(missing_ok=True)


async def _end_in_time(worker: "Worker", deadline_s: float) -> None:
    """Once the worker is stopping, end the process after the deadline, whatever hangs.

    A thread that never returns, say in a model, would keep Python from exiting for ever; a supervisor that waits for
    the exit would then never start another. What was not acked is delivered again.
    """
    await worker.stopping.wait()
    end_by_force(deadline_s)


def end_by_force(after_s: float) -> None:
    """End the process with code 1 after some time, unless it ended by itself."""

    def end() -> None:
        structlog.get_logger("moderation.worker").error("stop_forced", after_s=after_s)
        say_at_once(
            f"moderation worker: stopping in order took longer than {after_s:g} s "
            "(MODERATION_STREAMING__EXIT_DEADLINE_S), so it left; what was not committed is delivered again."
        )
        os._exit(EXIT_FAILED)

    timer = threading.Timer(after_s, end)
    timer.daemon = True
    timer.start()
