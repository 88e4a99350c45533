from pathlib import Path

from moderation.documentation import renew, settings_table

README = Path(__file__).parents[2] / "README.md"


def test_the_tables_of_the_readme_are_those_of_the_code() -> None:
    text = README.read_text(encoding="utf-8")
    assert renew(text) == text, "run: python -m moderation.documentation README.md"


def test_every_setting_is_documented() -> None:
    for row in settings_table().splitlines()[2:]:
        assert row.split("|")[3].strip() not in {"", "None"}, row


def test_no_secret_has_a_default_in_the_table() -> None:
    (row,) = [row for row in settings_table().splitlines() if "SASL_PASSWORD" in row]
    assert "| unset |" in row
