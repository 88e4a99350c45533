"""Contrast sets: short utterances made from templates, so that the model learns what decides.

The licensed corpora hold few threats, hardly any sexual remarks and no game talk, and their attacks mention groups far
more often than their negatives do; a model trained on them alone calls every mention of a group hateful and every
"kill the boss" a threat. The templates (`training/contrast_templates.yaml`) put the same words into both sides: groups
in attacks, in neutral mentions and in support; violent verbs in games, in idioms and in threats at a person.

`training/contrast_utterances.tsv` holds more of them, one at a time with levels of their own (`training/LABELS.md` says
what they mean), written apart from those in `training/contrast_utterances_held_out.tsv`: neither author knew the other.

Held-out templates are never trained on; they measure.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from moderation.errors import ConfigurationError
from moderation.toxicity.classifier import LABELS
from moderation.toxicity.training.levels import targets_of
from moderation.toxicity.training.rows import Row, labelled

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_SPACE = re.compile(r"\s+")
_GROUP_SLOT = re.compile(r"\{(?:adj|one|many)\}")
_DRAWS_PER_TEXT = 30
HELD_OUT_FILLS = 8
"""Utterances of each held-out template that are measured with."""

HELD_OUT_SEED = 7
"""Of those, so that training knows which they are."""

_MOST_WEIGHT = 3.0
_SHARE_OF_AN_UTTERANCE = 0.1
"""Ten utterances weigh what one per cent of the templates of the YAML file does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of people: an adjective, one of them, many of them."""

    adjective: str
    one: str
    many: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """An utterance with choices and slots, and the targets of every label that is not absent."""

    text: str
    targets: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastClass:
    """One kind of utterance. `share` is its part of the generated set."""

    name: str
    share: float
    templates: tuple[Template, ...]
    held_out: tuple[Template, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A template with everything filled in. `group` is whom it mentions, if it mentions people by group."""

    text: str
    kind: str
    targets: Mapping[str, float]
    group: Group | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The templates with what fills them."""

    groups: tuple[Group, ...]
    fillers: Mapping[str, tuple[str, ...]]
    classes: tuple[ContrastClass, ...]

    def generate(self, count: int, seed: int) -> Iterator[Row]:
        """About `count` distinct rows to train on, shared among the classes; the same for the same seed.

        A class gives fewer where its templates cannot make as many distinct texts; those weigh more, up to
        `_MOST_WEIGHT`. `source` of a row is `contrast:<class>`.
        """
        total = sum(each.share for each in self.classes)
        for each in self.classes:
            rng = random.Random(f"{seed}:{each.name}")  # noqa: S311  reproducible, not secret
            wanted = max(1, round(count * each.share / total))
            found = self._distinct(each.templates, wanted, rng)
            weight = min(_MOST_WEIGHT, wanted / max(1, len(found)))
            for text, template in found:
                targets = {label: template.targets.get(label, 0.0) for label in LABELS}
                yield labelled(f"contrast:{each.name}", _style(text, rng), targets, weight)

    def held_out(self, each: int, seed: int) -> Iterator[Utterance]:
        """Up to `each` distinct utterances of every held-out template, as a recogniser writes them."""
        for kind in self.classes:
            rng = random.Random(f"{seed}:{kind.name}:held out")  # noqa: S311  reproducible, not secret
            for template in kind.held_out:
                pairs = [self._two(rng) for _ in range(each)]
                for text, group in {self._fill(template.text, two, rng): two[0] for two in pairs}.items():
                    yield self._utterance(kind.name, template, text, group)

    def held_out_of_every_group(self, seed: int) -> Iterator[Utterance]:
        """Every held-out template that mentions people by group, once for each group."""
        for kind in self.classes:
            rng = random.Random(f"{seed}:{kind.name}:groups")  # noqa: S311  reproducible, not secret
            for template in kind.held_out:
                if _GROUP_SLOT.search(template.text):
                    for group in self.groups:
                        other = rng.choice([another for another in self.groups if another is not group])
                        yield self._utterance(
                            kind.name, template, self._fill(template.text, (group, other), rng), group
                        )

    def _two(self, rng: random.Random) -> tuple[Group, Group]:
        group, other = rng.sample(self.groups, 2)
        return group, other

    def _utterance(self, kind: str, template: Template, text: str, group: Group) -> Utterance:
        mentioned = group if _GROUP_SLOT.search(template.text) else None
        return Utterance(text=text, kind=kind, targets=template.targets, group=mentioned)

    def _distinct(self, templates: tuple[Template, ...], wanted: int, rng: random.Random) -> list[tuple[str, Template]]:
        found: dict[str, Template] = {}
        for _ in range(wanted * _DRAWS_PER_TEXT if templates else 0):
            if len(found) >= wanted:
                break
            template = rng.choice(templates)
            found.setdefault(self._fill(template.text, self._two(rng), rng), template)
        return list(found.items())

    def _fill(self, template: str, groups: tuple[Group, Group], rng: random.Random) -> str:
        group, other = groups
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
    folder = files("moderation.toxicity.training")
    content = yaml.safe_load((folder / "contrast_templates.yaml").read_text(encoding="utf-8"))
    utterances, held_out = (
        parse_utterances((folder / f"contrast_utterances{which}.tsv").read_text(encoding="utf-8"))
        for which in ("", "_held_out")
    )
    return parse_contrast(content, utterances=utterances, held_out=held_out)


Utterances = Mapping[str, tuple[Template, ...]]
"""Templates by class."""


def parse_utterances(content: str) -> Utterances:
    """Templates from lines of class, levels and text, parted by tabs.

    Raises:
        ConfigurationError: a line has another form.
    """
    found: dict[str, list[Template]] = {}
    for number, line in enumerate(content.splitlines(), 1):
        try:
            name, levels, text = line.split("\t")
            template = Template(text=text, targets=targets_of(levels))
        except ValueError as error:
            raise ConfigurationError(f"line {number} of the utterances is not class, levels, text: {error}") from error
        found.setdefault(name, []).append(template)
    return {name: tuple(templates) for name, templates in found.items()}


def parse_contrast(
    content: Mapping[str, object], *, utterances: Utterances | None = None, held_out: Utterances | None = None
) -> Contrast:
    """Templates from the content of a YAML file, whose heading describes the form, and utterances beside them.

    Raises:
        ConfigurationError: as for `load_contrast`.
    """
    utterances, held_out = utterances or {}, held_out or {}
    raw: dict[str, Any] = {key: content.get(key) or {} for key in ("groups", "fillers", "classes")}
    groups = tuple(_group(line) for line in raw["groups"])
    fillers = {name: tuple(str(v) for v in values) for name, values in raw["fillers"].items()}
    names = dict.fromkeys((*raw["classes"], *utterances, *held_out))
    classes = tuple(
        _class(name, raw["classes"].get(name), utterances.get(name, ()), held_out.get(name, ())) for name in names
    )
    known = {*fillers, "adj", "one", "many", "other"}
    for each in classes:
        for template in (*each.templates, *each.held_out):
            _check(each.name, template.text, known)
    return Contrast(groups=groups, fillers=fillers, classes=classes)


def _group(line: str) -> Group:
    adjective, one, many = (part.strip() for part in line.split("|"))
    return Group(adjective=adjective, one=one, many=many)


def _class(
    name: str, body: Mapping[str, Any] | None, utterances: tuple[Template, ...], held_out: tuple[Template, ...]
) -> ContrastClass:
    body = body or {"share": 0, "labels": {}, "train": "", "held_out": ""}
    targets = {str(label): float(value) for label, value in body["labels"].items()}
    train, measured = (
        tuple(Template(text=line.strip(), targets=targets) for line in str(body[key]).strip().splitlines())
        for key in ("train", "held_out")
    )
    return ContrastClass(
        name=name,
        share=float(body["share"]) + len(utterances) * _SHARE_OF_AN_UTTERANCE,
        templates=(*train, *utterances),
        held_out=(*measured, *held_out),
    )


def _check(name: str, template: str, known: set[str]) -> None:
    missing = set(_SLOT.findall(template)) - known
    if missing:
        raise ConfigurationError(f"a template of {name} names unknown lists {sorted(missing)}")
    if re.search(r"[\[\]]", _CHOICE.sub("", template)):
        raise ConfigurationError(f"a template of {name} has brackets that do not match or nest")


def _style(text: str, rng: random.Random) -> str:
    """Half as a recogniser without punctuation writes, half as one with; what was written with capitals stays so."""
    if rng.random() < 0.5 or text != text.lower():
        return text
    written = re.sub(r"\bi\b", "I", text)
    return written[:1].upper() + written[1:] + rng.choice((".", ".", "!", "?" if written.startswith(_ASKING) else "."))


_ASKING = ("can", "could", "is", "are", "do", "did", "how", "what", "why", "who", "where")
