"""Every generated crash has its event on the first day that it can be known; no wick has one."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import median
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.analytics.depeg import depeg_log
from tests.crashes import CRASH_DAY, Crash
from tests.unit.analytics.support import DEPEG

START = date(2024, 1, 1)
ELIGIBLE_VOLUME_USD = 250_000
DISPUTED_FRAC = 0.02

falls = st.builds(
    Crash,
    kind=st.just("fall"),
    depth=st.floats(0.05, 0.99),
    venues=st.integers(1, 5),
    divergence=st.floats(0, 0.3),
    grows=st.sampled_from((0.0, 0.1, 0.5)),
    delisted_after=st.none() | st.integers(0, 4),
    halted_d=st.integers(0, 3),
    is_tail_thin=st.booleans(),
    recovers_after=st.none() | st.integers(1, 5),
    has_reference=st.booleans(),
)
harmless = st.builds(
    Crash,
    kind=st.sampled_from(("wick", "low")),
    depth=st.floats(0.05, 0.99),
    venues=st.integers(2, 5),
    has_reference=st.booleans(),
)
lonely_wicks = st.builds(
    Crash,
    kind=st.just("wick"),
    depth=st.floats(0.05, 0.99),
    venues=st.just(1),
)


def _bps(price: float) -> float:
    return 1e4 * (price - 1)


def _rows(crash: Crash) -> pl.DataFrame:
    """What the warehouse makes of a coin's candles: the day's price, and what its readings say."""
    rows: list[dict[str, Any]] = []
    for number, venues in enumerate(crash.prints()):
        closes = [one.close for one in venues.values()]
        reference = crash.reference(number)
        heard = closes if len(closes) > 1 or reference is None else [*closes, reference]
        devs = [_bps(price) for price in heard]
        nearest = min(devs, key=abs, default=None)
        is_agreed = len(closes) > 1 and max(closes) <= (1 + DISPUTED_FRAC) * min(closes)
        volume = sum(one.volume_usd for one in venues.values())
        published = _bps(median(closes)) if is_agreed else nearest
        one_sided = len({dev > 0 for dev in devs}) == 1
        rows.append(
            {
                "stablecoin_id": "coin",
                "day": START + timedelta(days=number),
                "dev_bps": published,
                "dev_low_bps": min((_bps(v.low) for v in venues.values()), default=None),
                "is_eligible": is_agreed and volume >= ELIGIBLE_VOLUME_USD,
                "dead_from": None,
                "reading_bps": None if not closes else nearest if one_sided else 0.0,
                "recovery_bps": (
                    max(map(abs, devs)) if closes and volume >= ELIGIBLE_VOLUME_USD else None
                ),
                "is_confirmed": len(heard) > 1,
            }
        )
    return pl.DataFrame(
        rows,
        schema_overrides={
            "dev_bps": pl.Float64,
            "dev_low_bps": pl.Float64,
            "reading_bps": pl.Float64,
            "recovery_bps": pl.Float64,
            "dead_from": pl.Date,
        },
    )


def _log(crash: Crash) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    rows = _rows(crash)
    return rows, depeg_log(rows.lazy(), DEPEG).collect().to_dicts()


def _check_fall(crash: Crash) -> None:
    rows, log = _log(crash)
    known = crash.first_known()
    changes = [row["change"] for row in log]
    if known is None:
        assert changes in ([], ["suspect"]), f"nothing more than a print was to be reported: {log}"
        return
    opened = next((row for row in log if row["change"] == "open"), None)
    assert opened is not None, "a crash without an event"
    assert opened["known_from_day"] == START + timedelta(days=known)
    assert opened["start_day"] == START + timedelta(days=CRASH_DAY)
    first_reported = log[0]["known_from_day"]
    assert first_reported == START + timedelta(days=CRASH_DAY), (
        "the first print was not reported at once"
    )
    of_event = rows.filter(pl.col("day") >= opened["start_day"])["dev_bps"].drop_nulls()
    last = [row for row in log if row["event_key"] == opened["event_key"]][-1]
    assert last["worst_bps"] == max(of_event, key=abs)
    if crash.recovers_after is None:
        assert "close" not in changes, "an event ended without a recovery"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(falls)
def test_every_crash_has_its_event(crash: Crash) -> None:
    _check_fall(crash)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True)
@given(falls)
def test_every_one_of_many_crashes_has_its_event(crash: Crash) -> None:
    _check_fall(crash)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(harmless)
def test_no_wick_on_one_venue_and_no_low_of_minutes_has_an_event(crash: Crash) -> None:
    assert _log(crash)[1] == []


@settings(max_examples=20, deadline=None, derandomize=True)
@given(lonely_wicks)
def test_a_wick_on_the_only_venue_is_a_suspect_and_no_event(crash: Crash) -> None:
    assert [row["change"] for row in _log(crash)[1]] == ["suspect"]
