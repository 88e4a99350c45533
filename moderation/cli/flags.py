"""`moderation flags`: the flags that were published."""

from typing import TYPE_CHECKING

import click

from moderation.cli.listening import Cells, Column, listen, listening_options
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.events import ModerationFlag

_COLUMNS = (
    Column(title="when", width=12),
    Column(title="session", width=12),
    Column(title="speaker", width=12),
    Column(title="lang", width=5),
    Column(title="severity", width=8),
    Column(title="action", width=10),
    Column(title="why", width=24),
    Column(title="text (masked)", width=None),
    Column(title="after", width=8, justify="right"),
)


@click.command("flags")
@listening_options
@click.pass_obj
def command(settings: Settings, *, follow: bool, as_json: bool, beginning: bool | None) -> None:
    """Show the flags that were published.

    A table, or with --json the fields of schemas/moderation_flag.v2.avsc. `after` is the time from the end of speech to
    the verdict. A flag may come twice: its flag_id tells, and a higher revision supersedes. One that is provisional was
    told while the speaker went on, and a final one follows; if that says withdrawn, it was none. Nothing is committed,
    so any number may look.

    \b
    moderation flags
    moderation flags --follow --json | jq 'select(.severity == "critical")'
    """
    from moderation.client.reader import EventReader

    listen(
        lambda undecodable: EventReader.flags(settings, follow=follow, beginning=beginning, on_undecodable=undecodable),
        as_json=as_json,
        columns=_COLUMNS,
        cells=flag_cells,
    )


def flag_cells(flag: "ModerationFlag") -> Cells:
    """A flag as a row of the table."""
    from moderation.presenting import SEVERITY_STYLE, missing_audio, reasons

    after_s = (flag.flagged_at - flag.ended_at).total_seconds()
    revision = " (provisional)" if flag.provisional else " (withdrawn)" if flag.is_withdrawn else ""
    return (
        (f"{flag.started_at:%H:%M:%S.%f}"[:12], "dim"),
        (flag.identity.session_id, ""),
        (flag.identity.speaker_id, ""),
        (flag.language.language, ""),
        (flag.severity.value, SEVERITY_STYLE[flag.severity]),
        (flag.action, ""),
        (reasons(flag.detections), ""),
        (flag.text + missing_audio(flag.missing) + revision, ""),
        (f"{after_s:.2f} s", "dim"),
    )
