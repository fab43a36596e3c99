"""Coin Metrics' wire format, statement by statement."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import SMALL

METRICS = "/coinmetrics/v4/timeseries/asset-metrics"
CATALOG = "/coinmetrics/v4/catalog-v2/asset-metrics"
Ask = Callable[..., httpx.Response]


def _data(ask: Ask, assets: str = "btc", metrics: str = "PriceUSD", **more: Any) -> list[Any]:
    response = ask(METRICS, assets=assets, metrics=metrics, **more)
    assert response.status_code == 200, response.text
    rows: list[Any] = response.json()["data"]
    return rows


def _all_pages(ask: Ask, **params: Any) -> list[list[dict[str, Any]]]:
    body = ask(METRICS, **params).json()
    pages = [body["data"]]
    while url := body.get("next_page_url"):
        body = httpx.get(url, trust_env=False).json()
        pages.append(body["data"])
    return pages


def test_values_are_text_and_times_have_nine_fractional_digits(ask: Ask) -> None:
    row = _data(ask, metrics="PriceUSD,SplyCur,TxCnt", page_size=1)[0]
    assert row["asset"] == "btc"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT00:00:00\.000000000Z", row["time"])
    assert all(isinstance(row[name], str) for name in ("PriceUSD", "SplyCur", "TxCnt"))
    assert "e" not in row["SplyCur"].lower()


def test_null_is_no_data_and_an_absent_key_is_an_unsupported_metric(ask: Ask) -> None:
    rows = _data(ask, "eth,link", "PriceUSD,TxTfrCnt,HashRate,BlkCnt", limit_per_asset=1)
    eth, link = rows
    assert eth["TxTfrCnt"] is None, "the newest row is partial"
    assert eth["PriceUSD"] is not None
    assert "BlkCnt" in eth
    assert "BlkCnt" not in link
    assert "HashRate" not in eth


def test_the_first_page_holds_the_newest_rows_unless_reported_otherwise(ask: Ask) -> None:
    newest = _data(ask, page_size=3)
    assert newest[-1]["time"].startswith(SMALL.end.isoformat())
    assert [row["time"] for row in newest] == sorted(row["time"] for row in newest)
    oldest = _data(ask, page_size=3, paging_from="start")
    assert oldest[0]["time"].startswith(SMALL.start.isoformat())


@pytest.mark.parametrize("side", ["start", "end"])
def test_pages_follow_by_their_url_and_the_last_has_none(ask: Ask, side: str) -> None:
    whole = _data(ask, "btc,eth", "PriceUSD,TxCnt", page_size=10_000)
    pages = _all_pages(
        ask, assets="btc,eth", metrics="PriceUSD,TxCnt", page_size=50, paging_from=side
    )
    assert [len(page) for page in pages][:-1] == [50] * (len(pages) - 1)
    ordered = pages if side == "start" else pages[::-1]
    assert [row for page in ordered for row in page] == whole
    last = ask(METRICS, assets="btc", metrics="PriceUSD", page_size=10_000).json()
    assert set(last) == {"data"}


def test_pages_are_100_rows_by_default_and_10000_at_most(ask: Ask) -> None:
    assert len(_data(ask)) == 100
    assert ask(METRICS, assets="btc", metrics="PriceUSD", page_size=10_001).status_code == 400


def test_bounds_are_inclusive_unless_reported_otherwise(ask: Ask) -> None:
    first = SMALL.start + timedelta(days=3)
    last = SMALL.start + timedelta(days=5)

    def days(**more: Any) -> list[str]:
        return [row["time"][:10] for row in _data(ask, **more)]

    both = [(first + timedelta(days=number)).isoformat() for number in range(3)]
    assert days(start_time=first.isoformat(), end_time=last.isoformat()) == both
    assert days(start_time=f"{first:%Y%m%d}", end_time=f"{last:%Y%m%d}") == both
    instant = f"{last.isoformat()}T00:00:00.000000000Z"
    assert days(start_time=first.isoformat(), end_time=instant) == both
    assert (
        days(start_time=first.isoformat(), end_time=last.isoformat(), end_inclusive="false")
        == both[:2]
    )
    assert (
        days(start_time=first.isoformat(), end_time=last.isoformat(), start_inclusive="false")
        == both[1:]
    )
    assert days(start_time=f"{first.isoformat()}T00:00:01", end_time=last.isoformat()) == both[1:]


def test_rows_are_sorted_by_asset_or_by_time(ask: Ask) -> None:
    by_asset = _data(ask, "eth,btc", page_size=10_000)
    assert [row["asset"] for row in by_asset] == sorted(row["asset"] for row in by_asset)
    by_time = _data(ask, "eth,btc", page_size=10_000, sort="time")
    assert [row["time"] for row in by_time] == sorted(row["time"] for row in by_time)
    everyone = _data(ask, "*", limit_per_asset=1)
    assert {"btc", "eth", "usdc"} <= {row["asset"] for row in everyone}


def test_one_paid_metric_fails_the_whole_call(ask: Ask) -> None:
    response = ask(METRICS, assets="btc", metrics="PriceUSD,SplyBMXNtv")
    assert response.status_code == 403
    assert response.json() == {
        "error": {
            "type": "forbidden",
            "message": "Requested metric 'SplyBMXNtv' with frequency '1d' for asset 'btc' is not "
            "available with supplied credentials.",
        }
    }
    rows = _data(ask, metrics="PriceUSD,SplyBMXNtv", ignore_forbidden_errors="true", page_size=1)
    assert set(rows[0]) == {"asset", "time", "PriceUSD"}


@pytest.mark.parametrize(
    ("params", "name", "value"),
    [
        ({"assets": "nope"}, "assets", "nope"),
        ({"metrics": "NoSuch"}, "metrics", "NoSuch"),
        ({"frequency": "1y"}, "frequency", "1y"),
        ({"sort": "size"}, "sort", "size"),
        ({"paging_from": "middle"}, "paging_from", "middle"),
        ({"page_size": "0"}, "page_size", "0"),
        ({"start_time": "yesterday"}, "start_time", "yesterday"),
        ({"next_page_token": "!"}, "next_page_token", "!"),
    ],
)
def test_bad_parameters_are_http_400(
    ask: Ask, params: dict[str, str], name: str, value: str
) -> None:
    response = ask(METRICS, **({"assets": "btc", "metrics": "PriceUSD"} | params))
    assert response.status_code == 400
    assert response.json()["error"] == {
        "type": "bad_parameter",
        "message": f"Bad parameter '{name}'. Value '{value}' is not supported.",
    }


def test_unsupported_ones_can_be_ignored(ask: Ask) -> None:
    rows = _data(
        ask, "btc,nope", "PriceUSD,NoSuch", ignore_unsupported_errors="true", limit_per_asset=1
    )
    assert [set(row) for row in rows] == [{"asset", "time", "PriceUSD"}]


def test_a_uri_of_more_than_10000_characters_is_refused(ask: Ask) -> None:
    response = ask(METRICS, assets="btc", metrics="PriceUSD," * 1_300)
    assert response.status_code == 414


def test_another_frequency_has_no_rows(ask: Ask) -> None:
    assert _data(ask, frequency="1h") == []


def test_the_catalogue_says_what_there_is_from_when_to_when(ask: Ask) -> None:
    body = ask(CATALOG, assets="btc", metrics="PriceUSD,HashRate").json()
    (btc,) = body["data"]
    assert btc["asset"] == "btc"
    assert [metric["metric"] for metric in btc["metrics"]] == ["HashRate", "PriceUSD"]
    assert btc["metrics"][1]["frequencies"] == [
        {
            "frequency": "1d",
            "min_time": f"{SMALL.start.isoformat()}T00:00:00.000000000Z",
            "max_time": f"{SMALL.end.isoformat()}T00:00:00.000000000Z",
        }
    ]


def test_the_catalogue_is_paged_from_its_start(ask: Ask) -> None:
    first = ask(CATALOG, page_size=2).json()
    whole = ask(CATALOG, page_size=100).json()
    assert first["data"] == whole["data"][:2]
    assert httpx.get(first["next_page_url"], trust_env=False).json()["data"] == whole["data"][2:4]
    assert "next_page_token" not in whole
    everything = ask("/coinmetrics/v4/catalog-all-v2/asset-metrics", assets="btc").json()
    assert everything["data"][0]["metrics"][0]["frequencies"][0]["community"] is True


def test_assets_have_names(ask: Ask) -> None:
    body = ask("/coinmetrics/v4/reference-data/assets", assets="btc").json()
    assert body["data"] == [{"asset": "btc", "full_name": "Bitcoin"}]


def test_answers_say_how_much_of_the_limit_is_left(ask: Ask) -> None:
    headers = ask(METRICS, assets="btc", metrics="PriceUSD").headers
    assert headers["X-RateLimit-Limit"] == "10"
    assert {"X-RateLimit-Remaining", "X-RateLimit-Reset"} <= {
        name.title().replace("Ratelimit", "RateLimit") for name in headers
    }
