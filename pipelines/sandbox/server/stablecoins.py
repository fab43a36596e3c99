"""DefiLlama stablecoins: `/stablecoins`, `/stablecoin/{id}`, `/stablecoinprices`.

A point of a coin's amounts carries the midnight at which they stood, so the close of the dataset's
day before it; the last one is live and carries the hour of the answer. A price carries the midnight
at which it was taken until June 2024, and its day since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
from starlette.requests import Request

from pipelines.sandbox.dataset import TOTAL_CHAIN
from pipelines.sandbox.server.reply import Reply, Shape, text
from pipelines.sandbox.server.state import DAY_US, Floats, Ints, State, Versions

_KEY = "stablecoins"
# since then the list's amounts are multiplied by the current price, under the same keys
IN_USD_FROM = datetime(2025, 12, 1, tzinfo=UTC)
# what the server falls back to for a coin without a price; about right is enough
_RATES = {
    "peggedUSD": 1.0,
    "peggedEUR": 1.09,
    "peggedGBP": 1.28,
    "peggedJPY": 0.0067,
    "peggedCHF": 1.14,
    "peggedCAD": 0.72,
    "peggedAUD": 0.65,
    "peggedSGD": 0.75,
    "peggedREAL": 0.18,
    "peggedXAU": 3_000.0,
}
_EPOCH = date(1970, 1, 1)
# since this label a day's price is its last and no longer its first
_LAST_PRICE_FROM = (date(2024, 6, 10) - _EPOCH).days
_AMOUNTS = ("circulating", "minted", "unreleased", "bridged")
_WIRE_NAMES = {"minted": "minted", "unreleased": "unreleased", "bridged": "bridgedTo"}

_LIST = Shape(
    rows=lambda body: body["peggedAssets"],
    rebuild=lambda body, rows: {**body, "peggedAssets": rows},
    price="price",
    column="circulating",
    enum="pegMechanism",
)
_POINTS = Shape(
    rows=lambda body: body["tokens"],
    rebuild=lambda body, rows: {**body, "tokens": rows},
    price="circulating",
    column="circulating",
)
_PRICES = Shape(
    rows=lambda body: body,
    rebuild=lambda _, rows: rows,
    price="prices",
    column="prices",
)


class ChainSeries:
    """One coin's amounts on one chain: rendered once, the visible versions chosen at an instant."""

    def __init__(self, frame: pl.DataFrame, peg: str, chain: str, origin: str) -> None:
        """Take the chain's rows, sorted by day and known instant."""
        self.days: Ints = frame["day"].to_physical().cast(pl.Int64).to_numpy()
        self.versions = Versions(self.days, frame["known_us"].to_numpy(), frame["gone"].to_numpy())
        self.amounts: Mapping[str, Floats] = {
            name: frame[name].cast(pl.Float64).to_numpy() for name in _AMOUNTS
        }
        self.points = [
            _point(day, dict(zip(_AMOUNTS, row, strict=True)), peg, chain, origin)
            for day, *row in frame.select(pl.col("day").to_physical(), *_AMOUNTS).iter_rows()
        ]


def _point(
    day: int, amounts: Mapping[str, float | None], peg: str, chain: str, origin: str
) -> dict[str, Any]:
    """Return one point of a series.

    What is unknown is absent, and what is zero is at times 0 and at times absent, as the server's
    removal of zeros leaves it.
    """
    circulating = amounts["circulating"]
    point: dict[str, Any] = {
        "date": (day + 1) * 86_400,
        "circulating": {} if circulating is None else {peg: circulating},
    }
    for name, wire in _WIRE_NAMES.items():
        amount = amounts[name]
        if amount is None or (amount == 0 and day % 2):
            continue
        point[wire] = {peg: amount} if amount else 0
        if name == "bridged" and amount and chain not in (origin, TOTAL_CHAIN):
            point[wire]["bridges"] = {chain.lower(): {origin: {"amount": amount}}}
    return point


class Stablecoins:
    """All coins' amounts and prices, loaded when first asked for."""

    def __init__(self, state: State) -> None:
        """Split the tables by coin and chain."""
        self._state = state
        self._frames = {
            str(coin): part
            for (coin,), part in state.frame("stablecoin_daily")
            .partition_by("stablecoin_id", as_dict=True, maintain_order=True)
            .items()
        }
        self._chains: dict[str, dict[str, ChainSeries]] = {}
        self._prices = _PriceTable(state.frame("prices"))

    def coins(self) -> list[dict[str, Any]]:
        """Return the coins' descriptions at the clock's instant."""
        return list(self._state.visible("stablecoins").iter_rows(named=True))

    def chains(self, coin: Mapping[str, Any]) -> dict[str, ChainSeries]:
        """Return a coin's series by chain, with `__total__` if the dataset has it."""
        coin_id = coin["stablecoin_id"]
        if coin_id not in self._chains:
            frame = self._frames.get(coin_id)
            parts: Mapping[Any, pl.DataFrame] = (
                {}
                if frame is None
                else frame.partition_by("chain", as_dict=True, maintain_order=True)
            )
            largest = {
                str(chain): float(part["circulating"].fill_null(0).max() or 0)  # type: ignore[arg-type]
                for (chain,), part in parts.items()
                if chain != TOTAL_CHAIN
            }
            origin = (
                "Ethereum"
                if "Ethereum" in largest
                else max(largest, key=largest.__getitem__, default="")
            )
            self._chains[coin_id] = {
                str(chain): ChainSeries(part, coin["peg_type"], str(chain), origin)
                for (chain,), part in parts.items()
            }
        return self._chains[coin_id]

    def total(self, coin: Mapping[str, Any]) -> tuple[Ints, Floats, list[dict[str, Any]]]:
        """Return days, circulating amounts and points of a coin's total at the clock's instant."""
        return self._state.cached((_KEY, "total", coin["stablecoin_id"]), lambda: self._total(coin))

    def _total(self, coin: Mapping[str, Any]) -> tuple[Ints, Floats, list[dict[str, Any]]]:
        chains = self.chains(coin)
        now_us = self._state.now_us
        if TOTAL_CHAIN in chains:
            series = chains[TOTAL_CHAIN]
            at = series.versions.at(now_us)
            points = [series.points[position] for position in at.tolist()]
            return series.days[at], series.amounts["circulating"][at], points
        seen = [(series, series.versions.at(now_us)) for series in chains.values()]
        days = np.unique(
            np.concatenate([series.days[at] for series, at in seen] or [np.empty(0, np.int64)])
        )
        sums: dict[str, Floats] = {}
        for name in ("circulating", "minted", "unreleased"):
            sums[name] = np.zeros(len(days))
            for series, at in seen:
                values = np.nan_to_num(series.amounts[name][at])
                np.add.at(sums[name], np.searchsorted(days, series.days[at]), values)
        points = [
            _point(
                int(day),
                {name: float(sums[name][number]) for name in sums} | {"bridged": 0.0},
                coin["peg_type"],
                TOTAL_CHAIN,
                "",
            )
            for number, day in enumerate(days)
        ]
        return days, sums["circulating"], points

    def price(self, coin: Mapping[str, Any]) -> float | None:
        """Return the coin's price at the clock's instant."""
        return self._prices.latest(coin["gecko_id"], self._state.now_us)

    def daily_prices(self) -> list[dict[str, Any]]:
        """Return the body of `/stablecoinprices` at the clock's instant."""
        return self._state.cached((_KEY, "prices"), lambda: self._prices.items(self._state.now_us))


def price_label(day: int) -> int | None:
    """Return the label under which a day's last price stands, in days since 1970; None: nowhere.

    It is the first of the day after, which the server kept until the label `_LAST_PRICE_FROM`.
    """
    if day >= _LAST_PRICE_FROM:
        return day
    return day + 1 if day + 1 < _LAST_PRICE_FROM else None


class _PriceTable:
    """Prices by coin and instant."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._coins: dict[str, tuple[Versions, Floats]] = {}
        for (coin,), part in frame.partition_by("coin", as_dict=True, maintain_order=True).items():
            versions = Versions(
                part["ts"].dt.epoch("us").to_numpy(),
                part["known_us"].to_numpy(),
                part["gone"].to_numpy(),
            )
            self._coins[str(coin)] = (versions, part["price"].to_numpy())

    def latest(self, coin: str | None, now_us: int) -> float | None:
        """Return the newest price of a coin, or None."""
        if coin not in self._coins:
            return None
        versions, prices = self._coins[coin]
        positions = versions.at(now_us)
        return float(prices[positions[-1]]) if len(positions) else None

    def items(self, now_us: int) -> list[dict[str, Any]]:
        """Return one item a day, oldest first, and the live one last."""
        by_day: dict[int, dict[str, float | str]] = {}
        today = now_us // DAY_US
        for coin, (versions, prices) in self._coins.items():
            positions = versions.at(now_us)
            days = versions.keys[positions] // DAY_US
            # positions are in the order of time: the last one of a day wins
            for day, position in zip(days.tolist(), positions.tolist(), strict=True):
                label = price_label(day)
                if label is not None and label <= today:
                    by_day.setdefault(label, {})[coin] = prices[position].item()
        live = {
            coin: price for coin in self._coins if (price := self.latest(coin, now_us)) is not None
        }
        if live:
            by_day.setdefault(today, {}).update(live)
        # the oldest record has no date, and some days were stored as text
        items: list[dict[str, Any]] = [{"date": 0, "prices": {}}] if by_day else []
        return items + [
            {
                "date": day * 86_400,
                "prices": {
                    coin: repr(price) if day % 5 == 0 else price
                    for coin, price in by_day[day].items()
                },
            }
            for day in sorted(by_day)
        ]


def coins_of(state: State) -> Stablecoins:
    """Return the coins of the dataset, loaded once."""
    return state.kept(_KEY, lambda: Stablecoins(state))


def stablecoins(state: State, _: Request) -> Reply:
    """Answer `/stablecoins`: all coins, largest first, with their amounts some days ago."""
    return Reply(listing(state), shape=_LIST)


def listing(state: State) -> dict[str, Any]:
    """Return the body of `/stablecoins` at the clock's instant."""
    return state.cached((_KEY, "list"), lambda: _list(state))


def _list(state: State) -> dict[str, Any]:
    known = coins_of(state)
    coins, chain_totals = [], dict[str, dict[str, float]]()
    for coin in known.coins():
        entry = _entry(state, known, coin)
        coins.append(entry)
        if entry.get("deadFrom"):
            continue
        for chain, amounts in entry["chainCirculating"].items():
            totals = chain_totals.setdefault(chain, {})
            for peg, amount in amounts["current"].items():
                totals[peg] = totals.get(peg, 0.0) + amount * _to_usd(state, known, coin)
    coins.sort(key=lambda entry: -entry["circulating"].get("peggedUSD", 0.0))
    return {
        "peggedAssets": coins,
        "chains": [
            {"totalCirculatingUSD": totals, "name": chain}
            for chain, totals in sorted(
                chain_totals.items(), key=lambda item: -sum(item[1].values())
            )
        ],
    }


def _to_usd(state: State, known: Stablecoins, coin: Mapping[str, Any]) -> float:
    """Return the factor that the chains' totals still need: the list may be in USD already."""
    return 1.0 if state.now >= IN_USD_FROM else _value(known, coin)


def _value(known: Stablecoins, coin: Mapping[str, Any]) -> float:
    price = known.price(coin)
    return _RATES.get(coin["peg_type"], 0.0) if price is None else price


def _entry(state: State, known: Stablecoins, coin: Mapping[str, Any]) -> dict[str, Any]:
    peg = coin["peg_type"]
    factor = _value(known, coin) if state.now >= IN_USD_FROM else 1.0
    today = (state.today - _EPOCH).days

    def amounts(days: Ints, values: Floats) -> dict[str, dict[str, float]]:
        found = {}
        for name, back in (("", 0), ("PrevDay", 1), ("PrevWeek", 7), ("PrevMonth", 30)):
            # the newest day that is complete is today's value, as long as the day lasts
            position = int(np.searchsorted(days, today - back, side="left" if back else "right"))
            fresh = position > 0 and (not back or days[position - 1] >= today - back - 1)
            value = float(values[position - 1]) if fresh else float("nan")
            found[name] = {peg: value * factor} if np.isfinite(value) else {}
        return found

    total_days, total_values, _ = known.total(coin)
    total = amounts(total_days, total_values)
    by_chain = {}
    for chain, series in known.chains(coin).items():
        at = series.versions.at(state.now_us)
        if chain == TOTAL_CHAIN or not len(at):
            continue
        here = amounts(series.days[at], series.amounts["circulating"][at])
        by_chain[chain] = {"current": here[""]} | {
            f"circulating{name}": value for name, value in here.items() if name
        }
    ordered = sorted(by_chain, key=lambda chain: -by_chain[chain]["current"].get(peg, 0.0))
    entry: dict[str, Any] = {
        "id": coin["stablecoin_id"],
        "name": coin["name"],
        "symbol": coin["symbol"],
        "gecko_id": coin["gecko_id"],
        "pegType": peg,
        "priceSource": "defillama",
        "pegMechanism": coin["peg_mechanism"],
        "circulating": total[""],
        **{f"circulating{name}": value for name, value in total.items() if name},
        "chainCirculating": {chain: by_chain[chain] for chain in ordered},
        "chains": ordered,
        "price": known.price(coin),
    }
    if coin["dead_from"] is not None:
        entry["deadFrom"] = coin["dead_from"].isoformat()
    if coin["yield_bearing"]:
        entry["yieldBearing"] = True
    return entry


def stablecoin(state: State, request: Request) -> Reply:
    """Answer `/stablecoin/{id}`: one coin's whole history, in total and by chain, native units."""
    coin_id = request.path_params["coin_id"]
    known = coins_of(state)
    coin = next((one for one in known.coins() if one["stablecoin_id"] == coin_id), None)
    if coin is None:
        body = (
            f"<!DOCTYPE html><html><body><pre>Cannot GET /stablecoin/{coin_id}</pre></body></html>"
        )
        return text(body, 404, "text/html")
    return Reply(
        state.cached((_KEY, "coin", coin_id), lambda: _coin(state, known, coin)), shape=_POINTS
    )


def _coin(state: State, known: Stablecoins, coin: Mapping[str, Any]) -> dict[str, Any]:
    peg = coin["peg_type"]
    balances, current = {}, {}
    for chain, series in known.chains(coin).items():
        at = series.versions.at(state.now_us).tolist()
        if chain == TOTAL_CHAIN or not at:
            continue
        balances[chain] = {"tokens": _with_live(state, [series.points[p] for p in at])}
        current[chain] = balances[chain]["tokens"][-1]["circulating"]
    _, _, points = known.total(coin)
    return {
        "id": coin["stablecoin_id"],
        "name": coin["name"],
        "address": None,
        "symbol": coin["symbol"],
        "url": "",
        "description": "",
        "mintRedeemDescription": "",
        "onCoinGecko": "true" if coin["gecko_id"] else "false",
        "gecko_id": coin["gecko_id"],
        "cmcId": None,
        "pegType": peg,
        "pegMechanism": coin["peg_mechanism"],
        "priceSource": "defillama",
        "auditLinks": [],
        "twitter": None,
        "wiki": None,
        **({"deadFrom": coin["dead_from"].isoformat()} if coin["dead_from"] else {}),
        "price": known.price(coin),
        "chainBalances": balances,
        "currentChainBalances": current,
        "tokens": _with_live(state, points),
    }


def _with_live(state: State, points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the points and the live one: the newest amounts under the hour of the answer."""
    if not points:
        return []
    hour = state.now.replace(minute=0, second=0, microsecond=0)
    return [*points, {**points[-1], "date": int(hour.timestamp())}]


def prices(state: State, _: Request) -> Reply:
    """Answer `/stablecoinprices`: one item a day, numbers and at times text, the last one live."""
    return Reply(coins_of(state).daily_prices(), shape=_PRICES)
