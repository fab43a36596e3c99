"""What is too large, too long or too slow is refused while it comes, by name."""

import gzip
import io
import random
import socket
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.core.bounds import MIB, Bounds
from pipelines.core.payload import PayloadError
from pipelines.core.settings import REPO_DIR
from pipelines.http.client import HttpClient, RequestFailed
from pipelines.sources.binance.parse import BrokenFile, lines
from tests.unit.conftest import Answer, Wire

Send = Callable[[bytes], None]
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def serving(answer: Callable[[Send], None]) -> Iterator[str]:
    """Serve one answer after another, each as the function sends it; yield the address."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                try:
                    answer(connection.sendall)
                except OSError:
                    continue  # who asked has had enough

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.close()


def _bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    piece = b"[" * MIB
    return b"".join([*(packer.compress(piece) for _ in range(size // MIB)), packer.flush()])


def _asked(url: str, **bounds: float) -> HttpClient:
    return HttpClient("testsource", url, budget=None, bounds=Bounds.model_validate(bounds))


_MEASURED = r"""
import re, sys
from pathlib import Path
from pipelines.core.payload import PayloadError
from pipelines.http.client import HttpClient, RequestFailed
client = HttpClient("testsource", sys.argv[1], budget=None)
try:
    client.get_json("x")
except (PayloadError, RequestFailed) as problem:
    print(problem)
# of this process alone: what getrusage says begins with the size of the one that started it
print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the peak")
def test_an_answer_that_unpacks_to_a_gigabyte_takes_no_memory() -> None:
    body = _bomb(1024 * MIB)
    assert len(body) < 1.1 * MIB
    head = _HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)

    with serving(lambda send: send(head + body)) as url:
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, url],
            cwd=REPO_DIR, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    said, _, resident_mb = done.stdout.strip().rpartition("\n")
    assert "the answer of http" in said, done.stderr[-2000:]
    assert "100 times what was sent, unpacked (max_ratio): not taken" in said
    assert int(resident_mb) < 300, f"{resident_mb} MB were resident"


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "unannounced"])
def test_an_answer_without_end_is_cut_off(announced: bool) -> None:
    length = b"Content-Length: %d\r\n\r\n" % (40 * MIB) if announced else b"\r\n"

    def answer(send: Send) -> None:
        send(_HEAD + length)
        for _ in range(40):
            send(b"1" * MIB)

    with (
        serving(answer) as url,
        pytest.raises(RequestFailed, match=r"is more than 2,097,152 bytes \(max_bytes\)"),
    ):
        _asked(url, max_bytes=2 * MIB).get_json("x")


def _drip(send: Send, start: bytes, *pieces: bytes) -> None:
    send(start)
    for piece in pieces * (200 // len(pieces)):
        time.sleep(0.05)
        send(piece)


_PACKED = gzip.compress(random.Random(1).randbytes(20_000))


@pytest.mark.parametrize(
    "answer",
    [
        lambda send: _drip(send, _HEAD + b"Content-Length: 5000\r\n\r\n", b"1"),
        lambda send: _drip(send, _HEAD + b"\r\n", b"1"),
        lambda send: _drip(send, _HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n1\r\n"),
        lambda send: _drip(send, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"1"),
        lambda send: _drip(
            send,
            _HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9000\r\n\r\n" + _PACKED[:5],
            *(_PACKED[at : at + 1] for at in range(5, 205)),
        ),
    ],
    ids=["body", "body until the end", "chunks", "headers", "packed"],
)
def test_a_server_that_drips_is_waited_for_so_long_and_no_longer(
    answer: Callable[[Send], None],
) -> None:
    with serving(answer) as url:
        client = _asked(url, total_s=0.6)
        started = time.monotonic()
        with pytest.raises(RequestFailed, match=r"was not complete after 0\.6 s \(total_s\)"):
            client.get_json("x")
        # alone on a machine it takes six tenths; without the bound, ten seconds and more
        assert time.monotonic() - started < 6


def test_an_answer_in_time_leaves_its_connection_in_use(wire: Wire) -> None:
    wire.says({"a": 1})
    client = _asked(wire.url, total_s=0.3)
    for _ in range(3):
        assert client.get_json("x") == {"a": 1}
        time.sleep(0.2)
    assert client.usage.retry_count == 0, "a watch that was over has cut a connection in use"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" * 100_000, "bytes that are not JSON"),
        (b'{"a":' * 100_000, "bytes that are not JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "bytes that are not JSON"),
        (b"1" * 100_000, "bytes that are not JSON"),
        (b"[1e" + b"9" * 100_000 + b"]", None),
        (b'["\xff\xfe\xfd"]', "bytes that are not JSON"),
        (b'["\x00"]', "bytes that are not JSON"),
        (b'["\\u0000\\ud800"]', None),
        (b"\xfe\xff" + b"\xd8\x00" * 50, "bytes that are not JSON"),
        (b"[{},[],{},[],{},[]]", r"more than 10 values \(max_values\)"),
    ],
    ids=["lists", "objects", "closed lists", "digits", "exponent", "no UTF-8", "NUL",
         "NUL and half a pair", "no UTF-16", "values"],
)  # fmt: skip
@pytest.mark.parametrize("is_busy", [None, bool], ids=["", "looks inside"])
def test_hostile_json_is_a_typed_error(
    wire: Wire, body: bytes, said: str | None, is_busy: Callable[[object], bool] | None
) -> None:
    wire.says(Answer(body))
    bounds = Bounds(max_values=10 if said is not None and "values" in said else 10_000_000)
    client = HttpClient(
        "testsource", wire.url, budget=None, max_attempts=1, is_busy=is_busy, bounds=bounds
    )
    if said is None:
        assert isinstance(client.get_json("x"), list)
        return
    with pytest.raises(PayloadError, match=said):
        client.get_json("x")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the peak")
def test_json_of_empty_lists_takes_no_memory() -> None:
    """Thirty megabytes of it would be seven hundred of lists."""
    body = b"[" + b"[]," * (10 * MIB) + b"[]]"
    head = _HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    with serving(lambda send: send(head + body)) as url:
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, url],
            cwd=REPO_DIR, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
    said, _, resident_mb = done.stdout.strip().rpartition("\n")
    assert "more than 10,000,000 values (max_values)" in said, done.stderr[-2000:]
    assert int(resident_mb) < 300, f"{resident_mb} MB were resident"


def test_a_text_of_one_endless_line_is_refused(wire: Wire) -> None:
    wire.says(Answer(b"a,b\n" + b"1" * 3_000, headers={"Content-Type": "text/csv"}))
    with pytest.raises(PayloadError, match=r"a line of more than 2,000 bytes"):
        _asked(wire.url, max_line_bytes=2_000).get_text("x")
    assert _asked(wire.url, max_line_bytes=3_000).get_text("x").startswith("a,b\n1")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([b"1" * (200 * MIB)], r"zip: more than 100 times what was sent, unpacked \(max_ratio\)"),
        ([random.Random(1).randbytes(2**18).hex().encode()] * 100, r"csv: a line of more than"),
    ],
    ids=["one character", "random"],
)
def test_a_zip_of_one_endless_line_is_refused(content: list[bytes], said: str) -> None:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("X-1d-2024-01.csv", "w") as file,
    ):
        for part in content:
            file.write(part)

    with pytest.raises(BrokenFile, match=said):
        list(lines(packed.getvalue(), "X-1d-2024-01.zip"))


def test_lines_are_measured_each_for_itself() -> None:
    bounds = Bounds(max_line_bytes=4)
    assert bounds.of_lines(b"1234\n" * 10) is None
    assert bounds.of_lines(b"1234") is None
    assert bounds.of_lines(b"1234\n12345") is not None
    assert bounds.of_lines(b"12345\n1234") is not None
