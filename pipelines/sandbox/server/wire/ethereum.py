"""Ethereum JSON-RPC: blocks, calls and logs of the dataset's tokens. Errors come with HTTP 200.

A block is made every twelve seconds, none is left out. State is kept for the newest 128 blocks, and
one request for logs may span so many blocks and no more.
"""

from __future__ import annotations

import json
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.requests import Request

from pipelines.sandbox.server import daily
from pipelines.sandbox.server.daily import DAY_S, Seen
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply
from pipelines.sandbox.server.state import State

NAME = "ethereum"
SLOT_S = 12
# a block of the real chain, and about when it was made
_ANCHOR_NUMBER = 18_473_543
_ANCHOR_S = int(datetime(2023, 11, 1, tzinfo=UTC).timestamp())
# so far behind the newest block is the one that cannot be undone any more
FINAL_AFTER = 80
STATE_BLOCKS = 128
MAX_RANGE = 5_000
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_ZERO = "0x" + "0" * 64
_COLUMNS = ("total_supply", "minted", "burned")


class _Failed(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def _word(number: int) -> str:
    return f"0x{number:064x}"


def _hash(*names: object) -> str:
    text = ":".join(str(name) for name in names)
    return "0x" + "".join(f"{zlib.crc32(f'{text}:{part}'.encode()):08x}" for part in range(8))


def _quantity(text: Any) -> int:
    if not isinstance(text, str) or not text.startswith("0x"):
        raise _Failed(-32602, f"invalid argument: cannot unmarshal {json.dumps(text)}")
    if len(text) > 3 and text[2] == "0":
        raise _Failed(-32602, "invalid argument 0: hex number with leading zero digits")
    return int(text, 16)


def _number_at(second: int) -> int:
    """Return the newest block made at or before an instant."""
    return _ANCHOR_NUMBER + (second - _ANCHOR_S) // SLOT_S


def _made_at(number: int) -> int:
    return _ANCHOR_S + (number - _ANCHOR_NUMBER) * SLOT_S


class Node:
    """A node at the clock's instant."""

    def __init__(self, state: State) -> None:
        """Know the head and the tokens."""
        self._state = state
        self.head = _number_at(daily.now_s(state))
        self._tokens = {row["address"].lower(): row for row in daily.rows(state, "tokens")}
        self._table = daily.table(state, "token_daily", ["address"], _COLUMNS)
        self._logs_of: dict[str, list[dict[str, Any]]] = {}
        self.methods: Mapping[str, Callable[[list[Any]], Any]] = {
            "eth_blockNumber": lambda _: hex(self.head),
            "eth_chainId": lambda _: "0x1",
            "eth_getBlockByNumber": self._block,
            "eth_call": self._call,
            "eth_getLogs": self._logs,
        }

    def _resolve(self, tag: Any) -> int:
        named = {
            "latest": self.head,
            "pending": self.head,
            "safe": self.head - FINAL_AFTER // 2,
            "finalized": self.head - FINAL_AFTER,
            "earliest": 0,
        }
        return named[tag] if tag in named else _quantity(tag)

    def _block(self, params: list[Any]) -> Any:
        number = self._resolve(params[0])
        if number > self.head:
            return None
        return {
            "number": hex(number),
            "hash": _hash("block", number),
            "parentHash": _hash("block", number - 1),
            # the real chain's first block has no time
            "timestamp": hex(max(_made_at(number), 0)),
            "gasUsed": hex(15_000_000),
            "gasLimit": hex(30_000_000),
            "baseFeePerGas": hex(20_000_000_000),
            "transactions": [],
            "size": "0x220",
            "miner": "0x" + "00" * 20,
        }

    def _seen(self, address: str) -> Seen:
        return self._table.seen(address)

    def _call(self, params: list[Any]) -> str:
        call, number = params[0], self._resolve(params[1])
        if number > self.head:
            raise _Failed(-32000, "header not found")
        if number <= self.head - STATE_BLOCKS:
            raise _Failed(-32000, f"missing trie node {_hash('state', number)[2:]} (path )")
        token = self._tokens.get(str(call.get("to")).lower())
        seen = self._seen(str(call.get("to")).lower())
        if token is None or not len(seen):
            return "0x"
        match call.get("data") or call.get("input"):
            case "0x18160ddd":
                # a day's supply is that of its end
                last = [day for day in seen.days if (day + 1) * DAY_S <= _made_at(number)]
                supply = seen.values["total_supply"][max(len(last) - 1, 0)]
                return _word(_smallest(float(supply), token))
            case "0x313ce567" if token["decimals"] is not None:
                return _word(token["decimals"])
            case "0x95d89b41" if token["symbol"] is not None:
                return _text(token["symbol"], is_short=int(token["address"][-1], 16) % 4 == 0)
        raise _Failed(3, "execution reverted")

    def _logs(self, params: list[Any]) -> list[dict[str, Any]]:
        asked = params[0]
        first, last = self._resolve(asked["fromBlock"]), self._resolve(asked["toBlock"])
        if last > self.head:
            raise _Failed(-32602, "block range extends beyond current head block")
        if last - first + 1 > MAX_RANGE:
            raise _Failed(-32602, f"exceed maximum block range: {MAX_RANGE}")
        addresses = asked.get("address") or list(self._tokens)
        if isinstance(addresses, str):
            addresses = [addresses]
        topics = asked.get("topics") or []
        return [
            log
            for address in addresses
            for log in self._transfers(address.lower(), first, last)
            if all(
                want is None or have in (want if isinstance(want, list) else [want])
                for want, have in zip(topics, log["topics"], strict=False)
            )
        ]

    def _transfers(self, address: str, first: int, last: int) -> list[dict[str, Any]]:
        if address not in self._logs_of:
            self._logs_of[address] = sorted(self._all_transfers(address), key=_number_of)
        logs = self._logs_of[address]
        return logs[
            bisect_left(logs, first, key=_number_of) : bisect_right(logs, last, key=_number_of)
        ]

    def _all_transfers(self, address: str) -> Iterator[dict[str, Any]]:
        token, seen = self._tokens.get(address), self._seen(address)
        if token is None:
            return
        holder = f"0x{'0' * 24}{_hash('holder', address)[2:42]}"
        for position, day in enumerate(seen.days.tolist()):
            for kind, part in (("minted", 3), ("burned", 2)):
                amount = float(seen.values[kind][position])
                number = _number_at(day * DAY_S + DAY_S // part)
                if not amount > 0:
                    continue
                index = zlib.crc32(f"{address}:{kind}".encode()) % 200
                ends = [_ZERO, holder] if kind == "minted" else [holder, _ZERO]
                yield {
                    "address": address,
                    "topics": [TRANSFER, *ends],
                    "data": _word(_smallest(amount, token)),
                    "blockNumber": hex(number),
                    "transactionHash": _hash("transaction", number, address, kind),
                    "transactionIndex": hex(index % 50),
                    "blockHash": _hash("block", number),
                    "logIndex": hex(index),
                    "removed": False,
                }

    def answer(self, call: Any) -> dict[str, Any]:
        """Return the answer to one call."""
        name = call.get("id") if isinstance(call, dict) else None
        try:
            if not isinstance(call, dict) or "method" not in call:
                raise _Failed(-32600, "invalid request")
            if call["method"] not in self.methods:
                raise _Failed(-32601, f"the method {call['method']} does not exist")
            try:
                result = self.methods[call["method"]](call.get("params") or [])
            except (KeyError, IndexError, AttributeError, TypeError) as error:
                raise _Failed(-32602, f"invalid params: {error}") from error
        except _Failed as problem:
            said = {"code": problem.code, "message": problem.message}
            return {"jsonrpc": "2.0", "id": name, "error": said}
        return {"jsonrpc": "2.0", "id": name, "result": result}


def _number_of(log: Mapping[str, Any]) -> int:
    return int(log["blockNumber"], 16)


def _smallest(amount: float, token: Mapping[str, Any]) -> int:
    """Return an amount in the contract's smallest units."""
    return int(Decimal(repr(amount)).scaleb(token["decimals"] or 0))


def _text(symbol: str, *, is_short: bool) -> str:
    """Return a symbol as older contracts do (32 bytes) or as newer ones do (an ABI string)."""
    raw = symbol.encode()
    if is_short:
        return "0x" + raw[:32].ljust(32, b"\0").hex()
    padded = raw.ljust(-(-len(raw) // 32) * 32, b"\0")
    return f"0x{32:064x}{len(raw):064x}{padded.hex()}"


def rpc(state: State, request: Request) -> Reply:
    """Answer a call, or a batch of them in another order than they were asked."""
    node = state.cached((NAME, "node"), lambda: Node(state))
    try:
        body = json.loads(request.state.body)
    except ValueError:
        error = {"code": -32700, "message": "parse error"}
        return Reply({"jsonrpc": "2.0", "id": None, "error": error})
    if isinstance(body, list):
        return Reply([node.answer(call) for call in reversed(body)])
    return Reply(node.answer(body))


def _failed(message: str) -> Any:
    error = {"code": -32603, "message": message or "internal error"}
    return {"jsonrpc": "2.0", "id": 0, "error": error}


MOUNT = Mount(
    name=NAME, handlers={"/": rpc}, methods=("POST",), limit=Limit(100, 10), failed=_failed
)
