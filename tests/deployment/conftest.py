"""What a deployment stands beside: a PostgreSQL of Debian's, a bucket, a collector of traces."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import _first, dataset, project
from tests.e2e.test_ui_backfill import _free_port
from tests.unit.lake.conftest import serve

__all__ = ["_first", "dataset", "project", "serve"]

_NEEDS = "`make extras` installs what this needs"
PASSWORD = "not-to-be-found-anywhere"


@dataclass(frozen=True)
class SentSpan:
    """One span as the collector got it."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    attributes: dict[str, Any]
    seconds: float
    is_error: bool


@dataclass
class Collector:
    """What answers to OTLP over HTTP, and keeps what it was sent."""

    url: str
    spans: list[SentSpan] = field(default_factory=list)
    services: set[str] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, str]:
        """OpenTelemetry's own variables that lead here."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url}

    def take(self, body: bytes) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            said = {item.key: item.value for item in resource.resource.attributes}
            self.services.add(said["service.name"].string_value)
            for scope in resource.scope_spans:
                self.spans += [
                    SentSpan(
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.name,
                        {
                            item.key: getattr(item.value, item.value.WhichOneof("value"))
                            for item in span.attributes
                        },
                        (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                        span.status.code == 2,
                    )
                    for span in scope.spans
                ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter", reason=_NEEDS)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            found.take(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Collector(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()


@dataclass(frozen=True)
class Bucket:
    """A bucket of an S3-compatible server, and the variables that lead there."""

    url: str
    environment: dict[str, str]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    pytest.importorskip("moto", reason=_NEEDS)
    s3fs = pytest.importorskip("s3fs", reason=_NEEDS)
    port = _free_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": PASSWORD,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        s3fs.S3FileSystem.clear_instance_cache()
        _patiently(lambda: s3fs.S3FileSystem().mkdir("market-data"))
        yield Bucket("s3://market-data/lake", environment)
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A database of a server that listens to a socket of its own, and asks for a password."""
    pytest.importorskip("psycopg2", reason=_NEEDS)
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        pytest.skip("PostgreSQL is not here: apt-get install postgresql")
    # the server refuses to be root's
    owner = {"user": "postgres"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        (folder / "password").write_text(PASSWORD)
        if owner:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres")

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [str(binaries[-1] / program), *arguments],
                check=True,
                cwd=folder,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PGPASSWORD": PASSWORD},
                **owner,  # type: ignore[arg-type]
            )

        data = str(folder / "data")
        run("initdb", "-D", data, "-U", "tokenmart", "-A", "scram-sha-256",
            "--pwfile", str(folder / "password"), "--no-sync")  # fmt: skip
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            run("createdb", "-h", str(folder), "-U", "tokenmart", "tokenmart")
            yield f"postgresql://tokenmart:{PASSWORD}@/tokenmart?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _patiently(attempt: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            attempt()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return
