from loadtest.hostile_forge import Case, Envelope, case
from loadtest.hostile_ledger import Ledger, checksum_of, checksum_of_envelope
from loadtest.hostile_sender import partition_of

MESSAGE = Envelope(place="p", key=b"k", value=b"v")
SUM = checksum_of_envelope(MESSAGE)


def a_case(outcomes: str, name: str = "case") -> Case:
    return case(name, outcomes, lambda _: MESSAGE)


def ledger(*outcomes: str) -> tuple[Ledger, list[Case]]:
    """One message a case, at offsets from 10 on in partition 0."""
    cases = [a_case(each, f"case {number}") for number, each in enumerate(outcomes)]
    book = Ledger(cases)
    book.sent(0, 10, ((each, SUM) for each in cases))
    return book, cases


def test_a_message_that_had_to_be_refused_and_was_is_right() -> None:
    book, _ = ledger("key_mismatch")
    book.refused(0, 10, "key_mismatch", SUM)
    account = book.account()
    assert account.is_right
    assert (account.sent, account.refused, account.accepted, account.by_code) == (1, 1, 0, {"key_mismatch": 1})


def test_a_message_that_may_be_accepted_and_was_is_right() -> None:
    book, _ = ledger("accepted key_mismatch")
    assert book.account().is_right
    assert book.account().accepted == 1


def test_a_missing_dead_letter_is_told_by_its_case() -> None:
    account = ledger("key_mismatch", "accepted")[0].account()
    assert not account.is_right
    assert account.missing == 1
    assert account.examples == {"case 0: accepted": 1}


def test_a_dead_letter_with_another_code_is_unexpected() -> None:
    book, _ = ledger("key_mismatch")
    book.refused(0, 10, "processing_failed", SUM)
    account = book.account()
    assert (account.missing, account.unexpected) == (0, 1)
    assert not account.is_right


def test_a_dead_letter_of_an_honest_stream_is_told() -> None:
    book, _ = ledger("accepted")
    book.refused(0, 11, "undecodable_audio", SUM)
    book.refused(3, 0, "undecodable_audio", SUM)
    assert book.account().innocent == 2
    assert not book.account().is_right


def test_a_repeated_dead_letter_counts_once() -> None:
    book, _ = ledger("key_mismatch")
    book.refused(0, 10, "key_mismatch", SUM)
    book.refused(0, 10, "key_mismatch", SUM)
    account = book.account()
    assert account.is_right
    assert (account.refused, account.redelivered_letters, book.letters) == (1, 1, 2)


def test_a_dead_letter_may_come_before_the_confirmation_of_what_it_is_about() -> None:
    one = a_case("key_mismatch")
    book = Ledger([one])
    book.refused(5, 2, "key_mismatch", SUM)
    book.sent(5, 2, [(one, SUM)])
    assert book.account().is_right


def test_a_dead_letter_that_holds_something_else_is_altered_whichever_comes_first() -> None:
    book, (one,) = ledger("key_mismatch")
    book.refused(0, 10, "key_mismatch", checksum_of(b"k", b"another"))
    book.refused(1, 0, "key_mismatch", checksum_of(None, b"v"))
    book.sent(1, 0, [(one, SUM)])
    assert book.account().altered == 2
    assert not book.account().is_right


def test_a_dead_letter_whose_value_was_too_large_to_be_kept_is_not_compared() -> None:
    book, _ = ledger("payload_too_large")
    book.refused(0, 10, "payload_too_large", None)
    assert book.account().is_right


def test_a_null_key_and_an_empty_one_differ() -> None:
    assert checksum_of(None, b"v") != checksum_of(b"", b"v")


def test_hostile_messages_go_where_honest_ones_with_their_key_go() -> None:
    from aiokafka.partitioner import DefaultPartitioner

    partitions = list(range(12))
    for place in ("a", "stream-1", "\u6f22"):
        assert partition_of(place, 12) == DefaultPartitioner()(place.encode(), partitions, partitions)
