"""DefiLlama: protocols, chains, their TVL, fees, revenue and volume. Errors are plain text.

A point of TVL carries the midnight at which it was taken, so it says how the day before ended; the
last one is live. Fees and volumes carry the midnight that begins their day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

import numpy as np
from starlette.requests import Request

from pipelines.sandbox.server import daily
from pipelines.sandbox.server.daily import DAY_S, DailyTable, Seen, clean
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply, Shape, text
from pipelines.sandbox.server.state import Floats, Ints, State

NAME = "defillama"
# data types of the overviews, and the columns that hold them
METRICS: Mapping[str, Mapping[str, str]] = {
    "fees": {
        "dailyFees": "fees",
        "dailyRevenue": "revenue",
        "dailyHoldersRevenue": "holders_revenue",
    },
    "dexs": {"dailyVolume": "dex_volume"},
}
_FLOWS = ("fees", "revenue", "holders_revenue", "dex_volume")
# parts of TVL that DefiLlama prints beside it, by category: not in the dataset, and not to be used
_PARTS = {"Lending": ("borrowed", 0.45), "Dexs": ("staking", 0.04)}
# how far the live value is from the newest recorded one
_LIVE = 1.0015

_PROTOCOLS = Shape(
    rows=lambda body: body, rebuild=lambda _, rows: rows, price="mcap", column="slug"
)
_TVL = Shape(
    rows=lambda body: body["tvl"],
    rebuild=lambda body, rows: {**body, "tvl": rows},
    price="totalLiquidityUSD",
    column="totalLiquidityUSD",
)
_CHAIN_TVL = Shape(rows=lambda body: body, rebuild=lambda _, rows: rows, price="tvl", column="tvl")
_METRIC = Shape(
    rows=lambda body: body["totalDataChart"],
    rebuild=lambda body, rows: {**body, "totalDataChart": rows},
    price=1,
    column=1,
)


class Protocols:
    """The protocols and families of the dataset at the clock's instant."""

    def __init__(self, state: State) -> None:
        """Read the list; series are read when they are asked for."""
        self._state = state
        self.listed = {row["protocol"]: row for row in daily.rows(state, "protocols")}
        numbers = sorted(self.listed)
        self.ids = {slug: str(2_000 + number) for number, slug in enumerate(numbers)}
        self.series: DailyTable = daily.table(
            state, "protocol_daily", ["protocol", "chain"], ("tvl", *_FLOWS)
        )
        self.tokens: DailyTable = daily.table(
            state, "protocol_token_daily", ["protocol", "token"], ("amount", "value")
        )
        self.chains: dict[str, list[str]] = {}
        for slug, chain in self.series.keys():  # noqa: SIM118  # a method, not a mapping
            self.chains.setdefault(slug, []).append(chain)

    def members(self, slug: str) -> list[str]:
        """Return the protocol, or the members of the family; none for an unknown name."""
        if slug in self.listed:
            return [slug]
        return sorted(name for name, row in self.listed.items() if row["parent"] == slug)

    def by_chain(self, members: Sequence[str]) -> dict[str, list[Seen]]:
        """Return the members' series by chain; chains without a day yet are left out."""
        found: dict[str, list[Seen]] = {}
        for slug in members:
            for chain in self.chains.get(slug, ()):
                seen = self.series.seen(slug, chain)
                if len(seen):
                    found.setdefault(chain, []).append(seen)
        return found

    def live_tvl(self, slug: str) -> dict[str, float]:
        """Return a protocol's TVL by chain now, largest first."""
        live = {
            chain: value * _LIVE
            for chain, (seen,) in self.by_chain([slug]).items()
            if (value := seen.last("tvl")) is not None
        }
        return dict(sorted(live.items(), key=lambda item: -item[1]))


def _protocols(state: State) -> Protocols:
    return state.cached((NAME, "protocols"), lambda: Protocols(state))


def protocols(state: State, _: Request) -> Reply:
    """Answer `/protocols`: every protocol, largest first."""
    known = _protocols(state)
    listed = [_listed(known, slug, row) for slug, row in known.listed.items()]
    listed.sort(key=lambda entry: (-(entry["tvl"] or 0), entry["slug"]))
    return Reply(listed, shape=_PROTOCOLS)


def _listed(known: Protocols, slug: str, row: Mapping[str, Any]) -> dict[str, Any]:
    live = known.live_tvl(slug)
    chains = list(live) or known.chains.get(slug, [])
    parts: dict[str, float] = {}
    if row["category"] in _PARTS and live:
        part, share = _PARTS[row["category"]]
        parts = {f"{chain}-{part}": share * value for chain, value in live.items()}
        parts[part] = sum(parts.values())
    entry: dict[str, Any] = {
        "id": known.ids[slug],
        "name": row["name"],
        "address": None,
        "symbol": row["symbol"] or "-",
        "url": "",
        "description": "",
        "chain": chains[0] if len(chains) == 1 else "Multi-Chain",
        "logo": "",
        "audits": "0",
        "gecko_id": row["gecko_id"],
        "cmcId": None,
        "category": row["category"],
        "chains": chains,
        "module": f"{slug}/index.js",
        "slug": slug,
        "tvl": sum(live.values()) if live else None,
        "chainTvls": {**live, **parts},
        "change_1h": None,
        "change_1d": 0,
        "change_7d": 0,
        "tokenBreakdowns": {},
        "mcap": None,
    }
    if row["parent"] is not None:
        entry["parentProtocol"] = f"parent#{row['parent']}"
    if row["listed_day"] is not None:
        entry["listedAt"] = int(datetime.combine(row["listed_day"], time(9, 41), UTC).timestamp())
    if row["dead_from"] is not None:
        entry["deadFrom"] = row["dead_from"].isoformat()
    return entry


def protocol(state: State, request: Request) -> Reply:
    """Answer `/protocol/{slug}`: the whole history of one or of a family, also by chain."""
    slug = request.path_params["slug"]
    known = _protocols(state)
    members = known.members(slug)
    if not members:
        return text("Protocol not found", 400)
    return Reply(
        state.cached((NAME, "protocol", slug), lambda: _protocol(state, known, slug, members)),
        shape=_TVL,
    )


def _protocol(state: State, known: Protocols, slug: str, members: Sequence[str]) -> dict[str, Any]:
    by_chain = known.by_chain(members)
    row = known.listed.get(slug)
    current: dict[str, float] = {}
    chain_tvls: dict[str, Any] = {}
    for chain, parts in by_chain.items():
        points = _tvl_points(state, *daily.total(parts, "tvl"))
        if points:
            chain_tvls[chain] = {"tvl": points, "tokensInUsd": None, "tokens": None}
            current[chain] = points[-1]["totalLiquidityUSD"]
    category = known.listed[members[0]]["category"]
    if category in _PARTS:
        part, share = _PARTS[category]
        for chain in list(chain_tvls):
            chain_tvls[f"{chain}-{part}"] = {
                "tvl": [
                    {**point, "totalLiquidityUSD": share * point["totalLiquidityUSD"]}
                    for point in chain_tvls[chain]["tvl"]
                ]
            }
            current[f"{chain}-{part}"] = share * current[chain]
    everything = [seen for parts in by_chain.values() for seen in parts]
    amounts, values = _token_points(state, known, members)
    return {
        "id": known.ids[slug] if row else f"parent#{slug}",
        "name": row["name"] if row else slug.replace("-", " ").title(),
        "symbol": (row["symbol"] if row else None) or "-",
        "gecko_id": row["gecko_id"] if row else None,
        "category": row["category"] if row else None,
        "chains": list(by_chain),
        "currentChainTvls": current,
        "chainTvls": chain_tvls,
        "tvl": _tvl_points(state, *daily.total(everything, "tvl")),
        "tokensInUsd": values,
        "tokens": amounts,
        "raises": [],
        "hallmarks": [],
        "mcap": None,
        **({} if row else {"otherProtocols": [slug, *members], "isParentProtocol": True}),
    }


def _live_s(state: State) -> int:
    """Return when the live record was made: some minutes ago, at no full hour."""
    return daily.now_s(state) // 3_600 * 3_600 - 1_688


def _tvl_points(state: State, days: Ints, values: Floats) -> list[dict[str, Any]]:
    points = [
        {"date": (day + 1) * DAY_S, "totalLiquidityUSD": clean(value)}
        for day, value in zip(days.tolist(), values.tolist(), strict=True)
    ]
    if points and _live_s(state) > points[-1]["date"]:
        points.append(
            {"date": _live_s(state), "totalLiquidityUSD": clean(float(values[-1]) * _LIVE)}
        )
    return points


def _token_points(
    state: State, known: Protocols, members: Sequence[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return amounts and values of what is held, day by day, the live point last."""
    held: dict[str, dict[int, dict[str, Any]]] = {"amount": {}, "value": {}}
    for slug, token in known.tokens.keys():  # noqa: SIM118  # a method, not a mapping
        if slug not in members:
            continue
        seen = known.tokens.seen(slug, token)
        for name, by_day in held.items():
            for day, value in zip(seen.days.tolist(), seen.column(name), strict=True):
                if value is not None:
                    tokens = by_day.setdefault(day, {})
                    tokens[token] = tokens.get(token, 0) + value
    found = []
    for by_day in held.values():
        points: list[dict[str, Any]] = [
            {"date": (day + 1) * DAY_S, "tokens": by_day[day]} for day in sorted(by_day)
        ]
        if points and _live_s(state) > points[-1]["date"]:
            points.append({"date": _live_s(state), "tokens": points[-1]["tokens"]})
        found.append(points)
    return found[0], found[1]


def _chains(state: State) -> DailyTable:
    return daily.table(state, "chains_daily", ["chain"], ("tvl",))


def chains(state: State, _: Request) -> Reply:
    """Answer `/v2/chains`: every chain with its TVL now."""
    listed = []
    for row in daily.rows(state, "chains"):
        value = _chains(state).seen(row["chain"]).last("tvl")
        if value is not None:
            listed.append(
                {
                    "gecko_id": row["gecko_id"],
                    "tvl": value * _LIVE,
                    "tokenSymbol": row["token_symbol"],
                    "cmcId": None,
                    "name": row["chain"],
                    "chainId": row["evm_chain_id"],
                }
            )
    return Reply(listed)


def historical_chain_tvl(state: State, request: Request) -> Reply:
    """Answer `/v2/historicalChainTvl[/{chain}]`: the newest point is live, under a midnight."""
    chain = request.path_params.get("chain")
    table = _chains(state)
    names = [name for (name,) in table.keys()]  # noqa: SIM118  # a method, not a mapping
    if chain is not None and chain not in names:
        return text("There is no chain with that name", 400)
    days, values = daily.total([table.seen(name) for name in ([chain] if chain else names)], "tvl")
    points = [
        {"date": (day + 1) * DAY_S, "tvl": clean(value)}
        for day, value in zip(days.tolist(), values.tolist(), strict=True)
    ]
    if points:
        points[-1]["tvl"] = clean(float(values[-1]) * _LIVE)
    return Reply(points, shape=_CHAIN_TVL)


def overview(state: State, request: Request) -> Reply:
    """Answer `/overview/{fees|dexs}[/{chain}]`: totals and who they are of.

    The newest point carries yesterday's values forward. Gas fees of chains and what is counted
    twice are listed, and not part of the totals.
    """
    kind, chain = request.path_params["kind"], request.path_params.get("chain")
    column = _column(kind, request)
    if column is None:
        return text("Internal server error", 500)
    known = _protocols(state)
    query = request.query_params
    entries, charted, named = [], list[Seen](), dict[str, list[Seen]]()
    for slug, row in known.listed.items():
        having = {
            name: seen
            for name, (seen,) in known.by_chain([slug]).items()
            if chain in (None, name) and seen.last(column) is not None
        }
        if not having:
            continue
        parts = list(having.values())
        entries.append(_dimension(known, slug, row, list(having), parts, column))
        if row["category"] != "Chain" and not row["double_counted"]:
            charted += parts
            named.setdefault(row["name"], []).extend(parts)
    if not entries:
        # also where the dataset has no such measure at all: an empty list would be an outage
        return text(f"{kind.capitalize()} for {chain or 'all chains'} not found", 400)
    points = _carried(state, *daily.total(charted, column))
    body = {
        "totalDataChart": [] if query.get("excludeTotalDataChart") == "true" else points,
        "totalDataChartBreakdown": (
            []
            if query.get("excludeTotalDataChartBreakdown") == "true"
            else _broken_down(state, named, column)
        ),
        "breakdown24h": None,
        "breakdown30d": None,
        "chain": chain,
        "allChains": sorted(
            {name for entry in entries for name in entry["chains"]} if chain is None else [chain]
        ),
        "total24h": points[-2][1] if len(points) > 1 else None,
        "protocols": entries,
    }
    return Reply(body, shape=_METRIC)


def _column(kind: str, request: Request) -> str | None:
    metrics = METRICS.get(kind, {})
    return metrics.get(request.query_params.get("dataType", next(iter(metrics), "")))


def _dimension(
    known: Protocols,
    slug: str,
    row: Mapping[str, Any],
    chains: list[str],
    parts: Sequence[Seen],
    column: str,
) -> dict[str, Any]:
    days, values = daily.total(parts, column)
    entry: dict[str, Any] = {
        "defillamaId": known.ids[slug],
        "name": row["name"],
        "displayName": row["name"],
        "module": slug,
        "category": row["category"],
        "chains": chains,
        "protocolType": "chain" if row["category"] == "Chain" else "protocol",
        "slug": slug,
        "total24h": clean(float(values[-1])),
        "total7d": clean(float(values[days > days[-1] - 7].sum())),
        "total30d": clean(float(values[days > days[-1] - 30].sum())),
        "totalAllTime": clean(float(values.sum())),
    }
    # what is false or null is left out
    if row["parent"] is not None:
        entry["parentProtocol"] = f"parent#{row['parent']}"
    if row["double_counted"]:
        entry["doublecounted"] = True
    return entry


def _pairs(days: Ints, values: Floats) -> list[list[Any]]:
    return [
        [day * DAY_S, clean(value)]
        for day, value in zip(days.tolist(), values.tolist(), strict=True)
    ]


def _carried(state: State, days: Ints, values: Floats) -> list[list[Any]]:
    points = _pairs(days, values)
    if points and points[-1][0] < daily.today(state) * DAY_S:
        points.append([daily.today(state) * DAY_S, points[-1][1]])
    return points


def _broken_down(state: State, named: Mapping[str, Sequence[Seen]], column: str) -> list[list[Any]]:
    by_day: dict[int, dict[str, Any]] = {}
    for name, parts in named.items():
        for at, value in _carried(state, *daily.total(parts, column)):
            by_day.setdefault(at, {})[name] = value
    return [[at, by_day[at]] for at in sorted(by_day)]


def summary(state: State, request: Request) -> Reply:
    """Answer `/summary/{fees|dexs}/{slug}`: one protocol or family, by day, chain and version.

    The running day has what came in so far.
    """
    kind, slug = request.path_params["kind"], request.path_params["slug"]
    column = _column(kind, request)
    if column is None:
        return text("Internal server error", 500)
    known = _protocols(state)
    parts = [
        (member, chain, seen)
        for member in known.members(slug)
        for chain, (seen,) in known.by_chain([member]).items()
        if seen.last(column) is not None
    ]
    if not parts:
        body = (
            f"{kind.capitalize()} for {slug} not found, please visit /overview/{kind} to see "
            "available protocols"
        )
        return text(body, 400)
    days, values = daily.total([seen for _, _, seen in parts], column)
    by_day: dict[int, dict[str, dict[str, Any]]] = {}
    for member, chain, seen in parts:
        name = known.listed[member]["name"]
        for day, value in zip(seen.days.tolist(), seen.column(column), strict=True):
            if value is not None:
                by_day.setdefault(day, {}).setdefault(chain, {})[name] = clean(value)
    chart = _pairs(days, values)
    breakdown: list[list[Any]] = [[day * DAY_S, by_day[day]] for day in sorted(by_day)]
    passed = state.now_us / 1e6 % DAY_S / DAY_S
    if passed and chart and chart[-1][0] < daily.today(state) * DAY_S:
        chart.append([daily.today(state) * DAY_S, clean(round(float(values[-1]) * passed))])
        breakdown.append([daily.today(state) * DAY_S, None])
    row = known.listed.get(slug)
    return Reply(
        {
            "id": known.ids[slug] if row else f"parent#{slug}",
            "name": row["name"] if row else slug.replace("-", " ").title(),
            "defillamaId": known.ids[slug] if row else f"parent#{slug}",
            "slug": slug,
            "protocolType": "protocol",
            "chains": sorted({chain for _, chain, _ in parts}),
            "total24h": clean(float(values[-1])),
            "totalAllTime": clean(float(np.nansum(values))),
            "totalDataChart": chart,
            "totalDataChartBreakdown": breakdown,
        },
        shape=_METRIC,
    )


MOUNT = Mount(
    name=NAME,
    handlers={
        "/protocols": protocols,
        "/protocol/{slug}": protocol,
        "/v2/chains": chains,
        "/v2/historicalChainTvl": historical_chain_tvl,
        "/v2/historicalChainTvl/{chain}": historical_chain_tvl,
        "/overview/{kind}": overview,
        "/overview/{kind}/{chain}": overview,
        "/summary/{kind}/{slug}": summary,
    },
    limit=Limit(300, 60),
)
