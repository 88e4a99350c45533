"""Which kinds of personal data can be found. A new kind is a new file and a line here."""

from collections.abc import Callable, Mapping

from moderation.pii.card import CardRecognizer
from moderation.pii.email_address import EmailRecognizer
from moderation.pii.ip_address import IpAddressRecognizer
from moderation.pii.national_id import NationalIdRecognizer
from moderation.pii.person import PersonRecognizer
from moderation.pii.phone import PhoneRecognizer
from moderation.pii.recognizer import EntityRecognizer
from moderation.pii.url import UrlRecognizer
from moderation.settings import PiiSettings

RECOGNIZERS: Mapping[str, Callable[[PiiSettings], EntityRecognizer]] = {
    "PHONE": lambda settings: PhoneRecognizer(settings.default_region),
    "EMAIL": lambda _: EmailRecognizer.shipped(),
    "CARD": lambda _: CardRecognizer(),
    "NATIONAL_ID": lambda _: NationalIdRecognizer(),
    "IP_ADDRESS": lambda _: IpAddressRecognizer(),
    "URL": lambda _: UrlRecognizer(),
    "PERSON": lambda _: PersonRecognizer.shipped(),
}
"""Kind to what makes its recogniser."""
