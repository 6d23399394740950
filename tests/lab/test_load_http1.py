"""Answers cut from a connection's bytes."""

import pytest

from e2e.lab.load.http1 import Response, ResponseReader
from e2e.lab.load.target import read_target, request_renderer
from e2e.lab.workload.http1_body import MalformedError


def _feed(reader: ResponseReader, stream: bytes, piece_bytes: int) -> list[Response]:
    found = [reader.feed(stream[at : at + piece_bytes]) for at in range(0, len(stream), piece_bytes)]
    return [response for response in found if response is not None]


@pytest.mark.parametrize("piece_bytes", [1, 3, 1000], ids=lambda size: f"{size} bytes")
@pytest.mark.parametrize(
    ("stream", "status", "keep_alive"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Version: 2\r\nContent-Length: 3\r\n\r\nabc", 200, True, id="length"),
        pytest.param(
            b"HTTP/1.1 503 No\r\nx-version: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            503,
            True,
            id="chunked",
        ),
        pytest.param(b"HTTP/1.1 204 No Content\r\nx-version: 2\r\nconnection: close\r\n\r\n", 204, False, id="none"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nx-version: 2\r\ncontent-length: 0\r\n\r\n",
            200,
            True,
            id="after 100",
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\nx-version: 2\r\ncontent-length: 1\r\n\r\na", 200, False, id="old"),
    ],
)
def test_an_answer_comes_out_however_the_bytes_come_in(
    stream: bytes, status: int, *, keep_alive: bool, piece_bytes: int
) -> None:
    """Each kind of body ends where it should, wherever the network cuts it."""
    [response] = _feed(ResponseReader(), stream, piece_bytes)
    assert (response.status, response.keep_alive, response.headers[b"x-version"]) == (status, keep_alive, b"2")


def test_an_answer_may_end_with_its_connection() -> None:
    """Without a length the body lasts until the end, and the connection can't be kept."""
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nwhatever") is None
    response = reader.end()
    assert response is not None
    assert not response.keep_alive


def test_a_torn_answer_is_no_answer() -> None:
    """A body shorter than promised is not taken for whole."""
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc") is None
    assert reader.end() is None
    assert reader.begun


@pytest.mark.parametrize("stream", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"], ids=["ssh", "status"])
def test_other_bytes_are_refused(stream: bytes) -> None:
    """What is not HTTP/1.1 raises MalformedError."""
    with pytest.raises(MalformedError):
        ResponseReader().feed(stream)


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://localhost/", "127.0.0.1:80"])
def test_a_url_must_be_plain_and_an_address(url: str) -> None:
    """No names are resolved and no TLS is spoken, and the error says so."""
    with pytest.raises(ValueError, match="the URL must"):
        read_target(url)


def test_headers_may_follow_the_requests_number() -> None:
    """A function of the number gives each request its own headers; host replaces the URL's."""
    render = request_renderer(read_target("http://127.0.0.1:81/x?y=1"), lambda n: {"Host": "shop", "x-user": str(n)})
    assert render(7) == b"GET /x?y=1 HTTP/1.1\r\nhost: shop\r\nuser-agent: rollouts-lab\r\nx-user: 7\r\n\r\n"


def test_a_header_must_not_break_its_line() -> None:
    """A line end inside a header is refused before anything is sent."""
    with pytest.raises(ValueError, match="line end"):
        request_renderer(read_target("http://127.0.0.1/"), {"x": "a\r\nb"})
