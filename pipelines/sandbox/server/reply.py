"""What a wire format answers, before faults and encoding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"


@dataclass(frozen=True)
class Shape:
    """Where a payload has its rows, and which of their cells mean what: for faults of content.

    Attributes:
        rows: returns the payload's rows.
        rebuild: returns the payload with other rows.
        price: cell that must not be negative.
        enum: cell of a closed set, if there is one.
        column: cell that every row must have; a fault takes it away or changes its type.
    """

    rows: Callable[[Any], Sequence[Any]]
    rebuild: Callable[[Any, list[Any]], Any]
    price: int | str
    column: int | str
    enum: int | str | None = None


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        payload: the body: an object to be encoded as JSON, or text or bytes as they are.
        status: HTTP status.
        headers: further headers.
        media_type: of the body.
        shape: where its rows are, if faults of content may touch it.
    """

    payload: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON
    shape: Shape | None = None


def text(body: str, status: int, media_type: str = "text/plain") -> Reply:
    """Return an answer that is no JSON."""
    return Reply(body, status=status, media_type=media_type)
