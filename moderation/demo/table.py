"""The live table of flags: each as it arrives, under one heading, with a line of progress below on a terminal."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from moderation.demo.tally import SeenFlag
from moderation.presenting import SEVERITY_STYLE, reasons

_COLUMNS = {
    "when": 8,
    "session": 8,
    "speaker": 8,
    "lang": 4,
    "severity": 8,
    "action": 8,
    "categories": 34,
    "transcript": 0,
    "latency": 7,
}
"""Width of each column; 0 takes what is left."""
_NARROW = 125
"""Terminals with fewer columns get two lines a flag."""
_INDENT = 10


class FlagTable:
    """Shows flags on a console; a context manager.

    On a terminal every flag becomes a row that stays (two lines where the terminal is narrow), and the progress line
    below is redrawn in place. Elsewhere, and when `plain`, every flag is one line of text, and progress is not shown.
    """

    def __init__(self, console: Console, *, plain: bool) -> None:
        self._console = console
        self._live = None if plain or not console.is_terminal else Live(Text(), console=console, transient=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def heading(self) -> None:
        """Print the heading."""
        self._print([Text(name, style="bold") for name in _COLUMNS])

    def show(self, seen: SeenFlag) -> None:
        """Print a flag."""
        self._print(_cells(seen))

    def progress(self, line: str) -> None:
        """Replace the progress line."""
        if self._live is not None:
            self._live.update(Text(line, style="dim", overflow="ellipsis", no_wrap=True), refresh=True)

    def _print(self, cells: list[Text]) -> None:
        if self._live is None:
            self._console.print(_line(cells, _COLUMNS.values()), soft_wrap=True)
        elif self._console.width >= _NARROW:
            self._console.print(_row(cells))
        else:
            self._console.print(_two_lines(cells))


def _cells(seen: SeenFlag) -> list[Text]:
    flag = seen.flag
    latency = f"{seen.latency_ms / 1000:.2f} s"
    return [
        Text(f"{flag.started_at.astimezone():%H:%M:%S}"),
        Text(flag.identity.session_id),
        Text(flag.identity.speaker_id),
        Text(flag.language.language),
        Text(flag.severity.value, style=SEVERITY_STYLE[flag.severity]),
        Text(flag.action),
        Text(reasons(flag.detections)),
        Text(flag.text + (" ..." if flag.provisional else " (withdrawn)" if flag.is_withdrawn else "")),
        Text(latency),
    ]


def _line(cells: Iterable[Text], widths: Iterable[int]) -> Text:
    """One line: cells padded to their columns, none cut off."""
    padded: list[Text] = []
    for cell, width in zip(cells, widths, strict=True):
        cell.pad_right(max(0, width - len(cell)))
        padded.append(cell)
    line = Text("  ").join(padded)
    line.rstrip()
    return line


def _two_lines(cells: list[Text]) -> RenderableType:
    """For narrow terminals: categories and transcript go below the rest."""
    named = dict(zip(_COLUMNS, cells, strict=True))
    below = Text("  ").join([named.pop("categories"), named.pop("transcript")])
    return Group(_line(named.values(), [_COLUMNS[name] for name in named]), Padding(below, (0, 0, 0, _INDENT)))


def _row(cells: list[Text]) -> Table:
    """One row of columns that line up with the other rows."""
    row = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for width in _COLUMNS.values():
        row.add_column(width=width or None, ratio=None if width else 1, overflow="fold")
    row.add_row(*cells)
    return row
