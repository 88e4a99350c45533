"""`moderation topics`: apply, list or check the topics of the catalogue."""

import asyncio
import json

import click

from moderation.settings import Settings


@click.group("topics")
def command() -> None:
    """Apply, list or check the topics of the catalogue.

    The catalogue says what each topic holds, its key, partitions, copies and retention. MODERATION_STREAMING__*_TOPIC
    renames topics, MODERATION_BROKER says where they are.

    \b
    moderation topics list
    moderation topics apply
    moderation topics check && moderation worker
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a topic.")
@click.pass_obj
def list_topics(settings: Settings, *, as_json: bool) -> None:
    """Show the catalogue; no broker is asked.

    \b
    moderation topics list
    moderation topics list --json | jq -r .name
    """
    from moderation.contracts.topics import configured_topics, load_topics

    topics = configured_topics(load_topics(), settings.streaming)
    if as_json:
        for topic in topics:
            click.echo(json.dumps(topic.model_dump(mode="json", by_alias=True)))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("topic", "key", "partitions", "copies", "kept", "holds", box=None, pad_edge=False)
    for topic in topics:
        kept = f"{topic.retention_hours} h"
        table.add_row(topic.name, topic.key, str(topic.partitions), str(topic.replication), kept, topic.purpose)
    Console().print(table)


@command.command("apply")
@click.pass_obj
def apply(settings: Settings) -> None:
    """Create the topics that are missing; what exists is compared and left as it is.

    A line a topic on stdout. The exit code is 0 also when something differs: `check` judges, and your broker's own
    tools change.

    \b
    moderation topics apply
    MODERATION_BROKER=kafka-1:9092 moderation topics apply
    """
    from moderation.client.admin import apply_topics

    for state in asyncio.run(apply_topics(settings)):
        click.echo(f"{state.topic.name}\t{'created' if state.created else 'exists'}")
        _tell(state.topic.name, state.differences)


@command.command("check")
@click.pass_context
def check(context: click.Context) -> None:
    """Compare the broker's topics with the catalogue; exit with 1 when one is missing or falls short of it.

    More partitions or copies than the catalogue asks for are fine.

    \b
    moderation topics check || moderation topics apply
    """
    from moderation.client.admin import check_topics

    settings: Settings = context.obj
    wrong = False
    for state in asyncio.run(check_topics(settings)):
        result = "missing" if not state.exists else "differs" if state.differences else "ok"
        click.echo(f"{state.topic.name}\t{result}")
        _tell(state.topic.name, state.differences)
        wrong = wrong or result != "ok"
    if wrong:
        context.exit(1)


def _tell(name: str, differences: tuple[str, ...]) -> None:
    for difference in differences:
        click.echo(f"{name}: {difference}", err=True)
