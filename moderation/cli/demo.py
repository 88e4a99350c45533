"""`moderation demo`."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.demo.run import Demo

_WIDTH_OF_FILES = 120
_EXIT_FAILED = 1
_EXIT_TERMINATED = 128 + signal.SIGTERM


@click.command(
    epilog="Everything that is shown went through the broker. Ctrl-C stops it, worker and broker included. Exits with "
    "0 when everything came back, 1 when the worker failed, 130 when it was stopped."
)
@click.option("--seconds", type=click.FloatRange(min=5), help="Play that many seconds only.  [default: all 30]")
@click.option("--plain", is_flag=True, help="One line of text a flag, no progress line, as when stderr is no terminal.")
@click.option("--no-color", is_flag=True, help="Without colours.")
@click.option("--keep-logs", is_flag=True, help="Keep the worker's log, and say where.")
@click.pass_context
def command(context: click.Context, *, seconds: float | None, plain: bool, no_color: bool, keep_logs: bool) -> None:
    """Play 30 seconds of voice chat through the whole system and show the flags as they arrive.

    Starts the embedded broker on a free port and one worker, applies the topics, and plays ten streams of synthesised
    speech in two sessions in real time: clean talk, game talk, insults, threats, attacks on groups, sexual remarks,
    phone numbers and addresses, noise. Ends with a summary. Another broker, if one is configured, is left alone.
    """
    from rich.console import Console

    from moderation.clock import SystemClock
    from moderation.demo.manifest import load_manifest
    from moderation.demo.run import Demo, DemoOptions
    from moderation.demo.scenario import load_scenario
    from moderation.errors import TransientError

    settings: Settings = context.obj
    config: Path | None = context.find_root().params.get("config")
    scenario = load_scenario()
    width = None if sys.stderr.isatty() else _WIDTH_OF_FILES
    console = Console(stderr=True, width=width, no_color=no_color or None, highlight=False)
    demo = Demo(
        settings,
        DemoOptions(plain=plain, keep_logs=keep_logs, config=config),
        scenario=scenario.shortened(seconds) if seconds else scenario,
        manifest=load_manifest(),
        console=console,
        clock=SystemClock(),
    )
    try:
        asyncio.run(_until_terminated(demo))
    except TransientError as error:
        click.echo(f"moderation demo: {error}", err=True)
        context.exit(_EXIT_FAILED)
    except asyncio.CancelledError:
        context.exit(_EXIT_TERMINATED)
    except KeyboardInterrupt:
        console.print("Stopped.")
        raise


async def _until_terminated(demo: "Demo") -> None:
    """Run the demo; SIGTERM cancels it, as Ctrl-C does."""
    running = asyncio.ensure_future(demo.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    await running
