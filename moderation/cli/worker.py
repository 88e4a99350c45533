"""`moderation worker`."""

import asyncio
import os
import signal
import threading
from pathlib import Path

import click
import structlog

from moderation.settings import Settings


@click.command(
    epilog="Example: MODERATION_BROKER=kafka-1:9092 moderation worker. Run as many as there are partitions; they share "
    "the work through their consumer group. SIGTERM and Ctrl-C publish what is under way, commit, and leave the group."
)
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to create once models are loaded and partitions assigned; removed at the end.",
)
@click.pass_obj
def command(settings: Settings, ready_file: Path | None) -> None:
    """Consume audio chunks from Kafka; publish transcripts, flags and dead letters.

    Exits with 0 when it was stopped, 1 when it cannot go on (a supervisor should start it again), 2 when a setting, a
    model or the broker is missing.
    """
    from moderation.telemetry.logs import configure_logs

    configure_logs(settings.telemetry)
    asyncio.run(_run(settings, ready_file))


async def _run(settings: Settings, ready_file: Path | None) -> None:
    from moderation.bootstrap import build_worker
    from moderation.client.admin import require_topics
    from moderation.errors import TransientError

    log = structlog.get_logger("moderation.worker")
    await require_topics(settings)

    def ready() -> None:
        log.info("worker_ready")
        if ready_file:
            ready_file.touch()

    def gone() -> None:
        if ready_file:
            ready_file.unlink(missing_ok=True)

    with build_worker(settings, on_ready=ready) as worker:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, worker.stop)
        guard = asyncio.create_task(_end_in_time(worker.stopping, settings.streaming.exit_deadline_s))
        try:
            await worker.run()
        except TransientError as error:
            click.echo(f"moderation worker: {error}", err=True)
            raise click.exceptions.Exit(1) from None
        finally:
            guard.cancel()
            gone()
    log.info("worker_stopped")


async def _end_in_time(stopping: asyncio.Event, deadline_s: float) -> None:
    """Once the worker is stopping, end the process after the deadline, whatever hangs.

    A thread that never returns, say in a model, would keep Python from exiting for ever; a supervisor that waits for
    the exit would then never start another. What was not acked is delivered again.
    """
    await stopping.wait()
    end_by_force(deadline_s)


def end_by_force(after_s: float) -> None:
    """End the process with code 1 after some time, unless it ended by itself."""

    def end() -> None:
        structlog.get_logger("moderation.worker").error("stop_forced", after_s=after_s)
        os._exit(1)

    timer = threading.Timer(after_s, end)
    timer.daemon = True
    timer.start()
