"""DefiLlama yields payloads to rows. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pipelines.core.payload import PayloadError
from pipelines.extraction.parsing import (
    EmptyList,
    Parsed,
    dump,
    expect_list,
    expect_object,
    parse_rows,
)
from pipelines.sources.defillama_yields.tables import POOL_CHART, POOLS


def _data(payload: object, what: str) -> list[Any]:
    body = expect_object(payload, what)
    if body.get("status") != "success":
        raise PayloadError(f"{what}: status {dump(body.get('status'))}, not success")
    return expect_list(body.get("data"), f"{what}: data")


def pools(payload: object) -> Parsed:
    """Parse `/pools`: one object a pool; any number may be null.

    Raises:
        PayloadError: the status is not success, there is no list, or it is empty.
    """
    listed = _data(payload, "pools")
    if not listed:
        raise EmptyList("pools: the list is empty")
    rows = [
        {
            **pool,
            "underlyingTokens": _json(pool.get("underlyingTokens")),
            "rewardTokens": _json(pool.get("rewardTokens")),
        }
        if isinstance(pool, dict)
        else pool
        for pool in listed
    ]
    return parse_rows(
        POOLS,
        rows,
        {
            "pool": "pool",
            "chain": "chain",
            "project": "project",
            "symbol": "symbol",
            "pool_meta": "poolMeta",
            "tvl_usd": "tvlUsd",
            "apy_pct": "apy",
            "apy_base_pct": "apyBase",
            "apy_reward_pct": "apyReward",
            "is_stablecoin": "stablecoin",
            "il_risk": "ilRisk",
            "exposure": "exposure",
            "is_outlier": "outlier",
            "underlying_tokens": "underlyingTokens",
            "reward_tokens": "rewardTokens",
        },
        sent=listed,
    )


def _json(tokens: Any) -> Any:
    return dump(tokens) if isinstance(tokens, list) else tokens


def pool_chart(payload: object, pool: str, latest: datetime) -> Parsed:
    """Parse `/chart/{pool}`: one object a day, with the instant of the day's last record.

    While a day runs its record is replaced, so of several the last counts (see the table's grid).

    Raises:
        PayloadError: the status is not success, or there is no list.
    """
    return parse_rows(
        POOL_CHART,
        _data(payload, f"chart of {pool}"),
        {
            "day_time": "timestamp",
            "record_time": "timestamp",
            "tvl_usd": "tvlUsd",
            "apy_pct": "apy",
            "apy_base_pct": "apyBase",
            "apy_reward_pct": "apyReward",
        },
        constants={"pool": pool},
        times={"day_time": "iso", "record_time": "iso"},
        latest=latest,
    )
