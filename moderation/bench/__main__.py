"""`python -m moderation.bench`: our paths beside what they are compared with, in one run."""

import os

# Before numpy loads: its threads would be counted, and spin.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markdown import Markdown

from moderation.bench import memory, overhead, toxicity, vosk, whisper
from moderation.bench.clips import Clip, load_clips
from moderation.bench.report import as_json, markdown
from moderation.errors import ModerationError
from moderation.models.store import ModelStore
from moderation.settings import load_settings
from moderation.telemetry.logs import configure_logs

_WIDTH_OF_FILES = 160
_ENGINE = "whisper:tiny.en"
_IDLE, _TALKING = 200, 50


@click.command()
@click.option(
    "--speech",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder with clips and a manifest.jsonl: an object a line with path, set, language, transcript (or null) and "
    "kind (speech or nonspeech). The demo's synthetic clips when left out.",
)
@click.option("--set", "sets", multiple=True, help="Take only clips of this set; may be repeated.")
@click.option("--runs", default=5, show_default=True, help="Counted runs of each way, in turn; one more warms up.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this JSON file.")
def main(*, speech: Path | None, sets: tuple[str, ...], runs: int, out: Path | None) -> None:
    """Processor time and accuracy of our paths, and of what a user would take instead, on the same clips.

    Whisper against faster-whisper's `transcribe`, Vosk against the bare recogniser (where there are Korean clips),
    toxicity against Detoxify with the same checkpoint, an utterance through all text stages, a worker, alone and behind
    the embedded broker, against the sum of its bare models; and what a stream takes of memory. Takes minutes; pin it to
    a core (`taskset -c 0`) and leave the machine alone meanwhile.
    """
    settings = load_settings()
    configure_logs(settings.telemetry.model_copy(update={"log_level": "warning"}))
    store = ModelStore(settings.models_dir)
    try:
        clips = [clip for clip in load_clips(speech) if not sets or clip.collection in sets]
        measured = as_json(
            runs=runs,
            speech=whisper.measure(store.require(_ENGINE), clips, settings.asr, runs=runs, on_run=_tell),
            korean=vosk.measure(store.require("vosk:ko"), "ko", clips, settings.asr, runs=runs, on_run=_tell),
            texts=toxicity.measure(_texts(clips), settings, runs=runs, on_run=_tell),
            overhead=overhead.measure(clips, settings, engine=_ENGINE, runs=runs, on_run=_tell),
            memory=memory.measure_apart(_ENGINE, idle=_IDLE, talking=_TALKING),
        )
    except ModerationError as error:
        raise click.ClickException(str(error)) from None
    if out:
        out.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES).print(Markdown(markdown(measured)))


def _texts(clips: list[Clip]) -> list[str]:
    return [clip.text for clip in clips if clip.text and clip.language == "en"]


def _tell(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
