"""A missing day in each window, and an asset younger than each: every window of the catalogue.

The windows come from `meta_metric_catalog`: a column that is added with a window is tested here
without a change, or has to say below what else it needs.
"""

# the queries are made of constants
from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market

DAYS = days("2022-09-05", 775)
# before it 365 days are full, after it the longest window can forget it
HOLE = 405
WHOLE, HOLED = "uniswap", "aave"
MARTS = ("technical_daily", "returns_risk_daily")
# a first value that other parts of the formula make later than its observations do
FIRST_VALUE = {"tsmom_90": 90, "pivot_week_p": 7}
# with one day less these ask another day: the one before the hole
ENDPOINTS_ONLY = "no price on one of the two days"


@dataclass(frozen=True)
class Column:
    mart: str
    name: str
    window: int
    min_obs: int
    null_rule: str


def walk(seed: int, start: float) -> dict[date, Any]:
    draw, close, bars = random.Random(seed), start, {}
    for day in DAYS:
        opened, close = close, round(close * math.exp(draw.gauss(0, 0.03)), 6)
        bars[day] = {
            "close": close,
            "open": opened,
            "high": round(max(opened, close) * 1.01, 6),
            "low": round(min(opened, close) * 0.99, 6),
        }
    return bars


@pytest.fixture(scope="module")
def box(shared_box: LakeBox) -> LakeBox:
    town = Market()
    own = walk(1, 20.0)
    stories = {"BTC": walk(3, 20_000.0), "UNI": own, "AAVE": own | {DAYS[HOLE]: None}}
    for code, bars in stories.items():
        town.add("coinbase", f"{code}-USD", code, "USD", bars, volume_usd=3e6)
    town.land(shared_box)
    shared_box.run(" ".join(f"+{mart}" for mart in (*MARTS, "meta_metric_catalog")))
    return shared_box


@pytest.fixture(scope="module")
def columns(box: LakeBox) -> list[Column]:
    found = [
        Column(*row)
        for row in box.query(
            "select mart, column_name, window_d, coalesce(min_obs, window_d), null_rule "
            f"from marts.meta_metric_catalog where mart in {MARTS} and window_d > 1 order by all"
        )
    ]
    assert len(found) >= 50, "the catalogue has lost its windows"
    return found


@pytest.fixture(scope="module")
def values(box: LakeBox, columns: list[Column]) -> dict[tuple[str, str], list[Any]]:
    """Each column of the two assets, one value for each day."""
    found: dict[tuple[str, str], list[Any]] = {}
    for asset in (WHOLE, HOLED):
        for mart in MARTS:
            frame = box.frame(f"select * from marts.{mart} where asset_id = '{asset}' order by day")
            assert frame["day"].to_list() == DAYS, "the hole has a row"
            for column in columns:
                if column.mart == mart:
                    found[asset, column.name] = frame[column.name].to_list()
    return found


def test_a_missing_day_empties_each_window_that_needs_all_its_days(
    columns: list[Column], values: dict[tuple[str, str], list[Any]]
) -> None:
    strict = [column for column in columns if column.min_obs == column.window > 2]
    assert len(strict) >= 9
    for column in strict:
        found = values[HOLED, column.name]
        filled = [n for n in range(HOLE, HOLE + column.window) if found[n] is not None]
        assert filled == [], f"{column.name} has values in a window with a hole"


def test_a_missing_day_is_no_endpoint(
    columns: list[Column], values: dict[tuple[str, str], list[Any]]
) -> None:
    """No nearest day stands in for it; every other day has its return."""
    returns = [column for column in columns if column.null_rule.startswith(ENDPOINTS_ONLY)]
    assert len(returns) >= 8
    for column in returns:
        missing = [n for n in range(370, len(DAYS)) if values[HOLED, column.name][n] is None]
        assert missing == [HOLE, HOLE + column.window - 1], column.name


def test_a_missing_day_is_bridged_by_each_window_that_has_enough_others(
    columns: list[Column], values: dict[tuple[str, str], list[Any]]
) -> None:
    tolerant = [
        column
        for column in columns
        if column.min_obs < column.window - 1 and not column.null_rule.startswith(ENDPOINTS_ONLY)
    ]
    assert len(tolerant) >= 20
    for column in tolerant:
        # the day after it has no return of its own, and the momentum of n days has two ends
        ends = {HOLE, HOLE + 1, HOLE + 28, HOLE + 90}
        empty = [
            n
            for n in range(HOLE, HOLE + column.window + 2)
            if values[HOLED, column.name][n] is None and n not in ends
        ]
        assert empty == [], f"{column.name} gives up for one day"


def test_a_missing_day_is_forgotten_when_it_has_left_the_window(
    columns: list[Column], values: dict[tuple[str, str], list[Any]]
) -> None:
    """No window is longer than it says, and none is of rows instead of days."""
    for column in columns:
        # a window of n returns holds n + 1 closes
        for n in range(HOLE + column.window + 1, len(DAYS)):
            one, other = values[HOLED, column.name][n], values[WHOLE, column.name][n]
            assert one == pytest.approx(other, rel=1e-9), f"{column.name} on {DAYS[n]}"


def test_a_missing_day_is_seen_by_each_window(
    columns: list[Column], values: dict[tuple[str, str], list[Any]]
) -> None:
    """The test above can fail: inside the window the twins differ."""
    # the deepest fall need not have touched the missing day
    for column in (column for column in columns if "drawdown" not in column.name):
        inside = range(HOLE, HOLE + column.window + 1)
        assert any(
            values[HOLED, column.name][n] != values[WHOLE, column.name][n] for n in inside
        ), f"{column.name} does not read its window"


def test_an_asset_younger_than_each_window_has_no_value_in_it(
    columns: list[Column], values: dict[tuple[str, str], list[Any]]
) -> None:
    """F-13: the first value comes with the first sufficient observation, not before, not later."""
    for column in columns:
        known = [n for n, value in enumerate(values[WHOLE, column.name]) if value is not None]
        if column.null_rule.startswith(ENDPOINTS_ONLY):
            earliest, latest = column.window - 1, column.window - 1
        else:
            # so many closes, or so many returns, which need one close more
            earliest, latest = column.min_obs - 1, column.min_obs
        stem = column.name.rsplit("_", 1)[0] if column.name.startswith("pivot_week") else None
        later = FIRST_VALUE.get(f"{stem}_p" if stem else column.name)
        if later is not None:
            earliest, latest = later, later
        assert earliest <= known[0] <= latest, (
            f"{column.name} begins on day {known[0]}, with {column.min_obs} of {column.window}"
        )
