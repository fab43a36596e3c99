"""Starting and stopping the server: in a thread of this process, or as a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import uvicorn

from pipelines.sandbox.dataset import Dataset, load
from pipelines.sandbox.server.app import create_app
from pipelines.sandbox.server.state import State

HOST = "127.0.0.1"
READY_LINE = "sandbox listening on "
_START_S = 60.0
_STOP_S = 5.0


class SandboxError(Exception):
    """The server did not start, or its control refused something."""


class _Controlled:
    """A running server that is steered over its own control endpoints."""

    url: str

    def set_clock(self, now: datetime) -> None:
        """Move the server's clock."""
        self._control("PUT", "clock", {"now": now.isoformat()})

    def set_faults(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Replace the faults in force; see `pipelines.sandbox.server.faults.Fault`."""
        self._control("PUT", "faults", list(faults))

    def clear_faults(self) -> None:
        """Take all faults away."""
        self._control("DELETE", "faults")

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults in force, with how often each struck."""
        found: list[dict[str, Any]] = self._control("GET", "faults")
        return found

    def clock(self) -> datetime:
        """Return the server's instant."""
        return datetime.fromisoformat(self._control("GET", "clock")["now"])

    def _control(self, method: str, what: str, body: object = None) -> Any:
        request = urllib.request.Request(  # noqa: S310  # our own loopback address
            f"{self.url}/_sandbox/{what}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        # a proxy of the environment must not be asked for a server of this machine
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            raise SandboxError(f"{method} {what}: {error.read().decode()}") from error


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise SandboxError(f"port {port} on {HOST} cannot be used: {error}") from error
    return listening


def _uvicorn(state: State, *, enforce_limits: bool) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(state, enforce_limits=enforce_limits),
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


class SandboxServer(_Controlled):
    """The server in a thread: for tests, and wherever one process is enough.

    Args:
        dataset: the folder to serve, or a loaded one.
        port: the port on loopback; 0: a free one.
        now: the clock's instant; default: the dataset's.
        enforce_limits: whether the sources' own rate limits hold, in real seconds.

    Raises:
        DatasetError: the folder breaks the layout.
        SandboxError: the port is taken.
    """

    def __init__(
        self,
        dataset: Path | Dataset,
        port: int = 0,
        now: datetime | None = None,
        *,
        enforce_limits: bool = False,
    ) -> None:
        loaded = dataset if isinstance(dataset, Dataset) else load(dataset)
        self._state = State(loaded, now)
        self._socket = _listen(port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self._server = _uvicorn(self._state, enforce_limits=enforce_limits)
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def start(self) -> None:
        """Start, and return when requests are answered."""
        self._thread.start()
        deadline = time.monotonic() + _START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise SandboxError("the server did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop, within a second or so."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        self._socket.close()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()


class SandboxProcess(_Controlled):
    """The server as a process of its own, so that it does not share this one's time.

    It ends with this process, however that ends: it watches its standard input.
    """

    def __init__(self, dataset: Path, port: int = 0, now: datetime | None = None) -> None:
        """Take the folder, the port (0: a free one) and the clock's instant."""
        self._command = [
            sys.executable, "-m", "pipelines.sandbox", "serve",
            "--dataset", str(dataset), "--port", str(port), "--until-stdin-closes",
        ]  # fmt: skip
        if now is not None:
            self._command += ["--now", now.isoformat()]
        self._process: subprocess.Popen[str] | None = None
        self._said: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115  # lives as we do
        self.url = ""

    def start(self) -> None:
        """Start, and return when requests are answered.

        Raises:
            SandboxError: it ended instead; the message is what it said.
        """
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # a file: nobody reads along, and a full pipe would stop the server
            stderr=self._said,
            text=True,
            cwd=Path(__file__).resolve().parents[3],
        )
        line = _pipe(self._process.stdout).readline()
        if not line.startswith(READY_LINE):
            self._process.communicate(timeout=_STOP_S)
            self._said.seek(0)
            raise SandboxError(f"the sandbox did not start: {(line + self._said.read()).strip()}")
        self.url = line.removeprefix(READY_LINE).strip()

    def stop(self) -> None:
        """Stop, within a second or so."""
        process = self._process
        if process is None:
            return
        _pipe(process.stdin).close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _pipe(process.stdout).close()
        self._said.close()
        self._process = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise SandboxError("the server's process has no pipe")
    return stream


def serve(
    dataset: Path,
    port: int,
    now: datetime | None,
    *,
    enforce_limits: bool = False,
    until_stdin_closes: bool = False,
) -> None:
    """Serve a folder in this process until it is asked to stop; say where once it listens.

    Raises:
        DatasetError: the folder breaks the layout.
        SandboxError: the port is taken.
    """
    loaded = load(dataset)
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr, flush=True)
    listening = _listen(port)
    server = _uvicorn(State(loaded, now), enforce_limits=enforce_limits)
    if until_stdin_closes:
        threading.Thread(target=_wait_for_end, args=(server,), daemon=True).start()
    # from here on connections are queued, so whoever reads the line may ask at once
    listening.listen(128)
    print(f"{READY_LINE}http://{HOST}:{listening.getsockname()[1]}", flush=True)
    server.run(sockets=[listening])


def _wait_for_end(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True
