"""`moderation dead-letters`: what could not be processed, by code, and publishing it again."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from moderation.cli.instants import Instant
from moderation.cli.running import run_client
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.client.letters import CodeSummary, Letter, Selection
    from moderation.client.reader import Undecodable

F = TypeVar("F", bound=Callable[..., Any])


def selecting_options(command: F) -> F:
    """The options that say which letters are meant: --code, --since, --until, --topic."""
    options = (
        click.option("--code", "codes", multiple=True, metavar="CODE", help="Only this code; may be repeated."),
        click.option("--since", type=Instant(), help="Only what failed then or later: ISO 8601, or an age such as 2h."),
        click.option("--until", type=Instant(), help="Only what failed before then."),
        click.option(
            "--topic", "topics", multiple=True, metavar="TOPIC", help="Only from this topic; may be repeated."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group("dead-letters", invoke_without_command=True)
@selecting_options
@click.option("--details", is_flag=True, help="A row a letter instead of a row a code.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the latest N.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a line.")
@click.pass_context
def command(
    context: click.Context,
    *,
    codes: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    topics: tuple[str, ...],
    details: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """List the messages that could not be processed, by code, from the oldest kept to the end of now.

    Codes, ids, sizes and places only: what the messages hold is never shown. Nothing is changed. `replay` publishes
    them again.

    \b
    moderation dead-letters
    moderation dead-letters --since 2h --json | jq -r .code
    moderation dead-letters --details --code key_mismatch --limit 20
    moderation dead-letters replay --help
    """
    if context.invoked_subcommand is not None:
        # A choice that is silently left out of a replay would replay everything else too.
        if codes or since or until or topics or details or limit or as_json:
            raise click.UsageError(f"options go behind the command: `dead-letters {context.invoked_subcommand} --...`")
        return
    from moderation.client.letters import Selection

    chosen = Selection(codes=frozenset(codes), topics=frozenset(topics), since=since, until=until)
    letters, replayed = _read(context.obj, chosen)
    if limit is not None:
        letters = letters[-limit:]
    if details:
        _show_details(letters, replayed, as_json=as_json)
    else:
        _show_summaries(letters, replayed, as_json=as_json)
    if not letters:
        click.echo("no dead letters" + (" match" if chosen != Selection() else ""), err=True)


@command.command("replay")
@selecting_options
@click.option(
    "--id", "ids", multiple=True, metavar="ID", help="Only this letter (--details shows ids); may be repeated."
)
@click.option("--all", "everything", is_flag=True, help="Every dead letter.")
@click.option("--again", is_flag=True, help="Also what was replayed before, and replays that failed again.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; publish nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Write the summary as a JSON object.")
@click.pass_context
def replay(
    context: click.Context,
    *,
    codes: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    topics: tuple[str, ...],
    ids: tuple[str, ...],
    everything: bool,
    again: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Publish dead letters to their source topic again, as they were, each once.

    Choose with --code, --since, --until, --id, or --all. Bytes, key and headers are the original ones, with a header
    `moderation-replay-of` more; order and partition are kept. What was replayed, by whomever, is not replayed again,
    nor is a replay that failed again, unless you say --again. Letters of other topics than the audio topic need
    --topic. A run that is cut off may publish one letter again when it is repeated; it loses none.

    A line an outcome on stdout. Exit code 1 when something that was chosen could not be replayed.

    \b
    moderation dead-letters replay --code processing_failed --since 2h --dry-run
    moderation dead-letters replay --code processing_failed --since 2h
    moderation dead-letters replay --all --yes --json
    """
    from moderation.client.letters import Selection
    from moderation.client.replay_plan import DONE, Outcome, plan_replay

    settings: Settings = context.obj
    chosen = Selection(codes=frozenset(codes), ids=frozenset(ids), topics=frozenset(topics), since=since, until=until)
    _require_choice(chosen, everything=everything)
    letters, replayed = _read(settings, chosen)
    allowed = chosen.topics or frozenset({settings.streaming.audio_topic})
    plan = plan_replay(letters, topics=allowed, replayed=replayed, again=again)
    outcomes = [outcome for _, outcome in plan.left_out]
    missing = chosen.ids - {letter.letter_id for letter in letters}
    if dry_run:
        _show_details(list(plan.letters), replayed, as_json=False) if not as_json else None
    elif plan.letters and _agreed(plan.letters, yes=yes):
        outcomes += _publish(settings, plan.letters, again=again)
    elif plan.letters:
        raise click.Abort
    counts = {outcome.value: outcomes.count(outcome) for outcome in Outcome if outcome in outcomes}
    counts |= {"would_replay": len(plan.letters)} if dry_run else {}
    counts |= {"not_found": len(missing)} if missing else {}
    _show_counts(counts, plan.left_out, allowed, as_json=as_json)
    if missing or not DONE.issuperset(outcomes):
        context.exit(1)


def _require_choice(chosen: "Selection", *, everything: bool) -> None:
    given = bool(chosen.codes or chosen.ids or chosen.since or chosen.until)
    if given and everything:
        raise click.UsageError("--all chooses every letter; leave it out, or leave the other choices out")
    if not given and not everything:
        raise click.UsageError(
            "say which dead letters: --code, --since, --until, --id, or --all; `moderation dead-letters` lists them"
        )


def _read(settings: Settings, chosen: "Selection") -> "tuple[list[Letter], frozenset[str]]":
    """The distinct letters that are meant, by time of failure, and the ids of all that were replayed."""
    return run_client(_read_both(settings, chosen))


async def _read_both(settings: Settings, chosen: "Selection") -> "tuple[list[Letter], frozenset[str]]":
    from moderation.client.letters import distinct, letter_of
    from moderation.client.reader import EventReader, Received
    from moderation.client.replay_ledger import read_replays

    letters = []
    async with EventReader.dead_letters(settings) as reader:
        async for item in reader.received():
            if not isinstance(item, Received):
                _tell(item)
            elif chosen.matches(letter := letter_of(item)):
                letters.append(letter)
    replays = await read_replays(settings)
    return sorted(distinct(letters), key=lambda letter: letter.failed_at), replays.replayed


def _tell(message: "Undecodable") -> None:
    where = f"{message.topic}, partition {message.partition}, offset {message.offset}"
    click.echo(f"left out: {where}: {message.reason}", err=True)


def _agreed(letters: "tuple[Letter, ...]", *, yes: bool) -> bool:
    if yes or not click.get_text_stream("stdin").isatty():
        return True
    topics = ", ".join(sorted({letter.topic for letter in letters}))
    return click.confirm(f"Publish {len(letters)} dead letters to {topics} again?", err=True)


def _publish(settings: Settings, letters: "tuple[Letter, ...]", *, again: bool) -> "list[Any]":
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn

    from moderation.client.replay import replay_letters

    console = Console(stderr=True)
    columns = TextColumn("replaying"), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("replay", total=len(letters))
        counts = run_client(
            replay_letters(settings, letters, again=again, on_outcome=lambda *_: progress.advance(task))
        )
    return list(counts.elements())


def _show_counts(
    counts: dict[str, int], left_out: "tuple[tuple[Letter, Any], ...]", allowed: frozenset[str], *, as_json: bool
) -> None:
    from moderation.client.replay_plan import Outcome

    if as_json:
        click.echo(json.dumps(counts))
    else:
        for name, count in counts.items():
            click.echo(f"{name}\t{count}")
    others = sorted({letter.topic for letter, outcome in left_out if outcome is Outcome.OTHER_TOPIC} - allowed)
    for topic in others:
        click.echo(f"letters of {topic} were left out; name it with --topic {topic} to replay them", err=True)
    if not counts:
        click.echo("no dead letters match", err=True)


def _show_summaries(letters: "list[Letter]", replayed: frozenset[str], *, as_json: bool) -> None:
    from moderation.client.letters import summarise, summary_as_json

    summaries = summarise(letters, replayed)
    if as_json:
        for summary in summaries:
            click.echo(json.dumps(summary_as_json(summary)))
    elif summaries:
        titles = ("code", "count", "replayed", "streams", "first", "last", "from")
        _show_table(titles, [_summary_cells(summary) for summary in summaries])


def _show_details(letters: "list[Letter]", replayed: frozenset[str], *, as_json: bool) -> None:
    from moderation.client.letters import as_json as letter_as_json

    if as_json:
        for letter in letters:
            click.echo(json.dumps(letter_as_json(letter, replayed=letter.letter_id in replayed)))
    elif letters:
        titles = ("id", "failed", "code", "from", "bytes", "replay", "reason")
        _show_table(titles, [_letter_cells(letter, letter.letter_id in replayed) for letter in letters])


def _summary_cells(summary: "CodeSummary") -> tuple[str, ...]:
    places = (
        f"{topic}[{','.join(map(str, sorted(numbers)))}]" for topic, numbers in sorted(summary.partitions.items())
    )
    return (
        summary.code,
        str(summary.count),
        str(summary.replayed),
        str(summary.streams),
        f"{summary.first_failed_at:%Y-%m-%d %H:%M:%S}",
        f"{summary.last_failed_at:%Y-%m-%d %H:%M:%S}",
        " ".join(places),
    )


def _letter_cells(letter: "Letter", replayed: bool) -> tuple[str, ...]:
    return (
        letter.letter_id,
        f"{letter.failed_at:%Y-%m-%d %H:%M:%S}",
        letter.code,
        f"{letter.topic}[{letter.partition}]@{letter.offset}",
        "-" if letter.size_bytes is None else str(letter.size_bytes),
        "failed again" if letter.replay_of is not None else "done" if replayed else "-",
        letter.reason,
    )


def _show_table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", justify="right" if title in {"count", "streams", "bytes"} else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
