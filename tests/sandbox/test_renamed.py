"""A venue that calls a pair otherwise from a day on: its end is reported, with the new name.

The rows stay what was sent: the old pair's up to that day, the new one's from then on.
"""

import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import DAY, FixedClock, Window
from pipelines.extraction import universe
from pipelines.lake import landing
from pipelines.lake.catalog import read_rows, write_catalog
from pipelines.sandbox import SandboxServer
from pipelines.sandbox.dataset import Dataset, load
from pipelines.validation.gate import check_schemas

OLD, NEW = "SOL", "SOLX"
# the venue's lists and candles, and what it calls the pairs
RENAMED = {
    "binance": ("exchange_info", "klines", {"SOLUSDC": "SOLXUSDC", "SOLUSDT": "SOLXUSDT"}),
    "coinbase": ("products", "candles", {"SOL-USD": "SOLX-USD"}),
    "kraken": ("asset_pairs", "ohlc", {"SOLUSD": "SOLXUSD"}),
    "okx": ("instruments", "history_candles", {"SOL-USDT": "SOLX-USDT"}),
    "bybit": ("instruments_info", "kline", {"SOLUSDT": "SOLXUSDT"}),
    "bitstamp": ("markets", "ohlc", {"solusd": "solxusd"}),
    "gateio": ("currency_pairs", "candlesticks", {"SOL_USDT": "SOLX_USDT"}),
}
OF_A_KIND = {"okx": "SPOT ", "bybit": "spot "}
ENTITY = {"symbol", "product_id", "pair", "inst_id", "market_symbol", "currency_pair"}


@pytest.fixture(scope="module")
def last_day(dataset: Dataset) -> date:
    """The last day of the old name."""
    return dataset.end - 3 * DAY


@pytest.fixture(scope="module")
def renaming(dataset: Dataset, last_day: date, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The market, where from a day on every venue calls SOL otherwise."""
    folder = Path(shutil.copytree(dataset.path, tmp_path_factory.mktemp("renaming") / "market"))
    known = pl.DataFrame(
        [(venue, *pair) for venue, (_, _, pairs) in RENAMED.items() for pair in pairs.items()],
        schema=["venue", "symbol", "new_symbol"],
        orient="row",
    )
    markets = pl.read_parquet(folder / "markets.parquet").join(
        known, on=["venue", "symbol"], how="left"
    )
    is_old = pl.col("new_symbol").is_not_null()
    after = markets.filter(is_old).with_columns(
        symbol="new_symbol",
        base_code=pl.col("base_code").str.replace(OLD, NEW),
        listed_day=pl.lit(last_day + DAY),
    )
    before = markets.with_columns(
        delisted_day=pl.when(is_old).then(pl.lit(last_day)).otherwise("delisted_day")
    )
    pl.concat([before, after]).drop("new_symbol").write_parquet(folder / "markets.parquet")
    candles = pl.read_parquet(folder / "candles.parquet").join(
        known, on=["venue", "symbol"], how="left"
    )
    is_after = is_old & (pl.col("open_time").dt.date() > last_day)
    candles.with_columns(symbol=pl.when(is_after).then("new_symbol").otherwise("symbol")).drop(
        "new_symbol"
    ).write_parquet(folder / "candles.parquet")
    return load(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    # one venue says that a pair is over, another forgets it
    [
        pytest.param(name, marks=() if name in ("binance", "kraken") else pytest.mark.slow)
        for name in RENAMED
    ],
)
def test_a_renamed_symbol_is_reported_with_its_new_name(
    name: str,
    renaming: Dataset,
    last_day: date,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    list_name, candles_name, pairs = RENAMED[name]
    settings = Settings(data_dir=tmp_path, curation_dir=renaming.path, _env_file=None)
    codes = universe.codes
    reported: dict[date, list[str]] = {}
    found: dict[date, tuple[bool, str]] = {}
    with SandboxServer(renaming) as server:
        settings = settings.model_copy(update={"sandbox_url": server.url})
        for number in range(-1, 4):
            day = last_day + number * DAY
            clock = FixedClock(renaming.now - (renaming.end - day))
            server.set_clock(clock.now())
            if number == 3:  # somebody has read the report, and named the new code
                monkeypatch.setattr(
                    universe, "codes", lambda *asked: codes(*asked) | {NEW, NEW.lower()}
                )
            report = landing.land(name, Window.of_day(day), settings, clock, str(day))
            assert report.failures == ()
            reported[day] = [str(change) for change in report.changes]
            write_catalog(settings)
            (result,) = (
                result
                for result in check_schemas(settings, clock, str(day))
                if result.mart == f"{name}.{list_name}"
            )
            assert (result.check_kind, result.severity) == ("schema", "warn")
            found[day] = (result.is_passed, result.detail)
    kind = OF_A_KIND.get(name, "")
    for old, new in pairs.items():
        line = f"gone symbol {kind}{old} (listed until {last_day}, new are {kind}{new}"
        assert sum(change.startswith(line) for change in reported[last_day]) == 1, reported
        assert line in found[last_day][1]
    assert not found[last_day][0]
    others = [day for day in found if day != last_day]
    assert {day: (reported[day], found[day]) for day in others} == dict.fromkeys(
        others, ([], (True, ""))
    ), "reported once"

    table = next(table for table in sources.tables(name) if table.name == candles_name)
    symbol = next(column for column in table.key if column in ENTITY)
    landed = (
        read_rows(settings, name, table)
        .group_by(symbol)
        .agg(first=pl.col("open_time").min().dt.date(), last=pl.col("open_time").max().dt.date())
    )
    days = {row[symbol]: (row["first"], row["last"]) for row in landed.to_dicts()}
    for old, new in pairs.items():
        assert days[old][1] <= last_day
        assert days[new] == (last_day + DAY, renaming.end), "what was not asked for is caught up"
