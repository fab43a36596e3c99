"""Token Metrics' own client against a service that runs: each frame is the mart, value by value."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pandas as pd
import pytest
import uvicorn
from tmai_api import TokenMetricsClient

from pipelines import publishing
from pipelines.core import warehouse
from pipelines.core.settings import Serving, Settings
from pipelines.core.windows import FixedClock
from pipelines.serving.app import make_app
from pipelines.serving.tokenmetrics import wire
from pipelines.validation.contracts import Column, Contract
from tests.described import describe
from tests.unit.serving.conftest import NOW

# their client and a service that runs take seconds to import and to start
pytestmark = pytest.mark.slow

_KEYS = {
    "dim_asset": ("asset_id",),
    "ohlcv_daily": ("asset_id", "day"),
    "price_daily": ("asset_id", "day"),
    "valuation_daily": ("asset_id", "day"),
    "trader_grade_daily": ("asset_id", "day"),
    "investor_grade_daily": ("asset_id", "day"),
    "signal_daily": ("asset_id", "day"),
    "signal_performance_daily": ("asset_id", "day"),
    "risk_plan_daily": ("asset_id", "day"),
    "returns_risk_daily": ("asset_id", "day"),
    "levels_daily": ("asset_id", "day", "level_id"),
    "pair_correlation_daily": ("a_id", "b_id", "day"),
    "market_regime_daily": ("day",),
    "narrative_daily": ("narrative_id", "day"),
    "venue_quality_daily": ("asset_id", "venue_id", "day"),
}
# 14 assets (two with one symbol) on 80 days: more rows than their client's limits of 100 and 1,000
_MARTS = """
create schema marts;
create table marts.dim_asset as
select 'asset-' || i as asset_id, 'A' || (i % 13) as symbol, 'Asset ' || i as name,
    case when i < 3 then 'layer_1' else 'exchange' end as sector,
    case when i = 5 then 'ai_agents;defi' end as narratives
from range(14) as assets (i);
create table marts.asset_day as
select asset_id, symbol, name, date '2024-01-01' + cast(d as integer) as day,
    cast(hash(asset_id, d) % 100000 as double) / 997 as x,
    cast(hash(d, asset_id) % 100000 as double) / 991 as y
from marts.dim_asset, range(80) as days (d);
create table marts.ohlcv_daily as
select asset_id, symbol, name, day, x as open_usd, x + y as high_usd, x / 3 as low_usd,
    y as close_usd, case when x < 90 then x * y end as volume_usd from marts.asset_day;
create table marts.price_daily as
select asset_id, symbol, name, day, y as close_usd, x * y as volume_usd from marts.asset_day;
create table marts.valuation_daily as
select asset_id, symbol, name, day, x * 1e9 as mcap_usd, x * 2e9 as fdv_usd from marts.asset_day;
create table marts.trader_grade_daily as
select asset_id, symbol, name, day, x as ta_grade, y as quant_grade,
    case when x > 5 then x end as trader_grade, y / 10 as grade_change_1d from marts.asset_day;
create table marts.investor_grade_daily as
select asset_id, symbol, name, day, y as investor_grade, x as valuation_grade,
    x / 2 as tokenomics_grade, x / 9 as grade_change_7d from marts.asset_day;
create table marts.signal_daily as
select asset_id, symbol, name, day, x as trader_grade, cast(floor(x) as bigint) % 3 - 1 as signal,
    cast(floor(y) as bigint) % 2 * 2 - 1 as trend from marts.asset_day;
create table marts.signal_performance_daily as
select asset_id, symbol, name, day, 1 + x / 100 as strat_index, 1 + y / 100 as hold_index
from marts.asset_day where x > 3;
create table marts.risk_plan_daily as
select asset_id, symbol, name, day, case when x > 50 then 1 else -1 end::bigint as signal,
    case when x > 40 then y / 1000 end as size_in_portfolio_frac, x as position_entry_usd
from marts.asset_day;
create table marts.returns_risk_daily as
select asset_id, symbol, name, day, x as vol_180d_ann, y as cagr_all, x / 2 as sharpe_365d,
    y / 2 as sortino_365d, -x / 100 as max_drawdown_all, x / 3 as skew, y / 3 as tail_ratio,
    x / 4 as profit_factor, y / 4 as kurt_excess, y / 100 as var95_1d from marts.asset_day;
create table marts.levels_daily as
select asset_id, symbol, name, day, 'low|' || s as level_id, 'swing' as level_kind,
    x + s as level_usd, day - cast(s as integer) as last_swing_day
from marts.asset_day, range(3) as swings (s)
union all
select asset_id, symbol, name, day, 'pivot', 'pivot_day', y, null from marts.asset_day;
create table marts.pair_correlation_daily as
select a.asset_id as a_id, a.symbol as a_symbol, a.name as a_name, b.asset_id as b_id,
    b.symbol as b_symbol, b.name as b_name, a.day, 'asset' as b_kind,
    case when a.x > 1 then (a.x - b.x) / 101 end as corr_30d
from marts.asset_day as a inner join marts.asset_day as b
    on a.asset_id < b.asset_id and a.day = b.day;
create table marts.market_regime_daily as
select day, min(x) * 1e12 as total_mcap_usd, max(x) / 101 as pct_grade_high,
    case day_of_month % 5 when 0 then 'bull' when 1 then 'bear' else 'neutral' end as regime
from (select *, day(day) as day_of_month from marts.asset_day) group by all;
create table marts.narrative_daily as
select asset_id as narrative_id, day, case when x > 10 then 1000 + x end as basket_index,
    3::bigint as basket_member_count, y / 1000 as basket_ret_1d, x * 1e6 as volume_usd,
    y * 1e9 as mcap_usd
from marts.asset_day where asset_id < 'asset-12';
create table marts.venue_quality_daily as
select asset_id, symbol, name, 'binance' as venue_id, day from marts.asset_day where symbol = 'A2';
drop table marts.asset_day;
"""
_START, _END = "2024-01-01", "2024-03-20"
_RANGE = {"startDate": _START, "endDate": _END}
_NUMBER_OF_ASSET_3 = str(int(hashlib.sha256(b"asset-3").hexdigest()[:13], 16))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("tokenmetrics"),
        serving=Serving(requests_per_minute=100_000),
    )
    with warehouse.write(settings.warehouse_path) as connection:
        connection.execute(_MARTS)
        describe(connection)
    contracts = tuple(
        Contract(mart, key, {name: Column(kind="varchar") for name in key})
        for mart, key in _KEYS.items()
    )
    publishing.publish(settings, FixedClock(NOW), "run", (), contracts)
    return settings


@pytest.fixture(scope="module")
def url(published: Settings) -> Iterator[str]:
    config = uvicorn.Config(
        make_app(published, FixedClock(NOW)), port=0, log_config=None, lifespan="on"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.started, "the service did not start"
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v2"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(url: str, monkeypatch: pytest.MonkeyPatch) -> TokenMetricsClient:
    monkeypatch.setattr(TokenMetricsClient, "BASE_URL", url)
    return TokenMetricsClient(api_key="none")


@pytest.fixture(scope="module")
def mart(published: Settings) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    # the copies in Parquet: the service has the database itself open
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        for copy in (published.published_dir / "current" / "parquet").glob("*.parquet"):
            connection.execute(f"create view marts.{copy.stem} as from '{copy}'")
        yield lambda sql: connection.execute(sql).fetchall()


def rows_of(frame: pd.DataFrame, columns: str) -> list[tuple[Any, ...]]:
    """Return a frame's rows once each, oldest first; unknown values are None."""
    picked = frame[columns.split()].astype(object)
    picked = picked.where(picked.notna(), None)
    return sorted(dict.fromkeys(picked.itertuples(index=False, name=None)), key=str)


_DATED = "TOKEN_ID TOKEN_NAME TOKEN_SYMBOL DATE"
_ID = "cast('0x' || substr(sha256(asset_id), 1, 13) as bigint)"
_OF_DAY = f"{_ID}, name, symbol, cast(day as varchar)"


@pytest.mark.parametrize(
    ("endpoint", "fields", "sql"),
    [
        (
            "daily_ohlcv",
            f"{_DATED} OPEN HIGH LOW CLOSE VOLUME",
            (
                f"select {_OF_DAY}, open_usd, high_usd, low_usd, close_usd, volume_usd "
                "from marts.ohlcv_daily"
            ),
        ),
        (
            "trader_grades",
            f"{_DATED} TA_GRADE QUANT_GRADE TM_TRADER_GRADE TM_TRADER_GRADE_24H_PCT_CHANGE",
            (
                f"select {_OF_DAY}, ta_grade, quant_grade, trader_grade, "
                "100 * grade_change_1d / (trader_grade - grade_change_1d) "
                "from marts.trader_grade_daily"
            ),
        ),
        (
            "investor_grades",
            f"{_DATED} TM_INVESTOR_GRADE VALUATION_GRADE TOKENOMICS_SCORE TECHNOLOGY_GRADE",
            (
                f"select {_OF_DAY}, investor_grade, valuation_grade, tokenomics_grade, null "
                "from marts.investor_grade_daily"
            ),
        ),
        (
            "trading_signals",
            (
                f"{_DATED} TRADING_SIGNAL TOKEN_TREND TRADING_SIGNALS_RETURNS HOLDING_RETURNS "
                "TM_TRADER_GRADE TM_INVESTOR_GRADE"
            ),
            (
                f"select {_OF_DAY}, signal, trend, strat_index - 1, hold_index - 1, trader_grade, "
                "investor_grade from marts.signal_daily "
                "left join marts.signal_performance_daily using (asset_id, symbol, name, day) "
                "left join marts.investor_grade_daily using (asset_id, symbol, name, day)"
            ),
        ),
        (
            "market_metrics",
            "DATE TOTAL_CRYPTO_MCAP TM_GRADE_PERC_HIGH_COINS TM_GRADE_SIGNAL",
            (
                "select cast(day as varchar), total_mcap_usd, 100 * pct_grade_high, "
                "case regime when 'bull' then 1 when 'bear' then -1 else 0 end "
                "from marts.market_regime_daily"
            ),
        ),
        (
            "trader_indices",
            "TOKEN_ID PORTFOLIO_DATE INDEX_WEIGHT INITIAL_PRICE",
            (
                f"select {_ID}, cast(day as varchar), 100 * signal * size_in_portfolio_frac, "
                "position_entry_usd from marts.risk_plan_daily where size_in_portfolio_frac > 0"
            ),
        ),
    ],
)
def test_their_frame_of_a_range_is_the_mart(
    client: TokenMetricsClient,
    mart: Callable[[str], list[tuple[Any, ...]]],
    endpoint: str,
    fields: str,
    sql: str,
) -> None:
    frame = getattr(client, endpoint).get_dataframe(**_RANGE)
    expected = sorted(mart(sql), key=str)
    assert len(expected) >= 80
    assert rows_of(frame, fields) == expected
    # their chunks share a day: it is asked for twice, and answered twice
    day = "PORTFOLIO_DATE" if endpoint == "trader_indices" else "DATE"
    doubled = frame[frame.astype(str).duplicated()][day].unique()
    assert sorted(doubled) == ["2024-01-30", "2024-02-28"]


def test_their_tokens_are_our_assets(
    client: TokenMetricsClient, mart: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    expected = sorted(mart(f"select {_ID}, name, symbol from marts.dim_asset"), key=str)
    frame = client.tokens.get_dataframe()
    assert rows_of(frame, "TOKEN_ID TOKEN_NAME TOKEN_SYMBOL") == expected
    assert frame["TOKEN_ID"].dtype == "int64"
    assert frame["TOKEN_ID"].max() < 2**53, "JavaScript would round it"
    two = client.tokens.get_dataframe(symbol="a0")
    assert set(two["TOKEN_NAME"]) == {"Asset 0", "Asset 13"}, "both have the symbol"


def asked(client: TokenMetricsClient, path: str, **parameters: Any) -> dict[str, Any]:
    """Ask what their client has no method for, with its own request."""
    answer: dict[str, Any] = client.tokens._request("get", path, parameters)
    return answer


def test_what_is_of_the_newest_day(
    client: TokenMetricsClient, mart: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    metrics = pd.DataFrame(asked(client, "quantmetrics", limit=1000)["data"])
    assert rows_of(metrics, f"{_DATED} VOLATILITY CAGR SHARPE MAX_DRAWDOWN") == sorted(
        mart(
            f"select {_OF_DAY}, vol_180d_ann, cagr_all, sharpe_365d, max_drawdown_all "
            f"from marts.returns_risk_daily where day = '{_END}'"
        ),
        key=str,
    )
    for row in asked(client, "resistance-support")["data"]:
        levels = mart(
            "select cast(last_swing_day as varchar), level_usd from marts.levels_daily "
            f"where level_kind = 'swing' and day = '{_END}' and name = '{row['TOKEN_NAME']}' "
            "order by 1"
        )
        told = row["HISTORICAL_RESISTANCE_SUPPORT_LEVELS"]
        assert [(each["date"], each["level"]) for each in told] == levels
    (row,) = asked(client, "correlation", token_name="asset 7")["data"]
    pairs = mart(
        "select corr_30d, if(a_id = 'asset-7', b_name, a_name) from marts.pair_correlation_daily "
        f"where 'asset-7' in (a_id, b_id) and day = '{_END}' and corr_30d is not null "
        "order by corr_30d desc"
    )
    shown = [(each["correlation"], each["token"]) for each in row["TOP_CORRELATION"]]
    assert shown == pairs[:10] + [pair for pair in pairs[-10:] if pair not in pairs[:10]]
    for row in asked(client, "indices")["data"]:
        (price, week) = (
            mart(
                "select basket_index from marts.narrative_daily where "
                f"narrative_id = '{row['NAME']}' and day = date '{_END}' - {days}"
            )[0][0]
            for days in (0, 7)
        )
        assert row["PRICE"] == price
        assert row["7D"] == (100 * (price / week - 1) if price and week else None)
        curve = asked(client, "indices-performance", id=row["ID"], endDate=_END)["data"]
        assert len(curve) == 80
        assert row["ALL_TIME"] == pytest.approx(
            curve[0]["INDEX_CUMULATIVE_ROI"] and 100 * curve[0]["INDEX_CUMULATIVE_ROI"]
        )


def test_the_last_market_signal_may_be_older_than_the_range(client: TokenMetricsClient) -> None:
    # 1 March is a bear; the two days after it are neutral
    frame = client.market_metrics.get_dataframe(startDate="2024-03-03", endDate="2024-03-04")
    assert frame["TM_GRADE_SIGNAL"].tolist() == [0, 0]
    assert frame["LAST_TM_GRADE_SIGNAL"].tolist() == [-1, -1]


def test_a_limit_that_nobody_chose_cuts_nothing_and_a_smaller_one_pages(
    client: TokenMetricsClient,
) -> None:
    whole = asked(client, "trader-grades", limit=1000, page=0)
    assert whole["length"] == len(whole["data"]) == 14 * 80
    assert asked(client, "trader-grades", limit=1000, page=1)["data"] == []
    pages: list[Any] = []
    for page in range(20):
        answer = asked(client, "trader-grades", symbol="A1,A2", limit=9, page=page)
        pages += answer["data"]
        if not answer["data"]:
            break
        assert ("goes on" in answer["message"]) == (len(pages) < 160)
    assert pages == asked(client, "trader-grades", symbol="A1,A2")["data"]
    latest = asked(client, "trading-signals", symbol="A1", limit=1)["data"]
    assert [row["DATE"] for row in latest] == [_END], "the newest comes first"


@pytest.mark.parametrize(
    ("parameters", "condition"),
    [
        ({"marketcap": "5e10"}, "x.mcap_usd >= 5e10"),
        ({"fdv": "5e10"}, "x.fdv_usd >= 5e10"),
        ({"volume": "4000"}, "p.volume_usd >= 4000"),
        ({"traderGrade": "60"}, "g.trader_grade >= 60"),
        (
            {"category": "Layer-1,AI agents"},
            "asset_id in ('asset-0','asset-1','asset-2','asset-5')",
        ),
        ({"exchange": "Binance,nowhere"}, "g.symbol = 'A2'"),
        ({"symbol": "A3,A4", "token_id": _NUMBER_OF_ASSET_3}, "asset_id = 'asset-3'"),
    ],
)
def test_rows_are_chosen_as_they_are_there(
    client: TokenMetricsClient,
    mart: Callable[[str], list[tuple[Any, ...]]],
    parameters: dict[str, str],
    condition: str,
) -> None:
    frame = client.trader_grades.get_dataframe(**parameters)
    assert rows_of(frame, "TOKEN_NAME DATE") == sorted(
        mart(
            "select g.name, cast(day as varchar) from marts.trader_grade_daily as g "
            "inner join marts.valuation_daily as x using (asset_id, day) "
            f"inner join marts.price_daily as p using (asset_id, day) where {condition}"
        ),
        key=str,
    )
    assert len(frame) > 0


def test_what_is_not_there_is_said(client: TokenMetricsClient, url: str) -> None:
    import requests

    def problem(path: str, method: str = "get", **parameters: Any) -> tuple[int, str]:
        response = requests.request(method, f"{url}/{path}", params=parameters, timeout=30)
        assert response.headers["content-type"] == "application/problem+json", path
        return response.status_code, response.json()["detail"]

    for path in wire.UNAVAILABLE:
        status, detail = problem(path)
        assert status == 501
        assert path in detail
    assert problem("tmai", "post")[0] == 501
    with pytest.raises(requests.HTTPError, match="501"):
        client.ai_reports.get()
    assert problem("trader-grades", symbol="NOPE")[0] == 404
    assert problem("trader-grades", startDate="2024-02-02", endDate="2024-02-01")[0] == 422
    assert problem("trader-grades", startdate="2024-02-02")[0] == 422, "a misspelt parameter"
    some = asked(client, "trader-grades", symbol="A1,NOPE")
    assert "unknown: NOPE" in some["message"]
    assert {row["TOKEN_SYMBOL"] for row in some["data"]} == {"A1"}


def test_two_assets_with_one_number_are_not_answered(
    client: TokenMetricsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    from pipelines.serving.tokenmetrics import routes

    monkeypatch.setattr(routes, "NUMBER_OF_ASSET", "length(asset_id)")
    with pytest.raises(requests.HTTPError, match="503"):
        client.tokens.get()
