"""`moderation scan`."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.pipeline import UtteranceOutcome


@click.command(
    epilog="Examples: moderation scan clip.ogg. moderation scan --json *.wav | jq 'select(.flagged)'. Reads what "
    "FFmpeg reads: wav, flac, ogg, opus, mp3, m4a, webm and more."
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object an utterance on stdout.")
@click.option(
    "--language-hint", metavar="TAG", help="Language spoken (BCP-47); identified from the audio when left out."
)
@click.option("--reveal", is_flag=True, help="Show texts unmasked.")
@click.pass_obj
def command(
    settings: Settings, files: tuple[Path, ...], *, as_json: bool, language_hint: str | None, reveal: bool
) -> None:
    """Run the whole pipeline on audio files, without a broker: one line an utterance.

    A file that cannot be read is told on stderr and left out; the exit code is then 1.
    """
    from moderation.bootstrap import build_pipeline, intake_factory
    from moderation.errors import ConfigurationError
    from moderation.scanning import scan_file
    from moderation.telemetry.logs import configure_logs

    configure_logs(settings.telemetry)
    show = _Printer(as_json=as_json, reveal=reveal)
    failed = False
    with build_pipeline(settings) as pipeline:
        new_intake = intake_factory(settings)
        for path in files:
            try:
                for outcome in scan_file(
                    path,
                    pipeline=pipeline,
                    new_intake=new_intake,
                    language_hint=language_hint,
                    on_progress=show.progress(path),
                ):
                    show.utterance(path, outcome)
            except ConfigurationError as error:
                click.echo(f"moderation scan: {error}", err=True)
                failed = True
            finally:
                show.end_of_file()
    if failed:
        raise click.exceptions.Exit(1)


class _Printer:
    """Prints utterances to stdout and, on a terminal, progress to stderr."""

    def __init__(self, *, as_json: bool, reveal: bool) -> None:
        from rich.console import Console

        self._as_json = as_json
        self._reveal = reveal
        self._console = Console()
        self._shows_progress = sys.stderr.isatty()
        self._progress_width = 0

    def progress(self, path: Path) -> Callable[[float], None] | None:
        """What `scan_file` tells how far it is."""
        if not self._shows_progress:
            return None

        def tell(seconds: float) -> None:
            if seconds % 10 < 0.2:
                line = f"{path.name}: {seconds:.0f} s"
                self._progress_width = len(line)
                sys.stderr.write(f"\r{line}")
                sys.stderr.flush()

        return tell

    def end_of_file(self) -> None:
        """Wipe the progress line."""
        if self._progress_width:
            sys.stderr.write("\r" + " " * self._progress_width + "\r")
            sys.stderr.flush()
            self._progress_width = 0

    def utterance(self, path: Path, outcome: "UtteranceOutcome") -> None:
        """Print an utterance."""
        from rich.text import Text

        from moderation.presenting import SEVERITY_STYLE, reasons, utterance_json

        if self._as_json:
            click.echo(json.dumps(utterance_json(str(path), outcome, reveal=self._reveal), ensure_ascii=False))
            return
        self.end_of_file()
        judgement = outcome.judgement
        severity = judgement.verdict.severity
        line = Text(f"{path.name} {outcome.utterance.start_ms / 1000:7.1f} s  ")
        line.append(f"{severity.value:8}", style=SEVERITY_STYLE[severity])
        line.append(f" {judgement.heard.language.language:3} ")
        line.append(judgement.heard.text if self._reveal else judgement.masked.text)
        if found := reasons(judgement.verdict.detections):
            line.append(f"  ({found})", style="dim")
        self._console.print(line, soft_wrap=True)
