"""A label that begins no day gives no row of a wrong day, in any table, and is reported.

The rows are made from the declarations of all sources, so that a new table cannot be forgotten.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipelines import sources
from pipelines.core.tables import DAY_S, EVENT, Table
from tests.models.lake_box import DBT_DIR, Asked, LakeBox, day_start, days
from tests.models.test_stablecoins import balances

MIDNIGHT = datetime(2024, 3, 1, tzinfo=UTC)
DAY = MIDNIGHT.date()
ONE = timedelta(days=1)
SHIFTS = [timedelta(hours=1), timedelta(hours=-1), timedelta(hours=12, milliseconds=789)]
CHOSEN = {"category": "spot", "metric": "x"}


def _is_daily(table: Table) -> bool:
    if table.grid in (None, EVENT) or table.name.endswith("_intraday"):
        return False
    return table.grid.length is not None or table.grid.every_s == DAY_S


DAILY = [
    (name, table) for name in sources.SOURCES for table in sources.tables(name) if _is_daily(table)
]
IDS = [f"{name}.{table.name}" for name, table in DAILY]


def staging_of() -> dict[tuple[str, str], str]:
    """Return the staging model of each raw table that is dated."""
    found = {}
    for path in (DBT_DIR / "models/staging").rglob("*.sql"):
        text = path.read_text()
        for source, table in re.findall(r"dated\([^)]*?, '(\w+)', '(\w+)', series", text):
            found[source, table] = path.stem
        for source in re.findall(r"coinmetrics_metric\(ref\('\w+'\), '(\w+)'\)", text):
            found[source, "asset_metrics"] = path.stem
    of_venues = [(source, table.name) for source, table in DAILY if table.candle]
    return found | dict.fromkeys(of_venues, "stg_spot__candle")


def row_of(table: Table, at: datetime) -> dict[str, Any]:
    """Return a row at an instant that the table's other rules accept."""
    assert table.grid is not None
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.kind == "timestamp":
            row[column.name] = at
        elif column.kind == "text":
            row[column.name] = CHOSEN.get(column.name, "x")
        else:
            row[column.name] = True if column.kind == "boolean" else 1
    if table.grid.length is not None:
        # the first word of a day's length; those of weeks and months begin on days, too
        words = (word for word, seconds in table.grid.words_s.items() if seconds == DAY_S)
        row[table.grid.length] = next(words, DAY_S // table.grid.unit_s)
    return row


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    for name in sources.SOURCES:
        rows = {
            table.name: [row_of(table, MIDNIGHT + shift) for shift in (timedelta(0), *SHIFTS)]
            for source, table in DAILY
            if source == name
        }
        if rows:
            shared_box.load(name, rows, fetched_at=MIDNIGHT + timedelta(days=9))
    models = " ".join(f"+{model}" for model in sorted(set(staging_of().values())))
    shared_box.run(f"{models} +int_label_off_grid")
    return shared_box


@pytest.mark.parametrize(("source", "table"), DAILY, ids=IDS)
def test_a_shifted_label_is_of_no_day_and_is_reported(
    box: LakeBox, source: str, table: Table
) -> None:
    model = staging_of().get((source, table.name))
    assert model, f"no staging model reads {source}.{table.name} by its dated convention"
    # a price that is published for the working day before has the day of its publication
    column = "published_day" if (source, table.name) == ("gold", "prices") else "day"
    own = f"venue_id = '{source}'" if table.candle else "true"
    found = [row[0] for row in box.query(f"select {column} from staging.{model} where {own}")]
    assert len(found) == 1, f"{model}: the whole label alone has a day, and there are {found}"
    assert found[0] in (DAY, DAY - ONE), f"{model}: {found}"
    assert box.query(
        "select count(*) from intermediate.int_label_off_grid "
        f"where source = '{source}' and table_name = '{table.name}'"
    ) == [(len(SHIFTS),)], f"{source}.{table.name}: labels off the grid are reported"


def test_a_convention_that_changed_gives_each_day_once_and_shows_its_gap(
    seeded_box: LakeBox,
) -> None:
    """Until a label it named the day before, since then its own: no label names the day between."""
    labels = days("2024-06-07", 6)
    seeded_box.load(
        "defillama_stablecoins",
        {
            "prices": [
                {"gecko_id": "dai", "day_time": day_start(label), "price": label.day}
                for label in labels
            ]
        },
        fetched_at="2024-06-13T06:00:00",
        asked=[Asked("prices", "*", day_start(labels[0]), day_start(labels[-1]) + ONE)],
    )
    seeded_box.run("+stg_defillama_stablecoins__price +int_source_gap_daily")
    found = seeded_box.query(
        "select day, price_usd from staging.stg_defillama_stablecoins__price order by day"
    )
    reported = {label - ONE if label.day < 10 else label: label.day for label in labels}
    assert found == sorted(reported.items())
    assert seeded_box.query(
        "select day from intermediate.int_source_gap_daily where table_name = 'prices'"
    ) == [(date(2024, 6, 9),)]


def test_a_convention_is_corrected_by_a_row_of_the_seed(seeded_box: LakeBox) -> None:
    label = date(2024, 7, 1)
    seeded_box.load(
        "defillama_stablecoins",
        {"balances": balances("5", {label: 1.0}) + balances("6", {label: 1.0})},
        fetched_at="2024-07-03T06:00:00",
    )
    row = "select 'defillama_stablecoins', 'balances', {}, null, null, '{}', 'a test', {}"
    seeded_box.write_seed(
        "meta_source_convention",
        row.format("null", "interval_start", 1),
        row.format("null", "point_in_time", 2),
        # a series of its own
        row.format("'6'", "interval_start", 1),
    )
    seeded_box.run("+stg_defillama_stablecoins__balance")
    assert seeded_box.query(
        "select defillama_id, day from staging.stg_defillama_stablecoins__balance order by 1"
    ) == [("5", label - ONE), ("6", label)]
