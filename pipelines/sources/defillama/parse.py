"""DefiLlama payloads to rows. Pure.

Bodies hold whole histories in seconds, restated at will; the window decides what is typed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

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
from pipelines.sources.defillama.settings import TOTAL
from pipelines.sources.defillama.tables import (
    CHAIN_METRICS,
    CHAIN_TVL,
    CHAINS,
    METRIC_PROTOCOLS,
    PROTOCOL_METRICS,
    PROTOCOL_TOKENS,
    PROTOCOL_TVL,
    PROTOCOLS,
)


def _named(table: Table, *without: str) -> dict[str, str]:
    return {name: name for name in table.fields if name not in without}


def refusal(payload: object) -> str | None:
    """Return the message of an error inside HTTP 200, or None."""
    if isinstance(payload, dict) and set(payload) <= {"message", "statusCode", "error"}:
        return str(payload.get("message") or payload.get("error") or payload)
    return None


def protocols(payload: object) -> Parsed:
    """Parse `/protocols`: one object a protocol.

    `chainTvls` mixes chains with pseudo keys (borrowed, staking, …) and is not landed: the TVL by
    chain comes from each protocol's history.

    Raises:
        PayloadError: the payload is not a list, or it is empty.
    """
    listed = expect_list(payload, "protocols")
    if not listed:
        raise EmptyList("protocols: the list is empty")
    rows = [_protocol(entry) if isinstance(entry, dict) else entry for entry in listed]
    return parse_rows(PROTOCOLS, rows, _named(PROTOCOLS), times={"listed_at": "s"}, sent=listed)


def _protocol(entry: dict[str, Any]) -> dict[str, Any]:
    symbol, dead_from = entry.get("symbol"), entry.get("deadFrom") or None
    chains = entry.get("chains")
    return {
        "protocol_id": entry.get("id"),
        "slug": entry.get("slug"),
        "name": entry.get("name"),
        "symbol": None if symbol == "-" else symbol,
        "category": entry.get("category"),
        "parent_protocol": entry.get("parentProtocol"),
        "gecko_id": entry.get("gecko_id"),
        "cmc_id": entry.get("cmcId"),
        "address": entry.get("address"),
        "chains": dump(chains) if isinstance(chains, list) else chains,
        "listed_at": entry.get("listedAt"),
        "tvl_usd": entry.get("tvl"),
        "mcap_usd": entry.get("mcap"),
        "dead_from": str(dead_from) if type(dead_from) is int else dead_from,
    }


def protocol_tvl(payload: object, slug: str, latest: datetime, window: Window) -> Parsed:
    """Parse the TVL of `/protocol/{slug}`: the protocol's own series and each chain's.

    Keys of `chainTvls` that are no chains of the protocol are parts of TVL (borrowed, staking,
    pool2, …, also by chain) and are left out. The last point of a series is live.

    Raises:
        PayloadError: the body has no list of chains or a series is none.
    """
    body = expect_object(payload, f"protocol {slug}")
    chains = expect_list(body.get("chains"), f"protocol {slug}: chains")
    if not all(isinstance(chain, str) for chain in chains):
        raise PayloadError(f"protocol {slug}: chains are not all texts: {dump(chains)[:120]}")
    series = {TOTAL: expect_list(body.get("tvl"), f"protocol {slug}: tvl")}
    by_chain = expect_object(body.get("chainTvls") or {}, f"protocol {slug}: chainTvls")
    for chain in chains:
        if chain in by_chain:
            entry = expect_object(by_chain[chain], f"protocol {slug} on {chain}")
            series[chain] = expect_list(entry.get("tvl"), f"protocol {slug} on {chain}: tvl")
    sent = [
        (chain, point)
        for chain, points in series.items()
        for point in _recorded(points, latest, window)
    ]
    rows = [
        {**point, "chain": chain} if isinstance(point, dict) else point for chain, point in sent
    ]
    return parse_rows(
        PROTOCOL_TVL,
        rows,
        {"chain": "chain", "label_time": "date", "tvl_usd": "totalLiquidityUSD"},
        constants={"slug": slug},
        times={"label_time": "s"},
        latest=latest,
        sent=[point for _, point in sent],
    )


def protocol_tokens(payload: object, slug: str, latest: datetime, window: Window) -> Parsed:
    """Parse `tokens` and `tokensInUsd` of `/protocol/{slug}`; both are null where they are huge.

    Raises:
        PayloadError: a series is no list of objects.
    """
    body = expect_object(payload, f"protocol {slug}")
    held: dict[tuple[str, int], dict[str, Any]] = {}
    strange: list[Any] = []
    sent: list[Any] = []
    for key, column in (("tokens", "amount"), ("tokensInUsd", "value_usd")):
        points = expect_list(body.get(key) or [], f"protocol {slug}: {key}")
        for point in _recorded(points, latest, window):
            sent.append(point)
            at = _date(point)
            tokens = point.get("tokens") if isinstance(point, dict) else None
            if type(at) is not int or not isinstance(tokens, dict):
                strange.append(point)
                continue
            for token, number in tokens.items():
                row = held.setdefault((token, at), {"token": token, "date": at})
                row[column] = number
    return parse_rows(
        PROTOCOL_TOKENS,
        [*held.values(), *strange],
        {"token": "token", "label_time": "date", "amount": "amount", "value_usd": "value_usd"},
        constants={"slug": slug},
        times={"label_time": "s"},
        latest=latest,
        sent=sent,
    )


def chains(payload: object) -> Parsed:
    """Parse `/v2/chains`: one object a chain; all but name and TVL may be null.

    Raises:
        PayloadError: the payload is not a list, or it is empty.
    """
    listed = expect_list(payload, "v2/chains")
    if not listed:
        raise EmptyList("v2/chains: the list is empty")
    rows = [
        {**entry, "chainId": _text(entry.get("chainId"))} if isinstance(entry, dict) else entry
        for entry in listed
    ]
    return parse_rows(
        CHAINS,
        rows,
        {
            "chain": "name",
            "gecko_id": "gecko_id",
            "token_symbol": "tokenSymbol",
            "cmc_id": "cmcId",
            "evm_chain_id": "chainId",
            "tvl_usd": "tvl",
        },
        sent=listed,
    )


def _text(value: Any) -> Any:
    return str(value) if type(value) is int else value


def chain_tvl(payload: object, chain: str, latest: datetime, window: Window) -> Parsed:
    """Parse `/v2/historicalChainTvl[/{chain}]`: objects of date and TVL, oldest first.

    The newest point is live, though its label is a midnight: each protocol's last record of the
    day is taken for it, and protocols without one are carried forward.

    Raises:
        PayloadError: the payload is not a list of points.
    """
    points = _without_newest(expect_list(payload, f"historicalChainTvl of {chain}"))
    return parse_rows(
        CHAIN_TVL,
        [point for point in points if may_concern(_date(point), window, latest)],
        {"label_time": "date", "tvl_usd": "tvl"},
        constants={"chain": chain},
        times={"label_time": "s"},
        latest=latest,
    )


def metric_protocols(payload: object, metric: str) -> Parsed:
    """Parse the list of protocols of `/overview/{fees|dexs}`; what is false or null is left out.

    Raises:
        PayloadError: there is no list of protocols, or it is empty.
    """
    listed = expect_list(
        expect_object(payload, f"overview of {metric}").get("protocols"),
        f"overview of {metric}: protocols",
    )
    if not listed:
        raise EmptyList(f"overview of {metric}: the list of protocols is empty")
    rows = [
        {
            "protocol_id": entry.get("defillamaId"),
            "slug": entry.get("slug"),
            "name": entry.get("name"),
            "category": entry.get("category"),
            "protocol_type": entry.get("protocolType"),
            "parent_protocol": entry.get("parentProtocol"),
            "is_double_counted": entry.get("doublecounted") or False,
            "total_24h_usd": entry.get("total24h"),
            "total_all_time_usd": entry.get("totalAllTime"),
        }
        if isinstance(entry, dict)
        else entry
        for entry in listed
    ]
    return parse_rows(
        METRIC_PROTOCOLS,
        rows,
        _named(METRIC_PROTOCOLS, "metric"),
        constants={"metric": metric},
        sent=listed,
    )


def charted_chains(payload: object) -> frozenset[str] | None:
    """Return the chains that an overview has something of, others are refused; None: unknown."""
    listed = payload.get("allChains") if isinstance(payload, dict) else None
    if not isinstance(listed, list):
        return None
    return frozenset(name for name in listed if isinstance(name, str))


def chain_metrics(
    payload: object, metric: str, chain: str, latest: datetime, window: Window
) -> Parsed:
    """Parse the total chart of `/overview/{fees|dexs}[/{chain}]`: pairs of seconds and amount.

    The newest point carries yesterday's value forward for protocols without a record yet.

    Raises:
        PayloadError: there is no chart.
    """
    what = f"overview of {metric} on {chain}"
    body = expect_object(payload, what)
    if "totalDataChart" not in body:
        raise PayloadError(f"{what}: no totalDataChart")
    points = _without_newest(expect_list(body["totalDataChart"] or [], what))
    return parse_rows(
        CHAIN_METRICS,
        [point for point in points if may_concern(_date(point), window, latest)],
        {"day_time": 0, "amount_usd": 1},
        constants={"series_id": f"{metric}:{chain}", "metric": metric, "chain": chain},
        times={"day_time": "s"},
        latest=latest,
    )


def protocol_metrics(
    payload: object, metric: str, slug: str, latest: datetime, window: Window
) -> Parsed:
    """Parse `/summary/{fees|dexs}/{slug}`: the total's pairs, and objects by chain and version.

    Raises:
        PayloadError: there is no chart.
    """
    what = f"summary of {metric} of {slug}"
    body = expect_object(payload, what)
    if "totalDataChart" not in body:
        raise PayloadError(f"{what}: no totalDataChart")
    rows: list[Any] = []
    sent: list[Any] = []
    for point in expect_list(body["totalDataChart"] or [], what):
        if may_concern(_date(point), window, latest):
            sent.append(point)
            is_pair = isinstance(point, list) and len(point) == 2
            rows.append([*point, TOTAL, TOTAL] if is_pair else point)
    for point in expect_list(body.get("totalDataChartBreakdown") or [], what):
        if may_concern(_date(point), window, latest):
            rows += _broken_down(point)
    return parse_rows(
        PROTOCOL_METRICS,
        rows,
        {"day_time": 0, "amount_usd": 1, "chain": 2, "version": 3},
        constants={"series_id": f"{metric}:{slug}", "metric": metric, "slug": slug},
        times={"day_time": "s"},
        latest=latest,
        sent=sent,
    )


def _broken_down(point: Any) -> Iterator[Any]:
    """Yield [seconds, amount, chain, version]; a day without a breakdown has null for it."""
    if not (isinstance(point, list) and len(point) == 2 and isinstance(point[1], dict | None)):
        yield point
        return
    for chain, versions in (point[1] or {}).items():
        if isinstance(versions, dict):
            for version, amount in versions.items():
                yield [point[0], amount, chain, version]
        else:
            yield [point[0], versions, chain, TOTAL]


def _date(point: Any) -> Any:
    """Return a point's own time as sent, or as a number where it was sent as text."""
    if isinstance(point, dict):
        return epoch(point.get("date"))
    return epoch(point[0]) if isinstance(point, list) and point else None


def _without_newest(points: list[Any]) -> list[Any]:
    dates = [date for point in points if type(date := _date(point)) is int]
    if not dates:
        return points
    newest = max(dates)
    return [point for point in points if _date(point) != newest]


def _recorded(points: list[Any], latest: datetime, window: Window) -> Iterator[Any]:
    """Yield the window's points of a series, without the live one."""
    for point in without_live(points, _date):
        if may_concern(_date(point), window, latest):
            yield point
