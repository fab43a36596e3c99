"""DefiLlama stablecoin payloads to rows. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, localcontext
from math import isfinite, log10
from typing import Any

import pyarrow as pa

from pipelines.core.payload import PayloadError
from pipelines.core.tables import Table
from pipelines.core.windows import Window
from pipelines.extraction.parsing import (
    EmptyList,
    Parsed,
    dump,
    epoch,
    expect_list,
    expect_object,
    may_concern,
    parse_rows,
    without_live,
)
from pipelines.sources.defillama_stablecoins.settings import IN_USD_FROM, TOTAL
from pipelines.sources.defillama_stablecoins.tables import (
    BALANCES,
    CHAINS,
    CHARTS,
    PRICES,
    STABLECOINS,
)

_AMOUNT = "circulating_usd"
_CHART_AMOUNTS = {
    "circulating": "totalCirculating",
    "circulating_usd": "totalCirculatingUSD",
    "unreleased": "totalUnreleased",
    "minted_usd": "totalMintedUSD",
    "bridged_to_usd": "totalBridgedToUSD",
}
# what a decimal column holds
_SMALLEST, _LARGEST, _DIGITS = Decimal("1e-18"), Decimal("1e20"), 38


def _named(table: Table) -> dict[str, str]:
    return {column.name: column.name for column in table.columns}


def stablecoins(payload: object, fetched_at: datetime | None = None) -> Parsed:
    """Parse `/stablecoins`: one object a coin, amounts nested under the peg's key.

    Amounts are in native units before December 2025 and in dollars since; they are landed in
    dollars. Where pegs far from the dollar (a yen is 0.0065) show by their magnitude that the date
    misleads, no amount is landed, and the quarantine says so.

    Args:
        payload: the body.
        fetched_at: when it was answered, which decides its unit; None: amounts stay as sent.

    Raises:
        PayloadError: there is no list of coins, or it is empty.
    """
    body = expect_object(payload, "stablecoins")
    listed = expect_list(body.get("peggedAssets"), "stablecoins.peggedAssets")
    if not listed:
        raise EmptyList("stablecoins.peggedAssets: the list is empty")
    rows = [_coin(coin) if isinstance(coin, dict) else coin for coin in listed]
    parsed = parse_rows(STABLECOINS, rows, _named(STABLECOINS), sent=listed)
    if fetched_at is None:
        return parsed
    is_usd = fetched_at >= IN_USD_FROM
    coins = parsed.rows.to_pylist()
    if (evidence := _contradiction(coins, body.get("chains"), is_usd)) is not None:
        amounts: list[Decimal | None] = [None] * len(coins)
        parsed = replace(parsed, refused=(*parsed.refused, evidence))
    elif is_usd:
        return parsed
    else:
        amounts = [_valued(coin) for coin in coins]
    place = parsed.rows.schema.get_field_index(_AMOUNT)
    column = pa.array(amounts, parsed.rows.schema.field(place).type)
    return replace(parsed, rows=parsed.rows.set_column(place, _AMOUNT, column))


def _valued(coin: Mapping[str, Any]) -> Decimal | None:
    """Return a native amount in dollars; a coin of the dollar without a price counts as one."""
    amount, price = coin[_AMOUNT], coin["price"]
    if price is None and coin["peg_type"] == "peggedUSD":
        price = Decimal(1)
    if amount is None or price is None:
        return None
    with localcontext(prec=2 * _DIGITS):
        value = Decimal(amount * price)
        return value.quantize(_SMALLEST) if abs(value) < _LARGEST else None


def _contradiction(
    coins: Sequence[Mapping[str, Any]], chains: Any, is_usd: bool
) -> tuple[str, str] | None:
    """Return why the amounts are not in the unit that the date says, and what shows it; or None.

    The chains of the same answer have always been in dollars. A peg says which unit its coins are
    in if its price is at least ten times or at most a tenth of a dollar.
    """
    in_dollars: defaultdict[str, float] = defaultdict(float)
    for chain in chains if isinstance(chains, list) else ():
        totals = chain.get("totalCirculatingUSD") if isinstance(chain, dict) else None
        for peg, amount in (totals if isinstance(totals, dict) else {}).items():
            in_dollars[peg] += _float(amount)
    sent: defaultdict[str, float] = defaultdict(float)
    valued: defaultdict[str, float] = defaultdict(float)
    for coin in coins:
        if coin[_AMOUNT] is not None and coin["price"]:
            sent[coin["peg_type"]] += float(coin[_AMOUNT])
            valued[coin["peg_type"]] += float(coin[_AMOUNT] * coin["price"])
    for peg, dollars in sorted(in_dollars.items(), key=lambda item: -item[1]):
        if min(dollars, sent[peg], valued[peg]) <= 0 or abs(log10(valued[peg] / sent[peg])) < 1:
            continue
        looks_usd = abs(log10(sent[peg] / dollars)) < abs(log10(valued[peg] / dollars))
        if looks_usd == is_usd:
            return None
        said, seen = ("dollars", "native units") if is_usd else ("native units", "dollars")
        reason = f"{_AMOUNT}: amounts should be in {said} by the date and look like {seen}: {peg}"
        shown = {"peg": peg, "sent": sent[peg], "chains_usd": dollars, "valued": valued[peg]}
        return reason, dump(shown)
    return None


def _float(amount: Any) -> float:
    try:
        value = float(amount)
    except (TypeError, ValueError):
        return 0.0
    return value if isfinite(value) else 0.0


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

    The last point is live if it has no midnight, and left out. Fields that are zero are left out by
    the source or sent as 0, so an absent one is zero; only
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
    # of the total alone: chains have the same fields, and there are a hundred of them
    sent = [
        point
        for point in without_live(coin["tokens"], _date)
        if may_concern(_date(point), window, latest)
    ]
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
        sent=sent,
    )


def _points(tokens: object, chain: str, peg_type: str, stablecoin_id: str) -> Iterator[Any]:
    listed = expect_list(tokens, f"tokens of {stablecoin_id} on {chain}")
    for entry in without_live(listed, _date):
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


def _date(point: Any) -> Any:
    return point.get("date") if isinstance(point, dict) else None


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
    sent: list[Any] = []
    for item in expect_list(payload, "stablecoinprices"):
        day = expect_object(item, "stablecoinprices[]")
        if not epoch(day.get("date")) or not may_concern(day["date"], window, latest):
            continue
        listed = expect_object(day.get("prices"), "stablecoinprices[].prices")
        sent.append(day)
        rows += [
            {"gecko_id": gecko_id, "day_time": day["date"], "price": price}
            for gecko_id, price in listed.items()
            if price is not None
        ]
    return parse_rows(
        PRICES, rows, _named(PRICES), times={"day_time": "s"}, latest=latest, sent=sent
    )


def chains(payload: object) -> Parsed:
    """Parse `/stablecoinchains`: one object a chain, dollars by peg.

    Raises:
        PayloadError: the payload is not a list, or it is empty.
    """
    listed = expect_list(payload, "stablecoinchains")
    if not listed:
        raise EmptyList("stablecoinchains: the list is empty")
    rows: list[Any] = []
    for chain in listed:
        totals = chain.get("totalCirculatingUSD") if isinstance(chain, dict) else None
        if not isinstance(totals, dict):
            rows.append(chain if not isinstance(chain, dict) else {"chain": chain.get("name")})
            continue
        rows += [
            {"chain": chain.get("name"), "peg_type": peg, "circulating_usd": amount}
            for peg, amount in totals.items()
        ]
    return parse_rows(CHAINS, rows, _named(CHAINS), sent=listed)


def charts(payload: object, chain: str, latest: datetime, window: Window | None = None) -> Parsed:
    """Parse `/stablecoincharts/{chain}`: one object a day, amounts by peg, seconds as text.

    All items but the last are rounded to whole numbers and have lost what is zero, so an absent
    amount of a peg that the item has is zero; a peg that the item does not have has no row.

    Args:
        payload: the body; empty or null where there is nothing.
        chain: the chain asked for, or the total's name.
        latest: instants after it are refused.
        window: days that plainly lie outside are not even typed.

    Raises:
        PayloadError: the payload is not a list of objects.
    """
    rows: list[Any] = []
    sent: list[Any] = []
    for item in expect_list(payload or [], f"stablecoincharts of {chain}"):
        day = expect_object(item, f"stablecoincharts of {chain}[]")
        date = day.get("date")
        if not may_concern(date, window, latest):
            continue
        sent.append(day)
        found = {column: day.get(key) for column, key in _CHART_AMOUNTS.items()}
        by_peg = {
            column: expect_object(amounts, f"stablecoincharts of {chain}: {column}")
            for column, amounts in found.items()
            if amounts is not None
        }
        pegs = sorted({peg for amounts in by_peg.values() for peg in amounts})
        rows += [
            {
                "peg_type": peg,
                "day_time": date,
                **{column: by_peg.get(column, {}).get(peg, 0) for column in _CHART_AMOUNTS},
            }
            for peg in pegs
        ]
    return parse_rows(
        CHARTS,
        rows,
        _named(CHARTS),
        constants={"chain": chain},
        times={"day_time": "s"},
        latest=latest,
        sent=sent,
    )
