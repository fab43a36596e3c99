"""What a wire format declares: its endpoints, its limit, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from pipelines.sandbox.server.reply import Reply, text
from pipelines.sandbox.server.state import State

Handler = Callable[[State, Request], Reply]
Examples = Callable[[State], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class Limit:
    """So much weight in a sliding window of seconds."""

    weight: float
    window_s: float


def _failed(message: str) -> Any:
    return {"message": message or "Internal server error"}


def _throttled(message: str) -> Reply:
    return text(message or "Too many requests", 429)


def _unmetered(limit: Limit, used: float, wait_s: float) -> Mapping[str, str]:  # noqa: ARG001
    return {}


def _none(state: State) -> Iterator[tuple[str, str]]:  # noqa: ARG001
    return iter(())


@dataclass(frozen=True)
class Mount:
    """One source in the sandbox, served under its name.

    Attributes:
        name: the source, or its second host.
        handlers: what answers, by path.
        limit: the source's own rate limit; of those that publish none what others were seen to get.
        weights: the weight of a request by path, where it is not 1.
        methods: of HTTP.
        throttled: makes the refusal of a request over the limit; the words may be given.
        failed: makes the body of an error; the words may be given.
        meter: makes the headers of any answer from the limit, what is used of it and the seconds
            until it eases.
        examples: yields addresses that answer something, each with what it is.
    """

    name: str
    handlers: Mapping[str, Handler]
    limit: Limit
    weights: Mapping[str, float] = field(default_factory=dict)
    methods: tuple[str, ...] = ("GET",)
    throttled: Callable[[str], Reply] = _throttled
    failed: Callable[[str], Any] = _failed
    meter: Callable[[Limit, float, float], Mapping[str, str]] = _unmetered
    examples: Examples = _none


def of_first_market(name: str, *examples: tuple[str, str]) -> Examples:
    """Return examples about the venue's first market, whose symbol is put into the addresses."""

    def found(state: State) -> Iterator[tuple[str, str]]:
        symbol = next(iter(state.listings(name)), None)
        if symbol is not None:
            for path, what in examples:
                yield f"/{name}{path.format(symbol)}", what

    return found
