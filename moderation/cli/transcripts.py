"""`moderation transcripts`: the transcripts that were published."""

from typing import TYPE_CHECKING

import click

from moderation.cli.listening import Cells, Column, listen, listening_options
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.events import Transcript

_COLUMNS = (
    Column(title="when", width=12),
    Column(title="session", width=12),
    Column(title="speaker", width=12),
    Column(title="lang", width=5),
    Column(title="engine", width=16),
    Column(title="text (masked)", width=None),
    Column(title="speech", width=8, justify="right"),
)


@click.command("transcripts")
@listening_options
@click.pass_obj
def command(settings: Settings, *, follow: bool, as_json: bool, beginning: bool | None) -> None:
    """Show the transcripts that were published.

    A table, or with --json the fields of schemas/transcript.v2.avsc. Partial transcripts, where they are published, end
    in an ellipsis, and audio that never came is told behind the text. Nothing is committed, so any number may look.

    \b
    moderation transcripts
    moderation transcripts --follow --json | jq -r 'select(.is_final) | .text'
    """
    from moderation.client.reader import EventReader

    listen(
        lambda undecodable: EventReader.transcripts(
            settings, follow=follow, beginning=beginning, on_undecodable=undecodable
        ),
        as_json=as_json,
        columns=_COLUMNS,
        cells=transcript_cells,
    )


def transcript_cells(transcript: "Transcript") -> Cells:
    """A transcript as a row of the table."""
    from moderation.presenting import missing_audio

    text = transcript.text if transcript.is_final else f"{transcript.text} …"
    seconds = (transcript.ended_at - transcript.started_at).total_seconds()
    return (
        (f"{transcript.started_at:%H:%M:%S.%f}"[:12], "dim"),
        (transcript.identity.session_id, ""),
        (transcript.identity.speaker_id, ""),
        (transcript.language.language, ""),
        (f"{transcript.engine}:{transcript.model}", "dim"),
        (text + missing_audio(transcript.missing), "" if transcript.is_final else "dim"),
        (f"{seconds:.2f} s", "dim"),
    )
