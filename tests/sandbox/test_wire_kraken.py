"""Kraken's wire format, statement by statement."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset
from pipelines.sandbox.generate import GeneratorSettings, generate
from tests.sandbox.conftest import DAY_S, SMALL, seconds

OHLC, PAIRS = "/kraken/0/public/OHLC", "/kraken/0/public/AssetPairs"
Ask = Callable[..., httpx.Response]
Candles = Callable[[str, str], pl.DataFrame]


def _ohlc(ask: Ask, pair: str = "XBTUSD", **params: object) -> tuple[str, list[list[Any]], int]:
    response = ask(OHLC, pair=pair, interval=1440, **params)
    assert response.status_code == 200
    body = response.json()
    assert body["error"] == []
    names = [name for name in body["result"] if name != "last"]
    assert len(names) == 1
    return names[0], body["result"][names[0]], body["result"]["last"]


def test_a_row_has_eight_cells_with_prices_as_text(ask: Ask, candles: Candles) -> None:
    stored = candles("kraken", "XBTUSD").row(0, named=True)
    row = _ohlc(ask)[1][0]
    assert [type(cell) for cell in row] == [int, str, str, str, str, str, str, int]
    assert row[0] == seconds(SMALL.start)
    assert [float(cell) for cell in row[1:5]] == [
        stored[name] for name in ("open", "high", "low", "close")
    ]
    assert float(row[5]) == pytest.approx(stored["volume_quote"] / stored["volume_base"], abs=0.01)
    assert row[6] == f"{stored['volume_base']:.8f}"
    assert row[7] == stored["trades"]


def test_rows_have_the_recorded_rows_types(ask: Ask, shared_data: Path) -> None:
    recorded = json.loads(
        (shared_data / "exchange_wire_samples_nautilus/kraken__http_ohlc.json").read_text()
    )
    rows = recorded["result"]["XBTUSDT"]
    served = _ohlc(ask)[1]
    assert {tuple(type(cell) for cell in row) for row in served} == {
        tuple(type(cell) for cell in row) for row in rows
    }
    assert {len(row[6].partition(".")[2]) for row in served} == {
        len(row[6].partition(".")[2]) for row in rows
    }
    assert recorded["result"]["last"] == rows[-2][0], "the recording says what `last` is"


def test_the_result_s_key_is_kraken_s_internal_name(ask: Ask) -> None:
    assert _ohlc(ask, "XBTUSD")[0] == "XXBTZUSD"
    assert _ohlc(ask, "XXBTZUSD")[0] == "XXBTZUSD"
    assert _ohlc(ask, "XBT/USD")[0] == "XXBTZUSD"
    assert _ohlc(ask, "ETHEUR")[0] == "XETHZEUR"
    assert _ohlc(ask, "USDTUSD")[0] == "USDTZUSD"
    assert _ohlc(ask, "USDTEUR")[0] == "USDTEUR"
    assert _ohlc(ask, "EURUSD")[0] == "ZEURZUSD"
    assert _ohlc(ask, "SOLUSD")[0] == "SOLUSD"
    assert _ohlc(ask, "XBTUSD", assetVersion=1)[0] == "XBT/USD"


def test_the_last_row_is_the_running_one_and_last_is_the_one_before(ask: Ask) -> None:
    _, rows, last = _ohlc(ask)
    running = seconds(SMALL.end) + DAY_S
    assert rows[-1][0] == running
    assert last == rows[-2][0] == running - DAY_S
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_since_is_exclusive_and_the_running_row_always_comes(ask: Ask) -> None:
    _, rows, last = _ohlc(ask)
    _, newer, _ = _ohlc(ask, since=rows[-4][0])
    assert newer == rows[-3:]
    _, only, again = _ohlc(ask, since=last)
    assert only == rows[-1:]
    assert again == last


def test_no_more_than_720_committed_rows_whatever_since_is(tmp_path: Path) -> None:
    settings = GeneratorSettings(
        start=SMALL.end - timedelta(days=800), end=SMALL.end, assets=15, stablecoins=7
    )
    with SandboxServer(generate(settings, tmp_path / "long")) as server:
        body = httpx.get(
            server.url + OHLC,
            params={"pair": "XBTUSD", "interval": 1440, "since": 1},
            trust_env=False,
        ).json()
    rows = body["result"]["XXBTZUSD"]
    assert len(rows) == 721
    # one day of an outage lies in between, so the reach is a day longer
    assert rows[0][0] == seconds(SMALL.end) - 720 * DAY_S


def test_without_a_trade_the_bar_is_flat_and_its_vwap_is_0(ask: Ask, dataset: Dataset) -> None:
    silent = next(s for s in dataset.scenarios if s.entity == "kraken:SBXREDUSD")
    day = seconds(silent.from_)
    row = _ohlc(ask, "SBXREDUSD", since=day - 1)[1][0]
    assert row[0] == day
    assert row[1] == row[2] == row[3] == row[4]
    assert (row[5], row[6], row[7]) == ("0.0", "0.00000000", 0)


def test_a_delisted_pair_is_forgotten(ask: Ask) -> None:
    response = ask(OHLC, pair="SBXHALTUSD", interval=1440)
    assert (response.status_code, response.json()) == (
        200,
        {"error": ["EQuery:Unknown asset pair"]},
    )
    assert "SBXHALTUSD" not in ask(PAIRS).json()["result"]


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"pair": "NOPE", "interval": 1440}, "EQuery:Unknown asset pair"),
        ({"pair": "XBTUSD", "interval": 2}, "EGeneral:Invalid arguments"),
        ({"interval": 1440}, "EGeneral:Invalid arguments"),
        ({"pair": "XBTUSD", "interval": 1440, "since": "x"}, "EGeneral:Invalid arguments:since"),
    ],
)
def test_errors_come_with_http_200_and_without_a_result(
    ask: Ask, params: dict[str, Any], error: str
) -> None:
    response = ask(OHLC, **params)
    assert (response.status_code, response.json()) == (200, {"error": [error]})


def test_pairs_have_the_keys_and_types_of_the_recording(ask: Ask, shared_data: Path) -> None:
    recorded = json.loads(
        (shared_data / "exchange_wire_samples_nautilus/kraken__http_asset_pairs.json").read_text()
    )["result"]["XBTUSDT"]
    served = ask(PAIRS, pair="XBTUSD").json()["result"]["XXBTZUSD"]
    assert {key: type(value) for key, value in served.items()} == {
        key: type(value) for key, value in recorded.items()
    }


def test_internal_names_are_those_that_kraken_had(ask: Ask, shared_data: Path) -> None:
    line = (shared_data / "exchange_metadata_cryptofeed/KRAKEN.0.txt").read_text().splitlines()[0]
    recorded = json.loads(line[line.index("{") :])["result"]
    served = ask(PAIRS).json()["result"]
    common = {
        (pair["altname"], name, pair["base"], pair["quote"], pair["wsname"])
        for name, pair in served.items()
    }
    known = {
        (pair["altname"], name, pair["base"], pair["quote"], pair.get("wsname"))
        for name, pair in recorded.items()
        if not name.endswith(".d")
    }
    altnames = {pair[0] for pair in known}
    assert len([pair for pair in common if pair[0] in altnames]) >= 5
    assert {pair for pair in common if pair[0] in altnames} <= known


def test_asset_pairs_can_be_narrowed(ask: Ask) -> None:
    assert set(ask(PAIRS, pair="XBTUSD,ETHUSD").json()["result"]) == {"XXBTZUSD", "XETHZUSD"}
    fees = ask(PAIRS, pair="XBTUSD", info="fees").json()["result"]["XXBTZUSD"]
    assert set(fees) == {"fees", "fees_maker", "fee_volume_currency"}
    assert ask(PAIRS, pair="NOPE").json() == {"error": ["EQuery:Unknown asset pair"]}
