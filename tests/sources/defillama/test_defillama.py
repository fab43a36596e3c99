"""DefiLlama, on recorded bodies and against a double of the API."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.core.windows import Window
from pipelines.http.client import RequestRefused
from pipelines.sources.defillama import SOURCE, parse
from pipelines.sources.defillama.settings import METRICS, TOTAL
from tests.sources.double import at, days, landed, log_of, recorded, run_of
from tests.sources.fuzz import FUZZ, damaged, outcome

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WINDOW = days("2024-03-08", "2024-03-09")
LABELS = days("2024-03-09", "2024-03-10")
WIDE = days("2015-01-01", "2029-12-31")


def seconds(text: str) -> int:
    return int(at(text).timestamp())


def midnights(first: str = "2024-02-20") -> list[int]:
    return [seconds(first) + 86_400 * day for day in range((NOW - at(first)).days + 1)]


LIVE = int(NOW.timestamp()) + 1432


def tvl_series(live: bool = True) -> list[dict[str, Any]]:
    points = [{"date": day, "totalLiquidityUSD": day / 1e3} for day in midnights()]
    return [*points, {"date": LIVE, "totalLiquidityUSD": 1.0}] if live else points


def token_series(unit: float) -> list[dict[str, Any]]:
    points = [{"date": day, "tokens": {"WETH": unit, "USDC": 2 * unit}} for day in midnights()]
    return [*points, {"date": LIVE, "tokens": {"WETH": 99}}]


def protocol(**changes: Any) -> dict[str, Any]:
    return {
        "id": "parent#uniswap", "name": "Uniswap", "chains": ["Ethereum", "Base"],
        "gecko_id": "uniswap", "mcap": None, "raises": [], "hallmarks": [],
        "currentChainTvls": {"Ethereum": 1.0, "Ethereum-staking": 2.0, "staking": 2.0},
        "chainTvls": {
            "Ethereum": {"tvl": tvl_series(), "tokensInUsd": None, "tokens": None},
            "Base": {"tvl": tvl_series()},
            "Ethereum-staking": {"tvl": tvl_series()},
            "staking": {"tvl": tvl_series()},
            "borrowed": {"tvl": tvl_series()},
            "doublecounted": {"tvl": tvl_series()},
        },
        "tvl": tvl_series(), "tokens": token_series(1.5), "tokensInUsd": token_series(3000),
    } | changes  # fmt: skip


def listed(number: int, slug: str, tvl: float | None, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(number), "name": slug.title(), "symbol": "-", "chain": "Multi-Chain",
        "gecko_id": None, "cmcId": None, "category": "Dexs", "chains": ["Ethereum", "Base"],
        "slug": slug, "tvl": tvl, "chainTvls": {"Ethereum": 1, "staking": 5}, "mcap": None,
        "change_1d": None, "tokenBreakdowns": {},
    } | changes  # fmt: skip


def overview(**changes: Any) -> dict[str, Any]:
    return {
        "totalDataChart": [[day, 100 + position] for position, day in enumerate(midnights())],
        "totalDataChartBreakdown": [],
        "breakdown24h": None, "chain": None, "allChains": ["Ethereum", "X Layer"], "total24h": 1,
        "protocols": [
            {"defillamaId": "1", "name": "Uniswap V3", "displayName": "Uniswap V3",
             "category": "Dexs", "chains": ["Ethereum"], "protocolType": "protocol",
             "parentProtocol": "parent#uniswap", "slug": "uniswap-v3", "total24h": 1.5,
             "totalAllTime": 7},
            {"defillamaId": "2", "name": "Ethereum", "protocolType": "chain", "slug": "ethereum",
             "total24h": 9},
            {"defillamaId": "3", "name": "Copy", "slug": "copy", "doublecounted": True},
        ],
    } | changes  # fmt: skip


def summary(**changes: Any) -> dict[str, Any]:
    chart = [[day, 10] for day in midnights("2024-03-05")]
    return {
        "name": "Uniswap", "total24h": 10, "totalAllTime": 100, "totalDataChart": chart,
        "totalDataChartBreakdown": [
            *[[day, {"Ethereum": {"Uniswap V2": 4, "Uniswap V3": 5}, "Base": {"Uniswap V3": 1}}]
              for day, _ in chart[:-2]],
            [chart[-2][0], None],
            [chart[-1][0], {"Ethereum": {"Uniswap V3": 10}}],
        ],
        "chains": ["Ethereum", "Base"],
    } | changes  # fmt: skip


class Api:
    """Two families and a lone protocol; two chains; fees of Uniswap."""

    def __init__(self) -> None:
        self.protocols = [
            listed(1, "uniswap-v3", 7e8, parentProtocol="parent#uniswap"),
            listed(2, "uniswap-v2", 6e8, parentProtocol="parent#uniswap"),
            listed(3, "binance-cex", 1e11, category="CEX"),
            listed(4, "small", 1e6),
            listed(5, "curated", 0, symbol="CUR", listedAt=1_648_776_877, deadFrom="2024-01-01"),
            listed(6, "letsbonk.fun", None, category="Launchpad"),
        ]
        self.refused: dict[str, Any] = {}

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        if path in self.refused:
            found = self.refused[path]
            if isinstance(found, Exception):
                raise found
            return found
        kind = path.partition("/")[0]
        if kind == "protocols":
            return self.protocols
        if path == "v2/chains":
            return [
                {"gecko_id": "ethereum", "tvl": 65998652431.40251, "tokenSymbol": "ETH",
                 "cmcId": "1027", "name": "Ethereum", "chainId": 1},
                {"gecko_id": None, "tvl": 5, "tokenSymbol": None, "cmcId": None, "name": "X Layer",
                 "chainId": "196"},
                {"name": "Dust", "tvl": 5.5},
            ]  # fmt: skip
        if path.startswith("v2/historicalChainTvl"):
            return [{"date": day, "tvl": 1000.5} for day in midnights()]
        if kind == "protocol":
            return protocol()
        assert params["dataType"] in METRICS, "a request without data type gets another metric"
        if kind == "overview":
            assert params["excludeTotalDataChartBreakdown"] == "true"
            return overview()
        assert kind == "summary"
        return summary()


def pair(rows: list[dict[str, Any]], *names: str) -> set[tuple[Any, ...]]:
    return {tuple(row[name] for name in names) for row in rows}


def test_a_recorded_protocol_has_its_chain_without_pseudo_keys_and_without_the_live_point(
    shared_data: Path,
) -> None:
    (path,) = (shared_data / "http_recorded_gamestonk").glob("api.llama.fi__protocol_anchor__*")
    payload = recorded(path)
    assert set(payload["chainTvls"]) == {"Terra", "Terra-borrowed", "borrowed"}
    parsed = parse.protocol_tvl(payload, "anchor", LATEST, WIDE)
    assert not parsed.refused
    rows = parsed.rows.to_pylist()
    assert {row["chain"] for row in rows} == {TOTAL, "Terra"}
    newest = max(row["label_time"] for row in rows)
    assert newest == at("2022-01-28"), "the point of 2022-01-29T10:58 is live"
    total = {row["label_time"]: row["tvl_usd"] for row in rows if row["chain"] == TOTAL}
    assert len(total) == 282
    assert total[newest] == Decimal("8242278282.616036")


def test_recorded_token_amounts_and_values_meet_in_one_row(shared_data: Path) -> None:
    (path,) = (shared_data / "http_recorded_gamestonk").glob("api.llama.fi__protocol_anchor__*")
    parsed = parse.protocol_tokens(recorded(path), "anchor", LATEST, WIDE)
    rows = {(row["token"], row["label_time"]): row for row in parsed.rows.to_pylist()}
    luna = rows["terra-luna", at("2022-01-28")]
    assert luna["amount"] == Decimal("59538398.50012")
    assert luna["value_usd"] > luna["amount"]
    assert {name for name, _ in rows} >= {"terrausd", "terra-luna", "staked-ether"}


def test_recorded_protocols_are_landed_as_they_are(shared_data: Path) -> None:
    (path,) = (shared_data / "http_recorded_gamestonk").glob("api.llama.fi__protocols__*")
    parsed = parse.protocols(recorded(path))
    rows = {row["slug"]: row for row in parsed.rows.to_pylist()}
    assert not parsed.refused
    assert len(rows) == 10
    assert rows["curve"]["gecko_id"] == "curve-dao-token"
    assert rows["curve"]["tvl_usd"] == Decimal("16890071630.01999")


def test_a_recorded_summary_has_its_total_and_its_parts(shared_data: Path) -> None:
    payload = recorded(shared_data / "hyperliquid_recorded_api/fees.json")
    parsed = parse.protocol_metrics(payload, "dailyFees", "hyperliquid", LATEST, WIDE)
    assert not parsed.refused
    rows = parsed.rows.to_pylist()
    total = {row["day_time"]: row["amount_usd"] for row in rows if row["chain"] == TOTAL}
    parts = {row["day_time"]: row["amount_usd"] for row in rows if row["chain"] == "hyperliquid"}
    assert len(total) == len(payload["totalDataChart"])
    assert total[at("2025-05-05")] == 1_011_288
    assert parts == {day: total[day] for day in parts}


def test_recorded_tvl_exports_of_eight_protocols_have_the_days_that_were_landed(
    shared_data: Path,
) -> None:
    # the author's tidy table, wrapped again as the API serves it
    lines = (shared_data / "defillama_protocol_tvl_alexander/defi_tvl_data.csv").read_text()
    aave = [line.split(",") for line in lines.splitlines()[1:] if line.startswith("Aave,")]
    points = [{"date": seconds(day), "totalLiquidityUSD": float(value)} for _, day, value in aave]
    payload = {"chains": [], "tvl": points, "chainTvls": {}}
    parsed = parse.protocol_tvl(payload, "aave", LATEST, WIDE)
    assert parsed.row_count == len(points)
    gaps = [
        later["date"] - earlier["date"]
        for earlier, later in pairwise(points)
        if later["date"] - earlier["date"] > 86_400
    ]
    assert max(gaps) == 276 * 86_400, "a hole of 275 days stays a hole"


def test_families_are_asked_as_one_and_custody_is_not() -> None:
    run = run_of(Api(), NOW, {"curated"})
    rows = landed(SOURCE, run, WINDOW)
    asked = {path for path, _ in run.client.asked if path.startswith("protocol/")}  # type: ignore[attr-defined]
    assert asked == {"protocol/uniswap", "protocol/curated"}, (
        "1.3 billion of Uniswap's two versions count together; Binance's custody does not count; "
        "who holds nothing at all has no TVL to ask for"
    )
    assert len(rows["protocols"]) == 6
    curated = next(row for row in rows["protocols"] if row["slug"] == "curated")
    assert curated["listed_at"] == at("2022-04-01T01:34:37")
    assert curated["dead_from"] == "2024-01-01"
    assert curated["symbol"] == "CUR"
    assert curated["tvl_usd"] == 0
    assert next(row for row in rows["protocols"] if row["protocol_id"] == "6")["tvl_usd"] is None
    assert all(row["symbol"] is None for row in rows["protocols"] if row["slug"] != "curated")


def test_tvl_of_a_day_is_the_first_record_of_the_next() -> None:
    run = run_of(Api(), NOW, {"curated"})
    rows = landed(SOURCE, run, WINDOW)["protocol_tvl"]
    assert pair(rows, "label_time") == {(at("2024-03-09"),), (at("2024-03-10"),)}
    assert pair(rows, "chain") == {(TOTAL,), ("Ethereum",), ("Base",)}
    log = log_of(run, "protocol_tvl")["uniswap"]
    assert (log["window_start"], log["window_end"]) == (LABELS.start_at, LABELS.end_at)
    assert log["status"] == "ok"
    assert log["request_count"] == 1
    assert log_of(run, "protocol_tokens")["uniswap"]["request_count"] == 0, "the same answer"


def test_the_newest_label_of_a_chains_tvl_is_live_and_left_out() -> None:
    run = run_of(Api(), NOW, {"curated"})
    rows = landed(SOURCE, run, WINDOW)["chain_tvl"]
    assert pair(rows, "chain", "label_time") == {
        (chain, at("2024-03-09")) for chain in (TOTAL, "Ethereum", "X Layer")
    }, "curated chains are asked for whatever their size, dust is not"
    assert log_of(run, "chain_tvl")["X Layer"]["status"] == "ok"
    paths = [path for path, _ in run.client.asked if "historicalChainTvl" in path]  # type: ignore[attr-defined]
    assert "v2/historicalChainTvl/X%20Layer" in paths


def test_the_day_that_an_overview_carries_forward_is_left_out() -> None:
    run = run_of(Api(), NOW, {"curated"})
    rows = landed(SOURCE, run, WINDOW)["chain_metrics"]
    assert pair(rows, "day_time") == {(at("2024-03-08"),), (at("2024-03-09"),)}
    # at an hour when today's point is not there yet, yesterday's is the carried one
    cut = overview(totalDataChart=overview()["totalDataChart"][:-1])
    parsed = parse.chain_metrics(cut, "dailyFees", "Base", LATEST, WINDOW)
    assert parsed.rows["day_time"].to_pylist() == [at("2024-03-08")]


def test_each_data_type_is_a_series_of_its_own() -> None:
    run = run_of(Api(), NOW, {"curated"})
    rows = landed(SOURCE, run, WINDOW)
    assert pair(rows["protocol_metrics"], "series_id") == {
        (f"{metric}:uniswap",) for metric in METRICS
    }, "curated has no fees, so its fees are not asked for"
    assert set(log_of(run, "metric_protocols")) == set(METRICS)
    listed_protocols = [row for row in rows["metric_protocols"] if row["metric"] == "dailyFees"]
    assert pair(listed_protocols, "slug", "is_double_counted", "protocol_type") == {
        ("uniswap-v3", False, "protocol"),
        ("ethereum", False, "chain"),
        ("copy", True, None),
    }
    overviews = [path for path, _ in run.client.asked if path.startswith("overview/")]  # type: ignore[attr-defined]
    assert len(overviews) == len(METRICS) * 3, "the list of protocols and the total are one answer"


def test_a_chain_without_fees_is_not_asked_for_them() -> None:
    api = Api()
    api.refused["overview/fees"] = overview(allChains=["Ethereum"])
    run = run_of(api, NOW, {"curated"})
    landed(SOURCE, run, WINDOW)
    asked = {path for path, _ in run.client.asked if path.startswith("overview/")}  # type: ignore[attr-defined]
    assert "overview/fees/X%20Layer" not in asked
    assert {"overview/fees/Ethereum", "overview/dexs/X%20Layer"} <= asked
    assert parse.charted_chains({"allChains": None}) is None, "unknown: then all are asked"


def test_parts_of_a_day_add_up_and_a_day_may_have_none() -> None:
    parsed = parse.protocol_metrics(summary(), "dailyFees", "uniswap", LATEST, WINDOW)
    rows = parsed.rows.to_pylist()
    first = [row for row in rows if row["day_time"] == at("2024-03-08")]
    parts = sum(row["amount_usd"] for row in first if row["chain"] != TOTAL)
    assert parts == next(row["amount_usd"] for row in first if row["chain"] == TOTAL)
    assert pair(first, "chain", "version") == {
        (TOTAL, TOTAL),
        ("Ethereum", "Uniswap V2"),
        ("Ethereum", "Uniswap V3"),
        ("Base", "Uniswap V3"),
    }
    second = [row for row in rows if row["day_time"] == at("2024-03-09")]
    assert pair(second, "chain") == {(TOTAL,)}, "its breakdown is null"


def test_negative_and_absurd_amounts_are_landed_and_what_cannot_be_kept_is_quarantined() -> None:
    day = seconds("2024-03-08")
    for amount, is_kept in ((-5.25, True), (7.6e16, True), (1e22, False), (0, True)):
        chart = [[day, amount], [day + 86_400, 1]]
        payload = summary(totalDataChart=chart, totalDataChartBreakdown=[])
        parsed = parse.protocol_metrics(payload, "dailyVolume", "x", LATEST, WINDOW)
        assert (parsed.row_count == 2) is is_kept, amount
        assert bool(parsed.refused) is not is_kept


def test_zero_and_a_missing_day_are_different() -> None:
    day = seconds("2024-03-08")
    payload = summary(totalDataChart=[[day, 0], [day + 2 * 86_400, 1]], totalDataChartBreakdown=[])
    parsed = parse.protocol_metrics(payload, "dailyFees", "x", LATEST, WINDOW)
    assert parsed.rows["amount_usd"].to_pylist() == [0]
    run = run_of(Api(), NOW, set())
    run.client._answer.refused["summary/fees/uniswap"] = payload  # type: ignore[attr-defined]
    landed(SOURCE, run, WINDOW)
    assert log_of(run, "protocol_metrics")["dailyFees:uniswap"]["status"] == "partial"


@pytest.mark.parametrize(
    "problem",
    [
        RequestRefused("HTTP 400: Protocol not found", status=400),
        {"message": "There is no chain with that name"},
        {"message": "not found", "statusCode": 404},
    ],
)
def test_an_unknown_name_is_refused_whatever_the_status(problem: Any) -> None:
    api = Api()
    api.refused = {
        "protocol/curated": problem,
        "v2/historicalChainTvl/X%20Layer": problem,
        "summary/fees/uniswap": problem,
    }
    run = run_of(api, NOW, {"curated"})
    rows = landed(SOURCE, run, WINDOW)
    assert not run.failures
    assert len(run.refusals) == 2 + 3, "three of the data types are fees"
    assert log_of(run, "protocol_tvl")["curated"]["status"] == "error"
    assert pair(rows["protocol_tvl"], "slug") == {("uniswap",)}
    assert pair(rows["protocol_metrics"], "metric") == {("dailyVolume",)}


def test_without_a_list_of_protocols_nothing_else_is_asked() -> None:
    api = Api()
    api.protocols = []
    run = run_of(api, NOW, {"curated"})
    landed(SOURCE, run, WINDOW)
    assert run.has_stopped
    assert [path for path, _ in run.client.asked] == ["protocols"]  # type: ignore[attr-defined]


def test_a_point_inside_a_series_that_is_no_midnight_is_quarantined() -> None:
    series = tvl_series()
    series[-3]["date"] += 60
    parsed = parse.protocol_tvl(
        protocol(tvl=series, chainTvls={}), "x", LATEST, days("2024-03-08", "2024-03-10")
    )
    assert parsed.row_count == 2
    assert parsed.refused[0][0].startswith("label_time: off the grid of 86400 s")


def as_text(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**point, "date": str(point["date"])} for point in points]


def test_dates_as_text_are_dates() -> None:
    wanted = days("2024-03-01", "2024-03-20")
    series = tvl_series()
    reported = [
        parse.protocol_tvl(protocol(tvl=tvl, chainTvls={}), "x", LATEST, wanted)
        for tvl in (series, as_text(series))
    ]
    assert reported[0].rows.equals(reported[1].rows), "the live point is left out of both"
    assert reported[0].refused == reported[1].refused == ()
    chain = [{"date": seconds(f"2024-03-{day:02}"), "tvl": day} for day in (8, 9, 10)]
    parts = [parse.chain_tvl(points, "Base", LATEST, wanted) for points in (chain, as_text(chain))]
    assert parts[0].row_count == 2, "the newest is live"
    assert parts[0].rows.equals(parts[1].rows)


def test_tokens_that_are_too_many_are_null_and_have_no_rows() -> None:
    payload = protocol(tokens=None, tokensInUsd=None)
    assert parse.protocol_tokens(payload, "x", LATEST, LABELS).row_count == 0


def test_points_outside_the_window_are_not_even_typed() -> None:
    series = [{"date": seconds("2021-05-04"), "totalLiquidityUSD": "broken"}, *tvl_series()]
    parsed = parse.protocol_tvl(protocol(tvl=series), "x", LATEST, LABELS)
    assert not parsed.refused


def test_a_body_without_its_series_is_a_payload_error() -> None:
    for broken in ({}, {"chains": []}, {"chains": [], "tvl": {}}, []):
        with pytest.raises(PayloadError):
            parse.protocol_tvl(broken, "x", LATEST, LABELS)
    for broken in ({}, {"protocols": []}, {"protocols": {}}):
        with pytest.raises(PayloadError):
            parse.metric_protocols(broken, "dailyFees")
        with pytest.raises(PayloadError):
            parse.chain_metrics(broken, "dailyFees", "Base", LATEST, WINDOW)


SHORT = Window(WINDOW.start - timedelta(days=1), WINDOW.end + timedelta(days=2))


FEW = protocol(
    chainTvls={"Base": {"tvl": tvl_series()[-3:]}},
    tvl=tvl_series()[-3:],
    tokens=token_series(1.0)[-3:],
    tokensInUsd=token_series(2.0)[-3:],
)


@FUZZ
@given(damaged(FEW))
def test_damaged_protocols_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.protocol_tvl(body, "x", LATEST, SHORT), payload)
    outcome(lambda body: parse.protocol_tokens(body, "x", LATEST, SHORT), payload)


@FUZZ
@given(damaged(Api().protocols[-2:]))
def test_damaged_lists_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(parse.protocols, payload)


@FUZZ
@given(damaged([{"name": "Base", "tvl": 1.5, "chainId": 8453}, {"name": "Ink", "tvl": 2}]))
def test_damaged_chains_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(parse.chains, payload)


@FUZZ
@given(damaged([{"date": day, "tvl": 1.5} for day in midnights("2024-03-07")]))
def test_damaged_chain_tvl_is_rows_refusals_or_a_payload_error(payload: Any) -> None:
    outcome(lambda body: parse.chain_tvl(body, "Base", LATEST, SHORT), payload)


@FUZZ
@given(damaged(overview(totalDataChart=overview()["totalDataChart"][-4:])))
def test_damaged_overviews_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.metric_protocols(body, "dailyFees"), payload)
    outcome(lambda body: parse.chain_metrics(body, "dailyFees", "x", LATEST, SHORT), payload)


@FUZZ
@given(damaged(summary()))
def test_damaged_summaries_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.protocol_metrics(body, "dailyFees", "x", LATEST, SHORT), payload)
