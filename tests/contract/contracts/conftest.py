import base64
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from moderation.contracts.catalogue import load_schemas, locate

EXAMPLES = sorted((locate("schemas") / "examples").glob("*/*.json"))


def record_from_json(  # noqa: PLR0911  one return a kind of schema
    schema: Any, value: Any, named: dict[str, Any] | None = None
) -> Any:
    """What fastavro writes for a JSON example; AssertionError where the example does not fit the schema."""
    named = dict(_named_types(schema)) if named is None else named
    if isinstance(schema, list):
        branch = "null" if value is None else next(part for part in schema if part != "null")
        assert branch in schema, "null where the schema has none"
        return record_from_json(branch, value, named)
    if isinstance(schema, str):
        if schema in named:
            return record_from_json(named[schema], value, named)
        return _primitive(schema, value)
    if schema.get("logicalType") == "timestamp-millis":
        assert isinstance(value, str)
        assert value.endswith("Z"), "instants are UTC"
        return datetime.fromisoformat(value)
    match schema["type"]:
        case "record":
            assert isinstance(value, dict)
            fields = {field["name"]: field["type"] for field in schema["fields"]}
            assert set(value) == set(fields), f"fields differ: {sorted(set(value) ^ set(fields))}"
            return {name: record_from_json(fields[name], value[name], named) for name in fields}
        case "enum":
            assert value in schema["symbols"], f"{value} is no symbol of {schema['name']}"
            return value
        case "array":
            assert isinstance(value, list)
            return [record_from_json(schema["items"], item, named) for item in value]
        case "map":
            assert isinstance(value, dict)
            return {name: record_from_json(schema["values"], item, named) for name, item in value.items()}
    return _primitive(schema["type"], value)


def _named_types(schema: Any) -> Iterator[tuple[str, Any]]:
    for part in schema if isinstance(schema, list) else [schema]:
        if isinstance(part, dict):
            yield part.get("name", ""), part
            inner = [field["type"] for field in part.get("fields", [])]
            for one in (*inner, part.get("items"), part.get("values")):
                yield from _named_types(one)


def _primitive(kind: str, value: Any) -> Any:
    if kind == "bytes":
        assert isinstance(value, str)
        return base64.b64decode(value, validate=True)
    expected = {"null": type(None), "boolean": bool, "int": int, "long": int, "double": (int, float), "string": str}[
        kind
    ]
    assert isinstance(value, expected), f"{kind} expected"
    assert kind == "boolean" or not isinstance(value, bool), f"{kind} expected"
    return value


@pytest.fixture
def schema_of() -> Callable[[str], Any]:
    """The schema of `<event>.v<N>`."""
    files = {f"{file.event}.v{file.version}": file.schema for file in load_schemas()}
    return files.__getitem__


@pytest.fixture
def to_record() -> Callable[[Any, Any], Any]:
    """Validates a JSON example against a schema."""
    return record_from_json


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "example" in metafunc.fixturenames:
        metafunc.parametrize("example", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
