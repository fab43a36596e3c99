"""The proofs of no look-ahead can fail. Eleven leaks that were seen in the field are
planted, each beside the honest way to say the same; the comparison that is used for the marts finds
every leak and no honest twin.
"""

from __future__ import annotations

import math
import random
from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

from tests.models.panel import Mart, difference

START = date(2024, 1, 1)
DAYS = [START + timedelta(days=number) for number in range(160)]
LAST = DAYS[99]
MART = Mart(
    "planted", ("asset_id", "day"), {"asset_id": "varchar", "day": "date", "value": "double"}
)

# name: (what leaks, the honest way)
LEAKS = {
    "negative shift": (
        """
        select asset_id, day, lead(close) over w / close - 1 as value from price
        window w as (partition by asset_id order by day)
        """,
        """
        select asset_id, day, close / lag(close) over w - 1 as value from price window
        w as (partition by asset_id order by day)
        """,
    ),
    "centred mean": (
        """
        select asset_id, day, avg(close) over (partition by asset_id order by day rows
        between 3 preceding and 3 following) as value from price
        """,
        """
        select asset_id, day, avg(close) over (partition by asset_id order by day rows
        between 6 preceding and current row) as value from price
        """,
    ),
    "full-sample z": (
        """
        select asset_id, day, (close - avg(close) over w) / stddev_samp(close) over w
        as value from price window w as (partition by asset_id)
        """,
        """
        select asset_id, day, case when stddev_samp(close) over w > 0 then (close -
        avg(close) over w) / stddev_samp(close) over w end as value from price window
        w as (partition by asset_id order by day)
        """,
    ),
    "percentile over all history": (
        """
        select asset_id, day, percent_rank() over (partition by asset_id order by
        close) as value from price
        """,
        """
        select one.asset_id, one.day, avg(case when other.close <= one.close then 1.0
        else 0 end) as value from price as one inner join price as other on
        one.asset_id = other.asset_id and other.day <= one.day group by one.asset_id,
        one.day
        """,
    ),
    "today's top": (
        """
        select asset_id, day, close as value from price where asset_id in (select
        asset_id from price where day = (select max(day) from price) order by close *
        supply desc limit 2)
        """,
        """
        select asset_id, day, close as value from price qualify row_number() over
        (partition by day order by close * supply desc) <= 2
        """,
    ),
    "present supply times past price": (
        """
        select price.asset_id, price.day, price.close * newest.supply as value from
        price inner join (select asset_id, max_by(supply, day) as supply from price
        group by asset_id) as newest on price.asset_id = newest.asset_id
        """,
        """
        select asset_id, day, close * supply as value from price
        """,
    ),
    "swing level on its own day": (
        """
        select asset_id, day, case when close = max(close) over (partition by asset_id
        order by day rows between 5 preceding and 5 following) then close end as value
        from price
        """,
        """
        select asset_id, day, case when lag(close, 5) over w = max(close) over
        (partition by asset_id order by day rows between 10 preceding and current row)
        then lag(close, 5) over w end as value from price window w as (partition by
        asset_id order by day)
        """,
    ),
    "narrative of today": (
        """
        select price.asset_id, price.day, count(*) over (partition by price.day,
        newest.narrative) * 1.0 as value from price inner join (select asset_id,
        max_by(narrative, valid_from) as narrative from membership group by asset_id)
        as newest on price.asset_id = newest.asset_id
        """,
        """
        select price.asset_id, price.day, count(*) over (partition by price.day,
        membership.narrative) * 1.0 as value from price inner join membership on
        price.asset_id = membership.asset_id and price.day >= membership.valid_from
        and price.day < coalesce(membership.valid_to, date '9999-12-31')
        """,
    ),
    "backfilled fees taken for known": (
        """
        select asset_id, day, sum(fees) over (partition by asset_id order by day rows
        between 29 preceding and current row) as value from fees
        """,
        """
        select price.asset_id, price.day, sum(fees.fees) as value from price left join
        fees on price.asset_id = fees.asset_id and fees.day between price.day - 29 and
        price.day and fees.known_on <= price.day group by price.asset_id, price.day
        """,
    ),
    "backward fill": (
        """
        select asset_id, day, coalesce(close, first_value(close ignore nulls) over
        (partition by asset_id order by day rows between current row and unbounded
        following)) as value from holed
        """,
        """
        select asset_id, day, last_value(close ignore nulls) over (partition by
        asset_id order by day) as value from holed
        """,
    ),
    "unfinished week": (
        """
        select asset_id, day, max(close) over (partition by asset_id,
        date_trunc('week', day)) as value from price
        """,
        """
        select one.asset_id, one.day, max(other.close) as value from price as one left
        join price as other on one.asset_id = other.asset_id and date_trunc('week',
        other.day) = date_trunc('week', one.day) - interval 7 day group by
        one.asset_id, one.day
        """,
    ),
}


def world(last: date) -> duckdb.DuckDBPyConnection:
    """Return what is known by the end of `last`."""
    chance = random.Random(11)
    price, fees, holed = [], [], []
    for number in range(4):
        close = 10.0
        supply = 1000.0
        for day in DAYS:
            close *= math.exp(chance.gauss(0, 0.05))
            supply *= 1 + chance.random() / 100
            row = {"asset_id": f"a{number}", "day": day}
            price.append({**row, "close": close, "supply": supply})
            holed.append({**row, "close": None if chance.random() < 0.2 else close})
            late = 10 if chance.random() < 0.1 else 1
            fees.append({**row, "fees": close, "known_on": day + timedelta(days=late)})
    # the gap that a backward fill would bridge lies at the end of what is known
    holed = [
        row | {"close": None} if row["day"] in {LAST, LAST - timedelta(1)} else row for row in holed
    ]
    moved = LAST + timedelta(days=10)
    membership = [
        {"asset_id": f"a{number}", "narrative": "ai" if number else "defi", "valid_from": START}
        for number in range(4)
    ]
    tables = {
        "price": pl.DataFrame(price).filter(pl.col("day") <= last),
        "holed": pl.DataFrame(holed).filter(pl.col("day") <= last),
        "fees": pl.DataFrame(fees).filter(pl.col("day") <= last, pl.col("known_on") <= last),
        "membership": pl.DataFrame(
            [
                *(
                    row | {"valid_to": moved if row["asset_id"] == "a1" else None}
                    for row in membership
                ),
                {"asset_id": "a1", "narrative": "defi", "valid_from": moved, "valid_to": None},
            ],
            schema_overrides={"valid_to": pl.Date},
        ).filter(pl.col("valid_from") <= last),
    }
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(f"{name}_rows", table.to_arrow())
        connection.execute(f"create table {name} as from {name}_rows")
    return connection


def seen(query: str, cut: date = LAST) -> list[str]:
    """Compare what the query says of the days up to the cut with and without the days after it."""
    whole, known = world(DAYS[-1]), world(cut)
    try:
        up_to = f"select * from ({query}) where day <= date '{cut}'"
        return difference(MART, known.execute(up_to).pl(), whole.execute(up_to).pl())
    finally:
        whole.close()
        known.close()


@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_found(name: str) -> None:
    leak, _ = LEAKS[name]
    assert seen(leak) != [], f"{name}: the comparison is blind for it"


@pytest.mark.parametrize("name", LEAKS)
def test_the_honest_twin_is_not(name: str) -> None:
    _, honest = LEAKS[name]
    assert seen(honest) == []
