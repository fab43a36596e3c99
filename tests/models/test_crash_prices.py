"""Crashes are prices and wicks are not: generated histories, judged by the real SQL in one build.

Hypothesis draws the stories; all of them go into one lake as assets of their own, so that one build
judges them all. In each, something happens on one day: a crash, a wick, a halt, the end of a venue.
"""

# the queries are made of constants
from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.models.lake_box import LakeBox, days
from tests.models.market import Market, dollars

DAYS = days("2023-06-01", 45)
EVENT = 35
VENUES = (
    ("coinbase", "{}-USD", "USD"),
    ("kraken", "{}USD", "USD"),
    ("bitstamp", "{}usd", "USD"),
    ("binance", "{}USDT", "USDT"),
    ("okx", "{}-USDT", "USDT"),
)
RATIO = 100.0
# of each kind
FAST, SLOW = 12, 80

KINDS = (
    "crash",
    "crash of a delisted asset",
    "crash while a venue halts",
    "crash during a halt of all",
    "crash that a venue does not live to see",
    "redenomination",
    "redenomination and crash",
    "wick on one venue",
    "wick on all for minutes",
)


@dataclass(frozen=True)
class Story:
    """One asset: how it moves, who quotes it, and what happens on the day of the event."""

    kind: str
    venue_count: int
    depth: float
    divergence: float
    sigma: float
    halt_d: int
    seed: int

    @property
    def is_crash(self) -> bool:
        return "crash" in self.kind

    @cached_property
    def truth(self) -> list[float]:
        draw, price, path = random.Random(self.seed), 50.0, []
        for number in range(len(DAYS)):
            price *= math.exp(draw.gauss(0, self.sigma))
            if number == EVENT:
                price *= 1 - self.depth if self.is_crash else 1
                price /= RATIO if "redenomination" in self.kind else 1
            path.append(price)
        return path

    @cached_property
    def readings(self) -> dict[int, dict[int, float]]:
        """Closes of each venue by the day's number."""
        draw = random.Random(self.seed + 1)
        found: dict[int, dict[int, float]] = {}
        for venue in range(self.venue_count):
            closes = {}
            for number, price in enumerate(self.truth):
                close = price * (1 + draw.uniform(-0.0005, 0.0005))
                if number == EVENT and self.is_crash and self.venue_count > 1:
                    close *= 1 + self.divergence * venue / (self.venue_count - 1)
                if number == EVENT and self.kind == "wick on one venue" and venue == 0:
                    close *= 1 - self.depth
                closes[number] = round(close, 10)
            found[venue] = {n: close for n, close in closes.items() if self.is_quoted(venue, n)}
        return found

    def is_quoted(self, venue: int, number: int) -> bool:
        if self.kind == "crash of a delisted asset":
            return number <= EVENT
        if self.kind == "crash during a halt of all":
            return not EVENT <= number < EVENT + self.halt_d
        if venue > 0 and self.kind == "crash while a venue halts":
            return not EVENT <= number < EVENT + self.halt_d
        if venue > 0 and self.kind == "crash that a venue does not live to see":
            return number < EVENT
        return True

    @property
    def known(self) -> int:
        """Number of the first day on which the event can be known."""
        return EVENT + (self.halt_d if self.kind == "crash during a halt of all" else 0)


def stories(kind: str) -> st.SearchStrategy[Story]:
    return st.builds(
        Story,
        kind=st.just(kind),
        venue_count=st.integers(1, 5),
        depth=st.floats(0.05, 0.99),
        divergence=st.floats(0, 0.3),
        sigma=st.sampled_from([0.0005, 0.01, 0.03]),
        halt_d=st.integers(1, 4),
        seed=st.integers(0, 10**6),
    )


def drawn(count: int) -> list[Story]:
    """Return as many stories of each kind as Hypothesis draws them, the same ones each time."""
    found: list[Story] = []
    for number, kind in enumerate(KINDS):

        @seed(number)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(stories(kind))
        def collect(story: Story) -> None:
            found.append(story)

        collect()
    return found


@dataclass
class Reported:
    """What was published of one story, by the day's number."""

    story: Story
    name: str
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        seen = {
            venue: by_day.get(self.story.known) for venue, by_day in self.story.readings.items()
        }
        around = {
            number: {key: row[key] for key in ("close_usd", "price_quality", "ret_1d", "logret_1d")}
            for number, row in self.rows.items()
            if abs(number - self.story.known) < 3
        }
        return f"{self.name}: {self.story}\nreadings {seen}\npublished {around}"


def land(box: LakeBox, reported: list[Reported]) -> None:
    town = Market()
    dollars(town, DAYS)
    assets, markets, events = [], [], []
    for number, one in enumerate(reported):
        code, draw = f"S{number}", random.Random(one.story.seed + 2)
        assets.append({"asset_id": one.name, "symbol": code, "name": code, "asset_class": "coin"})
        for venue, closes in one.story.readings.items():
            where, pattern, quote = VENUES[venue]
            symbol, volume = pattern.format(code), 1e6 * draw.uniform(1, 3)
            bars: dict[date, Any] = {}
            for day, close in closes.items():
                low = close * (1 - one.story.depth) if one.story.kind.endswith("minutes") else close
                bars[DAYS[day]] = {"close": close, "low": low if day == EVENT else close}
            town.add(
                where,
                symbol,
                code,
                quote,
                bars,
                volume_usd=volume,
                is_trading=one.story.kind != "crash of a delisted asset",
            )
            markets.append(
                {
                    "venue": where,
                    "symbol": symbol,
                    "base_code": code,
                    "quote_code": quote,
                    "base_asset_id": one.name,
                    "quote_asset_id": "fiat-usd" if quote == "USD" else "tether",
                    "listed_day": DAYS[0],
                }
            )
        if "redenomination" in one.story.kind:
            events.append(
                {
                    "asset_id": one.name,
                    "kind": "redenomination",
                    "effective_day": DAYS[EVENT],
                    "ratio": RATIO,
                }
            )
    folder = box.data_dir / "curation"
    folder.mkdir()
    for name, rows in (("assets", assets), ("markets", markets), ("token_events", events)):
        pl.DataFrame(rows).write_parquet(folder / f"{name}.parquet")
    box.environment["TOKENMART_CURATION_DIR"] = str(folder)
    town.land(box)


def published(box: LakeBox, count: int) -> list[Reported]:
    reported = [Reported(story, f"story-{number}") for number, story in enumerate(drawn(count))]
    land(box, reported)
    box.run("+price_daily +ohlcv_daily +returns_risk_daily")
    by_name = {one.name: one for one in reported}
    frame = box.frame(
        "select p.asset_id, p.day, p.close_usd, p.price_quality, p.evidence, "
        "p.prior_close_verdict, r.ret_1d, r.ret_7d, a.logret_1d, o.low_usd "
        "from marts.price_daily as p "
        "inner join marts.returns_risk_daily as r on p.asset_id = r.asset_id and p.day = r.day "
        "inner join marts.ohlcv_daily as o on p.asset_id = o.asset_id and p.day = o.day "
        "inner join intermediate.int_asset_return_daily as a "
        "on p.asset_id = a.asset_id and p.day = a.day "
        "where p.asset_id like 'story-%' order by p.asset_id, p.day"
    )
    for row in frame.iter_rows(named=True):
        by_name[row["asset_id"]].rows[(row["day"] - DAYS[0]).days] = row
    return reported


@pytest.fixture(scope="module", params=[FAST, pytest.param(SLOW, marks=pytest.mark.slow)])
def reported(
    request: pytest.FixtureRequest, dbt_target: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Reported]:
    return published(LakeBox(tmp_path_factory.mktemp("stories")), request.param)


def check_crash(one: Reported) -> None:
    """A crash has its price and its return on the first day on which it can be known."""
    story, number = one.story, one.story.known
    row, before = one.rows[number], one.rows[EVENT - 1]
    readings = [closes[number] for closes in story.readings.values() if number in closes]
    assert row["close_usd"] is not None, f"no price: {one}"
    slack = 1 + 1e-6
    assert min(readings) / slack <= row["close_usd"] <= max(readings) * slack, f"no reading: {one}"
    ratio = RATIO if "redenomination" in story.kind else 1
    fall = row["close_usd"] * ratio / before["close_usd"] - 1
    if number == EVENT:
        assert row["ret_1d"] == pytest.approx(fall), f"no return: {one}"
    week_ago = one.rows[number - 7]["close_usd"]
    assert row["ret_7d"] == pytest.approx(row["close_usd"] * ratio / week_ago - 1), f"7 days: {one}"
    is_alone = len(readings) == 1
    assert (row["evidence"] == "single_venue") == is_alone, f"evidence: {one}"
    assert is_alone or row["price_quality"] != "unconfirmed", f"agreed, yet unconfirmed: {one}"
    if number + 1 in one.rows and number == EVENT:
        after = one.rows[number + 1]
        moved = sum(one.rows[n]["logret_1d"] or 0 for n in (number, number + 1))
        whole = math.log(after["close_usd"] * ratio / before["close_usd"])
        assert moved == pytest.approx(whole, abs=1e-9), f"not in the windows: {one}"
        if row["price_quality"] == "unconfirmed":
            assert after["prior_close_verdict"] == "confirmed", f"not confirmed: {one}"


def check_wick(one: Reported) -> None:
    """What one venue prints for a day is no accepted price, and in no window of a later day."""
    story, row = one.story, one.rows[EVENT]
    wick = story.readings[0][EVENT]
    others = [closes[EVENT] for venue, closes in story.readings.items() if venue > 0]
    is_wick = row["close_usd"] == pytest.approx(wick, rel=1e-9)
    if story.venue_count >= 3:
        assert min(others) * (1 - 1e-6) <= row["close_usd"] <= max(others) * (1 + 1e-6), f"{one}"
    elif is_wick:
        assert row["price_quality"] not in ("ok", "thin"), f"believed: {one}"
    if row["price_quality"] == "unconfirmed":
        after = one.rows[EVENT + 1]
        assert after["prior_close_verdict"] == "refuted", f"not refuted: {one}"
        assert (after["ret_1d"], row["logret_1d"]) == (None, None), f"a wick has returns: {one}"
        assert abs(after["logret_1d"]) < 12 * story.sigma + 0.01, f"a wick is in windows: {one}"
    assert (row["price_quality"] == "unconfirmed") <= (story.venue_count == 1), f"{one}"


def check_calm(one: Reported) -> None:
    """What only looks like a crash moves no close and no return."""
    row, before = one.rows[EVENT], one.rows[EVENT - 1]
    ratio = RATIO if "redenomination" in one.story.kind else 1
    assert row["close_usd"] == pytest.approx(one.story.truth[EVENT], rel=1e-3), f"{one}"
    assert row["ret_1d"] == pytest.approx(row["close_usd"] * ratio / before["close_usd"] - 1), (
        f"{one}"
    )
    assert row["price_quality"] in ("ok", "thin", "single_venue"), f"{one}"
    if one.story.kind.endswith("minutes"):
        assert row["low_usd"] < 0.97 * row["close_usd"], f"the low is lost: {one}"


def test_every_crash_is_a_price_and_no_wick_is(reported: list[Reported]) -> None:
    for one in reported:
        if one.story.is_crash:
            check_crash(one)
        elif one.story.kind == "wick on one venue":
            check_wick(one)
        else:
            check_calm(one)


def test_labels_are_of_all_sorts(reported: list[Reported]) -> None:
    """Without this the stories would prove nothing."""
    labels = Counter(
        one.rows[one.story.known]["price_quality"] for one in reported if one.story.is_crash
    )
    assert {"ok", "thin", "disputed", "single_venue", "unconfirmed"} >= set(labels)
    assert labels["unconfirmed"] > 0
    assert labels["disputed"] > 0
