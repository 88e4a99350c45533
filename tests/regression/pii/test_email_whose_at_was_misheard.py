"""Whisper tiny.en wrote a spoken "maria nine nine at example dot org" as one domain; it was masked as a web address."""

import pytest

from moderation.pii.detector import PiiDetector
from moderation.settings import PiiSettings


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("My email is maria99edexample.org.", "maria99edexample.org"),
        ("my email address is maria99 example.org", "maria99 example.org"),
    ],
)
def test_a_domain_that_is_announced_as_an_address_is_one(text: str, address: str):
    (match,) = PiiDetector(PiiSettings()).find(text, "en")
    assert (match.entity, text[match.start : match.end]) == ("EMAIL", address)


def test_a_site_that_mail_is_said_of_stays_a_site():
    (match,) = PiiDetector(PiiSettings()).find("the best mail site is example.org", "en")
    assert match.entity == "URL"
