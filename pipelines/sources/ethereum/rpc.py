"""JSON-RPC over HTTP: calls, batches, errors, and which of them mean "ask for less"."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import dump, expect_list, expect_object
from pipelines.http.client import (
    HttpClient,
    RequestFailed,
    RequestRefused,
    SourceError,
    SourceUnavailable,
)
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
# what every node would say: the request itself is wrong
_WRONG = ("invalid argument", "missing value for required argument", "cannot unmarshal")
# ... but for how much it asks for, which is every node's own
_OF_AMOUNT = re.compile(r"too (?:many|large|long|wide)|limit|exceed", re.IGNORECASE)
# what one node lacks, and no smaller request would help: limits of a plan, state thrown away
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
# a refusal that speaks of how much was asked for, however a node puts it
_OF_ADDRESSES = re.compile(r"address", re.IGNORECASE)
_OF_SIZE = re.compile(r"address|range|limit|large|size|timeout|timed out|too ", re.IGNORECASE)
# how nodes say that a contract does not do what it was called for
_REVERTED = re.compile(r"\brevert|vm execution error|invalid opcode|invalid jump|out of gas", re.I)
_REVERTED_CODES = (3, -32015)


class TooMuch(RequestRefused):
    """The node wants a smaller range, or fewer contracts.

    Attributes:
        allowed: how many blocks it would answer for; None: it did not say.
        is_of_addresses: it is the number of contracts that is too much.
    """

    def __init__(self, message: str, allowed: int | None, *, is_of_addresses: bool = False) -> None:
        """Say what the node said, and what it allows."""
        super().__init__(message)
        self.allowed = allowed
        self.is_of_addresses = is_of_addresses


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
        RequestRefused: the request itself is wrong, or every node refused it.
        SourceUnavailable, RequestFailed: no node answered, or none in JSON-RPC.
    """
    return batch(client, [(method, params)])[0]


def batch(client: HttpClient, calls: Sequence[Call]) -> list[Any]:
    """Return the results of several calls, in their order; None for a contract's call that fails.

    What a node refuses is asked of the next one, call by call: the others' answers are kept. What
    all nodes refuse is final.

    Raises:
        TooMuch, RequestRefused, SourceUnavailable, RequestFailed: as `call`.
    """
    results: dict[int, Any] = {}
    pending, size = list(range(len(calls))), BATCH_CALLS
    while pending:
        part = pending[:size]
        try:
            answers = _send(client, [calls[position] for position in part])
        except _Refused as problem:
            if len(part) > 1 and "batch" in str(problem).lower():
                size = 1
                continue
            answers = [problem] * len(part)
        except PayloadError as problem:
            # a page for people, or half an answer, from a gateway before the node
            answers = [_Refused(str(problem), is_of_node=True)] * len(part)
        refused: dict[int, _Refused] = {}
        for position, answer in zip(part, answers, strict=True):
            method = calls[position][0]
            if isinstance(answer, _Refused):
                refused[position] = answer
            elif answer is None and method != "eth_call":
                # a block that it has not got yet, or not any more
                refused[position] = _Refused(f"{method}: no result", is_of_node=False)
            else:
                results[position] = answer
        if refused and not client.change_host():
            for position, refusal in refused.items():
                _raise_final(refusal, calls[position][0])
                results[position] = None
        pending = [position for position in pending if position not in results]
    return [results[position] for position in range(len(calls))]


class _Refused(Exception):
    """This node does not answer, another may.

    Attributes:
        is_of_node: it says what the node lacks.
    """

    def __init__(self, message: str, *, is_of_node: bool) -> None:
        super().__init__(message)
        self.is_of_node = is_of_node


def _raise_final(problem: _Refused, method: str) -> None:
    """Raise what a refusal of the last node means, but of a contract's call: it has no result.

    Raises:
        SourceUnavailable: nodes lack what it takes.
        TooMuch: the refusal speaks of how much was asked for.
        RequestRefused: all refuse.
    """
    message = str(problem)
    if problem.is_of_node:
        raise SourceUnavailable(message) from problem
    if method == "eth_call":
        return
    if _OF_SIZE.search(message):
        is_of_addresses = _OF_ADDRESSES.search(message) is not None
        allowed = None if is_of_addresses else allowed_blocks(message)
        raise TooMuch(message, allowed, is_of_addresses=is_of_addresses) from problem
    raise RequestRefused(message) from problem


def _send(client: HttpClient, calls: Sequence[Call]) -> list[Any]:
    """Return the results in the order of the calls; what was refused has the refusal instead."""
    body = [
        {"jsonrpc": "2.0", "id": position, "method": method, "params": params}
        for position, (method, params) in enumerate(calls)
    ]
    try:
        answer = client.post_json("", body[0] if len(body) == 1 else body)
    except RequestRefused as problem:
        _explain(problem)
        raise _Refused(str(problem), is_of_node=False) from problem
    except (RequestFailed, SourceUnavailable) as problem:
        _explain(problem)
        raise
    if isinstance(answer, dict):
        # one call's answer, or one error for a whole batch
        _check(answer)
        if len(calls) > 1:
            raise PayloadError(f"one answer for {len(calls)} calls: {dump(answer)[:120]}")
        answer = [answer]
    by_id: dict[Any, Any] = {}
    for entry in expect_list(answer, "JSON-RPC batch"):
        item = expect_object(entry, "JSON-RPC answer")
        position = item.get("id")
        if not isinstance(position, int | str | None):
            raise PayloadError(f"an answer's id is none: {dump(position)[:80]}")
        try:
            _check(item)
        except _Refused as problem:
            by_id[position] = problem
        else:
            by_id[position] = item.get("result")
    if len(calls) == 1 and len(by_id) == 1:
        return list(by_id.values())
    # answers come in any order
    missing = [position for position in range(len(calls)) if position not in by_id]
    if missing:
        raise PayloadError(f"no answer to calls {missing} of a batch")
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
    lower = message.lower()
    if code in _REVERTED_CODES or _REVERTED.search(message):
        return
    if is_too_much(message):
        raise TooMuch(message, allowed_blocks(message))
    if any(words in lower for words in _WRONG) and not _OF_AMOUNT.search(message):
        raise RequestRefused(f"{code}: {message}")
    is_of_node = code in _ELSEWHERE_CODES or any(words in lower for words in _ELSEWHERE)
    raise _Refused(f"{code}: {message}", is_of_node=is_of_node)
