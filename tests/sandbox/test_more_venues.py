"""OKX, Bybit, Bitstamp, Binance futures and dump: wire formats, and what is landed from them."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from pipelines import sources
from pipelines.core.settings import Settings, SourceOverrides
from pipelines.core.tables import EXTRACTION, QUARANTINE
from pipelines.core.windows import DAY, FixedClock, Window
from pipelines.extraction import universe
from pipelines.extraction.source import begin_extraction
from pipelines.lake import landing
from pipelines.lake.catalog import read_rows, write_catalog
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset, load
from pipelines.sandbox.generate import GeneratorSettings, generate

WIDE = GeneratorSettings(
    name="wide", start=date(2025, 9, 1), end=date(2026, 1, 12), assets=20, stablecoins=9, venues=7,
    perpetuals=4,
)  # fmt: skip
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
Ask = Callable[..., httpx.Response]
Land = Callable[..., dict[str, pl.DataFrame]]


def ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _with_minutes(folder: Path) -> None:
    """Add quarter-hour candles of one market over the turn of the year 2025 and two months."""
    start = datetime(2025, 9, 1, tzinfo=UTC)
    count = 96 * 80
    path = folder / "candles.parquet"
    candles = pl.read_parquet(path)
    minutes = pl.DataFrame({"n": range(count)}).select(
        venue=pl.lit("binance"),
        symbol=pl.lit("BTCUSDT"),
        interval=pl.lit("15m"),
        open_time=(pl.lit(start) + pl.duration(minutes=15 * pl.col("n"))).cast(
            pl.Datetime("us", "UTC")
        ),
        open=1000.0 + pl.col("n") % 97,
        high=1003.0 + pl.col("n") % 97,
        low=998.0 + pl.col("n") % 97,
        close=1001.0 + pl.col("n") % 97,
        volume_base=pl.lit(2.5),
        volume_quote=pl.lit(2500.0),
        trades=pl.col("n") % 50,
    )
    pl.concat([candles, minutes], how="diagonal_relaxed").write_parquet(path)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = generate(WIDE, tmp_path_factory.mktemp("sandbox") / "wide")
    _with_minutes(folder)
    return load(folder)


@pytest.fixture(scope="module")
def _running(wide: Dataset) -> Iterator[SandboxServer]:
    with SandboxServer(wide) as running:
        yield running


@pytest.fixture
def sandbox(_running: SandboxServer, wide: Dataset) -> SandboxServer:
    _running.clear_faults()
    _running.set_clock(wide.now)
    return _running


@pytest.fixture
def get(sandbox: SandboxServer) -> Iterator[Ask]:
    with httpx.Client(trust_env=False, timeout=20) as client:
        yield lambda path, **params: client.get(sandbox.url + path, params=params or None)


def settings_for(
    source: str, folder: Path, sandbox: SandboxServer, wide: Dataset, **overrides: Any
) -> Settings:
    override = {source: SourceOverrides(max_retry_delay_s=0.01, **overrides)}
    return Settings(
        data_dir=folder, sandbox_url=sandbox.url, curation_dir=wide.path, _env_file=None
    ).model_copy(update={"sources": override})


@pytest.fixture
def ask_source(tmp_path: Path, sandbox: SandboxServer, wide: Dataset) -> Land:
    """Ask a source for its whole history, and return its tables and its log."""

    def asked(
        source: str, window: Window | None = None, **overrides: Any
    ) -> dict[str, pl.DataFrame]:
        settings = settings_for(source, tmp_path, sandbox, wide, **overrides)
        declared = sources.source(source)
        run = begin_extraction(
            declared, settings, FixedClock(wide.now), "test", universe.codes(settings, source)
        )
        parts: dict[str, list[pl.DataFrame]] = {}
        for name, rows in declared.extract(run, window or Window(wide.start, wide.now.date())):
            parts.setdefault(name, []).append(pl.DataFrame(pl.from_arrow(rows)))
        assert (run.failures, run.refusals) == ([], []), source
        assert "quarantine" not in parts, source
        tables = {name: pl.concat(frames) for name, frames in parts.items()}
        return tables | {"extraction": pl.DataFrame(pl.from_arrow(run.log()))}

    return asked


@pytest.fixture
def land(tmp_path: Path, sandbox: SandboxServer, wide: Dataset) -> Land:
    """Land minutes of Binance, and return what the lake then has."""

    def landed(window: Window, **overrides: Any) -> dict[str, pl.DataFrame]:
        settings = settings_for(
            "binance", tmp_path, sandbox, wide, intervals=("15m",), entities=("BTCUSDT",),
            look_back_d=0, **overrides,
        )  # fmt: skip
        report = landing.land("binance", window, settings, FixedClock(wide.now), "test")
        assert (report.failures, report.refusals) == ((), ())
        write_catalog(settings)
        return {
            table.name: read_rows(settings, "binance", table)
            for table in (*sources.tables("binance"), EXTRACTION, QUARANTINE)
        }

    return landed


def stored(wide: Dataset, table: str, venue: str, *by: pl.Expr) -> pl.DataFrame:
    return wide.table(table).filter(pl.col("venue") == venue, *by).collect()


# --- what is landed is what the dataset holds -------------------------------------------------


@pytest.mark.parametrize(
    ("source", "table", "symbol"),
    [
        ("okx", "history_candles", "inst_id"),
        ("bybit", "kline", "symbol"),
        ("bitstamp", "ohlc", "market_symbol"),
        ("gateio", "candlesticks", "currency_pair"),
    ],
)
def test_candles(ask_source: Land, wide: Dataset, source: str, table: str, symbol: str) -> None:
    rows = ask_source(source)[table]
    gone = stored(wide, "markets", source, pl.col("delisted_day").is_not_null())["symbol"]
    expected = stored(
        wide, "candles", source,
        pl.col("open_time") < wide.now - timedelta(days=1), ~pl.col("symbol").is_in(gone.to_list()),
    )  # fmt: skip
    names = ("open", "high", "low", "close", "volume_base")
    joined = expected.join(
        rows.select(
            "open_time",
            symbol=pl.col(symbol),
            **{f"{name}_landed": pl.col(name).cast(pl.Float64) for name in names},
        ),
        on=["symbol", "open_time"],
        how="full",
        coalesce=True,
    )
    assert len(joined) == len(expected) == len(rows) > 0
    for name in names:
        gap = (joined[name] - joined[f"{name}_landed"]).abs()
        assert gap.null_count() == 0, name
        assert gap.max() <= 1.5e-8, name


@pytest.mark.parametrize(
    ("source", "table", "symbol", "rate", "reach_d"),
    [
        ("binance_futures", "funding_rate", "symbol", "funding_rate", None),
        ("okx", "funding_rate_history", "inst_id", "realized_rate", 89),
        ("bybit", "funding_history", "symbol", "funding_rate", None),
    ],
)
def test_funding(
    ask_source: Land,
    wide: Dataset,
    source: str,
    table: str,
    symbol: str,
    rate: str,
    reach_d: int | None,
) -> None:
    tables = ask_source(source)
    rows = tables[table]
    today = datetime.combine(wide.now.date(), datetime.min.time(), tzinfo=UTC)
    first = today - timedelta(days=reach_d) if reach_d else datetime(2025, 1, 1, tzinfo=UTC)
    # Binance's settlement at the end of the last day shows with which mark price the day ended
    closed: Any = "both" if source == "binance_futures" else "left"
    expected = stored(
        wide, "funding", source, pl.col("funding_time").is_between(first, today, closed=closed)
    )
    joined = expected.join(
        rows.select("funding_time", symbol=pl.col(symbol), landed=pl.col(rate).cast(pl.Float64)),
        on=["symbol", "funding_time"],
        how="full",
        coalesce=True,
    )
    assert len(joined) == len(expected) == len(rows) > 0
    assert (joined["rate"] - joined["landed"]).abs().max() <= 1e-8
    log = tables["extraction"].filter(pl.col("table_name") == table)
    listed_before = stored(wide, "perpetuals", source, pl.col("listed_day") == wide.start)
    assert set(log["status"]) <= {"ok", "partial"}
    assert len(log) == len(listed_before)


@pytest.mark.parametrize(
    ("source", "table", "symbol"),
    [
        ("binance_futures", "funding_rate", "symbol"),
        ("okx", "funding_rate_history", "inst_id"),
        ("bybit", "funding_history", "symbol"),
    ],
)
def test_an_interval_that_changes_within_a_day_is_the_time_since_the_settlement_before(
    ask_source: Land, wide: Dataset, source: str, table: str, symbol: str
) -> None:
    """F-19: the intervals derived from what was landed are those that the dataset has."""
    rows = ask_source(source)[table].sort(symbol, "funding_time")
    derived = rows.select(
        "funding_time",
        symbol=pl.col(symbol),
        hours=(pl.col("funding_time").diff().over(symbol)).dt.total_minutes() / 60,
    ).drop_nulls()
    compared = derived.join(stored(wide, "funding", source), on=["symbol", "funding_time"])
    assert len(compared) == len(derived)
    assert (compared["hours"] == compared["interval_h"]).all()
    (change,) = [
        one for one in wide.scenarios if one.id == "F-19" and one.entity.startswith(source)
    ]
    day = derived.filter(
        pl.col("symbol") == change.entity.partition(":")[2],
        pl.col("funding_time").dt.date() == change.from_,
    ).sort("funding_time")
    assert day["hours"].to_list() == [8, 8, 4, 4, 4]
    assert day["funding_time"].dt.hour().to_list() == [0, 8, 12, 16, 20]


def test_open_interest(ask_source: Land, wide: Dataset) -> None:
    futures = ask_source("binance_futures")["open_interest_hist"]
    bybit = ask_source("bybit")["open_interest"]
    now = wide.now
    for venue, rows, column, first in (
        ("binance_futures", futures, "sum_open_interest", now - timedelta(days=30)),
        ("bybit", bybit, "single_open_interest", now - timedelta(days=1000)),
    ):
        expected = stored(wide, "open_interest", venue, pl.col("ts").is_between(first, now))
        joined = expected.join(
            rows.select("symbol", ts="time", landed=pl.col(column).cast(pl.Float64)),
            on=["symbol", "ts"],
            how="full",
            coalesce=True,
        )
        assert len(joined) == len(expected) == len(rows) > 0, venue
        assert (joined["open_interest"] - joined["landed"]).abs().max() <= 1e-7, venue
        # the end of the last complete day is there
        assert rows["time"].max() == datetime.combine(now.date(), datetime.min.time(), tzinfo=UTC)
    assert (bybit["open_interest"] == 2 * bybit["single_open_interest"]).all()


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "table"),
    [
        ("okx", "history_candles"),
        ("bybit", "kline"),
        ("bitstamp", "ohlc"),
        ("gateio", "candlesticks"),
        ("binance_futures", "funding_rate"),
    ],
)
def test_passing_faults_cost_no_row_and_make_none(
    ask_source: Land, sandbox: SandboxServer, wide: Dataset, source: str, table: str
) -> None:
    window = Window.between(wide.end - 3 * DAY, wide.end)
    plain = ask_source(source, window)[table]
    kinds = ({"kind": "429", "retry_after": 0, "times": 2}, {"kind": "500", "times": 1, "skip": 4},
             {"kind": "503", "times": 1, "skip": 7}, {"kind": "duplicate_rows"},
             {"kind": "unordered"}, {"kind": "new_field"})  # fmt: skip
    sandbox.set_faults([{"source": source, **kind} for kind in kinds])
    again = ask_source(source, window)[table]
    assert all(fault["hits"] > 0 for fault in sandbox.faults())
    assert again.unique().sort(again.columns).equals(plain.sort(plain.columns))


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [("okx", "error_in_200", "50013"), ("bybit", "error_in_200", "10016"),
     ("binance_futures", "451", "restricted"), ("bitstamp", "html", "HTML")],
)  # fmt: skip
def test_an_error_that_stays_is_said(
    sandbox: SandboxServer, wide: Dataset, tmp_path: Path, source: str, kind: str, said: str
) -> None:
    sandbox.set_faults([{"source": source, "kind": kind}])
    settings = settings_for(source, tmp_path, sandbox, wide, max_attempts=2)
    report = landing.land(source, Window.of_day(wide.end), settings, FixedClock(wide.now), "test")
    assert report.rows == {}
    assert any(said in failure for failure in report.failures), report.failures


# --- OKX --------------------------------------------------------------------------------------

CANDLES = "/okx/api/v5/market/history-candles"


def test_okx_bounds_are_exclusive_and_rows_come_newest_first(get: Ask, wide: Dataset) -> None:
    end = ms(wide.end)
    rows = get(CANDLES, instId="BTC-USDT", bar="1Dutc", after=end, limit=3).json()["data"]
    assert [int(row[0]) for row in rows] == [end - n * DAY_MS for n in (1, 2, 3)]
    rows = get(CANDLES, instId="BTC-USDT", bar="1Dutc", before=end - 2 * DAY_MS).json()["data"]
    assert [int(row[0]) for row in rows] == [end + DAY_MS, end, end - DAY_MS]
    assert [row[8] for row in rows] == ["0", "1", "1"], "the running candle is not confirmed"
    assert {type(cell) for row in rows for cell in row} == {str}
    assert {len(row) for row in rows} == {9}


def test_okx_limits_and_errors_are_okx_s_own(get: Ask) -> None:
    assert len(get(CANDLES, instId="BTC-USDT", bar="1Dutc").json()["data"]) == 100
    full = get(CANDLES, instId="BTC-USDT", bar="1Dutc", limit=1000).json()["data"]
    assert len(full) == WIDE.day_count + 1 < 300
    unknown = get(CANDLES, instId="NO-SUCH", bar="1Dutc")
    assert (unknown.status_code, unknown.json()["code"]) == (200, "51001")
    assert get(CANDLES, instId="BTC-USDT", bar="7D").json()["code"] == "51000"
    missing = get(CANDLES, bar="1Dutc")
    assert (missing.status_code, missing.json()["code"]) == (400, "50014")
    nowhere = get("/okx/api/v5/market/no-such-thing")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, 404)
    # days of 1D begin at 16:00 UTC: the dataset has none
    assert get(CANDLES, instId="BTC-USDT", bar="1D").json()["data"] == []


def test_okx_funding_reaches_three_months_back(get: Ask, wide: Dataset) -> None:
    path = "/okx/api/v5/public/funding-rate-history"
    oldest = wide.now
    after = ""
    seen = 0
    while rows := get(path, instId="BTC-USDT-SWAP", limit=100, after=after).json()["data"]:
        after = rows[-1]["fundingTime"]
        oldest = datetime.fromtimestamp(int(after) / 1000, UTC)
        seen += len(rows)
        assert any(row["fundingRate"] != row["realizedRate"] for row in rows)
        assert [int(row["fundingTime"]) for row in rows] == sorted(
            (int(row["fundingTime"]) for row in rows), reverse=True
        )
    assert 90 <= (wide.now - oldest).days <= 92 < WIDE.day_count
    assert seen >= 3 * 90


def test_okx_instruments_have_empty_texts_for_what_does_not_apply(get: Ask) -> None:
    path = "/okx/api/v5/public/instruments"
    pair = next(
        row for row in get(path, instType="SPOT").json()["data"] if row["instId"] == "BTC-USDT"
    )
    swap = next(
        row for row in get(path, instType="SWAP").json()["data"] if row["instId"] == "BTC-USDT-SWAP"
    )
    assert (pair["ctVal"], pair["ctType"], pair["baseCcy"]) == ("", "", "BTC")
    assert (swap["ctVal"], swap["ctType"], swap["baseCcy"]) == ("0.01", "linear", "")
    assert get(path).status_code == 400


# --- Bybit ------------------------------------------------------------------------------------

KLINE = "/bybit/v5/market/kline"


def test_bybit_floors_the_start_and_includes_the_end(get: Ask, wide: Dataset) -> None:
    end = ms(wide.end)
    body = get(
        KLINE, category="spot", symbol="BTCUSDT", interval="D", start=end - DAY_MS + 5, end=end
    ).json()
    assert (body["retCode"], body["result"]["category"]) == (0, "spot")
    assert [int(row[0]) for row in body["result"]["list"]] == [end, end - DAY_MS]
    assert {len(row) for row in body["result"]["list"]} == {7}


def test_bybit_errors_come_with_200_and_a_code(get: Ask) -> None:
    for params, said in (
        ({"category": "spot", "symbol": "NOSUCH", "interval": "D"}, "Not supported symbols"),
        ({"category": "spot", "symbol": "BTCUSDT", "interval": "7"}, "Invalid period!"),
        ({"category": "nothing", "symbol": "BTCUSDT", "interval": "D"}, "Illegal category"),
    ):
        response = get(KLINE, **params)
        assert (response.status_code, response.json()["retMsg"]) == (200, said)
        assert response.json()["retCode"] == 10001
    # seconds in place of milliseconds are no error
    body = get(KLINE, category="spot", symbol="BTCUSDT", interval="D", start=1, end=1_700_000_000)
    assert (body.json()["retCode"], body.json()["result"]["list"]) == (0, [])
    # the default category is linear, which has no candles here
    assert get(KLINE, symbol="BTCUSDT", interval="D").json()["result"]["category"] == "linear"


def test_bybit_funding_wants_an_end_with_a_start(get: Ask, wide: Dataset) -> None:
    path = "/bybit/v5/market/funding/history"
    start = ms(wide.start)
    alone = get(path, category="linear", symbol="BTCUSDT", startTime=start).json()
    assert alone["retCode"] == 10001
    both = get(
        path, category="linear", symbol="BTCUSDT", startTime=start, endTime=start + 90 * DAY_MS
    ).json()["result"]["list"]
    times = [int(row["fundingRateTimestamp"]) for row in both]
    assert len(times) == 200, "the limit"
    assert times == sorted(times, reverse=True)
    assert times[0] == start + 90 * DAY_MS, "what does not fit is cut off at the old end"


def test_bybit_open_interest_is_paged_by_cursor_and_ignores_a_start_alone(
    get: Ask, wide: Dataset
) -> None:
    path = "/bybit/v5/market/open-interest"
    asked = {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1d", "limit": 50}
    alone = get(path, **asked, startTime=ms(wide.start)).json()["result"]["list"]
    assert int(alone[0]["timestamp"]) == ms(wide.now.date())
    asked |= {"startTime": ms(wide.start), "endTime": ms(wide.end)}
    seen, cursor, pages = [], "", 0
    while True:
        result = get(path, **asked, **({"cursor": cursor} if cursor else {})).json()["result"]
        seen += [int(row["timestamp"]) for row in result["list"]]
        pages += 1
        if not (cursor := result["nextPageCursor"]):
            break
    assert seen == [ms(wide.end) - n * DAY_MS for n in range(WIDE.day_count)]
    assert pages == 3


def test_bybit_lists_contracts_by_page_and_pairs_at_once(get: Ask) -> None:
    path = "/bybit/v5/market/instruments-info"
    first = get(path, category="linear", limit=3).json()["result"]
    rest = get(path, category="linear", limit=3, cursor=first["nextPageCursor"]).json()["result"]
    assert (len(first["list"]), len(rest["list"]), rest["nextPageCursor"]) == (3, 1, "")
    minutes = {row["symbol"]: row["fundingInterval"] for row in (*first["list"], *rest["list"])}
    assert sorted(minutes.values()) == [240, 480, 480, 480]
    spot = get(path, category="spot").json()["result"]
    assert len(spot["list"]) > 3
    assert spot["nextPageCursor"] == ""


# --- Bitstamp ---------------------------------------------------------------------------------

OHLC = "/bitstamp/api/v2/ohlc/btcusd/"


def test_bitstamp_pages_from_the_start_and_reads_both_bounds_as_the_end(
    get: Ask, wide: Dataset
) -> None:
    start = ms(wide.start) // 1000
    rows = get(OHLC, step=86400, limit=4, start=start).json()["data"]["ohlc"]
    times = [int(row["timestamp"]) for row in rows]
    assert times == [start + n * 86400 for n in range(4)]
    assert {type(cell) for row in rows for cell in row.values()} == {str}
    both = get(OHLC, step=86400, limit=2, start=start, end=start + 9 * 86400).json()["data"]["ohlc"]
    assert [int(row["timestamp"]) for row in both] == [start + n * 86400 for n in (8, 9)]


def test_bitstamp_leaves_the_running_candle_out_when_reported_to(get: Ask, wide: Dataset) -> None:
    newest = get(OHLC, step=86400, limit=1).json()["data"]["ohlc"][0]
    assert int(newest["timestamp"]) * 1000 == ms(wide.now.date())
    closed = get(OHLC, step=86400, limit=1, exclude_current_candle="true").json()["data"]["ohlc"]
    assert int(closed[0]["timestamp"]) * 1000 == ms(wide.end)


def test_bitstamp_wants_step_and_limit(get: Ask) -> None:
    for params, field in (({"limit": 5}, "step"), ({"step": 86400}, "limit"),
                          ({"step": 7, "limit": 5}, "step"),
                          ({"step": 86400, "limit": 1001}, "limit")):  # fmt: skip
        response = get(OHLC, **params)
        assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)
    assert get("/bitstamp/api/v2/ohlc/nosuch/", step=86400, limit=5).status_code == 404


def test_bitstamp_s_two_lists_name_the_same_markets(get: Ask) -> None:
    newer = {row["market_symbol"] for row in get("/bitstamp/api/v2/markets/").json()}
    older = {row["url_symbol"] for row in get("/bitstamp/api/v2/trading-pairs-info/").json()}
    assert newer == older > {"btcusd"}


# --- Binance futures --------------------------------------------------------------------------


def test_futures_funding_is_inclusive_ascending_and_late_by_milliseconds(
    get: Ask, wide: Dataset
) -> None:
    path = "/binance_futures/fapi/v1/fundingRate"
    start = ms(wide.start) + 8 * HOUR_MS
    rows = get(path, symbol="BTCUSDT", startTime=start, endTime=start + 30 * DAY_MS).json()
    times = [row["fundingTime"] for row in rows]
    assert times == sorted(times)
    assert (times[0], len(times)) == (start + 7, 91)
    late = {time % HOUR_MS for time in times}
    assert late > {0}
    assert max(late) < 20
    exact = times[1]
    assert len(get(path, symbol="BTCUSDT", startTime=exact, endTime=exact).json()) == 1
    assert len(get(path, symbol="BTCUSDT", startTime=start).json()) == 100, "the default"
    assert len(get(path, symbol="BTCUSDT").json()) == 200, "without bounds"
    wrong = get(path, symbol="NOSUCH")
    assert (wrong.status_code, wrong.json()["code"]) == (400, -1121)


def test_futures_open_interest_refuses_a_start_of_more_than_30_days_ago(
    get: Ask, wide: Dataset
) -> None:
    path = "/binance_futures/futures/data/openInterestHist"
    old = get(path, symbol="BTCUSDT", period="1d", startTime=ms(wide.now.date() - 31 * DAY))
    assert (old.status_code, old.json()["code"]) == (400, -1130)
    rows = get(path, symbol="BTCUSDT", period="1d").json()
    assert len(rows) == 30
    assert rows[-1]["timestamp"] == ms(wide.now.date())


def test_futures_list_the_contracts_with_another_interval_only(get: Ask) -> None:
    rows = get("/binance_futures/fapi/v1/fundingInfo").json()
    assert [row["fundingIntervalHours"] for row in rows] == [4]


# --- the dump ---------------------------------------------------------------------------------

FOLDER = "/binance_files/data/spot"


def test_a_file_is_one_csv_with_its_checksum(get: Ask) -> None:
    path = f"{FOLDER}/monthly/klines/BTCUSDT/1d/BTCUSDT-1d-2025-10.zip"
    body = get(path).content
    assert get(f"{path}.CHECKSUM").text == (
        f"{hashlib.sha256(body).hexdigest()}  BTCUSDT-1d-2025-10.zip\n"
    )
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.namelist() == ["BTCUSDT-1d-2025-10.csv"]
        lines = archive.read("BTCUSDT-1d-2025-10.csv").decode().splitlines()
    cells = [line.split(",") for line in lines]
    assert {len(row) for row in cells} == {12}
    assert [int(row[0]) for row in cells] == [
        (ms(date(2025, 10, 1)) + n * DAY_MS) * 1000 for n in range(31)
    ]
    assert {int(later[0]) - int(row[6]) for row, later in pairwise(cells)} == {1}
    api = get("/binance/api/v3/klines", symbol="BTCUSDT", interval="1d",
              startTime=ms(date(2025, 10, 1)), limit=31).json()  # fmt: skip
    assert [row[1:6] for row in cells] == [row[1:6] for row in api]


@pytest.mark.parametrize(
    "path",
    [
        "monthly/klines/BTCUSDT/1d/BTCUSDT-1d-2026-01.zip",  # not out yet
        "monthly/klines/BTCUSDT/1d/BTCUSDT-1d-2020-01.zip",  # before the listing
        "monthly/klines/BTCUSDT/1d/BTCUSDT-1d-2025-13.zip",
        "daily/klines/BTCUSDT/1d/BTCUSDT-1d-2026-01-12.zip",  # comes in the morning
        "daily/klines/NOSUCH/1d/NOSUCH-1d-2026-01-02.zip",
        "monthly/klines/BTCUSDT/1h/BTCUSDT-1d-2025-10.zip",
    ],
)
def test_a_file_that_is_not_there_is_xml(get: Ask, path: str) -> None:
    response = get(f"{FOLDER}/{path}")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/xml")
    assert "NoSuchKey" in response.text


def test_quarter_hours_come_by_file_and_the_newest_by_page(
    land: Land, sandbox: SandboxServer
) -> None:
    window = Window.between(date(2025, 9, 1), date(2025, 11, 19))
    tables = land(window)
    rows = tables["klines_intraday"]
    assert rows.unique("open_time").height == rows.height == 96 * 80
    files = tables["dump_files"].sort("period")
    assert files["period"].to_list() == ["2025-09", "2025-10"]
    assert set(files["status"]) == {"read"}
    log = tables["extraction"].filter(pl.col("entity_id") == "BTCUSDT 15m")
    # two files and their checksums, where the history begins, and two pages of November
    assert log["request_count"].to_list() == [7]
    by_page = land(window, bulk="never")["klines_intraday"]
    assert by_page.unique([name for name in rows.columns if name != "fetched_at"]).height == 96 * 80


def test_a_file_cut_on_its_way_is_quarantined_and_comes_by_page(
    land: Land, sandbox: SandboxServer
) -> None:
    sandbox.set_faults(
        [{"source": "binance_files", "kind": "truncated", "contains": "2025-09.zip", "skip": 1}]
    )
    window = Window.between(date(2025, 9, 1), date(2025, 10, 31))
    tables = land(window)
    assert tables["klines_intraday"].unique("open_time").height == 96 * 61
    status = dict(tables["dump_files"].select("period", "status").iter_rows())
    assert status == {"2025-09": "checksum_mismatch", "2025-10": "read"}
    assert tables["quarantine"]["reason"].to_list() == [
        "checksum: the file is not the one that was declared"
    ]


def test_what_was_read_is_not_downloaded_again(land: Land, sandbox: SandboxServer) -> None:
    window = Window.between(date(2025, 9, 1), date(2025, 10, 31))
    land(window)
    again = land(window)
    assert again["klines_intraday"].height == 96 * 61
    log = again["extraction"].filter(pl.col("entity_id") == "BTCUSDT 15m").sort("rows_landed")
    assert log["rows_landed"].to_list() == [0, 96 * 61]
    assert log["request_count"].to_list() == [3, 5]
