"""The README's examples, run as they stand: what the first produces, the second prints."""

import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from support.running import environment_of

from moderation.settings import Settings

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

README = Path(__file__).parents[3] / "README.md"
EXAMPLE_LINES = 16
"""About ten lines each, imports and blank lines not counted."""


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def test_the_examples_are_short() -> None:
    blocks = python_blocks()
    assert len(blocks) == 2
    for block in blocks:
        lines = [line for line in block.splitlines() if line and not line.startswith(("import", "from"))]
        assert len(lines) <= EXAMPLE_LINES


def test_what_the_first_example_produces_the_second_shows(settings: Settings, worker_log: Path, tmp_path: Path) -> None:
    produce, consume = python_blocks()
    shutil.copy(str(files("moderation") / "demo" / "clips" / "insult-idiot.ogg"), tmp_path / "anna.ogg")
    environment = environment_of(settings)
    consumer = subprocess.Popen(
        [sys.executable, "-u", "-c", consume.replace("follow=True", "follow=True, beginning=True")],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        subprocess.run([sys.executable, "-c", produce], env=environment, cwd=tmp_path, check=True, timeout=60)
        assert consumer.stdout is not None
        line = next(line for line in consumer.stdout if " anna " in line)
    finally:
        consumer.kill()
        consumer.wait()
        consumer.stdout and consumer.stdout.close()
    assert "idiot" in line
