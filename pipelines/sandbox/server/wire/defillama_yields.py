"""DefiLlama yields: `/pools` and `/chart/{pool}`. APY is in percent."""

from __future__ import annotations

import uuid
import zlib
from typing import Any

from starlette.requests import Request

from pipelines.sandbox.server import daily
from pipelines.sandbox.server.daily import DAY_S, Seen
from pipelines.sandbox.server.mount import Limit, Mount
from pipelines.sandbox.server.reply import Reply, Shape
from pipelines.sandbox.server.state import State

NAME = "defillama_yields"
_COLUMNS = ("tvl", "apy_base", "apy_reward")
_ROWS = Shape(
    rows=lambda body: body["data"],
    rebuild=lambda body, rows: {**body, "data": rows},
    price="tvlUsd",
    column="pool",
)
_POINTS = Shape(_ROWS.rows, _ROWS.rebuild, price="tvlUsd", column="timestamp")


def _seen(state: State, pool: str) -> Seen:
    return daily.table(state, "yield_daily", ["pool"], _COLUMNS).seen(pool)


def _apy(base: float | None, reward: float | None) -> float | None:
    return None if base is None and reward is None else (base or 0) + (reward or 0)


def pools(state: State, _: Request) -> Reply:
    """Answer `/pools`: every pool as it is now."""
    listed = []
    for row in daily.rows(state, "yield_pools"):
        seen = _seen(state, row["pool"])
        if not len(seen):
            continue
        tvl, base, reward = (seen.column(name)[-1] for name in _COLUMNS)
        listed.append(
            {
                "chain": row["chain"],
                "project": row["project"],
                "symbol": row["symbol"],
                "tvlUsd": None if tvl is None else round(tvl),
                "apyBase": base,
                "apyReward": reward,
                "apy": _apy(base, reward),
                "rewardTokens": None if reward is None else ["0x0"],
                "pool": row["pool"],
                "apyPct1D": None,
                "apyPct7D": None,
                "apyPct30D": None,
                "stablecoin": bool(row["stablecoin"]),
                "ilRisk": "no" if "-" not in row["symbol"] else "yes",
                "exposure": "multi" if "-" in row["symbol"] else "single",
                "predictions": {
                    "predictedClass": None,
                    "predictedProbability": None,
                    "binnedConfidence": None,
                },
                "poolMeta": row["pool_meta"],
                "mu": None,
                "sigma": None,
                "count": len(seen),
                "outlier": False,
                "underlyingTokens": None,
                "il7d": None,
                "apyBase7d": None,
                "apyMean30d": None,
                "volumeUsd1d": None,
                "volumeUsd7d": None,
                "apyBaseInception": None,
            }
        )
    return Reply({"status": "success", "data": listed}, shape=_ROWS)


def chart(state: State, request: Request) -> Reply:
    """Answer `/chart/{pool}`: a row a day, under the instant of its last record."""
    pool = request.path_params["pool"]
    try:
        uuid.UUID(pool)
    except ValueError:
        return Reply('"invalid configID!"', status=400, media_type="application/json")
    seen = _seen(state, pool)
    points: list[dict[str, Any]] = []
    columns = [seen.column(name) for name in _COLUMNS]
    for day, tvl, base, reward in zip(seen.days.tolist(), *columns, strict=True):
        # the last record of a day is made within its last hour
        second = DAY_S - 1 - (zlib.crc32(pool.encode()) + day * 97) % 3_000
        points.append(_point(day * DAY_S + second + 0.191, tvl, base, reward))
    if points and daily.now_s(state) % DAY_S > 600:
        live = [column[-1] for column in columns]
        points.append(_point(daily.now_s(state) - 540.191, *live))
    return Reply({"status": "success", "data": points}, shape=_POINTS)


def _point(
    at: float, tvl: float | None, base: float | None, reward: float | None
) -> dict[str, Any]:
    return {
        "timestamp": daily.iso(at),
        "tvlUsd": None if tvl is None else round(tvl),
        "apy": _apy(base, reward),
        "apyBase": base,
        "apyReward": reward,
        "il7d": None,
        "apyBase7d": None,
    }


MOUNT = Mount(
    name=NAME,
    handlers={"/pools": pools, "/chart/{pool}": chart},
    limit=Limit(300, 60),
    failed=lambda message: {"status": "error", "error": message or "Internal server error"},
)
