"""Reading an answer within bounds: it is refused while it comes, and not when the memory is full.

A server that sends a byte now and then keeps every read within its timeout, in the headers as in
the body; so from the request on a watch runs that cuts the connection when the time is over.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, ProtocolError, ReadTimeoutError, SSLError

from pipelines.core.bounds import Bounds

_CHUNK_BYTES = 2**16
_watched = threading.local()


class OutOfBounds(Exception):
    """An answer is larger or slower than its bounds; the message says which, for who asked."""


class _Watch:
    """Cuts a connection when the time for an answer is over."""

    def __init__(self, total_s: float) -> None:
        self.is_over = False
        self._total_s = total_s
        self._timer: threading.Timer | None = None

    def hold(self, connection: socket.socket) -> None:
        """Begin to watch a connection."""
        self.release()
        self._timer = threading.Timer(self._total_s, self._cut, [connection])
        self._timer.daemon = True
        self._timer.start()

    def release(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self, connection: socket.socket) -> None:
        self.is_over = True
        with suppress(OSError):
            # of the socket itself: who reads by TLS at this moment must not lose its state
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _hold(connection: Any) -> None:
    watch: _Watch | None = getattr(_watched, "watch", None)
    if watch is not None and connection is not None:
        watch.hold(connection)


class _Connection(HTTPConnection):
    def getresponse(self) -> Any:
        _hold(self.sock)
        return super().getresponse()


class _SecureConnection(HTTPSConnection):
    def getresponse(self) -> Any:
        _hold(self.sock)
        return super().getresponse()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class BoundedAdapter(HTTPAdapter):
    """Sends a request and reads its answer to the end, within bounds.

    Args:
        bounds: of each answer.
        options: the library's own.
    """

    def __init__(self, bounds: Bounds, **options: Any) -> None:
        super().__init__(**options)
        self.bounds = bounds

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make connections that can be watched."""
        super().init_poolmanager(*args, **options)
        _watchable(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Make connections through a proxy that can be watched."""
        manager = super().proxy_manager_for(proxy, **options)
        _watchable(manager)
        return manager

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Return the answer with its whole body.

        Raises:
            OutOfBounds: it is larger or slower than the bounds.
            requests.RequestException: as the library does.
        """
        with _watching(self.bounds.total_s) as watch:
            try:
                response = super().send(request, *args, **kwargs)
                body = _read(response.raw, self.bounds)
            except requests.RequestException as problem:
                if not watch.is_over:
                    raise
                raise self._too_slow() from problem
            if watch.is_over:
                raise self._too_slow()
        # as the library does where it reads the body itself
        response._content = body  # noqa: SLF001
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
        return response

    def _too_slow(self) -> OutOfBounds:
        return OutOfBounds(f"was not complete after {self.bounds.total_s:g} s (total_s)")


@contextmanager
def _watching(total_s: float) -> Iterator[_Watch]:
    _watched.watch = watch = _Watch(total_s)
    try:
        yield watch
    finally:
        watch.release()
        _watched.watch = None


def _watchable(manager: Any) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def _read(raw: Any, bounds: Bounds) -> bytes:
    """Read a body; errors are those of `requests`, as if it had read the body itself."""
    parts: list[bytes] = []
    size = 0
    try:
        # one read of the connection at a time, and never more unpacked than a chunk
        while part := raw.read1(_CHUNK_BYTES, decode_content=True):
            parts.append(part)
            size += len(part)
            if problem := bounds.of_answer(raw.tell(), size):
                raw.close()
                raise OutOfBounds(f"is {problem}")
    except ProtocolError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error
    except DecodeError as error:
        raise requests.exceptions.ContentDecodingError(error) from error
    except ReadTimeoutError as error:
        raise requests.ConnectionError(error) from error
    except SSLError as error:
        raise requests.exceptions.SSLError(error) from error
    return b"".join(parts)
