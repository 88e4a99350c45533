"""E-mail addresses, written and spoken."""

from collections.abc import Callable

import pytest

Find = Callable[..., list[str]]


@pytest.mark.parametrize(
    "address",
    [
        "j.doe@example.com",
        "john_doe+games@mail.example.co.uk",
        "JOHN@EXAMPLE.ORG",
        "john.doe at gmail.com",
        "john dot doe@gmail.com",
        "j-doe99@example.io",
        "john@gmail. com",
    ],
)
def test_written_addresses_are_found(find: Find, address: str):
    assert find("EMAIL", f"so ({address}), right") == [address]


@pytest.mark.parametrize(
    "address",
    [
        "john dot doe at gmail dot com",
        "j doe at example dot org",
        "john underscore doe at example dot com",
        "john dash doe at mail dot example dot co dot uk",
        "maria nine nine at example dot org",
        "maria ninety nine at example dot org",
        "maria 99 at example.org",
        "j o h n at g mail dot com",
        "j, o, h, n, at gmail dot com",
        "cool gamer at hot mail dot com",
        "john dot um doe at gmail dot com",
    ],
)
def test_spoken_addresses_are_found_whole(find: Find, address: str):
    assert find("EMAIL", f"my email is {address} okay") == [address]


def test_a_provider_alone_counts_where_mail_is_the_topic(find: Find):
    assert find("EMAIL", "my email is cool dot gamer at gmail") == ["cool dot gamer at gmail"]
    assert find("EMAIL", "it is john.smith at gmail") == ["john.smith at gmail"]
    assert find("EMAIL", "she works at yahoo") == []


@pytest.mark.parametrize(
    "text",
    [
        "we are at the dot",
        "look at example dot com",
        "stream at twitch dot tv slash coolguy",
        "get your tickets at example.com",
        "this Friday at example.tv",
        "by the way, at example.com/shop",
        "meet me at noon",
        "@ @ @",
        "at dot com",
    ],
)
def test_places_and_sites_are_left(find: Find, text: str):
    assert find("EMAIL", text) == []


@pytest.mark.parametrize("language", ["ko", "de", "und", "ja"])
def test_addresses_are_found_in_every_language(find: Find, language: str):
    assert find("EMAIL", "\uba54\uc77c john@example.com \uc774\uc57c", language) == ["john@example.com"]
