"""JSON-RPC over HTTP: calls, batches, errors, and which of them mean "ask for less"."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pipelines.http import HttpClient, RequestFailed, RequestRefused, SourceError, SourceUnavailable
from pipelines.parsing import PayloadError, dump, expect_list, expect_object
from pipelines.sources.ethereum.settings import BATCH_CALLS

Call = tuple[str, list[Any]]

# nodes name the range that would have worked: [0x1, 0x2], or 100-200
_SUGGESTED_HEX = re.compile(r"\[(0x[0-9a-f]+),\s*(0x[0-9a-f]+)\]", re.IGNORECASE)
_SUGGESTED = re.compile(r"with the range (\d+)-(\d+)", re.IGNORECASE)
# or how many blocks they allow: 10k, 10,000, 800
_ALLOWED = re.compile(
    r"(?:"
    r"maximum block range:?|max range:?|limited to(?: a)?|up to a|ranges over|max is|"
    r"requested blocks is"
    r")\s*([\d,]+)(k?)(?:/([\d,]+)(k?))?",
    re.IGNORECASE,
)
_TOO_MUCH = (
    "query returned more than",
    "log response size exceeded",
    "block range",
    "ranges over",
    "exceeds max results",
    "max range",
    "range is too large",
    "too wide",
    "limited to",
    "maximum allowed number of requested blocks",
    "query timeout exceeded",
    "response size",
)
# what another node may answer: limits of a plan, state that was thrown away, overload
_ELSEWHERE = (
    "personal token",
    "free plan",
    "missing trie node",
    "historical state",
    "pruned history",
    "header not found",
    "limit exceeded",
    "rate limit",
    "too many requests",
    "unauthorized",
    "beyond current head",
)
_ELSEWHERE_CODES = (-32005, 4444, 35)
_REVERTED = 3


class TooMuch(RequestRefused):
    """The node wants a smaller range.

    Attributes:
        allowed: how many blocks it would answer for; None: it did not say.
    """

    def __init__(self, message: str, allowed: int | None) -> None:
        """Say what the node said, and what it allows."""
        super().__init__(message)
        self.allowed = allowed


def allowed_blocks(message: str) -> int | None:
    """Return how many blocks an error message would allow, if it says so."""
    if found := _SUGGESTED_HEX.search(message):
        return int(found[2], 16) - int(found[1], 16) + 1
    if found := _SUGGESTED.search(message):
        return int(found[2]) - int(found[1]) + 1
    if found := _ALLOWED.search(message):
        # "1k/10k": the smaller is for those without a key
        return int(found[1].replace(",", "")) * (1000 if found[2] else 1)
    return None


def is_too_much(message: str) -> bool:
    """Tell whether an error message means that the range was too large.

    Not the range beyond the newest block, nor the batch of too many calls.
    """
    lower = message.lower()
    if "beyond current head" in lower or "batch" in lower:
        return False
    return any(words in lower for words in _TOO_MUCH)


def call(client: HttpClient, method: str, params: list[Any]) -> Any:
    """Return one call's result.

    Raises:
        TooMuch: the node wants a smaller range.
        RequestRefused: the call failed and another node would say the same.
        SourceUnavailable, RequestFailed: no node answered.
        PayloadError: the answer is not JSON-RPC.
    """
    return batch(client, [(method, params)])[0]


def batch(client: HttpClient, calls: Sequence[Call]) -> list[Any]:
    """Return the results of several calls, in their order; None for a reverted one.

    Raises:
        TooMuch, RequestRefused, SourceUnavailable, RequestFailed, PayloadError: as `call`.
    """
    results: list[Any] = []
    size = BATCH_CALLS
    while len(results) < len(calls):
        part = calls[len(results) : len(results) + size]
        try:
            results += _send(client, part)
        except _Elsewhere as problem:
            if not client.change_host():
                raise SourceUnavailable(f"ethereum: {problem}") from problem
        except RequestRefused as problem:
            if len(part) == 1 or "batch" not in str(problem).lower():
                raise
            size = 1
    return results


class _Elsewhere(Exception):
    """This node does not answer, another may."""


def _send(client: HttpClient, calls: Sequence[Call]) -> list[Any]:
    body = [
        {"jsonrpc": "2.0", "id": position, "method": method, "params": params}
        for position, (method, params) in enumerate(calls)
    ]
    try:
        answer = client.post_json("", body[0] if len(body) == 1 else body)
    except (RequestRefused, RequestFailed, SourceUnavailable) as problem:
        _explain(problem)
        raise
    except PayloadError as problem:
        # a page for people, from a gateway before the node
        raise _Elsewhere(str(problem)) from problem
    if isinstance(answer, dict):
        # one call's answer, or one error for a whole batch
        _check(answer)
        if len(calls) > 1:
            raise PayloadError(f"ethereum: one answer for {len(calls)} calls: {dump(answer)[:120]}")
        answer = [answer]
    by_id = {}
    for entry in expect_list(answer, "JSON-RPC batch"):
        item = expect_object(entry, "JSON-RPC answer")
        _check(item)
        position = item.get("id")
        if not isinstance(position, int | str | None):
            raise PayloadError(f"ethereum: an answer's id is none: {dump(position)[:80]}")
        by_id[position] = item.get("result")
    if len(calls) == 1 and len(by_id) == 1:
        return list(by_id.values())
    # answers come in any order
    missing = [position for position in range(len(calls)) if position not in by_id]
    if missing:
        raise PayloadError(f"ethereum: no answer to calls {missing} of a batch")
    return [by_id[position] for position in range(len(calls))]


def _explain(problem: SourceError) -> None:
    """Raise what an error body means; return where it says nothing more than the status."""
    try:
        body = json.loads(problem.body)
    except ValueError:
        body = None
    message = problem.body if body is None else dump(body)
    if problem.status == 413 or is_too_much(message):
        raise TooMuch(message, allowed_blocks(message)) from problem
    # what is no error of a node is one of whoever stands before it: the status says which
    if isinstance(body, dict) and ("error" in body or "message" in body):
        _check(body)


def _check(answer: dict[str, Any]) -> None:
    """Raise what an error in an answer means.

    An answer with a result passes, and so does a call that the contract reverted: it has none.
    """
    error = answer.get("error")
    if error is None and "result" in answer:
        return
    said = error if isinstance(error, dict) else answer
    message, code = str(said.get("message") or error or answer), said.get("code")
    if code == _REVERTED or message.lower().startswith("execution reverted"):
        return
    if is_too_much(message):
        raise TooMuch(message, allowed_blocks(message))
    if code in _ELSEWHERE_CODES or any(words in message.lower() for words in _ELSEWHERE):
        raise _Elsewhere(message)
    raise RequestRefused(f"ethereum: {code}: {message}")
