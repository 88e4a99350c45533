"""`moderation models`: which models there are, fetching and verifying them."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.models.download import Progress
    from moderation.models.store import ModelStatus
    from moderation.models.vosk_list import PublishedModel


@click.group("models")
def command() -> None:
    """List, fetch and verify models.

    A model is named engine:model, as in the settings: whisper:base, vosk:de, detoxify:unbiased. Models for English come
    as Python packages; others are fetched once from their publisher into MODERATION_MODELS_DIR.

    \b
    moderation models list
    moderation models fetch vosk:de
    moderation models verify
    """


@command.command("list")
@click.option("--published", is_flag=True, help="Show what Vosk's publisher offers now instead (needs network).")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a line.")
@click.pass_obj
def list_models(settings: Settings, published: bool, as_json: bool) -> None:
    """Show the models we know, and which are installed.

    \b
    moderation models list
    moderation models list --json | jq -r 'select(.installed) | .name'
    """
    from moderation.models.fetch import ModelFetcher
    from moderation.models.store import ModelStore

    store = ModelStore(settings.models_dir)
    if published:
        rows = [_published_row(model) for model in ModelFetcher(store, settings.models).published()]
    else:
        rows = [_row(status) for status in store.statuses()]
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        _print_table(rows)


@command.command("fetch")
@click.argument("name")
@click.pass_obj
def fetch(settings: Settings, name: str) -> None:
    """Install the model NAME and print its folder.

    Downloads go on where they broke, and are verified before anything in them is opened. NAME is a name of
    `moderation models list`, or vosk:LANGUAGE for the publisher's small model of a language, or vosk: and the
    publisher's name of a model.

    \b
    moderation models fetch detoxify:unbiased
    moderation models fetch vosk:de
    moderation models fetch vosk:vosk-model-en-us-0.22
    """
    from moderation.models.fetch import ModelFetcher
    from moderation.models.store import ModelStore

    with _progress_bar() as progress:
        folder = ModelFetcher(ModelStore(settings.models_dir), settings.models).fetch(name, progress)
    click.echo(folder)


@command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object a line.")
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Check the files of every installed model against the checksums that were recorded at installation.

    Exit code 1 when a file is missing or has changed.

    \b
    moderation models verify
    """
    from moderation.models.store import ModelStore
    from moderation.models.verify import verify_model

    settings: Settings = context.obj
    damaged = False
    for status in ModelStore(settings.models_dir).statuses():
        if not status.installed:
            continue
        result = verify_model(status)
        damaged = damaged or bool(result.problems)
        if as_json:
            click.echo(json.dumps({"name": result.name, "files": result.files, "problems": list(result.problems)}))
        else:
            click.echo(f"{result.name}: {'; '.join(result.problems) or f'{result.files} files as installed'}")
    if damaged:
        click.echo(
            "Remove the folder of a damaged model and fetch it again, or reinstall its package "
            "(pip install --force-reinstall).",
            err=True,
        )
        context.exit(1)


def _row(status: "ModelStatus") -> dict[str, object]:
    from moderation.models.store import install_command

    return {
        "name": status.spec.name,
        "kind": status.spec.purpose,
        "languages": list(status.languages),
        "size_bytes": status.size_bytes,
        "installed": status.installed,
        "from": status.origin,
        "version": status.version,
        "path": str(status.path) if status.path else None,
        "licence": status.licence,
        "install_with": None if status.installed else install_command(status.spec),
    }


def _published_row(model: "PublishedModel") -> dict[str, object]:
    return {
        "name": f"vosk:{model.name}",
        "kind": model.kind,
        "languages": [model.language],
        "size_bytes": model.size_bytes,
        "installed": False,
        "from": None,
        "install_with": f"moderation models fetch vosk:{model.name}",
        "licence": "see https://alphacephei.com/vosk/models",
    }


def _print_table(rows: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("model", "for", "languages", "size", "licence", "installed from, or how to install"):
        table.add_column(column, overflow="fold")
    for row in rows:
        languages = row["languages"]
        table.add_row(
            str(row["name"]),
            str(row["kind"]),
            " ".join(languages) if isinstance(languages, list) and languages else "any",
            _size(row["size_bytes"]),
            str(row["licence"]),
            str(row["from"] or row["install_with"]),
        )
    Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 160).print(table)


def _size(size_bytes: object) -> str:
    return f"{size_bytes / 1e6:,.0f} MB" if isinstance(size_bytes, int) else "?"


@contextmanager
def _progress_bar() -> "Iterator[Progress]":
    """A bar for each file, on stderr; nothing where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def show(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=total)
            bars.update(tasks[file], completed=done, total=total)

        yield show
