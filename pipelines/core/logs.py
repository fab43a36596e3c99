"""What the product logs: lines for people, or one JSON object a line for programs.

A record says which run it is of, which source, window and load, where that is known: whoever knows
it says so once, around the work, and no message repeats it.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["plain", "json"]
LOGGER = "tokenmart"
FIELDS = (
    *("run", "source", "window", "load_id"),
    # of a request to the service
    *("request_id", "holder", "route", "status", "bytes", "seconds"),
)
_known: ContextVar[dict[str, str]] = ContextVar("known")


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Let the records of this thread say what they are about while the block runs.

    Args:
        fields: some of `FIELDS`.
    """
    token = _known.set({**_known.get({}), **fields})
    try:
        yield
    finally:
        _known.reset(token)


def configure(log_format: LogFormat) -> None:
    """Write to the standard error, from now on, what we log and what others warn of."""
    root, handler = logging.getLogger(), _Handler()
    handler.setFormatter(_Json() if log_format == "json" else _Plain())
    for old in [found for found in root.handlers if isinstance(found, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.getLogger(LOGGER).setLevel(logging.INFO)


class Lines(io.TextIOBase):
    """A stream that logs each line that is written to it: of libraries that print."""

    def __init__(self) -> None:
        self._log = logging.getLogger(f"{LOGGER}.output")
        self._begun = ""

    def write(self, text: str) -> int:
        """Log the lines that are whole, and keep the rest."""
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            if line.strip():
                self._log.info("%s", line)
        return len(text)


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            # whatever is the standard error now: a command sends it to its log
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:  # noqa: BLE001  # as logging's own handlers do
            self.handleError(record)


def _fields(record: logging.LogRecord) -> dict[str, str]:
    known = {**_known.get({}), **vars(record)}
    return {name: str(known[name]) for name in FIELDS if name in known}


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


class _Plain(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        return super().formatMessage(record) + fields
