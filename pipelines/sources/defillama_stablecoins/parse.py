"""DefiLlama stablecoin payloads to rows. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pipelines.parsing import (
    Parsed,
    PayloadError,
    dump,
    expect_list,
    expect_object,
    may_concern,
    parse_rows,
)
from pipelines.sources.defillama_stablecoins.settings import TOTAL
from pipelines.sources.defillama_stablecoins.tables import BALANCES, PRICES, STABLECOINS
from pipelines.tables import Table
from pipelines.windows import Window


def _named(table: Table) -> dict[str, str]:
    return {column.name: column.name for column in table.columns}


def stablecoins(payload: object) -> Parsed:
    """Parse `/stablecoins`: one object a coin, amounts nested under the peg's key.

    Raises:
        PayloadError: there is no list of coins, or it is empty.
    """
    listed = expect_list(
        expect_object(payload, "stablecoins").get("peggedAssets"), "stablecoins.peggedAssets"
    )
    if not listed:
        raise PayloadError("stablecoins.peggedAssets: the list is empty")
    rows = [_coin(coin) if isinstance(coin, dict) else coin for coin in listed]
    return parse_rows(STABLECOINS, rows, _named(STABLECOINS))


def _coin(coin: dict[str, Any]) -> dict[str, Any]:
    dead_from = coin.get("deadFrom") or None
    return {
        "stablecoin_id": coin.get("id"),
        "name": coin.get("name"),
        "symbol": coin.get("symbol"),
        "gecko_id": coin.get("gecko_id"),
        "peg_type": coin.get("pegType"),
        "peg_mechanism": coin.get("pegMechanism"),
        "price": coin.get("price"),
        "circulating_usd": _amount(coin.get("circulating"), coin.get("pegType")),
        "dead_from": str(dead_from) if type(dead_from) is int else dead_from,
        "is_delisted": _flag(coin, "delisted") or _flag(coin, "deprecated"),
        "is_yield_bearing": _flag(coin, "yieldBearing"),
    }


def _flag(coin: dict[str, Any], key: str) -> Any:
    """Return the optional flag; what is no truth value stays and is refused."""
    return False if coin.get(key) is None else coin[key]


def _amount(field: Any, peg_type: Any) -> Any:
    """Return the number inside `{"peggedUSD": n}`; `{}` has none; 0 stands for an empty object.

    An amount of another peg, or of none, stays what it is and is refused.
    """
    if isinstance(field, dict) and isinstance(peg_type, str):
        if peg_type not in field and not any(key.startswith("pegged") for key in field):
            return None
        return field.get(peg_type, field)
    if field is None or (type(field) is int and field == 0):
        return field
    return f"{dump(field)} without a peg"


def balances(
    payload: object, stablecoin_id: str, latest: datetime, window: Window | None = None
) -> Parsed:
    """Parse `/stablecoin/{id}`: the coin's total and each chain, native units, seconds.

    Fields that are zero are left out by the source or sent as 0, so an absent one is zero; only
    `circulating` is what the day is about: without it the supply of the day is unknown (null).

    Args:
        payload: the body.
        stablecoin_id: the coin asked for.
        latest: instants after it are refused.
        window: points that plainly lie outside are not even typed: the body holds the coin's whole
            history, and a bad point of 2019 must not be refused anew every day.

    Raises:
        PayloadError: the body has no peg type or no token series.
    """
    coin = expect_object(payload, f"stablecoin {stablecoin_id}")
    peg_type = coin.get("pegType")
    if not isinstance(peg_type, str):
        raise PayloadError(f"stablecoin {stablecoin_id}: no pegType")
    rows = list(_points(coin.get("tokens"), TOTAL, peg_type, stablecoin_id))
    chains = expect_object(coin.get("chainBalances") or {}, f"chainBalances of {stablecoin_id}")
    for chain, series in chains.items():
        tokens = expect_object(series, f"chainBalances.{chain}").get("tokens")
        rows += _points(tokens, chain, peg_type, stablecoin_id)
    return parse_rows(
        BALANCES,
        [row for row in rows if may_concern(_at(row), window, latest)],
        _named(BALANCES),
        constants={"stablecoin_id": stablecoin_id},
        times={"day_time": "s"},
        latest=latest,
    )


def _points(tokens: object, chain: str, peg_type: str, stablecoin_id: str) -> Iterator[Any]:
    for entry in expect_list(tokens, f"tokens of {stablecoin_id} on {chain}"):
        if not isinstance(entry, dict):
            yield entry  # refused by name of its type
            continue
        yield {
            "chain": chain,
            "day_time": entry.get("date"),
            "circulating": _amount(entry.get("circulating"), peg_type),
            "minted": _amount(entry.get("minted", 0), peg_type),
            "unreleased": _amount(entry.get("unreleased", 0), peg_type),
            "bridged_to": _amount(entry.get("bridgedTo", 0), peg_type),
        }


def _at(row: Any) -> Any:
    return row.get("day_time") if isinstance(row, dict) else None


def prices(payload: object, latest: datetime, window: Window | None = None) -> Parsed:
    """Parse `/stablecoinprices`: one object a day, prices by CoinGecko id, numbers or text.

    A first item without a date is known to occur and describes no day.

    Args:
        payload: the body.
        latest: instants after it are refused.
        window: days that plainly lie outside are not even typed.

    Raises:
        PayloadError: the payload is not a list of objects.
    """
    rows: list[dict[str, Any]] = []
    for item in expect_list(payload, "stablecoinprices"):
        day = expect_object(item, "stablecoinprices[]")
        if not day.get("date") or not may_concern(day["date"], window, latest):
            continue
        listed = expect_object(day.get("prices"), "stablecoinprices[].prices")
        rows += [
            {"gecko_id": gecko_id, "day_time": day["date"], "price": price}
            for gecko_id, price in listed.items()
            if price is not None
        ]
    return parse_rows(PRICES, rows, _named(PRICES), times={"day_time": "s"}, latest=latest)
