"""DefiLlama stablecoins by chain: `/stablecoincharts/{chain}` and `/stablecoinchains`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.dataset import TOTAL_CHAIN
from pipelines.sandbox.server import daily, stablecoins
from pipelines.sandbox.server.daily import DAY_S, clean
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import State

ALL = "all"
_CHART = Shape(
    rows=lambda body: body,
    rebuild=lambda _, rows: rows,
    price="totalCirculating",
    column="totalCirculating",
)
_CHAINS = Shape(
    rows=lambda body: body,
    rebuild=lambda _, rows: rows,
    price="totalCirculatingUSD",
    column="totalCirculatingUSD",
)

ByDay = dict[int, dict[str, float]]


def chart(state: State, request: Request) -> Reply:
    """Answer `/stablecoincharts/{chain}`: seconds as text, whole numbers, what is zero left out.

    The last item is live, with all its decimals and keys.
    """
    chain = request.path_params["chain"]
    key = ("stablecoin_charts", chain)
    return Reply(state.cached(key, lambda: _chart(state, chain)), shape=_CHART)


def _chart(state: State, chain: str) -> list[dict[str, Any]]:
    native: ByDay = {}
    dollars: ByDay = {}
    minted: ByDay = {}
    prices = _daily_prices(state)
    known = stablecoins.coins_of(state)
    for coin in known.coins():
        peg = coin["peg_type"]
        if chain == ALL:
            days, amounts, _ = known.total(coin)
            issued = np.zeros(len(days))
        else:
            series = known.chains(coin).get(chain)
            if series is None or chain == TOTAL_CHAIN:
                continue
            at = series.versions.at(state.now_us)
            days, amounts = series.days[at], series.amounts["circulating"][at]
            issued = series.amounts["minted"][at]
        priced = prices.get(coin["gecko_id"], {})
        # the midnight at which they stood
        days = days + 1
        for day, amount, mint in zip(days.tolist(), amounts.tolist(), issued.tolist(), strict=True):
            if np.isnan(amount):
                continue
            price = priced.get(day, 1.0 if peg == "peggedUSD" else 0.0)
            for by_day, value in (
                (native, amount),
                (dollars, amount * price),
                (minted, 0.0 if np.isnan(mint) else mint * price),
            ):
                sums = by_day.setdefault(day, {})
                sums[peg] = sums.get(peg, 0.0) + value
    items = [
        _rounded(day, {"totalCirculating": native[day], "totalCirculatingUSD": dollars[day],
                       "totalMintedUSD": minted[day]})
        for day in sorted(native)
    ]  # fmt: skip
    if items:
        last = max(native)
        # the newest item is of the label that the live one replaces
        items = [item for item in items if int(item["date"]) < daily.today(state) * DAY_S]
        items.append(
            {
                "date": str(daily.today(state) * DAY_S),
                "totalCirculating": native[last],
                "totalUnreleased": dict.fromkeys(native[last], 0),
                "totalCirculatingUSD": dollars[last],
                "totalMintedUSD": minted[last],
                "totalBridgedToUSD": dict.fromkeys(native[last], 0),
            }
        )
    return items


def _rounded(day: int, amounts: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    item: dict[str, Any] = {"date": str(day * DAY_S)}
    for name, by_peg in amounts.items():
        kept = {peg: whole for peg, value in by_peg.items() if (whole := round(value))}
        if kept:
            item[name] = kept
    return item


def _daily_prices(state: State) -> dict[str, dict[int, float]]:
    """Return the price that is reported under each label, by CoinGecko's id."""
    found: dict[str, dict[int, float]] = {}
    if state.dataset.has("prices"):
        rows = state.visible("prices").sort("ts").select("coin", "ts", "price")
        for coin, instant, price in rows.iter_rows():
            label = stablecoins.price_label((instant.date() - daily.EPOCH).days)
            if label is not None:
                found.setdefault(coin, {})[label] = price
    return found


def chains(state: State, _: Request) -> Reply:
    """Answer `/stablecoinchains`: dollars by peg on each chain."""
    listed = stablecoins.listing(state)["chains"]
    if not listed:
        # a dataset may have totals alone: refused, which is reported, and not an answer cut short
        return Reply({"message": "no chains in this dataset"}, status=404)
    return Reply(
        [
            {
                "gecko_id": None,
                "totalCirculatingUSD": {
                    peg: clean(amount) for peg, amount in chain["totalCirculatingUSD"].items()
                },
                "tokenSymbol": None,
                "name": chain["name"],
            }
            for chain in listed
        ],
        shape=_CHAINS,
    )
