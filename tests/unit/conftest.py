"""A scripted HTTP server on loopback, and what tests of the core share."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock


@dataclass
class Answer:
    """One scripted answer."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    announced_length: int | None = None


@dataclass
class Wire:
    """A server that gives scripted answers in turn, the last one again and again."""

    url: str = ""
    script: list[Answer] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def says(self, *answers: Answer | Any) -> None:
        """Set the next answers; what is not an `Answer` is sent as JSON."""
        self.script[:] = [
            answer if isinstance(answer, Answer) else Answer(json.dumps(answer).encode())
            for answer in answers
        ]

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.seen]

    def next(self) -> Answer:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@pytest.fixture
def wire() -> Iterator[Wire]:
    state = Wire()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # the library's name
            state.seen.append((self.path, dict(self.headers)))
            answer = state.next()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            length = answer.announced_length
            self.send_header("Content-Length", str(len(answer.body) if length is None else length))
            self.end_headers()
            self.wfile.write(answer.body)
            if length is not None:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made; none is."""
    taken: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", taken.append)
    return taken


NOW = datetime(2025, 11, 11, 6, tzinfo=UTC)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", sandbox_url="http://127.0.0.1:9", _env_file=None)
