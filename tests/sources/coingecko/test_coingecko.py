"""CoinGecko, on recorded bodies and against a double of the API."""

import csv
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.http.client import RequestRefused
from pipelines.sources.coingecko import SOURCE, parse
from pipelines.sources.coingecko.settings import PAGE_ROWS, TOP_PAGES
from tests.sources.double import at, days, landed, log_of, ms, recorded, run_of
from tests.sources.fuzz import FUZZ, damaged, outcome

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WINDOW = days("2024-03-08", "2024-03-09")
FOLDER = "http_recorded_gamestonk"


def body(folder: Path, number: str) -> Any:
    (path,) = (folder / FOLDER).glob(f"api.coingecko.com_*__{number}.json")
    return recorded(path)


def coin(coin_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": coin_id, "symbol": "tkn", "name": coin_id.title(), "image": "https://…",
        "current_price": 1.5, "market_cap": 3000, "market_cap_rank": 7,
        "fully_diluted_valuation": 4500, "total_volume": 12, "high_24h": None,
        "circulating_supply": 2000.0, "total_supply": 3000.0, "max_supply": None, "roi": None,
        "last_updated": "2024-03-10T05:58:21.599Z",
    } | changes  # fmt: skip


def chart(first: str = "2024-01-01") -> dict[str, Any]:
    """Return daily points at midnight and the live one."""
    count = (NOW - at(first)).days + 1
    points = [[ms(at(first) + timedelta(days=day)), 100.5 + day] for day in range(count)]
    points.append([ms(NOW) + 221, 7.0])
    return {"prices": points, "market_caps": [*points[:-1], [points[-1][0], None]],
            "total_volumes": points}  # fmt: skip


def category(**changes: Any) -> dict[str, Any]:
    return {
        "id": "ai", "name": "AI", "market_cap": 1.5e9, "market_cap_change_24h": -1.25,
        "content": "", "top_3_coins_id": [], "top_3_coins": [], "volume_24h": None,
        "updated_at": "2024-03-10T05:50:00.123Z",
    } | changes  # fmt: skip


class Api:
    """Two full pages of coins, then a short one."""

    def __init__(self) -> None:
        self.coins = [coin(f"coin-{number}") for number in range(2 * PAGE_ROWS + 10)]
        self.small = {"small-coin": coin("small-coin", market_cap_rank=None, market_cap=0)}
        self.charts: dict[str, Any] = {}

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        if path == "coins/markets":
            assert params["vs_currency"] == "usd"
            if "ids" in params:
                asked = params["ids"].split(",")
                return [self.small[name] for name in asked if name in self.small]
            start = (params["page"] - 1) * params["per_page"]
            return self.coins[start : start + params["per_page"]]
        if path == "coins/categories":
            return [category()]
        coin_id = path.split("/")[1]
        assert path == f"coins/{coin_id}/market_chart/range"
        found = self.charts.get(coin_id, chart())
        if isinstance(found, Exception):
            raise found
        return found


@pytest.mark.parametrize(
    ("name", "future_day_count"),
    [
        ("chiliz_daily_supply_data", 1374),
        ("dydx_daily_supply_data", 364),
        ("blast_daily_supply_data", 1060),
    ],
)
def test_recorded_unlock_schedules_are_no_observations(
    shared_data: Path, name: str, future_day_count: int
) -> None:
    """A list of facts and plans in one: what is dated after the clock is refused, and counted."""
    token = name.split("_")[0]
    path = shared_data / "artemis_supply_seeds" / f"supply__{token}__{name}.csv"
    with path.open() as file:
        listed = [
            (at(row["date"]), float(row["circulating_supply_native"].replace(",", "")))
            for row in csv.DictReader(file)
        ]
    clock = at("2025-08-01")
    payload = {
        "prices": [[ms(day), 1.0] for day, _ in listed],
        "market_caps": [[ms(day), units] for day, units in listed],
        "total_volumes": [],
    }
    parsed = parse.market_chart(payload, token, clock)
    assert len(parsed.refused) == sum(day > clock for day, _ in listed) == future_day_count
    assert parsed.rows.num_rows == len(listed) - future_day_count
    assert max(row["label_time"] for row in parsed.rows.to_pylist()) <= clock


def test_recorded_markets_are_landed_as_they_are(shared_data: Path) -> None:
    parsed = parse.markets(body(shared_data, "048"), set(), LATEST)
    rows = {row["coin_id"]: row for row in parsed.rows.to_pylist()}
    assert not parsed.refused
    assert len(rows) == 250
    bitcoin = rows["bitcoin"]
    assert bitcoin["market_cap_rank"] == 2, "real: a broken coin stood above it that day"
    assert bitcoin["max_supply"] == 21_000_000
    assert bitcoin["circulating_supply"] == Decimal("18966243.0")
    assert any(row["max_supply"] is None for row in rows.values()), "no upper bound is null"
    assert any(row["fully_diluted_valuation_usd"] is None for row in rows.values())


def test_a_recorded_page_after_the_last_is_empty(shared_data: Path) -> None:
    assert parse.markets(body(shared_data, "042"), set(), LATEST).row_count == 0


def test_of_a_recorded_year_the_midnights_are_landed_and_the_live_point_is_not(
    shared_data: Path,
) -> None:
    payload = body(shared_data, "003")
    parsed = parse.market_chart(payload, "bitcoin", LATEST)
    labels = [label.isoformat() for label in parsed.rows["label_time"].to_pylist()]
    assert len(payload["prices"]) == 368
    assert len(labels) == 367
    assert labels[0] == "2021-01-30T00:00:00+00:00"
    assert labels[-1] == "2022-01-31T00:00:00+00:00"
    assert parsed.rows["price_usd"][0].as_py() == Decimal("34150.818767372210000000")


def test_top_pages_end_at_a_short_one_and_curated_coins_below_are_asked_by_name() -> None:
    api = Api()
    run = run_of(api, NOW, {"coin-1", "small-coin", "gone-coin"})
    rows = landed(SOURCE, run, WINDOW)
    pages = run.client.paths("coins/markets")  # type: ignore[attr-defined]
    assert [page.get("page") for page in pages] == [1, 2, 3, None]
    assert pages[-1]["ids"] == "gone-coin,small-coin", "what the top has is not asked again"
    assert TOP_PAGES == 4
    names = [row["coin_id"] for row in rows["markets"]]
    assert len(names) == len(set(names)) == 511
    small = next(row for row in rows["markets"] if row["coin_id"] == "small-coin")
    assert small["market_cap_rank"] is None
    assert small["market_cap_usd"] == 0, "0 means unknown, and is landed as it came"
    log = log_of(run, "markets")
    assert log["gone-coin"]["status"] == "ok", "asked by name and absent: the source dropped it"
    assert "*" not in log, "leaving the top is no deletion"
    assert set(log_of(run, "market_chart")) == {"coin-1", "small-coin"}, "what is gone has no chart"


def test_a_coin_that_moved_to_the_next_page_meanwhile_comes_once() -> None:
    api = Api()
    api.coins[PAGE_ROWS] = api.coins[PAGE_ROWS - 1]
    rows = landed(SOURCE, run_of(api, NOW, {"coin-1"}), WINDOW)["markets"]
    names = [row["coin_id"] for row in rows]
    assert len(names) == len(set(names))


def test_a_days_close_is_the_point_of_the_midnight_that_ends_it() -> None:
    run = run_of(Api(), NOW, {"coin-1"})
    rows = landed(SOURCE, run, WINDOW)["market_chart"]
    assert [row["label_time"] for row in rows] == [at("2024-03-09"), at("2024-03-10")]
    log = log_of(run, "market_chart")["coin-1"]
    assert (log["window_start"], log["window_end"]) == (at("2024-03-09"), at("2024-03-11"))
    assert log["status"] == "ok"


def test_more_than_ninety_days_are_asked_so_that_points_are_daily() -> None:
    run = run_of(Api(), NOW, {"coin-1"})
    landed(SOURCE, run, WINDOW)
    (asked,) = run.client.paths("market_chart")  # type: ignore[attr-defined]
    assert asked["to"] - asked["from"] > 90 * 86_400
    assert asked["to"] >= at("2024-03-10").timestamp()


def test_no_more_than_a_year_is_asked() -> None:
    run = run_of(Api(), NOW, {"coin-1"})
    landed(SOURCE, run, days("2020-01-01", "2024-03-09"))
    (asked,) = run.client.paths("market_chart")  # type: ignore[attr-defined]
    assert NOW.timestamp() - asked["from"] < 365 * 86_400


def test_hourly_points_are_not_days() -> None:
    hours = [[ms(at("2024-03-09")) + hour * 3_600_000 + 17, 1.0] for hour in range(30)]
    payload = {"prices": hours, "market_caps": hours, "total_volumes": hours}
    assert parse.market_chart(payload, "x", LATEST).row_count == 0
    api = Api()
    api.charts["coin-1"] = payload
    run = run_of(api, NOW, {"coin-1"})
    landed(SOURCE, run, WINDOW)
    assert log_of(run, "market_chart")["coin-1"]["status"] == "partial", "nothing is deleted by it"


def test_one_refused_coin_does_not_stop_the_others() -> None:
    api = Api()
    api.charts["coin-1"] = RequestRefused("HTTP 401: error_code 10012", status=401)
    run = run_of(api, NOW, {"coin-1", "coin-2"})
    rows = landed(SOURCE, run, WINDOW)["market_chart"]
    assert {row["coin_id"] for row in rows} == {"coin-2"}
    assert not run.failures
    assert len(run.refusals) == 1


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"error": "coin not found"}, "coin not found"),
        ({"error": {"status": {"error_code": 10012, "error_message": "past 365 days"}}}, "10012"),
        ({"status": {"error_code": 429, "error_message": "Rate Limit"}}, "429: Rate Limit"),
        ([], None),
        ({"prices": []}, None),
    ],
)
def test_every_error_envelope_is_understood(payload: Any, text: str | None) -> None:
    found = parse.error_text(payload)
    assert found == text or (text is not None and found is not None and text in found)
    if text is not None:
        with pytest.raises(PayloadError, match="coins/markets"):
            parse.markets(payload, set(), LATEST)
        with pytest.raises(PayloadError):
            parse.market_chart(payload, "x", LATEST)


@pytest.mark.parametrize(
    ("cell", "value", "reason"),
    [
        ("circulating_supply", -1.5, "circulating_supply: below 0: -1.5"),
        ("total_supply", 10**24, "total_supply: not a decimal: 1000000000000000000000000"),
        ("last_updated", "soon", "last_updated: not a timestamp: soon"),
    ],
)
def test_an_absurd_optional_cell_costs_itself_and_is_reported(
    cell: str, value: Any, reason: str
) -> None:
    parsed = parse.markets([coin("a"), coin("b", **{cell: value})], set(), LATEST)
    assert parsed.row_count == 2, "the coin has a price and a cap"
    assert not parsed.refused
    assert parsed.rows[cell].to_pylist()[1] is None
    assert [why for why, _ in parsed.unread] == [reason]


@FUZZ
@given(damaged([coin("a"), coin("b")]))
def test_damaged_markets_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.markets(body, set(), LATEST), payload)


@FUZZ
@given(damaged(chart("2024-03-06")))
def test_damaged_charts_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.market_chart(body, "x", LATEST), payload)


@FUZZ
@given(damaged([category()]))
def test_damaged_categories_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.categories(body, LATEST), payload)
