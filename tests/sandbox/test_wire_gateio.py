"""Gate.io's wire format: candles by window or limit, the list of pairs, errors with a label."""

from collections.abc import Callable
from typing import Any

import httpx
import polars as pl
import pytest

from pipelines.sandbox.dataset import Dataset
from tests.sandbox.conftest import DAY_S, seconds

Ask = Callable[..., httpx.Response]
PATH = "/gateio/api/v4/spot/candlesticks"


def test_a_window_has_both_its_ends_oldest_first(
    ask: Ask, dataset: Dataset, candles: Callable[[str, str], pl.DataFrame]
) -> None:
    first = seconds(dataset.start)
    rows = ask(PATH, **_asked(first, first + 3 * DAY_S)).json()
    assert [int(row[0]) for row in rows] == [first + day * DAY_S for day in range(4)]
    assert {type(cell) for row in rows for cell in row} == {str}
    reported = candles("gateio", "BTC_USDT").head(4)
    for place, name in enumerate(
        ("volume_quote", "close", "high", "low", "open", "volume_base"), 1
    ):
        assert [float(row[place]) for row in rows] == pytest.approx(reported[name].to_list())
    assert {row[7] for row in rows} == {"true"}


def test_the_running_candle_is_there_and_says_that_it_is_not_closed(
    ask: Ask, dataset: Dataset
) -> None:
    rows = ask(PATH, currency_pair="BTC_USDT", interval="1d", limit=2).json()
    today = seconds(dataset.now.date())
    assert [(int(row[0]), row[7]) for row in rows] == [(today - DAY_S, "true"), (today, "false")]


@pytest.mark.parametrize(
    ("changes", "label", "words"),
    [
        ({"currency_pair": None}, "MISSING_REQUIRED_PARAM", "currency_pair"),
        ({"currency_pair": "NOPE_USDT"}, "INVALID_CURRENCY", "Invalid currency NOPE"),
        ({"currency_pair": "BTCUSDT"}, "INVALID_CURRENCY_PAIR", "BTCUSDT"),
        ({"interval": "2d"}, "INVALID_PARAM_VALUE", "`interval` value: 2d"),
        ({"limit": 100}, "INVALID_PARAM_VALUE", "`limit` value: 100"),
        ({"from": "yesterday"}, "INVALID_PARAM_VALUE", "`from` value: yesterday"),
        ({"points": 1001}, "INVALID_PARAM_VALUE", "range too broad. Maximum 1000"),
        ({"ago": 10_001}, "INVALID_PARAM_VALUE", "too long ago. Maximum 10000"),
    ],
)
def test_what_is_refused(
    ask: Ask, dataset: Dataset, changes: dict[str, Any], label: str, words: str
) -> None:
    now = int(dataset.now.timestamp())
    first = now - changes.pop("ago", 1000) * DAY_S
    asked = _asked(first, first + (changes.pop("points", 1000) - 1) * DAY_S) | changes
    response = ask(PATH, **{name: value for name, value in asked.items() if value is not None})
    assert (response.status_code, response.json()["label"]) == (400, label)
    assert words in response.json()["message"]


def test_the_list_says_what_can_be_traded(ask: Ask, dataset: Dataset) -> None:
    rows = {row["id"]: row for row in ask("/gateio/api/v4/spot/currency_pairs").json()}
    listed = dataset.table("markets").filter(pl.col("venue") == "gateio").collect()
    assert set(rows) == set(listed["symbol"]) > {"BTC_USDT"}
    assert (rows["BTC_USDT"]["base"], rows["BTC_USDT"]["quote"]) == ("BTC", "USDT")
    assert {row["trade_status"] for row in rows.values()} <= {"tradable", "untradable"}


def _asked(first: int, last: int) -> dict[str, Any]:
    return {"currency_pair": "BTC_USDT", "interval": "1d", "from": first, "to": last}
