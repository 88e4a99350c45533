"""The parts of README that are generated: `python -m moderation.documentation README.md` renews them.

A generated part lies between `<!-- NAME -->` and `<!-- /NAME -->`. They come from the code, but for the benchmark's
tables: those come from what it wrote when it was run last for publication. A test fails while README differs.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from moderation.errors import ConfigurationError
from moderation.settings import Settings
from moderation.telemetry.metrics import metrics_table


def settings_table() -> str:
    """Every setting as a Markdown table: variable, default, meaning."""
    rows = [
        f"| `MODERATION_{'__'.join(path).upper()}` | {_default(field)} | {field.description} |"
        for path, field in _fields(Settings, ())
    ]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def _fields(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from _fields(section, (*path, name))
        else:
            yield (*path, name), field


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if value is None or _is_secret(field.annotation):
        return "unset"
    if isinstance(value, (dict, list)):
        return f"`{json.dumps(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or (get_origin(annotation) is not None and SecretStr in get_args(annotation))


MEASURED = Path(__file__).parents[1] / ".github" / "measured" / "bench.json"
"""What `make bench` wrote for the tables of README."""


def bench_tables() -> str:
    """The tables of the published benchmark."""
    from moderation.bench.report import markdown  # noqa: PLC0415  it loads every engine

    return markdown(json.loads(MEASURED.read_text(encoding="utf-8")))


GENERATED: Mapping[str, Callable[[], str]] = {
    "settings": settings_table,
    "metrics": metrics_table,
    "bench": bench_tables,
}
"""What makes each generated part."""


def renew(text: str) -> str:
    """The document with its generated parts as the code has them now.

    Raises:
        ConfigurationError: a generated part has no place in the document.
    """
    for name, make in GENERATED.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        made = make().replace("\\", r"\\")
        text, count = place.subn(rf"\g<1>{made}\g<2>", text)
        if count != 1:
            raise ConfigurationError(f"the document needs one part between <!-- {name} --> and <!-- /{name} -->")
    return text


def main() -> None:
    """Renew the document named on the command line."""
    path = Path(sys.argv[1])
    path.write_text(renew(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
