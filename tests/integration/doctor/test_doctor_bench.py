"""`moderation doctor --bench`, for real and for a moment only."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

MISSING = "vosk:vosk-model-small-en-us-0.15"


def test_the_engines_of_the_settings_are_measured_and_what_is_missing_is_named(tmp_path) -> None:
    environment = os.environ | {
        "MODERATION_ASR__ENGINES": json.dumps({"en": [MISSING, "whisper:tiny.en"], "*": ["vosk:ko"]}),
        "MODERATION_LANGUAGE__CANDIDATES": '["en", "ko"]',
        "MODERATION_LANGUAGE__IDENTIFY_AUDIO": "false",
        "MODERATION_MODELS_DIR": str(tmp_path),
        "MODERATION_BROKER": "127.0.0.1:1",
    }
    command = [sys.executable, "-m", "moderation", "doctor", "--bench", "--json", "--seconds", "0.1"]
    done = subprocess.run(
        [*command, "--encoding", "flac"], env=environment, capture_output=True, text=True, check=False
    )
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1, done.stderr  # nobody answers at that address
    benched = [finding for finding in findings if finding["area"] == "bench"]
    assert [finding["level"] for finding in benched] == ["warning", "ok", "ok"]
    assert MISSING in benched[0]["what"]
    for finding, engine in zip(benched[1:], ["whisper:tiny.en", "vosk:ko"], strict=True):
        figures = finding["figures"]
        assert (figures["engine"], figures["encoding"]) == (engine, "FLAC")
        assert figures["measured_speech_s"] > 5
        assert figures["cpu_ms_per_s_of_speech"] > figures["cpu_ms_per_muted_s"] > 0
        assert figures["model_mb"] > 20
        assert f"{engine}: hearing FLAC" in done.stderr
