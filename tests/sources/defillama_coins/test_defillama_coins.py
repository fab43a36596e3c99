"""DefiLlama coin prices, against a double of the API."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.http.client import RequestRefused
from pipelines.sources.defillama_coins import SOURCE, parse
from pipelines.sources.defillama_coins.settings import MAX_POINTS
from tests.sources.double import at, days, landed, log_of, run_of
from tests.sources.fuzz import FUZZ, damaged, outcome

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WINDOW = days("2024-03-07", "2024-03-09")


class Api:
    """Points some seconds off midnight; refuses more points than it documents."""

    def __init__(self, unknown: tuple[str, ...] = ()) -> None:
        self.unknown = unknown
        self.aside_s = 37

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        assert "end" not in params, "start and end together are refused"
        assert params["period"] == "1d"
        coins = path.removeprefix("chart/").split(",")
        if len(coins) * params["span"] > MAX_POINTS:
            raise RequestRefused("HTTP 400: Requested data points exceeds the maximum of 500")
        return {
            "coins": {
                coin: {
                    "symbol": coin.upper(),
                    "confidence": 0.99,
                    "prices": [
                        {"timestamp": params["start"] + 86_400 * day + self.aside_s, "price": 1.25}
                        for day in range(params["span"])
                    ],
                }
                for coin in coins
                if coin not in self.unknown
            }
        }


def test_prices_belong_to_the_midnight_that_ends_the_day() -> None:
    run = run_of(Api(), NOW, {"bitcoin", "tether"})
    rows = landed(SOURCE, run, WINDOW)["prices"]
    assert {row["label_time"] for row in rows} == {
        at("2024-03-08"), at("2024-03-09"), at("2024-03-10")
    }  # fmt: skip
    first = rows[0]
    assert first["price_time"] - first["label_time"] == timedelta(seconds=37)
    assert {row["coin"] for row in rows} == {"coingecko:bitcoin", "coingecko:tether"}
    assert first["confidence"] == 0.99
    assert len(run.client.asked) == 1, "few days of many coins are one request"  # type: ignore[attr-defined]


def test_a_point_shortly_before_midnight_belongs_to_it_too() -> None:
    api = Api()
    api.aside_s = -600
    rows = landed(SOURCE, run_of(api, NOW, {"bitcoin"}), WINDOW)["prices"]
    assert [row["label_time"] for row in rows] == [
        at("2024-03-08"), at("2024-03-09"), at("2024-03-10")
    ]  # fmt: skip


def test_an_unknown_coin_is_silently_missing_and_nothing_of_it_is_deleted() -> None:
    api = Api(unknown=("coingecko:gone",))
    run = run_of(api, NOW, {"bitcoin", "gone"})
    landed(SOURCE, run, WINDOW)
    log = log_of(run, "prices")
    assert log["coingecko:bitcoin"]["status"] == "ok"
    assert log["coingecko:gone"]["status"] == "partial"


@pytest.mark.parametrize(("count", "years"), [(3, 5), (120, 0), (7, 1)])
def test_no_request_asks_for_more_points_than_allowed(count: int, years: int) -> None:
    window = days(f"{2024 - years}-03-01", "2024-03-09")
    run = run_of(Api(), NOW, {f"coin-{number}" for number in range(count)})
    rows = landed(SOURCE, run, window)["prices"]
    assert not run.refusals
    assert len(rows) == count * window.day_count
    fewest = -(-count * window.day_count // MAX_POINTS)
    assert len(run.client.asked) <= max(2 * fewest, count), "the points are used up"  # type: ignore[attr-defined]


def test_of_two_points_near_one_midnight_the_nearer_counts_and_a_far_one_is_quarantined() -> None:
    midnight = int(at("2024-03-08").timestamp())
    points = [
        {"timestamp": midnight - 3000, "price": 1},
        {"timestamp": midnight + 60, "price": 2},
        {"timestamp": midnight + 7 * 3600, "price": 3},
    ]
    parsed = parse.chart({"coins": {"x": {"symbol": "X", "prices": points}}}, LATEST)
    assert parsed.rows["price"].to_pylist() == [2]
    assert parsed.rows["confidence"].to_pylist() == [None]
    assert parsed.refused[0][0] == "price_time: 25200 s away from midnight"


def test_a_body_without_coins_is_a_payload_error() -> None:
    for broken in ({"message": "internal error"}, [], {"coins": {"x": {"prices": 5}}}):
        with pytest.raises(PayloadError):
            parse.chart(broken, LATEST)


@FUZZ
@given(damaged(Api()("chart/a,b", {"start": 1_709_856_000, "span": 3, "period": "1d"})))
def test_damaged_charts_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.chart(body, LATEST), payload)
