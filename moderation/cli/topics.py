"""`moderation topics`: apply, list or check the topics of the catalogue."""

import json

import click

from moderation.cli.running import run_client
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
    for topic in topics:
        click.secho(topic.name, bold=True)
        click.echo(f"  {topic.purpose}")
        click.echo(
            f"  key {topic.key} · {topic.partitions} partitions, {topic.replication} copies · kept "
            f"{topic.retention_hours} h · holds {topic.event} · owned by {topic.owner}"
        )


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

    for state in run_client(apply_topics(settings)):
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
    for state in run_client(check_topics(settings)):
        result = "missing" if not state.exists else "differs" if state.differences else "ok"
        click.echo(f"{state.topic.name}\t{result}")
        _tell(state.topic.name, state.differences)
        wrong = wrong or result != "ok"
    if wrong:
        context.exit(1)


def _tell(name: str, differences: tuple[str, ...]) -> None:
    for difference in differences:
        click.echo(f"{name}: {difference}", err=True)
