"""The `moderation` command: global options, and each command loaded only when it is called."""

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from moderation import __version__
from moderation.errors import ModerationError
from moderation.settings import load_settings

COMMANDS = {
    "demo": "Play 30 seconds of voice chat through the whole system and show the flags.",
    "worker": "Consume audio chunks; publish transcripts, flags and dead letters.",
    "broker": "Run the embedded Kafka-compatible broker (development only).",
    "topics": "Apply, list or check the topics of the catalogue.",
    "send": "Play audio files as live voice-chat streams.",
    "flags": "Show the flags that were published.",
    "transcripts": "Show the transcripts that were published.",
    "dead-letters": "List what could not be processed, by code; publish it again.",
    "scan": "Run the pipeline on audio files, without a broker.",
    "inspect": "Run the text stages on a text.",
    "models": "List, fetch or verify models.",
    "doctor": "Say what is installed, what works, and what to do about the rest.",
}
"""Commands in help's order, with a line each; `moderation/cli/<name>.py` (with `_` for `-`) holds each."""

EXIT_CANNOT = 2
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """Imports a command's module when the command is called, so that help and errors come at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  the signature is click's
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"moderation.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; what goes wrong on purpose becomes one line on stderr and an exit code."""
        kwargs["standalone_mode"] = False
        try:
            result = super().main(*args, **kwargs)
        except click.exceptions.Exit as stop:
            sys.exit(stop.exit_code)
        except (click.Abort, KeyboardInterrupt):
            sys.exit(EXIT_INTERRUPTED)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except ModerationError as error:
            click.echo(f"moderation: {error}", err=True)
            sys.exit(EXIT_CANNOT)
        except BrokenPipeError:
            # The reader of our output went away (`| head`): nothing is left to do, and nobody to tell.
            sys.stderr.close()
            sys.exit(0)
        sys.exit(result if isinstance(result, int) else 0)


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="First steps: `moderation demo` shows it at work; `moderation doctor` says what this machine has. Every "
    "setting can be given as MODERATION_* in the environment, e.g. MODERATION_BROKER=kafka-1:9092,kafka-2:9092; README "
    "lists them.",
)
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings file (YAML).")
@click.version_option(__version__, prog_name="moderation")
@click.pass_context
def moderation(ctx: click.Context, config: Path | None) -> None:
    """Content moderation for voice chat on Kafka: audio chunks in, flagged events out."""
    ctx.obj = load_settings(config)
