import pytest

from moderation.asr.vosk.messages import FinalReply, Operation, PartialReply, Request, TokenTime


@pytest.mark.parametrize("operation", list(Operation))
def test_requests_survive_the_way(operation: Operation) -> None:
    request = Request(operation, b"\x01\x02")
    assert Request.unpack(request.pack()) == request


@pytest.mark.parametrize("message", [b"", b"Z\x00\x01"])
def test_what_is_no_request_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match="Operation"):
        Request.unpack(message)


def test_replies_survive_the_way() -> None:
    final = FinalReply((TokenTime("아버지", 0.25, 0.5, 0.75),))
    assert FinalReply.unpack(final.pack()) == final
    assert PartialReply.unpack(PartialReply("아버지").pack()) == PartialReply("아버지")
