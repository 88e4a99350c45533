"""Web addresses, written and spoken."""

from collections.abc import Callable

import pytest

Find = Callable[..., list[str]]


@pytest.mark.parametrize(
    "address",
    [
        "https://www.example.com/login?next=1",
        "http://example.org",
        "www.example.com",
        "example.com",
        "sub.example.co.uk/path",
        "discord.gg/abc123",
        "example.com:8080/a",
        "t.me/example",
        "www dot example dot com slash login",
        "w w w dot example dot com",
        "double u double u double u dot example dot com",
        "triple w dot example dot com",
        "example dot com",
        "h t t p s colon slash slash example dot com",
        "https colon slash slash example dot org",
        "twitch dot tv slash example",
        "example dot com slash one two three",
    ],
)
def test_addresses_are_found_whole(find: Find, address: str):
    assert find("URL", f"go to {address}, okay") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "connect the dot in the middle",
        "the dot com bubble",
        "dot com",
        "I am done.Me too",
        "at the dot",
        "dot dot dot",
        "e.g. this one",
        "it is 3.5 or so",
        "node.js is great",
    ],
)
def test_other_dots_are_left(find: Find, text: str):
    assert find("URL", text) == []


def test_a_full_stop_behind_an_address_is_no_part_of_it(find: Find):
    assert find("URL", "see example.com/a. Then go.") == ["example.com/a"]


def test_two_addresses_are_two(find: Find):
    assert find("URL", "example.com or example.org/b") == ["example.com", "example.org/b"]
