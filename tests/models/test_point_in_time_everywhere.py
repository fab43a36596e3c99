"""PIT-01, PIT-02, PIT-12 over every mart of the project, on every source's rows (D.3).

The marts come from the manifest: one that is added is compared without a change here, or has to
say below why it cannot be. Minutes of building: `make test-slow`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

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
    "dim_": "lists who there is; what is dated in them is known_at's, and PIT-09's",
    "meta_": "describes the columns",
    "ops_": "describes runs, not days",
    "signal_quality": "hindsight by purpose; nothing reads it (test_hindsight)",
    "moonshots": "shows what became of a pick; nothing reads it (test_hindsight)",
    "screener_latest": "the newest day of marts that are compared",
    "what_if_token": "the newest day of a mart that is compared",
    "peers": "the newest day of marts that are compared",
    "peer_pair": "the newest day of a mart that is compared",
    "alt_performance_by_btc_phase": "means over all days of marts that are compared",
    "depeg_event": "the newest row of each event; its log is compared",
    "stablecoin_risk_card": "the newest day of marts that are compared",
}


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
    """PIT-01: without the days after D the marts say the same of every day up to D."""
    box = panel.without_days_after(last, elsewhere("cut"))
    build(box)
    assert differences(box, whole, compared(boxes.manifest()), last) == []
    forget(box)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_days_to_come_change_nothing_around_what_happens(
    panel: Panel, whole: boxes.LakeBox, elsewhere: Callable[[str], Path]
) -> None:
    """PIT-01, on the day before, of and after each planted event."""
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
    """PIT-02: with every later number times a million, every later flag turned."""
    box = panel.poisoned_after(last, elsewhere("poisoned"))
    build(box)
    assert differences(box, whole, compared(boxes.manifest()), last) == []
    forget(box)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_same_again_is_the_same(whole: boxes.LakeBox) -> None:
    """PIT-12, PIT-14: built again, in another zone, every mart and every event is the same."""
    every = marts(boxes.manifest())
    before = {mart.name: _rows(whole, mart) for mart in every}
    versions = whole.query("select count(*) from history.hist_binance__kline")
    whole.environment["TZ"] = "Asia/Tokyo"
    build(whole)
    del whole.environment["TZ"]
    assert whole.query("select count(*) from history.hist_binance__kline") == versions
    changed = [mart.name for mart in every if not before[mart.name].equals(_rows(whole, mart))]
    assert changed == []
    for table, key in (("signal_event", "event_id"), ("alert", "alert_id")):
        assert whole.query(f"select count(*) = count(distinct {key}) from marts.{table}") == [
            (True,)
        ]


def _rows(box: boxes.LakeBox, mart: Mart) -> pl.DataFrame:
    return box.frame(f"select * from marts.{mart.name} order by {', '.join(mart.key)}")
