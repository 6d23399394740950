"""Requests cut from a connection's bytes."""

import pytest

from e2e.lab.workload.http1 import Request, RequestReader
from e2e.lab.workload.http1_body import MalformedError

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"5;name=x\r\nhello\r\n0d\r\n \r\n\r\n0\r\n\r\n...\r\n0\r\nTrailer: 1\r\n\r\n"
)
STREAM = GET + POST + CHUNKED
REQUESTS = [
    Request(b"GET", b"/a", keep_alive=True),
    Request(b"POST", b"/b", keep_alive=True),
    Request(b"PUT", b"/c", keep_alive=False),
]


@pytest.mark.parametrize("piece_bytes", [1, 2, 7, len(STREAM)], ids=lambda size: f"{size} bytes")
def test_requests_come_out_however_the_bytes_come_in(piece_bytes: int) -> None:
    """Pipelined requests with and without bodies are told apart wherever the network cuts them."""
    reader, found = RequestReader(), []
    for at in range(0, len(STREAM), piece_bytes):
        reader.feed(STREAM[at : at + piece_bytes])
        while (request := reader.next_request()) is not None:
            found.append(request)
    assert found == REQUESTS
    assert not reader.mid_request


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", False, id="close"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", False, id="old"),
        pytest.param(b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", True, id="old but kept"),
    ],
)
def test_a_connection_is_kept_as_the_client_wants(head: bytes, keep_alive: bool) -> None:  # noqa: FBT001
    """Connection and the HTTP version decide together."""
    reader = RequestReader()
    reader.feed(head)
    request = reader.next_request()
    assert request is not None
    assert request.keep_alive is keep_alive


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\r\n\r\n", id="tls"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: ten\r\n\r\n", id="length"),
        pytest.param(b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="chunk"),
        pytest.param(b"x" * 70_000, id="endless head"),
    ],
)
def test_other_bytes_are_refused(stream: bytes) -> None:
    """What is not HTTP/1.1 raises MalformedError and nothing else."""
    reader = RequestReader()
    reader.feed(stream)
    with pytest.raises(MalformedError):
        reader.next_request()


def test_a_client_that_waits_before_its_body_is_noticed() -> None:
    """Expect: 100-continue is seen as soon as the head is there."""
    reader = RequestReader()
    reader.feed(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert reader.next_request() is None
    assert reader.wants_continue
    reader.feed(b"ok")
    assert reader.next_request() is not None
