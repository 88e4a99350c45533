"""The checks of `moderation doctor`: each looks at one thing and says what it found, and what to do about it."""

import asyncio
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from moderation.asr.choice import EngineChoice, choose_engine
from moderation.audio.opus_codec import codec_name
from moderation.errors import ConfigurationError, ModerationError
from moderation.models.store import ModelStatus, ModelStore, install_command
from moderation.settings import Settings, ToxicitySettings

Level = Literal["ok", "warning", "problem"]

DISTRIBUTION = "voice-moderation"
BROKER_TIMEOUT_S = 5
LEAST_FREE_DISK_BYTES = 1 * 1024**3
LEAST_FREE_MEMORY_BYTES = 1536 * 1024**2
_MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found. `advice` says what to do, unless all is well."""

    area: str
    level: Level
    what: str
    advice: str | None = None


def all_checks(settings: Settings) -> Iterator[Finding]:
    """Every finding, check by check. Changes nothing; asks nobody but the broker; takes seconds at most."""
    store = ModelStore(settings.models_dir)
    yield from check_packages()
    yield check_opus(codec_name())
    yield from check_speech(settings, store)
    yield from check_toxicity(settings, store)
    yield from check_documents(settings)
    yield from check_broker_binary(settings)
    yield from check_topics(settings)
    yield check_disk(store.root, free_bytes=shutil.disk_usage(_existing(store.root)).free)
    yield check_memory(available_memory_bytes())


def check_packages(distribution: str = DISTRIBUTION) -> Iterator[Finding]:
    """Whether everything that this package requires is installed."""
    try:
        required = _required(distribution)
    except metadata.PackageNotFoundError:
        yield Finding(
            area="packages",
            level="warning",
            what=f"{distribution} itself is not installed, so what it requires is not known",
            advice="pip install -e .",
        )
        return
    missing = [name for name in required if not _is_installed(name)]
    for name in missing:
        yield Finding(area="packages", level="problem", what=f"{name} is not installed", advice=f"pip install '{name}'")
    if not missing:
        yield Finding(area="packages", level="ok", what=f"all {len(required)} required packages are installed")


def check_opus(name: str) -> Finding:
    """What decodes Opus packets."""
    return Finding(area="opus", level="ok", what=name)


def check_speech(settings: Settings, store: ModelStore) -> Iterator[Finding]:
    """Which engine serves which language."""
    preferences = settings.asr.engines
    try:
        statuses = {name: store.status(name) for names in preferences.values() for name in names}
    except ConfigurationError as error:
        yield Finding(area="speech", level="problem", what=str(error), advice="correct MODERATION_ASR__ENGINES")
        return
    installed = {name: frozenset(s.languages) or None for name, s in statuses.items() if s.installed}
    for language in sorted({*settings.language.candidates, settings.language.default}):
        yield _served(choose_engine(language, preferences, installed), statuses)
    yield from _audio_identification(settings, store)


def _served(choice: EngineChoice, statuses: Mapping[str, ModelStatus]) -> Finding:
    area = f"speech, {choice.language}"
    because = "; ".join(f"{passed.engine} {passed.reason}" for passed in choice.passed_over)
    missing = [statuses[p.engine].spec for p in choice.passed_over if not statuses[p.engine].installed]
    advice = install_command(missing[0]) if missing else "add an engine to MODERATION_ASR__ENGINES"
    if choice.engine is None:
        return Finding(area=area, level="problem", what=because or "no engine is configured", advice=advice)
    what = f"{choice.engine} ({statuses[choice.engine].origin})"
    if not because:
        return Finding(area=area, level="ok", what=what)
    return Finding(area=area, level="warning", what=f"{what}, because {because}", advice=advice)


def _audio_identification(settings: Settings, store: ModelStore) -> Iterator[Finding]:
    if not settings.language.identify_audio:
        return
    area, name = "spoken language", settings.language.audio_model
    try:
        status = store.status(name)
    except ConfigurationError as error:
        yield Finding(area=area, level="problem", what=str(error), advice="correct MODERATION_LANGUAGE__AUDIO_MODEL")
        return
    if status.installed:
        yield Finding(area=area, level="ok", what=f"{name} ({status.origin})")
    else:
        advice = f"{install_command(status.spec)} (or set MODERATION_LANGUAGE__IDENTIFY_AUDIO=false)"
        yield Finding(area=area, level="problem", what=f"{name} is not installed", advice=advice)


def check_toxicity(settings: Settings, store: ModelStore) -> Iterator[Finding]:
    """Whether the toxicity model is there."""
    from moderation.toxicity.compact import COMPACT_MODEL, compact_folder
    from moderation.toxicity.manifest import model_file

    chosen, area = settings.toxicity, "toxicity"
    try:
        folder = compact_folder() if chosen.model == COMPACT_MODEL else store.require(f"detoxify:{chosen.model}")
    except ConfigurationError as error:
        yield Finding(
            area=area, level="problem", what=str(error), advice=f"or use MODERATION_TOXICITY__MODEL={COMPACT_MODEL}"
        )
        return
    graph = model_file(chosen.arithmetic)
    if not folder.is_dir() or (chosen.backend == "onnx" and not (folder / graph).is_file()):
        advice = (
            f"pip install --force-reinstall {DISTRIBUTION}"
            if chosen.model == COMPACT_MODEL
            else f"python -m moderation.toxicity.export --model {chosen.model} --folder {folder} (or set "
            "MODERATION_TOXICITY__BACKEND=detoxify)"
        )
        yield Finding(area=area, level="problem", what=f"{folder} has no {graph}", advice=advice)
    else:
        yield Finding(area=area, level="ok", what=f"{chosen.model}, back-end {chosen.backend}{_arithmetic(chosen)}")


def _arithmetic(chosen: ToxicitySettings) -> str:
    return f", {chosen.arithmetic} arithmetic" if chosen.backend == "onnx" else ""


def check_documents(settings: Settings) -> Iterator[Finding]:
    """Whether the policy and the vocabulary lists can be read."""
    from moderation.policy.document import default_policy_path, load_policy_document
    from moderation.vocabulary.term_list import load_term_list, shipped_lists

    yield _loads("policy", settings.policy.file or default_policy_path(), load_policy_document)
    for path in settings.vocabulary.lists or shipped_lists():
        yield _loads("vocabulary", path, load_term_list)


def _loads(area: str, path: Path, load: Callable[[Path], object]) -> Finding:
    try:
        load(path)
    except ModerationError as error:
        return Finding(area=area, level="problem", what=str(error), advice="correct the file")
    return Finding(area=area, level="ok", what=str(path))


def check_broker_binary(settings: Settings) -> Iterator[Finding]:
    """Whether the embedded broker could run, where it is meant to."""
    from moderation.broker.binary import find_binary

    if settings.broker != "embedded":
        return
    try:
        yield Finding(area="embedded broker", level="ok", what=str(find_binary()))
    except ConfigurationError as error:
        yield Finding(
            area="embedded broker", level="problem", what=str(error), advice="set MODERATION_BROKER=host:port"
        )


def check_topics(settings: Settings) -> Iterator[Finding]:
    """Whether the broker answers and has the topics. An embedded broker that is not running is no problem."""
    from moderation.client import admin

    patient = settings.kafka.model_copy(update={"request_timeout_s": BROKER_TIMEOUT_S})
    hurried = settings.model_copy(update={"kafka": patient})
    try:
        states = asyncio.run(asyncio.wait_for(admin.check_topics(hurried), 2 * BROKER_TIMEOUT_S))
    except (ModerationError, TimeoutError) as error:
        what = str(error) or f"the broker at {settings.bootstrap_servers} does not answer in time"
        if settings.broker == "embedded":
            yield Finding(area="broker", level="warning", what=what, advice="moderation broker")
        else:
            yield Finding(area="broker", level="problem", what=what, advice="check MODERATION_BROKER and the network")
        return
    yield Finding(area="broker", level="ok", what=settings.bootstrap_servers)
    for state in states:
        name = f"topic {state.topic.name}"
        if not state.exists:
            yield Finding(area=name, level="problem", what="is missing", advice="moderation topics apply")
        elif state.differences:
            what = "; ".join(state.differences)
            yield Finding(area=name, level="warning", what=what, advice="alter it with your broker's own tools")
        else:
            yield Finding(area=name, level="ok", what="as the catalogue has it")


def check_disk(folder: Path, *, free_bytes: int) -> Finding:
    """Whether there is room for models."""
    what = f"{free_bytes / 1e9:.1f} GB free for models in {folder}"
    if free_bytes >= LEAST_FREE_DISK_BYTES:
        return Finding(area="disk", level="ok", what=what)
    return Finding(area="disk", level="warning", what=what, advice="free some, or move MODERATION_MODELS_DIR")


def check_memory(available_bytes: int | None) -> Finding:
    """Whether a worker fits into memory."""
    if available_bytes is None:
        return Finding(area="memory", level="ok", what="this system does not tell how much is available")
    what = f"{available_bytes / 1e9:.1f} GB available"
    if available_bytes >= LEAST_FREE_MEMORY_BYTES:
        return Finding(area="memory", level="ok", what=what)
    return Finding(
        area="memory",
        level="warning",
        what=what,
        advice=f"a worker with the default models wants {LEAST_FREE_MEMORY_BYTES / 1e9:.1f} GB: end something else, or "
        "configure fewer engines with MODERATION_ASR__ENGINES",
    )


def available_memory_bytes() -> int | None:
    """Memory that programs could still have; None where the system does not tell."""
    if not _MEMORY.is_file():
        return None
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _MEMORY.read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _existing(folder: Path) -> Path:
    return next(
        path for path in (folder.absolute(), *folder.absolute().parents) if path.exists() and os.access(path, 4)
    )


def _required(distribution: str) -> list[str]:
    """Distributions that are required here, without those of extras and other platforms."""
    from packaging.requirements import Requirement

    requirements = [Requirement(line) for line in metadata.requires(distribution) or []]
    return [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
