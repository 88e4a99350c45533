"""Contrast sets: short utterances made from templates, so that the model learns what decides.

The licensed corpora hold few threats, hardly any sexual remarks and no game talk, and their attacks mention groups far
more often than their negatives do; a model trained on them alone calls every mention of a group hateful and every
"kill the boss" a threat. The templates (`training/contrast_templates.yaml`) put the same words into both sides: groups
in attacks, in neutral mentions and in support; violent verbs in games, in idioms and in threats at a person.

Templates marked `held_out` are never trained on; they measure.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

import yaml

from moderation.errors import ConfigurationError
from moderation.toxicity.classifier import LABELS
from moderation.toxicity.training.rows import Row, labelled

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_SPACE = re.compile(r"\s+")
_DRAWS_PER_TEXT = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of people: an adjective, one of them, many of them."""

    adjective: str
    one: str
    many: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastClass:
    """One kind of utterance with its targets. `share` is its part of the generated set."""

    name: str
    share: float
    targets: Mapping[str, float]
    templates: tuple[str, ...]
    held_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The templates with what fills them."""

    groups: tuple[Group, ...]
    fillers: Mapping[str, tuple[str, ...]]
    classes: tuple[ContrastClass, ...]

    def generate(self, count: int, seed: int, *, held_out: bool = False) -> Iterator[Row]:
        """About `count` distinct rows, shared among the classes; the same for the same seed.

        A class gives fewer where its templates cannot make as many distinct texts. `source` of a row is
        `contrast:<class>`.
        """
        total = sum(each.share for each in self.classes)
        for each in self.classes:
            rng = random.Random(f"{seed}:{each.name}:{held_out}")  # noqa: S311  reproducible, not secret
            wanted = max(1, round(count * each.share / total))
            targets = {label: each.targets.get(label, 0.0) for label in LABELS}
            for text in self._distinct(each.held_out if held_out else each.templates, wanted, rng):
                yield labelled(f"contrast:{each.name}", _style(text, rng), targets)

    def _distinct(self, templates: tuple[str, ...], wanted: int, rng: random.Random) -> list[str]:
        found: dict[str, None] = {}
        for _ in range(wanted * _DRAWS_PER_TEXT):
            if len(found) >= wanted:
                break
            found.setdefault(self._fill(rng.choice(templates), rng))
        return list(found)

    def _fill(self, template: str, rng: random.Random) -> str:
        group, other = rng.sample(self.groups, 2)
        forms = {"adj": group.adjective, "one": group.one, "many": group.many, "other": other.many}
        text = template
        while "[" in text or "{" in text:
            text = _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), text)
            text = _SLOT.sub(lambda found: forms.get(found[1]) or rng.choice(self.fillers[found[1]]), text)
        return _SPACE.sub(" ", text).strip()


def load_contrast() -> Contrast:
    """The templates that ship with this package.

    Raises:
        ConfigurationError: a template names a list that does not exist, or brackets do not match.
    """
    resource = files("moderation.toxicity.training") / "contrast_templates.yaml"
    return parse_contrast(yaml.safe_load(resource.read_text(encoding="utf-8")))


def parse_contrast(content: Mapping[str, object]) -> Contrast:
    """Templates from the content of a YAML file; its heading describes the form.

    Raises:
        ConfigurationError: as for `load_contrast`.
    """
    raw = {key: content.get(key) or {} for key in ("groups", "fillers", "classes")}
    groups = tuple(_group(line) for line in raw["groups"])  # type: ignore[attr-defined]
    fillers = {name: tuple(str(v) for v in values) for name, values in raw["fillers"].items()}  # type: ignore[attr-defined]
    classes = tuple(_class(name, body) for name, body in raw["classes"].items())  # type: ignore[attr-defined]
    known = {*fillers, "adj", "one", "many", "other"}
    for each in classes:
        for template in (*each.templates, *each.held_out):
            _check(each.name, template, known)
    return Contrast(groups=groups, fillers=fillers, classes=classes)


def _group(line: str) -> Group:
    adjective, one, many = (part.strip() for part in line.split("|"))
    return Group(adjective=adjective, one=one, many=many)


def _class(name: str, body: Mapping[str, object]) -> ContrastClass:
    lines = {key: tuple(str(body[key]).strip().splitlines()) for key in ("train", "held_out")}
    targets = {str(k): float(v) for k, v in body["labels"].items()}  # type: ignore[attr-defined]
    return ContrastClass(
        name=name,
        share=float(body["share"]),  # type: ignore[arg-type]
        targets=targets,
        templates=tuple(line.strip() for line in lines["train"]),
        held_out=tuple(line.strip() for line in lines["held_out"]),
    )


def _check(name: str, template: str, known: set[str]) -> None:
    missing = set(_SLOT.findall(template)) - known
    if missing:
        raise ConfigurationError(f"a template of {name} names unknown lists {sorted(missing)}")
    if re.search(r"[\[\]]", _CHOICE.sub("", template)):
        raise ConfigurationError(f"a template of {name} has brackets that do not match or nest")


def _style(text: str, rng: random.Random) -> str:
    """Half as a recogniser without punctuation writes, half as one with."""
    if rng.random() < 0.5:
        return text
    written = re.sub(r"\bi\b", "I", text)
    return written[:1].upper() + written[1:] + rng.choice((".", ".", "!", "?" if written.startswith(_ASKING) else "."))


_ASKING = ("can", "could", "is", "are", "do", "did", "how", "what", "why", "who", "where")
