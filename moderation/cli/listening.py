"""What `flags` and `transcripts` share: read a topic, print each event as a row or as JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from moderation.cli.running import run_client

if TYPE_CHECKING:
    from moderation.client.reader import EventReader, Undecodable

E = TypeVar("E", bound=Any)
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the table. `width` characters, or None: it takes what the others leave, and wraps."""

    title: str
    width: int | None
    justify: Literal["left", "right"] = "left"


Cells = tuple[tuple[str, str], ...]
"""A row: text and rich style of each cell. Texts are shown as they are; they are no markup."""


def listening_options(command: F) -> F:
    """The options that both commands have: --follow, --json, --from-beginning/--latest."""
    options = (
        click.option("--follow", "-f", is_flag=True, help="Go on showing what arrives, until Ctrl-C."),
        click.option("--json", "as_json", is_flag=True, help="Write one JSON object a line."),
        click.option(
            "--from-beginning/--latest",
            "beginning",
            default=None,
            help="Start with the oldest, or with what arrives from now on. [default: oldest; latest with --follow]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def listen(
    open_reader: "Callable[[Callable[[Undecodable], None]], EventReader[E]]",
    *,
    as_json: bool,
    columns: tuple[Column, ...],
    cells: Callable[[E], Cells],
) -> None:
    """Print the events of a reader until it ends.

    `open_reader` is given what to call for a message that cannot be decoded: it is told on stderr.
    """
    show: Callable[[E], None] = _show_json if as_json else _Table(columns, cells).show

    async def run() -> None:
        async with open_reader(_tell) as events:
            async for event in events:
                show(event)

    run_client(run())


def _show_json(event: Any) -> None:
    from moderation.contracts.as_json import to_json

    click.echo(json.dumps(to_json(event), ensure_ascii=False))


def _tell(message: "Undecodable") -> None:
    where = f"{message.topic}, partition {message.partition}, offset {message.offset}"
    click.echo(f"left out: {where}: {message.reason}", err=True)


class _Table:
    """A table that is printed row by row: columns keep their widths, so that rows can come at any time."""

    def __init__(self, columns: tuple[Column, ...], cells: Callable[[E], Cells]) -> None:
        from rich.console import Console

        self._console = Console()
        self._columns = columns
        self._cells = cells
        self._started = False

    def show(self, event: Any) -> None:
        """Print a row; before the first one, the titles."""
        if not self._started:
            self._started = True
            self._print(tuple((column.title, "bold") for column in self._columns))
        self._print(self._cells(event))

    def _print(self, cells: Cells) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, expand=True, pad_edge=False)
        for column in self._columns:
            wraps = column.width is None
            table.add_column(width=column.width, ratio=1 if wraps else None, justify=column.justify, no_wrap=not wraps)
        table.add_row(*(Text(text, style=style, overflow="ellipsis") for text, style in cells))
        self._console.print(table)
