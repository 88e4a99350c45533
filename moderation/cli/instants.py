"""Instants as arguments of commands."""

import re
from datetime import UTC, datetime, timedelta

import click

_AGE = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Instant(click.ParamType):
    """ISO 8601, in UTC where no offset is given, or an age: 90s, 30m, 2h, 7d ago."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant, aware UTC."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        try:
            if age := _AGE.fullmatch(text):
                return datetime.now(UTC) - timedelta(**{_UNITS[age[2]]: int(age[1])})
            instant = datetime.fromisoformat(text)
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is neither ISO 8601 (2026-03-14T20:15) nor an age (90s, 30m, 2h, 7d)", param, ctx)
