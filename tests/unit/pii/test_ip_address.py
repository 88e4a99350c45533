"""IP addresses, written and spoken."""

from collections.abc import Callable

import pytest

Find = Callable[..., list[str]]


@pytest.mark.parametrize(
    "address",
    [
        "192.168.1.1",
        "203.0.113.7",
        "192 dot 168 dot 1 dot 1",
        "one nine two dot one six eight dot one dot one",
        "one ninety two dot one sixty eight dot one dot one",
        "one hundred ninety two dot one hundred sixty eight dot zero dot one",
        "two zero three, dot zero, dot one one three, dot seven",
        "ten point zero point zero point one",
        "2001:db8::ff00:42:8329",
        "2001:0db8:0000:0000:0000:ff00:0042:8329",
    ],
)
def test_addresses_are_found(find: Find, address: str):
    assert find("IP_ADDRESS", f"so {address} okay") == [address]


def test_a_number_behind_an_address_is_no_part_of_it(find: Find):
    assert find("IP_ADDRESS", "203.0.113.7 415-555-0133") == ["203.0.113.7"]
    assert find("IP_ADDRESS", "203 dot 0 dot 113 dot 77 8 9 10") == ["203 dot 0 dot 113 dot 77"]


def test_a_space_behind_the_dots_needs_a_topic(find: Find):
    assert find("IP_ADDRESS", "the server is 203. 0. 113. 7") == ["203. 0. 113. 7"]
    assert find("IP_ADDRESS", "ready 4. 3. 2. 1") == []


@pytest.mark.parametrize(
    "text",
    [
        "version 1.2.3.4 is out",
        "1.2.3",
        "1.2.3.4.5",
        "192.168.1.256",
        "three point five",
        "10:30:45",
        "::",
        "a::b",
        "at the dot one dot",
    ],
)
def test_versions_decimals_and_times_are_left(find: Find, text: str):
    assert find("IP_ADDRESS", text) == []
