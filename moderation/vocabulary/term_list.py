"""Lists of terms as YAML files, strictly validated.

name: clan-rules          # lower-case letters, digits and dashes
version: "3"
languages: [en]           # optional; an entry's own `languages` win
entries:
  - term: some phrase     # compared without regard to case, punctuation and white space, on word boundaries
    category: spam
    severity: medium      # none, low, medium, high, critical; none: masked and recorded, never flagged by itself
    method: mask          # mask, remove or tag
"""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moderation.errors import ConfigurationError
from moderation.events import Severity
from moderation.vocabulary.match import FilterMethod
from moderation.vocabulary.normalised import normalise

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml reads 100,000 entries ten times faster

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]
Category = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", description="Primary BCP-47 tag.")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Strict):
    """One term of a list."""

    term: Annotated[str, Field(min_length=1, max_length=200)]
    category: Category
    severity: Severity
    method: FilterMethod
    languages: Annotated[list[Language], Field(min_length=1)] | None = None


class TermList(_Strict):
    """A named, versioned list of terms."""

    name: Name
    version: Annotated[str, Field(min_length=1, max_length=50)]
    description: str = ""
    languages: Annotated[list[Language], Field(min_length=1)] | None = None
    entries: Annotated[list[Entry], Field(min_length=1)]


def shipped_lists() -> list[Path]:
    """The lists that come with the package."""
    return sorted((Path(__file__).parent / "lists").glob("*.yaml"))


def load_term_list(path: Path) -> TermList:
    """Read and check one list.

    Raises:
        ConfigurationError: the file cannot be read or something in it is refused; the message names the file, the line,
            the entry (from 1) and the reason.
    """
    source = _read(path)
    try:
        loaded = yaml.load(source, _Loader)  # noqa: S506  both loaders are the safe ones
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise ConfigurationError(f"{path}:{line} not YAML: {problem}") from None
    if not isinstance(loaded, dict):
        raise ConfigurationError(f"{path}: a term list is a mapping with name, version and entries")
    try:
        term_list = TermList.model_validate(loaded)
    except ValidationError as error:
        root = yaml.compose(source, _Loader)
        problems = "; ".join(_describe(root, problem) for problem in error.errors(include_input=False)[:5])
        raise ConfigurationError(f"{path}: {problems}") from None
    _refuse_unusable_terms(path, source, term_list)
    return term_list


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read the term list {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"the term list {path} is not UTF-8 at byte {error.start}") from None


def _refuse_unusable_terms(path: Path, source: str, term_list: TermList) -> None:
    seen: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(term_list.entries, start=1):
        normalised = normalise(entry.term).text
        reason = None if normalised else "its term has no letters or digits"
        for language in entry.languages or term_list.languages or ["*"]:
            first = seen.setdefault((normalised, language), number)
            if first != number and not reason:
                reason = f"its term is that of entry {first}, compared without case and punctuation; keep one of them"
        if reason:
            line = _line(yaml.compose(source, _Loader), ("entries", number - 1))
            raise ConfigurationError(f"{path}: line {line}, entry {number}: {reason}")


def _describe(root: Any, problem: Any) -> str:
    location = tuple(problem["loc"])
    where = f"line {_line(root, location)}"
    rest = location
    if len(location) > 1 and location[0] == "entries" and isinstance(location[1], int):
        where += f", entry {location[1] + 1}"
        rest = location[2:]
    name = ".".join(str(part) for part in rest)
    return f"{where}{', ' + name if name else ''}: {problem['msg']}"


def _line(node: Any, location: tuple[int | str, ...]) -> int:
    """The line (from 1) of the innermost part of a location that the file has."""
    line: int = node.start_mark.line + 1
    for part in location:
        child = _child(node, part)
        if child is None:
            break
        node = child
        line = node.start_mark.line + 1
    return line


def _child(node: Any, part: int | str) -> Any:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None
