"""How old data are: counted from the days that they are about."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import sources
from pipelines.core.settings import Settings
from pipelines.core.windows import Window
from pipelines.monitoring import freshness
from pipelines.monitoring.freshness import Tolerance, described_day, judge

ALLOWED = Tolerance(late_after_h=26, stale_after_h=50)
FIRST = date(2024, 3, 1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def listed(settings: Settings, **newest: str) -> None:
    """Write a catalog of one load: a table's newest label, fetched at the morning after it."""
    lines = []
    for name, label in newest.items():
        source, _, table = name.partition("__")
        newest_at = at(label)
        lines.append(
            {
                "source": source,
                "table_name": table,
                "newest_at": newest_at,
                "fetched_at": newest_at.replace(hour=6, minute=0) + timedelta(days=1),
            }
        )
    Path(settings.lake_dir).mkdir(parents=True, exist_ok=True)
    pl.DataFrame(lines).with_columns(
        pl.col("newest_at", "fetched_at").dt.cast_time_unit("us")
    ).write_parquet(Path(settings.lake_dir) / "catalog.parquet")


def status(settings: Settings, now: str, subject: str, window: Window | None = None) -> str:
    found = {one.subject: one.status for one in freshness.of_tables(settings, at(now), window)}
    return found[subject]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2024-03-02T00:00:00", "fresh"),
        ("2024-03-03T03:00:00", "fresh"),
        ("2024-03-03T03:00:01", "late"),
        ("2024-03-04T03:00:00", "late"),
        ("2024-03-04T03:00:01", "stale"),
    ],
)
def test_hours_are_counted_from_the_end_of_the_newest_day(now: str, expected: str) -> None:
    found = judge("kraken.ohlc", FIRST, 1, at(now), ALLOWED)
    assert found.status == expected
    assert found.late_since == at("2024-03-03T03:00:00")


def test_without_data_nothing_is_late() -> None:
    found = judge("kraken.ohlc", None, 1, at("2024-03-04"), ALLOWED)
    assert (found.status, found.late_since) == ("empty", None)


@pytest.mark.parametrize(
    ("source", "table", "label", "day"),
    [
        ("kraken", "ohlc", "2024-03-01", "2024-03-01"),
        ("binance", "klines_intraday", "2024-03-01T23:00:00", "2024-03-01"),
        # a state at midnight is that of the day which ends there
        ("defillama_stablecoins", "charts", "2024-03-01", "2024-02-29"),
        # its convention has changed: the label of a day was its beginning, and is the day itself
        ("defillama_stablecoins", "prices", "2024-03-01", "2024-02-29"),
        ("defillama_stablecoins", "prices", "2025-03-01", "2025-03-01"),
        # a settlement at midnight is for the day before
        ("okx", "funding_rate_history", "2024-03-01T00:00:00", "2024-02-29"),
        ("okx", "funding_rate_history", "2024-03-01T08:00:00", "2024-03-01"),
        ("ecb", "exchange_rates", "2024-03-01", "2024-03-01"),
    ],
)
def test_a_label_is_read_as_its_convention_says(
    source: str, table: str, label: str, day: str
) -> None:
    (found,) = (one for one in sources.tables(source) if one.name == table)
    assert found.timing is not None
    assert described_day(found.timing, at(label)) == date.fromisoformat(day)


def test_a_source_that_stalls_becomes_late_and_stale_though_it_is_asked_each_day(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path)
    listed(settings, kraken__ohlc="2024-03-01", binance__klines="2024-03-01")
    assert status(settings, "2024-03-02T06:00:00", "kraken.ohlc") == "fresh"
    for day, expected in (("03", "late"), ("04", "stale")):
        # it answers, and what it answers ends with the same day as before
        listed(settings, kraken__ohlc="2024-03-01", binance__klines=f"2024-03-{day}")
        now = f"2024-03-{day}T06:00:00"
        assert status(settings, now, "kraken.ohlc") == expected
        assert status(settings, now, "binance.klines") == "fresh"


def test_the_sandbox_is_judged_at_its_own_time(tmp_path: Path) -> None:
    """Its market ended long ago; nothing in it is late."""
    settings = Settings(data_dir=tmp_path)
    listed(settings, kraken__ohlc="2024-03-01")
    assert freshness.judged_at(settings) == at("2024-03-02T06:00:00")
    simulated = settings.model_copy(update={"now": at("2024-03-05")})
    assert freshness.judged_at(simulated) == at("2024-03-05")
    live = settings.model_copy(update={"profile": "live"})
    assert freshness.judged_at(live).year > 2024


def test_reference_rates_may_rest_on_weekends(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    listed(settings, ecb__exchange_rates="2024-03-01")  # a Friday
    assert status(settings, "2024-03-04T06:00:00", "ecb.exchange_rates") == "fresh"
    assert status(settings, "2024-03-09T06:00:00", "ecb.exchange_rates") == "stale"


def test_a_run_of_past_days_owes_no_later_ones(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    listed(settings, kraken__ohlc="2024-01-31")
    past = Window.between(date(2024, 1, 1), date(2024, 1, 31))
    now = "2024-03-02T06:00:00"
    assert status(settings, now, "kraken.ohlc", past) == "fresh"
    assert status(settings, now, "kraken.ohlc", Window.of_day(FIRST)) == "stale"


def test_what_a_source_has_forgotten_is_not_due(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    listed(settings, okx__funding_rate_history="2020-01-01T08:00:00")
    long_ago = Window.of_day(date(2023, 1, 1))
    found = freshness.of_tables(settings, at("2024-03-02T06:00:00"), long_ago)
    assert "okx.funding_rate_history" not in {one.subject for one in found}


def test_sources_that_are_off_lists_and_archives_are_not_watched(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, sources={"kraken": {"enabled": False}})  # type: ignore[dict-item]
    found = {one.subject for one in freshness.of_tables(settings, at("2024-03-02"))}
    assert "kraken.ohlc" not in found
    assert "coinbase.candles" in found
    assert "coinbase.products" not in found, "a list is that of the moment"
    assert not any(name.startswith("coinmetrics_archive.") for name in found), "it has ended"


def test_marts_are_judged_by_what_was_published_and_by_today(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert freshness.of_marts(settings, at("2024-03-02")) == ()
    settings.published_dir.mkdir()
    with duckdb.connect(str(settings.published_dir / "tokenmart.duckdb")) as database:
        database.execute("create schema marts")
        database.execute(
            "create table marts.ops_freshness as select * from (values "
            "('mart', 'price_daily', date '2024-03-01', 30.0::double),"
            "('mart', 'alert', null, 30.0::double),"
            "('column', 'price_daily.close_usd', date '2020-01-01', 30.0::double)"
            ") as t (subject_kind, subject, newest_day, declared_lag_h)"
        )
    for now, expected in (("2024-03-02T06:00:00", "fresh"), ("2024-03-06T06:00:00", "stale")):
        found = {one.subject: one.status for one in freshness.of_marts(settings, at(now))}
        assert found == {"price_daily": expected, "alert": "empty"}
