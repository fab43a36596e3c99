"""DefiLlama yields, on recorded rows and against a double of the API."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.sources.defillama_yields import MAX_POOLS, POOL_FROM_USD, SOURCE, parse
from tests.sources.double import at, days, landed, log_of, run_of
from tests.sources.fuzz import FUZZ, damaged, outcome

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WINDOW = days("2024-03-08", "2024-03-09")
FOLDER = "defillama_yields_vintages"


def pool(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "chain": "Ethereum", "project": "aave-v3", "symbol": "USDC", "tvlUsd": 5e7,
        "apyBase": 3.25, "apyReward": None, "apy": 3.25, "rewardTokens": None, "pool": name,
        "apyPct1D": None, "stablecoin": True, "ilRisk": "no", "exposure": "single",
        "predictions": {"predictedClass": None}, "poolMeta": None, "mu": 1.1, "sigma": 0.1,
        "count": 700, "outlier": False, "underlyingTokens": ["0xA0b8"], "il7d": None,
    } | changes  # fmt: skip


def point(timestamp: str, **changes: Any) -> dict[str, Any]:
    return {
        "timestamp": timestamp, "tvlUsd": 123, "apy": 1.5, "apyBase": 1.5, "apyReward": None,
        "il7d": None, "apyBase7d": None,
    } | changes  # fmt: skip


CHART = [
    point("2024-03-07T23:01:00.123Z"),
    point("2024-03-08T23:02:00.000Z"),
    point("2024-03-09T22:59:59.999Z", apyReward=0.5, apy=2.0),
    point("2024-03-10T05:03:00.000Z"),
]


class Api:
    def __init__(self, pools: list[dict[str, Any]]) -> None:
        self.pools = pools
        self.charts: dict[str, Any] = {}

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        assert params == {}
        data = self.pools if path == "pools" else self.charts.get(path.split("/")[1], CHART)
        return {"status": "success", "data": data}


def test_recorded_vintages_replace_the_record_of_the_day_that_ran(shared_data: Path) -> None:
    # the author's columns, wrapped again as the API serves them
    vintages = {}
    for day in ("2025-09-26", "2025-09-29"):
        frame = pl.read_parquet(shared_data / FOLDER / f"raw_tvl_{day}.parquet")
        name = "25171c4c-1877-449a-9f88-45a9f153ee31"
        points = [
            point(row["timestamp"], tvlUsd=row["tvl_usd"], apy=row["apy"],
                  apyBase=row["apy_base"], apyReward=row["apy_reward"])
            for row in frame.filter(pl.col("pool_id") == name).to_dicts()
        ]  # fmt: skip
        parsed = parse.pool_chart({"status": "success", "data": points}, name, LATEST)
        assert not parsed.refused
        assert parsed.row_count == len({row["timestamp"][:10] for row in points})
        vintages[day] = {row["day_time"]: row for row in parsed.rows.to_pylist()}
    running = at("2025-09-26")
    early, late = vintages["2025-09-26"][running], vintages["2025-09-29"][running]
    assert early["record_time"] < late["record_time"], "the day's record was replaced"
    older = [day for day in vintages["2025-09-26"] if day < running]
    same = sum(vintages["2025-09-26"][day] == vintages["2025-09-29"].get(day) for day in older)
    assert same == len(older), "and no older one"


def test_recorded_pools_are_landed_as_they_are(shared_data: Path) -> None:
    frame = pl.read_parquet(shared_data / FOLDER / "raw_pools_2025-09-29.parquet")
    pools = [
        pool(row["pool"], chain=row["chain"], project=row["protocol_slug"], symbol=row["symbol"],
             tvlUsd=row["tvl_usd"], apy=row["apy"], apyBase=row["apy_base"],
             apyReward=row["apy_reward"], underlyingTokens=row["underlying_tokens"],
             rewardTokens=row["reward_tokens"])
        for row in frame.to_dicts()
    ]  # fmt: skip
    parsed = parse.pools({"status": "success", "data": pools})
    assert not parsed.refused
    assert parsed.row_count == len(frame) == 5862


def test_a_day_has_its_last_record_and_the_running_day_has_none() -> None:
    run = run_of(Api([pool("a")]), NOW, {"aave-v3"})
    rows = landed(SOURCE, run, WINDOW)["pool_chart"]
    assert [row["day_time"] for row in rows] == [at("2024-03-08"), at("2024-03-09")]
    assert rows[1]["record_time"] == at("2024-03-09T22:59:59.999")
    assert (rows[1]["apy_base_pct"], rows[1]["apy_reward_pct"]) == (Decimal("1.5"), Decimal("0.5"))
    assert rows[0]["apy_reward_pct"] is None, "null is not zero"
    assert log_of(run, "pool_chart")["a"]["status"] == "ok"


def test_two_records_of_a_day_are_one() -> None:
    points = [point("2024-03-08T10:00:00.000Z", tvlUsd=1), point("2024-03-08T20:00:00.000Z")]
    parsed = parse.pool_chart({"status": "success", "data": points}, "a", LATEST)
    assert parsed.rows["tvl_usd"].to_pylist() == [123]


def test_histories_are_asked_of_the_largest_pools_of_curated_families() -> None:
    pools = [pool(f"pool-{number:03}", tvlUsd=POOL_FROM_USD + number) for number in range(200)]
    pools += [
        pool("tiny", tvlUsd=POOL_FROM_USD - 1),
        pool("unknown", tvlUsd=None),
        pool("stranger", project="aavegotchi", tvlUsd=1e12),
    ]
    run = run_of(Api(pools), NOW, {"aave"})
    rows = landed(SOURCE, run, WINDOW)
    assert len(rows["pools"]) == 203, "the list is landed whole"
    asked = sorted(log_of(run, "pool_chart"))
    assert len(asked) == MAX_POOLS
    assert asked[0] == "pool-050"


def test_an_unknown_pool_is_an_empty_list_and_deletes_nothing() -> None:
    api = Api([pool("a")])
    api.charts["a"] = []
    run = run_of(api, NOW, {"aave-v3"})
    landed(SOURCE, run, WINDOW)
    assert log_of(run, "pool_chart")["a"]["status"] == "partial"


@pytest.mark.parametrize("body", [{"status": "error", "data": []}, {"data": [pool("a")]}, [], {}])
def test_another_status_than_success_is_an_error_inside_http_200(body: Any) -> None:
    with pytest.raises(PayloadError):
        parse.pools(body)
    with pytest.raises(PayloadError):
        parse.pool_chart(body, "a", LATEST)


@FUZZ
@given(damaged({"status": "success", "data": [pool("a"), pool("b")]}))
def test_damaged_pools_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(parse.pools, payload)


@FUZZ
@given(damaged({"status": "success", "data": CHART}))
def test_damaged_charts_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.pool_chart(body, "a", LATEST), payload)
