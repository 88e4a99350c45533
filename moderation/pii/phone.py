"""Phone numbers, written and spoken: E.164, national, and seven local digits."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata

from moderation.errors import ConfigurationError
from moderation.pii.match import PiiMatch
from moderation.pii.reading import DigitRun, Reading

_CONTEXT = frozenset(
    {
        "call", "phone", "cell", "cellphone", "mobile", "telephone", "landline", "dial", "text me", "text him",
        "text her", "whatsapp", "reach me", "reach her", "reach him", "ring me", "my number", "his number",
        "her number", "their number", "your number", "number is", "number's", "my digits", "contact me", "fax",
        "hotline", "text you", "reach", "number", "numbers",
        "message me", "facetime", "hit me", "handy", "telefon", "numero", "t\u00e9l\u00e9phone",
        "tel\u00e9fono", "telefone", "\uc804\ud654", "\ubc88\ud638",
    }
)  # fmt: skip
_OTHER_CODES = frozenset(
    {
        "code", "lobby", "room", "seed", "password", "passcode", "pin", "order", "version", "score", "points", "gold",
        "coins", "damage", "xp", "tracking", "ticket", "serial", "id",
    }
)  # fmt: skip
_REGIONS_OF_LANGUAGE = {
    "ko": ("KR",), "de": ("DE", "AT", "CH"), "fr": ("FR", "BE", "CH"), "es": ("ES", "MX", "AR", "CO"),
    "pt": ("BR", "PT"), "ja": ("JP",), "it": ("IT",), "nl": ("NL", "BE"), "pl": ("PL",), "tr": ("TR",),
    "ru": ("RU",), "sv": ("SE",), "zh": ("CN", "TW"), "hi": ("IN",), "vi": ("VN",),
}  # fmt: skip
_ENGLISH_WITH_TRUNK_ZERO = ("GB", "AU", "IE", "NZ", "ZA")
_LEAST_READ_OUT = 8
_INTERNATIONAL_LENGTHS = frozenset(range(8, 16))
_COUNT_WORDS = {7: "seven", 8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen",
                14: "fourteen", 15: "fifteen"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Region:
    """What may be a national number in a region, cheaply checked before phonenumbers is asked."""

    name: str
    lengths: frozenset[int]
    local_lengths: frozenset[int]

    @classmethod
    def of(cls, name: str) -> "_Region":
        metadata = PhoneMetadata.metadata_for_region(name)
        if metadata is None:
            raise ConfigurationError(f"the phone region {name} is not known; use an ISO 3166 code such as US or GB")
        trunk = len(metadata.national_prefix or "")
        general = metadata.general_desc
        national = frozenset(length for length in (general.possible_length if general else ()) if length >= 7)
        only_locally = general.possible_length_local_only if general and name in {"US", "CA"} else ()
        local = frozenset(only_locally)
        return cls(name, national | {length + trunk for length in national}, local & {7})

    def accepts(self, digits: str) -> bool:
        """Whether phonenumbers holds it for a valid number of this region."""
        if len(digits) not in self.lengths:
            return False
        try:
            return bool(phonenumbers.is_valid_number(phonenumbers.parse(digits, self.name)))
        except NumberParseException:
            return False


@dataclass(frozen=True)
class PhoneRecognizer:
    """Runs of digits that phonenumbers holds for valid, or that are shaped and introduced like a phone number.

    A number that was misheard by a digit is still one to hide, so a run of the right length that is introduced by "call
    me" and the like counts, too.
    """

    default_region: str
    entity: str = "PHONE"
    _regions: dict[str, _Region] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Check the region.

        Raises:
            ConfigurationError: phonenumbers does not know it.
        """
        names = {self.default_region, *_ENGLISH_WITH_TRUNK_ZERO}
        names.update(name for regions in _REGIONS_OF_LANGUAGE.values() for name in regions)
        self._regions.update({name: _Region.of(name) for name in sorted(names)})

    def find(self, reading: Reading, language: str) -> Iterator[PiiMatch]:
        """Find phone numbers."""
        for run in reading.runs:
            if len(run.digits) >= 7:
                yield from self._in_run(reading, run, language)

    def _in_run(self, reading: Reading, run: DigitRun, language: str) -> Iterator[PiiMatch]:
        prefix = _international_prefix(reading, run)
        if prefix is not None:
            international = _international(run)
            # "Plus six, ten, fifteen" is a sum; only the sign itself makes an invalid number one to hide.
            if international is not None and (international[1] or reading.norm(prefix) == "+"):
                part, valid = international
                rule = "international prefix" + (", valid" if valid else "")
                yield self._match(reading, part, 0.95 if valid else 0.7, rule, first=prefix)
                return
        first, last = run.atoms[0].first, run.atoms[-1].last
        introduced = reading.says_near(first, last, _CONTEXT)
        if run.is_in_order and not introduced:
            return
        whole = self._whole(reading, run, language, introduced=introduced)
        if whole is not None:
            yield whole
            return
        within = list(self._within(reading, run, language, introduced=introduced))
        yield from within
        if not within and (introduced or self._is_read_out(run)) and not self._is_something_else(reading, run):
            rule = f"{_count(run)}, {'introduced as a phone number' if introduced else 'read out one by one'}"
            yield self._match(reading, run, 0.6 if introduced else 0.45, rule)

    def _whole(self, reading: Reading, run: DigitRun, language: str, *, introduced: bool) -> PiiMatch | None:
        """The run as one number, with or without an "oh" at its ends that was an interjection."""
        candidates = [
            candidate
            for candidate in _without_interjections(reading, run)
            if 7 <= len(candidate.digits) <= 15 and (introduced or not candidate.is_counting)
        ]
        for judge in (self._valid, self._introduced, self._shaped, self._read_out):
            for candidate in candidates:
                found = judge(reading, candidate, language, introduced=introduced)
                if found is not None:
                    score, why = found
                    return self._match(reading, candidate, score, f"{_count(candidate)}, {why}")
        return None

    def _valid(self, _reading: Reading, run: DigitRun, language: str, *, introduced: bool) -> tuple[float, str] | None:
        region = self._valid_in(run, language)
        # Nobody counts with leading zeros: 06 39 98 12 34 is a number that names something.
        if region is None or not (introduced or run.is_read_out or run.digits[0] == "0"):
            return None
        return (0.95, f"valid in {region}, introduced as a phone number") if introduced else (0.8, f"valid in {region}")

    def _introduced(
        self, _reading: Reading, _run: DigitRun, _language: str, *, introduced: bool
    ) -> tuple[float, str] | None:
        return (0.75, "introduced as a phone number") if introduced else None

    def _shaped(
        self,
        reading: Reading,
        run: DigitRun,
        _language: str,
        *,
        introduced: bool,  # noqa: ARG002
    ) -> tuple[float, str] | None:
        if self._is_something_else(reading, run):
            return None
        shape = self._shape(reading, run)
        return (0.6, shape) if shape else None

    def _read_out(
        self,
        reading: Reading,
        run: DigitRun,
        _language: str,
        *,
        introduced: bool,  # noqa: ARG002
    ) -> tuple[float, str] | None:
        if self._is_something_else(reading, run):
            return None
        # Whatever it is, few but personal numbers are read out like this; a digit may be missing or misheard.
        return (0.45, "read out one by one") if self._is_read_out(run) else None

    def _within(self, reading: Reading, run: DigitRun, language: str, *, introduced: bool) -> Iterator[PiiMatch]:
        """Valid numbers inside a longer run."""
        lengths = self._regions[self.default_region].lengths
        behind = -1
        for part in run.windows(lengths, lambda digits: len(set(digits)) >= 4):
            if part.atoms[0].first <= behind or part.is_counting or not (introduced or part.is_read_out):
                continue
            region = self._valid_in(part, language)
            if region:
                behind = part.atoms[-1].last
                rule = f"{_COUNT_WORDS.get(len(part.digits), 'several')} of a longer run of digits, valid in {region}"
                yield self._match(reading, part, 0.75 if introduced else 0.55, rule)

    def _valid_in(self, run: DigitRun, language: str) -> str | None:
        digits = run.digits
        names = [self.default_region, *_REGIONS_OF_LANGUAGE.get(language, ())]
        if digits[0] == "0":
            names += _ENGLISH_WITH_TRUNK_ZERO
        return next((name for name in names if self._regions[name].accepts(digits)), None)

    def _is_local(self, run: DigitRun) -> bool:
        return len(run.digits) in self._regions[self.default_region].local_lengths and run.digits[0] in "23456789"

    def _shape(self, reading: Reading, run: DigitRun) -> str | None:
        """Why a run that is neither valid nor introduced still reads like a phone number."""
        groups = tuple(len(atom.digits) for atom in run.atoms)
        if run.digits[0] == "0":
            written = len(groups) == 3 and min(groups[1:]) >= 3 and reading.norm(run.atoms[-1].first - 1) in {"-", "."}
            if written and 9 <= sum(groups) <= 12:
                return "grouped like a phone number"
            read_out = run.is_read_out and run.atoms[0].spoken and 10 <= sum(groups) <= 11
            return "read out, with a zero in front" if read_out else None
        return self._north_american_shape(reading, run, groups)

    def _is_read_out(self, run: DigitRun) -> bool:
        return run.is_single_digits and (len(run.digits) >= _LEAST_READ_OUT or self._is_local(run))

    def _is_something_else(self, reading: Reading, run: DigitRun) -> bool:
        return reading.says_near(run.atoms[0].first, run.atoms[-1].last, _OTHER_CODES)

    def _north_american_shape(self, reading: Reading, run: DigitRun, groups: tuple[int, ...]) -> str | None:
        if not self._regions[self.default_region].local_lengths:
            return None
        count = len(run.digits)
        national = count == 10 or (count == 11 and run.digits[0] == "1")
        if not national and not self._is_local(run):
            return None
        if groups in {(3, 3, 4), (1, 3, 3, 4), (3, 4)} and not any(atom.spoken for atom in run.atoms):
            hyphenated = reading.norm(run.atoms[-1].first - 1) in {"-", "."}
            return "grouped like a phone number" if hyphenated or national else None
        if national and groups in {(10,), (11,)}:
            return "written like a phone number"
        zeros = any(atom.digits[0] == "0" and len(atom.digits) >= 3 for atom in run.atoms[1:])
        if national and zeros and not any(atom.spoken for atom in run.atoms):
            return "with a zero in front of a group"
        one_by_one = sum(len(atom.digits) for atom in run.atoms if atom.single and (atom.spoken or national))
        blocks = all(atom.single or len(atom.digits) == 3 for atom in run.atoms)
        return "read out one by one" if blocks and one_by_one >= 4 else None

    def _match(self, reading: Reading, run: DigitRun, score: float, rule: str, *, first: int | None = None) -> PiiMatch:
        start, end = reading.run_span(run)
        if first is not None:
            start = reading.tokens[first].start
        if start and reading.text[start - 1] == "(" and ")" in reading.text[start:end]:
            start -= 1
        return PiiMatch(start=start, end=end, entity=self.entity, score=score, rule=rule)


def _count(run: DigitRun) -> str:
    count = len(run.digits)
    misheard = f", {run.misheard} of them heard as other words" if run.misheard else ""
    return f"{_COUNT_WORDS.get(count, str(count))} digits{misheard}"


def _without_interjections(reading: Reading, run: DigitRun) -> list[DigitRun]:
    """The run, and what it is when an "oh" at its beginning or end was no zero."""
    runs = [run]
    if reading.norm(run.atoms[0].first) == "oh":
        runs.append(run.part(1, len(run.atoms) - 1))
    if reading.norm(run.atoms[-1].last) == "oh":
        runs.append(run.part(0, len(run.atoms) - 2))
    return runs


def _international_prefix(reading: Reading, run: DigitRun) -> int | None:
    """The token that starts an international number, if one does."""
    first = run.atoms[0].first
    before = first - 1 if reading.norm(first - 1) != "(" else first - 2
    if reading.norm(before) in {"+", "plus"}:
        return before
    return first if run.digits.startswith(("00", "011")) else None


def _international(run: DigitRun) -> tuple[DigitRun, bool] | None:
    """The longest valid international number at the start of a run, or the whole run if it may be one."""
    count = 0
    valid = None
    for last, atom in enumerate(run.atoms):
        count += len(atom.digits)
        if count > 18:
            break
        part = run.part(0, last)
        digits = part.digits.removeprefix("011") if part.digits.startswith("011") else part.digits.removeprefix("00")
        if len(digits) in _INTERNATIONAL_LENGTHS and _is_valid_international(digits):
            valid = part
    if valid is not None:
        return valid, True
    prefixed = run.digits.startswith("0")
    return (run, False) if len(run.digits) in _INTERNATIONAL_LENGTHS and not prefixed else None


def _is_valid_international(digits: str) -> bool:
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse("+" + digits, None)))
    except NumberParseException:
        return False
