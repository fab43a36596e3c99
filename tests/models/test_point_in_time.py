"""No look-ahead: what a mart says about a day does not depend on what came to be known later."""

# the queries are made of constants
from __future__ import annotations

import math
import random
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.models.lake_box import LakeBox, at, day_start, days
from tests.models.market import DAY, Market

DAYS = days("2024-01-01", 45)
MARTS = ("price_daily", "ohlcv_daily", "venue_quality_daily", "returns_risk_daily")
# what a build is stamped with differs between builds by its nature
STAMPS = "as_of_ts, model_version"
SELECT = "+price_daily +ohlcv_daily +venue_quality_daily +returns_risk_daily"


def market(last: date = DAYS[-1], *, poison: float = 1.0) -> Market:
    """Return three venues that disagree a little; candles after `last` times `poison`."""
    chance = random.Random(7)
    town = Market()
    pairs = (
        ("coinbase", "BTC-USD", "BTC", "USD", 40_000.0),
        ("kraken", "XBTUSD", "XBT", "USD", 40_000.0),
        ("binance", "BTCUSDT", "BTC", "USDT", 40_000.0),
        ("coinbase", "SOL-USD", "SOL", "USD", 20.0),
        ("kraken", "SOLUSD", "SOL", "USD", 20.0),
        ("binance", "SOLUSDT", "SOL", "USDT", 20.0),
        ("coinbase", "ADA-USD", "ADA", "USD", 0.5),
    )
    for venue, symbol, base, quote, start in pairs:
        path: dict[date, Any] = {}
        walk = random.Random(base.replace("XBT", "BTC"))
        price = start
        for number, day in enumerate(DAYS):
            price *= math.exp(walk.gauss(0, 0.03))
            close = price * (1 + chance.gauss(0, 0.001))
            if number % 13 == 5 and venue == "binance":
                close *= 0.8
            # one venue alone: an error that the next day refutes, a crash that it confirms
            if base == "ADA":
                close *= (5 if number == 6 else 1) * (0.1 if number >= 30 else 1)
            missing = number % 11 == 7 and venue == "kraken"
            path[day] = None if missing else round(close * (poison if day > last else 1), 8)
        town.add(venue, symbol, base, quote, path)
    return town


def content(box: LakeBox, last: date) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: box.query(
            f"select * exclude ({STAMPS}) from marts.{name} where day <= '{last}' order by all"
        )
        for name in MARTS
    }


def difference(
    found: dict[str, list[tuple[Any, ...]]], expected: dict[str, list[tuple[Any, ...]]]
) -> str | None:
    """Name the first row that differs: other keys, other NULLs, or more than 1e-9 apart."""
    for name in MARTS:
        if len(found[name]) != len(expected[name]):
            return f"{name}: {len(found[name])} rows, expected {len(expected[name])}"
        for one, other in zip(found[name], expected[name], strict=True):
            for value, wanted in zip(one, other, strict=True):
                is_float = isinstance(value, float) and isinstance(wanted, float)
                same = abs(value - wanted) <= 1e-9 * max(1, abs(wanted)) if is_float else None
                if not (same or value == wanted):
                    return f"{name}: {one}, expected {other}"
    return None


@pytest.mark.parametrize("last", [pytest.param(DAYS[6], marks=pytest.mark.slow), DAYS[30]], ids=str)
def test_truncation_and_poison_leave_the_past_alone(
    seeded_box: LakeBox, shared_box: LakeBox, seeded_warehouse: Path, last: date
) -> None:
    """Rows up to D are the same without the days after D and with absurd ones."""
    fetched_at = day_start(DAYS[-1]) + DAY + timedelta(hours=6)
    if not shared_box.lake_dir.exists():
        market().land(shared_box, fetched_at)
        shared_box.run(SELECT)
    expected = content(shared_box, last)
    assert all(expected.values()), "the comparison needs rows"

    market().land(seeded_box, fetched_at, last=last)
    seeded_box.run(SELECT)
    assert difference(content(seeded_box, last), expected) is None, f"truncated after {last}"

    poisoned = LakeBox(seeded_box.data_dir / "poisoned")
    poisoned.data_dir.mkdir()
    shutil.copy(seeded_warehouse, poisoned.warehouse)
    market(last, poison=1e6).land(poisoned, fetched_at)
    poisoned.run(SELECT)
    assert difference(content(poisoned, last), expected) is None, f"poisoned after {last}"


@pytest.mark.slow
def test_an_as_of_build_is_what_was_built_then(seeded_box: LakeBox) -> None:
    """F-7: loads that restate and delete; each earlier state can be had again."""
    taken: list[tuple[str, Any]] = []
    for number, last in enumerate((DAYS[9], DAYS[11], DAYS[13])):
        town = market()
        if number == 1:
            changed = town.candles["coinbase"]
            town.candles["coinbase"] = [
                (symbol, day, row | {"close": row["high"], "open": row["high"], "low": row["high"]})
                if day == DAYS[8]
                else (symbol, day, row)
                for symbol, day, row in changed
            ]
        if number == 2:
            town.candles["kraken"] = [item for item in town.candles["kraken"] if item[1] != DAYS[9]]
        instant = day_start(last) + DAY + timedelta(hours=6)
        town.land(seeded_box, instant, first=DAYS[0], last=last)
        seeded_box.run(SELECT)
        taken.append((instant.isoformat(), content(seeded_box, last)))
    assert taken[0][1] != taken[1][1]
    for instant, expected in taken:
        seeded_box.dbt(
            "build",
            "--select",
            SELECT,
            "--exclude-resource-type",
            "test",
            "--exclude-resource-type",
            "unit_test",
            "--exclude-resource-type",
            "seed",
            "--vars",
            f"{{as_of: '{instant}'}}",
        )
        assert difference(content(seeded_box, DAYS[-1]), expected) is None, f"as of {instant}"


@pytest.mark.slow
def test_the_zone_of_the_machine_does_not_matter(
    seeded_box: LakeBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day is a UTC day in Tokyo, too."""
    found = []
    for zone in ("UTC", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        box = LakeBox(seeded_box.data_dir / zone.replace("/", "_"))
        market().land(box, at("2024-01-21T06:00:00"), last=DAYS[19])
        box.run("+price_daily")
        found.append(box.query("select * from marts.price_daily order by all"))
    assert found[0] == found[1]
