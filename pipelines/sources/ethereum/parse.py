"""Ethereum JSON-RPC results to rows. Pure.

Quantities are hexadecimal without leading zeros, data is hexadecimal of whole bytes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import Parsed, dump, expect_list, expect_object, parse_rows
from pipelines.sources.ethereum.settings import TRANSFER
from pipelines.sources.ethereum.tables import TOKEN_SUPPLY, TRANSFERS

_HEX = re.compile(r"0x[0-9a-fA-F]+")
_WORD = 64
# a token with more digits than this has a decimals() that lies
_MAX_DECIMALS = 77
# DECIMAL(38, 18) holds twenty digits before the point
_MAX_UNITS = Decimal(10) ** 20


@dataclass(frozen=True)
class Days:
    """Which day a block was made on.

    Attributes:
        firsts: the first block of each day.
        starts_s: when each day begins, in seconds.
        end: the first block after the last day.
    """

    firsts: Sequence[int]
    starts_s: Sequence[int]
    end: int

    def start_of(self, block_number: int) -> int:
        """Return when the block's day begins, in seconds.

        Raises:
            PayloadError: the block is of another day, so that nobody asked for it.
        """
        place = bisect_right(self.firsts, block_number) - 1
        if place < 0 or block_number >= self.end:
            raise PayloadError(f"log: block {block_number} is not among those asked for")
        return self.starts_s[place]


def number(quantity: object) -> int | None:
    """Return a quantity or a word of data as a number; `0x` (no code there) and null are None.

    Raises:
        PayloadError: it is no hexadecimal text.
    """
    if quantity is None or quantity == "0x":
        return None
    if not isinstance(quantity, str) or not _HEX.fullmatch(quantity):
        raise PayloadError(f"quantity: expected hexadecimal text, got {dump(quantity)[:80]}")
    return int(quantity, 16)


def word(data: object) -> int | None:
    """Return the first 32-byte word of a call's result as a number; None without one.

    Raises:
        PayloadError: it is no hexadecimal text.
    """
    if isinstance(data, str) and len(data) > 2 + _WORD and _HEX.fullmatch(data):
        return int(data[: 2 + _WORD], 16)
    return number(data)


def text(data: object) -> str | None:
    """Return the text of a call's result: an ABI string, or 32 bytes padded with zeros.

    None where there is no code, or the bytes are no text.
    """
    if not isinstance(data, str) or not _HEX.fullmatch(data) or len(data) % 2:
        return None
    raw = bytes.fromhex(data[2:])
    if len(raw) >= 96 and int.from_bytes(raw[:32], "big") == 32:
        size = int.from_bytes(raw[32:64], "big")
        raw = raw[64 : 64 + size]
    try:
        return raw.rstrip(b"\0").decode().strip() or None
    except UnicodeDecodeError:
        return None


def block(result: object, what: str) -> tuple[int, int] | None:
    """Return number and time (seconds) of a block; None for null: there is none such.

    Raises:
        PayloadError: it is something else.
    """
    if result is None:
        return None
    found = expect_object(result, what)
    at, made_at = number(found.get("number")), number(found.get("timestamp"))
    if at is None or made_at is None:
        raise PayloadError(f"{what}: no number or timestamp")
    return at, made_at


def units(raw: int | None, decimals: int | None) -> Decimal | None:
    """Return an amount of smallest units in units; None where that is unknown or does not fit."""
    if raw is None or decimals is None or not 0 <= decimals <= _MAX_DECIMALS:
        return None
    amount = Decimal(raw).scaleb(-decimals)
    return amount if abs(amount) < _MAX_UNITS else None


def token_supply(
    results: Mapping[str, Mapping[str, Any]], block_number: int, block_time_s: int
) -> Parsed:
    """Make rows of calls at one block: for each token totalSupply, decimals and symbol.

    Raises:
        PayloadError: a result is no hexadecimal text.
    """
    rows: list[dict[str, Any]] = []
    unread: list[tuple[str, str]] = []
    for token, calls in results.items():
        if calls.get("total_supply") is None:
            unread.append(("total_supply_raw: the contract's call failed", dump({"token": token})))
        raw = word(calls.get("total_supply"))
        decimals = word(calls.get("decimals"))
        supply = units(raw, decimals)
        rows.append(
            {
                "token": token,
                "symbol": text(calls.get("symbol")),
                "decimals": decimals if decimals is not None and decimals < 256 else None,
                "total_supply_raw": str(raw) if raw is not None else None,
                "total_supply": format(supply, "f") if supply is not None else None,
            }
        )
    parsed = parse_rows(
        TOKEN_SUPPLY,
        rows,
        {
            name: name
            for name in ("token", "symbol", "decimals", "total_supply_raw", "total_supply")
        },
        constants={"block_number": block_number, "block_time": block_time_s},
        times={"block_time": "s"},
        sent=(),
    )
    return replace(parsed, unread=(*parsed.unread, *unread))


def transfers(
    result: object, days: Days, decimals: Mapping[str, int | None], latest: datetime
) -> Parsed:
    """Parse the logs of `eth_getLogs` for Transfer events of fungible tokens.

    Args:
        result: the list of logs.
        days: the days that the asked blocks are of.
        decimals: each token's digits after the point.
        latest: instants after it are refused.

    Raises:
        PayloadError: the result is not a list.
    """
    rows: list[dict[str, Any]] = []
    refused: list[tuple[str, str]] = []
    logs = expect_list(result, "eth_getLogs")
    for log in logs:
        try:
            rows.append(_transfer(expect_object(log, "log"), days, decimals))
        except PayloadError as problem:
            refused.append((str(problem), dump(log)))
    parsed = parse_rows(
        TRANSFERS,
        rows,
        {name: name for name in TRANSFERS.fields},
        times={"day_time": "s"},
        latest=latest,
        sent=logs,
    )
    return replace(parsed, refused=(*parsed.refused, *refused))


def _transfer(
    log: dict[str, Any], days: Days, decimals: Mapping[str, int | None]
) -> dict[str, Any]:
    topics, address = log.get("topics"), log.get("address")
    if log.get("removed"):
        raise PayloadError("log: removed by a reorganisation")
    if not isinstance(topics, list) or not topics or topics[0] != TRANSFER:
        raise PayloadError("log: not a Transfer event")
    if len(topics) != 3:
        # tokens of ERC-721 share the event's name and index the amount's place: an id
        raise PayloadError(f"log: {len(topics)} topics, a fungible token's transfer has 3")
    if not isinstance(address, str):
        raise PayloadError(f"log: no address: {dump(address)[:80]}")
    raw = word(log.get("data"))
    if raw is None:
        raise PayloadError("log: no amount")
    block_number = number(log.get("blockNumber"))
    if block_number is None:
        raise PayloadError("log: block_number: missing")
    token = address.lower()
    value = units(raw, decimals.get(token))
    return {
        "token": token,
        "day_time": days.start_of(block_number),
        "block_number": block_number,
        "block_hash": log.get("blockHash"),
        "log_index": number(log.get("logIndex")),
        "transaction_hash": log.get("transactionHash"),
        "from_address": _address(topics[1]),
        "to_address": _address(topics[2]),
        "value_raw": str(raw),
        "value": format(value, "f") if value is not None else None,
    }


def _address(topic: Any) -> str:
    if not isinstance(topic, str) or not _HEX.fullmatch(topic) or len(topic) != 2 + _WORD:
        raise PayloadError(f"log: not an address in a topic: {dump(topic)[:80]}")
    return f"0x{topic[-40:].lower()}"
