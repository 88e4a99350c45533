"""`moderation send`: files played as live voice-chat streams."""

import asyncio
import itertools
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from moderation.cli.running import run_client
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.audio.utterance import Samples
    from moderation.client.playback import Played, StreamSource
    from moderation.events import AudioChunk, AudioEncoding

_ENCODINGS = ("opus", "pcm_s16le", "flac")


@click.command("send")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--session", required=True, help="Session id: the room or match that is spoken in.")
@click.option("--speaker", required=True, help="Speaker id.")
@click.option(
    "--stream", help="Stream id; all files then play one after the other. Never use one twice. [default: new]"
)
@click.option("--tenant", default="default", show_default=True, help="Tenant id.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="1 is real time, 2 twice as fast; 0 sends as fast as the broker confirms.",
)
@click.option(
    "--encoding",
    type=click.Choice(_ENCODINGS, case_sensitive=False),
    default="opus",
    show_default=True,
    help="How the chunks are encoded.",
)
@click.option(
    "--chunk-ms",
    type=click.IntRange(20, 1000),
    default=200,
    show_default=True,
    help="Audio in one chunk, ms.",
)
@click.option("--language-hint", metavar="TAG", help="Language spoken, as a BCP-47 tag; left out, it is identified.")
@click.pass_obj
def command(  # noqa: PLR0917  click passes the arguments by name
    settings: Settings,
    files: tuple[Path, ...],
    session: str,
    speaker: str,
    stream: str | None,
    tenant: str,
    speed: float,
    encoding: str,
    chunk_ms: int,
    language_hint: str | None,
) -> None:
    """Play audio files into Kafka as live voice-chat streams.

    Several files play at once, a stream each; with --stream they play one after the other as one stream. Anything that
    FFmpeg reads will do. When all is confirmed, a line a stream goes to stdout (stream, chunks, milliseconds);
    progress goes to stderr.

    \b
    moderation send talk.ogg --session match-42 --speaker anna
    moderation send *.wav --session s --speaker p --encoding flac --speed 0
    """
    from moderation.client.playback import StreamSource
    from moderation.events import AudioEncoding

    groups = [files] if stream else [(file,) for file in files]
    tracks = [
        (
            StreamSource(
                tenant_id=tenant,
                session_id=session,
                # A worker takes a stream id that it has seen for a replay, so a new one is made each time.
                stream_id=stream or f"send-{uuid.uuid4().hex}",
                speaker_id=speaker,
                language_hint=language_hint,
            ),
            group,
        )
        for group in groups
    ]
    played = run_client(_play(settings, tracks, AudioEncoding(encoding.upper()), chunk_ms, speed))
    for (source, _), result in zip(tracks, played, strict=True):
        click.echo(f"{source.stream_id}\t{result.chunks}\t{result.audio_ms}")


async def _play(
    settings: Settings,
    tracks: "list[tuple[StreamSource, tuple[Path, ...]]]",
    encoding: "AudioEncoding",
    chunk_ms: int,
    speed: float,
) -> "list[Played]":
    from moderation.client.producer import AudioProducer
    from moderation.errors import ModerationError

    failure: BaseException | None = None
    tasks = []
    try:
        with _progress(chunk_ms) as on_chunk:
            async with AudioProducer(settings) as producer, asyncio.TaskGroup() as group:
                for source, files in tracks:
                    playing = producer.play(
                        source, _audio(files), encoding=encoding, chunk_ms=chunk_ms, speed=speed, on_chunk=on_chunk
                    )
                    tasks.append(group.create_task(playing))
    except* ModerationError as failures:
        # The first failure cancels the other streams; it is the one to tell.
        failure = failures.exceptions[0]
    if failure is not None:
        raise failure
    return [task.result() for task in tasks]


def _audio(files: tuple[Path, ...]) -> "Iterator[Samples]":
    from moderation.audio.files import read_audio_file

    return itertools.chain.from_iterable(read_audio_file(file) for file in files)


@contextmanager
def _progress(chunk_ms: int) -> "Iterator[Callable[[AudioChunk], None]]":
    """Shows on stderr how much audio was confirmed; where stderr is no terminal, nothing."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = SpinnerColumn(), TextColumn("{task.completed:.1f} s of audio confirmed")
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("send", total=None)
        yield lambda chunk: progress.advance(task, 0 if chunk.end_of_stream else chunk_ms / 1000)
