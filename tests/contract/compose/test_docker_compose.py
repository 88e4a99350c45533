"""docker-compose.yml agrees with the settings, the commands, the topics and the files of this repository.

No container engine is needed; what only an engine can show (the image builds, Kafka starts) is not shown here.
"""

import fnmatch
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml

from moderation.cli.group import COMMANDS, moderation
from moderation.models.known import lookup
from moderation.settings import Settings

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = ("topics", "worker")
DOCKERFILE = SERVICES["worker"]["build"]["dockerfile_inline"]


def _seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def _environment(service: str) -> dict[str, str]:
    """What the service sees when the host sets nothing."""
    return {
        name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value)) for name, value in SERVICES[service]["environment"].items()
    }


def _settings(service: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in _environment(service).items():
        monkeypatch.setenv(name, value)
    return Settings()


def _listeners(variable: str) -> dict[str, str]:
    pairs = (listener.split("://") for listener in SERVICES["kafka"]["environment"][variable].split(","))
    return dict(pairs)  # type: ignore[arg-type]


def _published(service: str) -> list[list[str]]:
    return [port.split(":") for port in SERVICES[service]["ports"]]


def _known(name: str) -> bool:
    """Whether MODERATION_A__B is a setting. pydantic-settings ignores variables it does not know."""
    fields: Any = Settings
    for part in name.removeprefix("MODERATION_").lower().split("__"):
        field = getattr(fields, "model_fields", {}).get(part)
        if field is None:
            return False
        fields = field.annotation
    return not hasattr(fields, "model_fields")


@pytest.mark.parametrize("service", OURS)
def test_every_moderation_variable_is_a_setting_with_an_acceptable_value(service, monkeypatch):
    names = [name for name in _environment(service) if name.startswith("MODERATION_")]
    assert names
    assert [name for name in names if not _known(name)] == []
    _settings(service, monkeypatch)


def test_the_check_of_variables_would_notice_a_typo():
    assert not _known("MODERATION_TELEMETRY__METRIC_PORT")
    assert not _known("MODERATION_TELEMETRY")
    assert not _known("MODERATION_BROKERS")


@pytest.mark.parametrize("service", OURS)
def test_the_commands_exist(service):
    words = SERVICES[service]["command"]
    command: click.Command = moderation
    for word in words:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
        assert command is not None, words
    assert words[0] in COMMANDS


def test_our_services_reach_kafka_through_the_listener_that_it_advertises_inside(monkeypatch):
    for service in OURS:
        assert _settings(service, monkeypatch).bootstrap_servers == _listeners("KAFKA_ADVERTISED_LISTENERS")["INSIDE"]
    host, port = _listeners("KAFKA_ADVERTISED_LISTENERS")["INSIDE"].split(":")
    assert host in SERVICES
    assert _listeners("KAFKA_LISTENERS")["INSIDE"] == f":{port}"


def test_programs_on_this_machine_reach_kafka_through_the_listener_that_it_advertises_to_them():
    [[host, published, inside]] = _published("kafka")
    assert _listeners("KAFKA_ADVERTISED_LISTENERS")["HOST"] == f"{host}:{published}"
    assert _listeners("KAFKA_LISTENERS")["HOST"] == f":{inside}"


def test_kafka_is_its_own_controller():
    environment = SERVICES["kafka"]["environment"]
    node, controller = environment["KAFKA_CONTROLLER_QUORUM_VOTERS"].split("@")
    assert int(node) == environment["KAFKA_NODE_ID"]
    assert controller == "kafka" + _listeners("KAFKA_LISTENERS")["CONTROLLER"]
    assert set(environment["KAFKA_PROCESS_ROLES"].split(",")) == {"broker", "controller"}
    protocols = dict(pair.split(":") for pair in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert protocols.keys() == _listeners("KAFKA_LISTENERS").keys()
    assert environment["KAFKA_INTER_BROKER_LISTENER_NAME"] in protocols
    assert environment["KAFKA_CONTROLLER_LISTENER_NAMES"] in protocols


def test_kafka_does_not_invent_topics():
    assert SERVICES["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_kafkas_data_are_in_a_volume():
    volume, path = SERVICES["kafka"]["volumes"][0].split(":")
    assert volume in COMPOSE["volumes"]
    assert SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"] == path


def test_nothing_is_published_beyond_this_machine():
    for service in SERVICES:
        for host, *_ in _published(service) if "ports" in SERVICES[service] else []:
            assert host == "127.0.0.1"


def test_the_worker_starts_once_the_topics_exist():
    assert SERVICES["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert SERVICES["topics"]["restart"] == "no"
    assert SERVICES["worker"]["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
    assert "healthcheck" in SERVICES["kafka"]


def test_the_workers_health_is_asked_where_it_is_served(monkeypatch):
    telemetry = _settings("worker", monkeypatch).telemetry
    probe = SERVICES["worker"]["healthcheck"]["test"][-1]
    url = urlsplit(re.search(r'"(http[^"]+)"', probe)[1])
    assert (url.port, url.path) == (telemetry.metrics_port, "/ready")
    assert telemetry.metrics_host == "0.0.0.0"
    assert _published("worker") == [["127.0.0.1", str(telemetry.metrics_port), str(telemetry.metrics_port)]]
    compile(probe, "probe", "exec")


def test_a_worker_has_the_time_it_needs_to_stop(monkeypatch):
    streaming = _settings("worker", monkeypatch).streaming
    assert _seconds(SERVICES["worker"]["stop_grace_period"]) >= 2 * streaming.drain_deadline_s + 10


def test_every_service_is_bounded_and_ours_are_confined():
    for name, service in SERVICES.items():
        assert service["mem_limit"].endswith("g"), name
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert int(service["user"]) > 0
        assert any(mount.startswith("/tmp:") for mount in service["tmpfs"])


def test_images_are_pinned():
    for service in SERVICES.values():
        assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+", service["image"])
    assert re.search(r"^FROM python:3\.\d+-slim$", DOCKERFILE, re.MULTILINE)


def test_the_image_is_tagged_with_the_version():
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert SERVICES["worker"]["image"] == f"voice-moderation:{version}"


class TestDockerfile:
    """The recipe of our image."""

    def _instructions(self, name: str) -> list[str]:
        joined = DOCKERFILE.replace("\\\n", " ")
        return [line.split(" ", 1)[1] for line in joined.splitlines() if line.startswith(f"{name} ")]

    def test_what_it_copies_exists_and_is_sent_to_the_engine(self):
        kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
        for instruction in self._instructions("COPY"):
            *sources, _ = instruction.split()
            for source in sources:
                assert (ROOT / source).exists()
                assert any(fnmatch.fnmatch(source, pattern) for pattern in kept), source

    def test_what_the_build_needs_is_copied(self):
        copied = {source for instruction in self._instructions("COPY") for source in instruction.split()[:-1]}
        project = (ROOT / "pyproject.toml").read_text()
        assert {"pyproject.toml", "README.md", "LICENSE", "moderation"} <= copied
        for folder in re.findall(r'^"(\w+)" = "moderation/', project, re.MULTILINE):
            assert folder in copied

    def test_it_does_not_run_as_root(self):
        order = [line.split()[0] for line in DOCKERFILE.splitlines() if line.startswith(("USER", "ENTRYPOINT"))]
        assert order == ["USER", "ENTRYPOINT"]
        assert self._instructions("USER") == ["moderation"]
        assert "--uid " + SERVICES["worker"]["user"] in DOCKERFILE

    def test_the_commands_it_runs_exist(self):
        runs = [run for run in self._instructions("RUN") if "moderation models" in run]
        assert runs
        for run in runs:
            for call in run.split(" && "):
                program, group, command, *names = shlex.split(call)
                assert program == "moderation"
                found = moderation.get_command(click.Context(moderation), group)
                assert command in found.commands
                assert all(lookup(name) for name in names)

    def test_models_live_in_the_volume_that_survives_the_container(self, monkeypatch):
        settings = _settings("worker", monkeypatch)
        assert f"models:{settings.models_dir}" in SERVICES["worker"]["volumes"]
        assert "models" in COMPOSE["volumes"]
        assert f"MODERATION_MODELS_DIR={settings.models_dir}" in DOCKERFILE
