"""Faults on demand: what a source does wrong, for so many requests.

Faults of transport answer in the source's place. Faults of content change the rows of an answer;
every wire format says where its rows are (`reply.Shape`), so each kind is written once.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from pipelines.sandbox.server.reply import JSON, Reply, Shape, text
from pipelines.sandbox.server.wire import MOUNTS

TransportKind = Literal[
    "400", "403", "418", "429", "451", "500", "502", "503", "html", "truncated", "empty", "slow",
    "drop", "error_in_200", "answer",
]  # fmt: skip
ContentKind = Literal[
    "duplicate_page", "duplicate_rows", "unordered", "short_page", "unknown_enum", "wrong_type",
    "negative_price", "missing_field", "null_field", "new_field",
]  # fmt: skip

_HTML = (
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head>"
    "<body>Checking your browser before accessing the site.</body></html>"
)
_BLOCKED = (
    "Service unavailable from a restricted location according to 'b. Eligibility' in "
    "https://www.binance.com/en/terms. Please contact customer service if you believe you "
    "received this message in error."
)
# what stands where two pages of one list differ: a repeated page is the same list's
_PAGING = frozenset(
    {
        "startTime",
        "endTime",
        "start",
        "end",
        "since",
        "next_page_token",
        "start_time",
        "end_time",
        "after",
        "before",
        "cursor",
        "limit",
    }
)


class Fault(BaseModel):
    """One fault: where it strikes, what it does, how often."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="a source's name, or * for all")
    kind: TransportKind | ContentKind
    path_prefix: str = Field(default="/", description="path below the source: /api/v3/klines")
    contains: str = Field(
        default="", description="text that path, query or posted body must contain: BTCUSDT"
    )
    skip: int = Field(default=0, ge=0, description="matching requests that go well before")
    times: int | None = Field(default=None, ge=1, description="how often; null: until taken away")
    retry_after: float | None = Field(default=None, ge=0, description="seconds, for 429, 418, 503")
    delay_s: float = Field(default=1.0, ge=0, description="for slow")
    message: str = Field(default="", description="for error_in_200, 400: the source's words")
    status: int = Field(default=200, ge=200, le=599, description="for answer: its HTTP status")
    body: str = Field(default="", description="for answer: its body, byte for byte")
    media_type: str = Field(default=JSON, description="for answer: what its body is said to be")
    hits: int = Field(default=0, ge=0, description="how often it struck so far")

    _seen: int = PrivateAttr(default=0)

    @model_validator(mode="after")
    def _known_source(self) -> Self:
        if self.source not in ("*", *MOUNTS):
            raise ValueError(f"no such source: {self.source}; there are {', '.join(MOUNTS)}")
        return self

    def strikes(self, source: str, path: str, asked: str) -> bool:
        """Count a request, whose path, query and body `asked` has; say whether it is struck."""
        if self.source not in ("*", source) or not path.startswith(self.path_prefix):
            return False
        if self.contains not in asked:
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        self._seen += 1
        if self._seen <= self.skip:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        """Begin without any."""
        self.active: list[Fault] = []
        self._pages: dict[tuple[str, str, frozenset[tuple[str, str]]], Reply] = {}

    def set(self, faults: list[Fault]) -> None:
        """Replace all faults."""
        self.active = faults
        self._pages.clear()

    def striking(self, source: str, path: str, query: str, body: bytes = b"") -> list[Fault]:
        """Return the faults that strike a request, counting it."""
        asked = f"{path}?{query}\n{body.decode(errors='replace')}"
        return [fault for fault in self.active if fault.strikes(source, path, asked)]

    def spoil(
        self, reply: Reply, fault: Fault, source: str, path: str, query: Mapping[str, str]
    ) -> Reply:
        """Return the answer as a fault of content leaves it."""
        if reply.shape is None or reply.status != 200:
            return reply
        if fault.kind == "duplicate_page":
            return self._pages.get(_page_key(source, path, query), reply)
        payload = _SPOILERS[fault.kind](reply.payload, reply.shape)
        return Reply(payload, reply.status, reply.headers, reply.media_type, reply.shape)

    def remember(self, reply: Reply, source: str, path: str, query: Mapping[str, str]) -> None:
        """Keep an answer that went well, for a later one to repeat it."""
        if any(fault.kind == "duplicate_page" for fault in self.active):
            self._pages[_page_key(source, path, query)] = reply


def _page_key(
    source: str, path: str, query: Mapping[str, str]
) -> tuple[str, str, frozenset[tuple[str, str]]]:
    return source, path, frozenset(item for item in query.items() if item[0] not in _PAGING)


def is_transport(fault: Fault) -> bool:
    """Say whether the fault answers in the source's place, or breaks the body's bytes."""
    return fault.kind not in _SPOILERS and fault.kind != "duplicate_page"


def instead(fault: Fault, source: str) -> Reply | None:
    """Return what a fault of transport answers instead, or None if the body is still needed."""
    wait = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    match fault.kind:
        case "429" | "418" | "503" | "500" | "502" | "400":
            status = int(fault.kind)
            reply = _failure(source, status, fault.message)
            return Reply(reply.payload, status, wait, reply.media_type)
        case "451":
            return Reply({"code": 0, "msg": fault.message or _BLOCKED}, status=451)
        case "403":
            return text(_HTML, 403, "text/html")
        case "html":
            return text(_HTML, 200, "text/html")
        case "empty":
            return text("", 200, "application/json")
        case "error_in_200":
            return Reply(MOUNTS[source].failed(fault.message))
        case "answer":
            return Reply(fault.body, fault.status, wait, fault.media_type)
        case _:
            return None


def _failure(source: str, status: int, message: str) -> Reply:
    if status in (429, 418):
        return MOUNTS[source].throttled(message)
    if status == 400:
        return Reply(MOUNTS[source].failed(message))
    # whatever fails behind it, the proxy in front answers in its own words
    return text(_HTML, status, "text/html")


Spoiler = Callable[[Any, Shape], Any]


def _cell(row: Any, name: int | str) -> Any:
    """Return the key (or index) of a cell; a number stands for an object's so-manieth key."""
    if isinstance(row, dict) and isinstance(name, int):
        keys = list(row)
        return keys[name] if name < len(keys) else None
    return name


def _with(row: Any, name: int | str, change: Callable[[Any], Any]) -> Any:
    """Return a copy of the row with one cell changed."""
    if not isinstance(row, (dict, list, tuple)):
        return row
    changed: Any = copy.deepcopy(row) if isinstance(row, dict) else list(row)
    key = _cell(changed, name)
    if isinstance(changed, dict) and key not in changed:
        return changed
    changed[key] = change(changed[key])
    return changed


def _first_row(payload: Any, shape: Shape, change: Callable[[Any], Any]) -> Any:
    rows = list(shape.rows(payload))
    if rows:
        rows[0] = change(rows[0])
    return shape.rebuild(payload, rows)


def _negated(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _negated(amount) for key, amount in value.items()}
    if isinstance(value, str):
        return f"-{value.lstrip('-')}"
    return -abs(value) if isinstance(value, (int, float)) else value


def _without(row: Any, name: int | str) -> Any:
    key = _cell(row, name)
    if isinstance(row, dict):
        return {other: value for other, value in row.items() if other != key}
    return [value for number, value in enumerate(row) if number != key]


_SPOILERS: dict[str, Spoiler] = {
    "duplicate_rows": lambda body, shape: shape.rebuild(
        body, [row for row in shape.rows(body) for _ in range(2)]
    ),
    "unordered": lambda body, shape: shape.rebuild(
        body, [*shape.rows(body)[1::2], *shape.rows(body)[::2]]
    ),
    "short_page": lambda body, shape: shape.rebuild(
        body, list(shape.rows(body)[: len(shape.rows(body)) // 2])
    ),
    "unknown_enum": lambda body, shape: (
        body
        if shape.enum is None
        else _first_row(
            body, shape, lambda row: _with(row, shape.enum or 0, lambda _: "HIBERNATING")
        )
    ),
    "wrong_type": lambda body, shape: _first_row(
        body, shape, lambda row: _with(row, shape.column, lambda _: ["not", "a", "value"])
    ),
    "negative_price": lambda body, shape: _first_row(
        body, shape, lambda row: _with(row, shape.price, _negated)
    ),
    "missing_field": lambda body, shape: _first_row(
        body, shape, lambda row: _without(row, shape.column)
    ),
    "null_field": lambda body, shape: _first_row(
        body, shape, lambda row: _with(row, shape.column, lambda _: None)
    ),
    "new_field": lambda body, shape: _first_row(
        body,
        shape,
        lambda row: (
            {**row, "sandboxField": {"nested": [1, 2]}} if isinstance(row, dict) else [*row, "new"]
        ),
    ),
}
