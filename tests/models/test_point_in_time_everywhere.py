"""Cut-off and absurd futures, and repetition, over every mart, on every source's rows.

The marts come from the manifest: one that is added is compared without a change here, or has to
say below why it cannot be. Minutes of building: `make test-slow`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.models import lake_box as boxes
from tests.models.panel import (
    DAY_COUNT,
    END,
    START,
    Mart,
    Panel,
    difference,
    differences,
    forget,
    marts,
    rows_later,
)

WITHOUT_A_DAY = {
    "dim_": "lists who there is; what is dated in them is known_at's, and tested in test_identity",
    "meta_": "describes the columns",
    "readme": "says where to begin",
    "ops_": "describes runs, not days",
    "signal_quality": "hindsight by purpose; nothing reads it (test_hindsight)",
    "moonshots": "shows what became of a pick; nothing reads it (test_hindsight)",
    "screener_latest": "the newest day of marts that are compared",
    "what_if_token": "the newest day of a mart that is compared",
    "peers": "the newest day of marts that are compared",
    "peer_pair": "the newest day of a mart that is compared",
    "alt_performance_by_btc_phase": "means over all days of marts that are compared",
    "depeg_event": "the newest row of each event; its log is compared",
    "strategy_trade": "what became of positions; the equity of each day, made of them, is compared",
    "strategy_summary": "sums over all days of a mart that is compared",
    "stablecoin_risk_card": "the newest day of marts that are compared",
}


FIVE_YEARS_LATER = 5 * 365 * 86_400


def is_exempt(mart: Mart) -> bool:
    return any(
        mart.name.startswith(name) if name.endswith("_") else mart.name == name
        for name in WITHOUT_A_DAY
    )


def compared(manifest: object) -> list[Mart]:
    return [mart for mart in marts(manifest) if not is_exempt(mart)]


def test_every_mart_is_compared_or_says_why_not(dbt_target: Path) -> None:
    unplaced = [mart.name for mart in compared(boxes.manifest()) if mart.day is None]
    assert unplaced == [], "give them a day or known_from_day, or a reason in WITHOUT_A_DAY"
    assert len(compared(boxes.manifest())) >= 15


def test_every_raw_row_of_a_day_can_be_cut(dbt_target: Path) -> None:
    """A table whose rows have a time is cut by it: none slips into the past uncut."""
    from pipelines import sources

    uncut = [
        f"{source}.{table.name}"
        for source in sources.SOURCES
        for table in sources.tables(source)
        if (table.time_column is None) != (rows_later(source, table.name, END) is None)
    ]
    assert uncut == []


@pytest.mark.parametrize(
    ("column", "value"), [("close_usd", 1.0 + 1e-8), ("close_usd", None), ("day", END)], ids=str
)
def test_a_difference_is_seen(column: str, value: object) -> None:
    """The comparison can fail: a number, a NULL, a row."""
    mart = Mart(
        "price_daily",
        ("asset_id", "day"),
        {"asset_id": "varchar", "day": "date", "close_usd": "double"},
    )
    frame = pl.DataFrame({"asset_id": ["a"], "day": [START], "close_usd": [1.0]})
    assert difference(mart, frame, frame) == []
    other = frame.with_columns(pl.lit(value).cast(frame.schema[column]).alias(column))
    assert difference(mart, other, frame) != []
    noise = frame.with_columns(pl.col("close_usd") + 1e-12)
    assert difference(mart, noise, frame) == []


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    return Panel.land(tmp_path_factory.mktemp("panel"))


@pytest.fixture(scope="module")
def whole(panel: Panel, dbt_target: Path) -> boxes.LakeBox:
    """The warehouse of the whole lake."""
    box = panel.box()
    build(box)
    return box


@pytest.fixture
def elsewhere(tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: tmp_path / name


def build(box: boxes.LakeBox) -> None:
    box.dbt("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


def cuts() -> list[date]:
    """Month ends, a leap day, and days drawn by lot; those of the defects are added below."""
    chance = random.Random(1)
    drawn = [START + timedelta(days=chance.randrange(60, DAY_COUNT - 1)) for _ in range(4)]
    return sorted({date(2024, 2, 29), date(2024, 5, 31), date(2024, 8, 31), *drawn})


def of_scenarios(panel: Panel) -> list[date]:
    """The day before, of and after what the market has planted: listings, deaths, pegs, units."""
    days = sorted(
        {
            date.fromisoformat(scenario["from"]) + timedelta(days=shift)
            for scenario in panel.scenarios
            if scenario["id"] in {"F-5", "F-6", "F-17", "F-18"} and scenario.get("from")
            for shift in (-1, 0, 1)
        }
    )
    return [day for day in days if START + timedelta(days=30) < day < END]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("last", cuts(), ids=str)
def test_days_to_come_change_nothing(
    panel: Panel, whole: boxes.LakeBox, elsewhere: Callable[[str], Path], last: date
) -> None:
    """Without the days after D the marts say the same of every day up to D."""
    box = panel.without_days_after(last, elsewhere("cut"))
    build(box)
    assert differences(box, whole, compared(boxes.manifest()), last) == []
    forget(box)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_days_to_come_change_nothing_around_what_happens(
    panel: Panel, whole: boxes.LakeBox, elsewhere: Callable[[str], Path]
) -> None:
    """The same on the day before, of and after each planted event."""
    days = of_scenarios(panel)
    assert len(days) >= 5, panel.scenarios
    for last in days:
        box = panel.without_days_after(last, elsewhere(f"cut-{last}"))
        build(box)
        assert differences(box, whole, compared(boxes.manifest()), last) == [], last
        forget(box)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("last", [date(2024, 6, 17), date(2024, 10, 31)], ids=str)
def test_absurd_days_to_come_change_nothing(
    panel: Panel, whole: boxes.LakeBox, elsewhere: Callable[[str], Path], last: date
) -> None:
    """With every later number times a million, every later flag turned."""
    box = panel.poisoned_after(last, elsewhere("poisoned"))
    build(box)
    assert differences(box, whole, compared(boxes.manifest()), last) == []
    forget(box)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_same_again_is_the_same(whole: boxes.LakeBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Built again, in 2031 and in Tokyo, every mart and every event is the same."""
    before, now = state(whole), time.time
    versions = whole.query("select count(*) from history.hist_binance__kline")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        elsewhere.setenv("TOKENMART_NOW", "2031-05-05T05:05:05+00:00")
        elsewhere.setattr(time, "time", lambda: FIVE_YEARS_LATER + now())
        time.tzset()
        build(whole)
    time.tzset()
    assert whole.query("select count(*) from history.hist_binance__kline") == versions
    assert changed(before, state(whole)) == []
    assert repeated_events(whole) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_change_between_two_builds_is_seen(whole: boxes.LakeBox) -> None:
    """That proof can fail: a number by 1e-8, an hour of the clock, an event reported twice."""
    before = state(whole)
    with duckdb.connect(str(whole.warehouse)) as connection:
        connection.execute(
            "update marts.price_daily set close_usd = close_usd * (1 + 1e-8) "
            "where asset_id = 'bitcoin' and day = (select max(day) from marts.price_daily)"
        )
        connection.execute(
            "insert into marts.alert select * from marts.alert order by alert_id limit 1"
        )
        connection.execute(
            "update marts.ops_load_log set fetched_at = fetched_at + interval 9 hour"
        )
    # views of these differ, too
    assert {"alert", "ops_load_log", "price_daily"} <= set(changed(before, state(whole)))
    assert repeated_events(whole) == ["alert"]


def state(box: boxes.LakeBox) -> dict[str, pl.DataFrame]:
    return {
        mart.name: box.frame(f"select * from marts.{mart.name} order by {', '.join(mart.key)}")
        for mart in marts(boxes.manifest())
    }


def changed(before: dict[str, pl.DataFrame], after: dict[str, pl.DataFrame]) -> list[str]:
    """Name the marts that are not the same, beyond the last digits of sums."""
    return [
        mart.name
        for mart in marts(boxes.manifest())
        if before[mart.name].height != after[mart.name].height
        or difference(mart, after[mart.name], before[mart.name])
    ]


def repeated_events(box: boxes.LakeBox) -> list[str]:
    return [
        table
        for table, key in (("signal_event", "event_id"), ("alert", "alert_id"))
        if box.query(f"select count(*) != count(distinct {key}) from marts.{table}") == [(True,)]
    ]
