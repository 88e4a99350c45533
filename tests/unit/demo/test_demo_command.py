"""`moderation demo` passes on what it was asked, and exits with meaning."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from moderation.cli.demo import command
from moderation.demo import run
from moderation.demo.worker_process import WorkerFailed
from moderation.settings import Settings


def demo_that(behaviour: Any, seen: dict[str, Any]) -> type:
    class Scripted:
        def __init__(self, settings: Settings, options: run.DemoOptions, **parts: Any) -> None:
            seen.update(settings=settings, options=options, **parts)

        async def run(self) -> None:
            await behaviour()

    return Scripted


@pytest.fixture
def seen() -> dict[str, Any]:
    return {}


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, seen: dict[str, Any]) -> Any:
    def call(behaviour: Any, *arguments: str, config: Path | None = None) -> Result:
        monkeypatch.setattr(run, "Demo", demo_that(behaviour, seen))

        @click.group()
        @click.option("--config", type=click.Path(path_type=Path))
        @click.pass_context
        def root(ctx: click.Context, config: Path | None) -> None:
            ctx.obj = Settings()

        root.add_command(command, "demo")
        given = ["--config", str(config)] if config else []
        return CliRunner().invoke(root, [*given, "demo", *arguments])

    return call


async def succeed() -> None:
    return None


async def fail() -> None:
    raise WorkerFailed("the worker ended with exit code 3")


async def be_terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.Event().wait()


def test_it_plays_the_whole_scenario_and_exits_with_0(invoke, seen):
    assert invoke(succeed).exit_code == 0
    assert seen["scenario"].duration_s == 30
    assert seen["options"] == run.DemoOptions()


def test_options_reach_the_demo(invoke, seen):
    arguments = ("--seconds", "8", "--plain", "--no-color", "--keep-logs")
    assert invoke(succeed, *arguments, config=Path("own.yaml")).exit_code == 0
    assert seen["scenario"].duration_s == 8
    assert seen["options"] == run.DemoOptions(plain=True, keep_logs=True, config=Path("own.yaml"))
    assert seen["console"].no_color


def test_a_failed_worker_is_told_in_one_sentence_with_exit_code_1(invoke):
    result = invoke(fail)
    assert result.exit_code == 1
    assert result.output == "moderation demo: the worker ended with exit code 3\n"


def test_sigterm_ends_it_with_exit_code_143(invoke):
    assert invoke(be_terminated).exit_code == 143


def test_help_names_the_options(invoke):
    output = invoke(succeed, "--help").output
    for option in ("--seconds", "--plain", "--no-color", "--keep-logs"):
        assert option in output
