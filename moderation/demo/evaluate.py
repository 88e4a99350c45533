"""Runs every clip of the manifest through the pipeline: `python -m moderation.demo.evaluate [--json]`.

Each clip is scanned as a stream of its own, with the settings of the environment, exactly as `moderation scan` does it.
"""

import json
import sys
from collections.abc import Callable
from importlib.resources import as_file

import click
from rich.console import Console
from rich.progress import track

from moderation.audio.intake import StreamIntake
from moderation.bootstrap import build_pipeline, intake_factory
from moderation.demo.manifest import Clip, clips_folder, load_manifest
from moderation.demo.score_report import evaluation_json, evaluation_tables
from moderation.demo.scoring import Heard, evaluate
from moderation.events import UNKNOWN_LANGUAGE, Severity
from moderation.pipeline import Pipeline
from moderation.scanning import scan_file
from moderation.settings import load_settings

_WIDTH_OF_FILES = 120


def hear(clip: Clip, pipeline: Pipeline, new_intake: Callable[[], StreamIntake], *, hint: str | None) -> Heard:
    """What the pipeline makes of a clip. Blocks.

    Raises: ConfigurationError: its file is missing; `make_clips` makes it.
    """
    with as_file(clips_folder() / clip.file_name) as path:
        outcomes = list(scan_file(path, pipeline=pipeline, new_intake=new_intake, language_hint=hint))
    verdicts = [outcome.judgement.verdict for outcome in outcomes]
    return Heard(
        text=" ".join(outcome.judgement.heard.text for outcome in outcomes),
        language=outcomes[-1].judgement.heard.language.language if outcomes else UNKNOWN_LANGUAGE,
        flagged=any(verdict.flagged for verdict in verdicts),
        severity=max((verdict.severity for verdict in verdicts), key=lambda s: s.rank, default=Severity.NONE),
        categories=frozenset(found.category for verdict in verdicts for found in verdict.detections),
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object with everything to stdout.")
@click.option("--only", "only", metavar="ID", multiple=True, help="Evaluate this clip only; may be repeated.")
@click.option("--hints", is_flag=True, help="Tell the language of each clip instead of having it identified.")
def main(*, as_json: bool, only: tuple[str, ...], hints: bool) -> None:
    """Word error rate and detections of the demo's clips, against their manifest."""
    settings = load_settings()
    manifest = load_manifest()
    clips = [manifest.clip(clip_id) for clip_id in only] or list(manifest.clips)
    new_intake = intake_factory(settings)
    progress = Console(stderr=True)
    with build_pipeline(settings) as pipeline:
        pairs = [
            (clip, hear(clip, pipeline, new_intake, hint=clip.language if hints else None))
            for clip in track(clips, "Listening", console=progress, transient=True, disable=not progress.is_terminal)
        ]
    evaluation = evaluate(pairs)
    if as_json:
        click.echo(json.dumps(evaluation_json(evaluation), indent=1, ensure_ascii=False))
    else:
        Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_FILES).print(
            evaluation_tables(evaluation)
        )


if __name__ == "__main__":
    main()
