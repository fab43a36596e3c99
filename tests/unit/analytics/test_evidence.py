"""What a grade has been worth is reported on the day it is known, and not a day before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.analytics.evidence import (
    EvidenceParameters,
    evidence_parameters,
    grade_evidence,
)
from pipelines.analytics.inference import expanding_newey_west, lag_count, newey_west
from pipelines.analytics.parameters import newest_version
from tests.unit.analytics.test_grade_seeds import seed

START = date(2024, 1, 1)
SKIP_D, ASSETS, DAYS = 1, 12, 200
JUDGED = EvidenceParameters(
    grade="planted",
    horizon_d=7,
    window_d=30,
    window_min_obs=20,
    strong_t=3,
    strong_periods=15,
    weak_t=2,
    weak_periods=5,
)
NO_BENCH = pl.DataFrame(
    schema={
        "grade": pl.String(),
        "horizon_d": pl.Int64(),
        "ic_t_stat": pl.Float64(),
        "ic_day_count": pl.Int64(),
        "last_day": pl.Date(),
        "is_chosen_on": pl.Boolean(),
    }
)


def panel(values: np.ndarray, name: str) -> pl.DataFrame:
    """One row per day (row) and asset (column)."""
    return pl.DataFrame(
        {
            "day": [START + timedelta(days=n) for n in range(len(values)) for _ in range(ASSETS)],
            "asset_id": [f"a{n:02d}" for n in range(ASSETS)] * len(values),
            name: values.ravel(),
        }
    )


def planted(sign: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Closes of which the drift is a fixed rank, and a grade that tells it with the sign given."""
    drift = np.linspace(-0.02, 0.02, ASSETS)
    closes = 100 * np.exp(np.cumsum(np.tile(drift, (DAYS, 1)), axis=0))
    return closes, sign[:, None] * drift[None, :]


def noisy(seed_number: int, skill: float, days: int = DAYS) -> tuple[np.ndarray, np.ndarray]:
    """Closes of chance, and a grade that knows `skill` of the return of the 7 days that follow."""
    rng = np.random.default_rng(seed_number)
    log = np.cumsum(rng.normal(0, 0.05, (days + 8, ASSETS)), axis=0)
    ahead = log[8:] - log[1:-7]
    ranks = ahead.argsort(axis=1).argsort(axis=1)
    return 100 * np.exp(log[:days]), skill * ranks + rng.normal(0, 4, (days, ASSETS))


def evidence(
    closes: np.ndarray,
    grades: np.ndarray,
    *,
    bench: pl.DataFrame = NO_BENCH,
    judged: EvidenceParameters = JUDGED,
) -> pl.DataFrame:
    scores = panel(grades, "value").with_columns(grade=pl.lit(judged.grade))
    return grade_evidence(
        scores, panel(closes, "close_usd"), bench, [judged], skip_d=SKIP_D, min_assets=5
    ).sort("day")


def test_a_grade_that_turns_is_reported_when_its_return_has_ended() -> None:
    turn = 100
    found = evidence(*planted(np.where(np.arange(DAYS) < turn, 1.0, -1.0)))
    ic = found["ic"].to_list()
    known = turn + JUDGED.horizon_d + SKIP_D
    assert ic[known - 1] == pytest.approx(1), "the turn is reported before it can be known"
    assert ic[known] == pytest.approx(-1), "the turn is not reported when it is known"
    assert ic[JUDGED.horizon_d] is None, "no grade is old enough yet"
    recent = found["ic_recent_mean"].to_list()
    below = [day for day, mean in enumerate(recent) if mean is not None and mean < -1e-9]
    assert below[0] == known + JUDGED.window_d // 2, "the recent mean turns when half of it has"


def test_the_recent_mean_is_told_in_errors_of_its_own_days() -> None:
    found = evidence(*noisy(11, 0.0))
    ic = found["ic"].to_numpy()
    for day in (60, 120, DAYS - 1):
        window = ic[day + 1 - JUDGED.window_d : day + 1]
        error = newey_west(window[:, None], lag_count(len(window), JUDGED.horizon_d))[0]
        assert found["ic_recent_mean"][day] == pytest.approx(window.mean())
        assert found["ic_recent_t_stat"][day] == pytest.approx(window.mean() / error)


@pytest.mark.parametrize(
    ("skill", "share"),
    [(-0.2, (1, 1)), (0.0, (0, 0.25)), (0.2, (0, 0))],
    ids=["against its returns", "near zero", "with its returns"],
)
def test_what_lies_near_zero_is_seldom_surely_below(
    skill: float, share: tuple[float, float]
) -> None:
    judged = replace(JUDGED, window_d=90, window_min_obs=70)
    markets = [evidence(*noisy(number, skill), judged=judged) for number in range(16)]
    fires_at = newest_version(seed("cfg_alert"))["evidence_fire_t"]
    raised = [found["ic_recent_t_stat"].min() <= fires_at for found in markets]
    assert share[0] <= np.mean(raised) <= share[1]
    below = [found["ic_recent_mean"].min() < 0 for found in markets]
    assert skill or all(below), "a worthless grade is below zero now and then"


@pytest.mark.parametrize("day", [60, 110, 150])
def test_what_comes_later_changes_nothing(day: int) -> None:
    closes, grades = noisy(7, 0.2)
    whole = evidence(closes, grades)
    past = evidence(closes[: day + 1], grades[: day + 1])
    assert past.equals(whole.head(day + 1)), f"day {day} knew a later one"


def test_a_delisted_asset_counts_with_its_last_close() -> None:
    closes, grades = planted(np.ones(DAYS))
    # the best by its grade falls to nothing and is gone the day after
    closes[99, -1] = 0.01
    closes[100:, -1] = np.nan
    ic = evidence(closes, grades)["ic"].to_list()
    assert ic[103] < 0.7, "who was delisted within the return fell out of it"


def test_too_few_days_have_no_recent_mean() -> None:
    found = evidence(*planted(np.ones(DAYS)))
    first = found.filter(pl.col("ic_recent_mean").is_not_null())["day"].min()
    expected = JUDGED.horizon_d + SKIP_D + JUDGED.window_min_obs - 1
    assert first == START + timedelta(days=expected)


def test_evidence_grows_with_the_record() -> None:
    found = evidence(*noisy(3, 1.0))
    words = found["evidence"].unique(maintain_order=True).to_list()
    assert words == ["none", "weak", "strong"]
    strong = found.filter(pl.col("evidence") == "strong").row(0, named=True)
    assert strong["ic_day_count"] == JUDGED.strong_periods * JUDGED.horizon_d
    assert strong["ic_t_stat"] >= JUDGED.strong_t
    assert strong["evidence_basis"] == "record"


def test_what_ranks_the_wrong_way_is_no_evidence() -> None:
    found = evidence(*noisy(3, -1.0))
    assert found["ic_t_stat"].min() < -JUDGED.strong_t
    assert found["evidence"].unique().to_list() == ["none"]


@pytest.mark.parametrize(
    ("is_chosen_on", "t_stat", "word"),
    [(False, 9.0, "strong"), (True, 9.0, "weak"), (True, 2.5, "weak"), (False, 1.0, "none")],
)
def test_before_a_record_the_bench_speaks_once_it_has_ended(
    is_chosen_on: bool, t_stat: float, word: str
) -> None:
    row: dict[str, Any] = {
        "grade": "planted",
        "horizon_d": 7,
        "ic_t_stat": t_stat,
        "ic_day_count": 500,
        "last_day": START + timedelta(days=2),
        "is_chosen_on": is_chosen_on,
    }
    bench = pl.DataFrame([row], schema=NO_BENCH.schema)
    found = evidence(*noisy(5, 0.0), bench=bench)
    basis = found["evidence_basis"].to_list()
    assert basis[:10] == [None] * 10, "the bench spoke before its last return had ended"
    assert basis[10] == "bench"
    assert basis[-1] == "record"
    assert found["evidence"][10] == word
    other = evidence(*noisy(5, 0.0), bench=bench.with_columns(horizon_d=pl.lit(28)))
    assert other["evidence_basis"][10] is None, "another horizon is another question"


def test_a_grade_without_a_number_has_rows_and_no_evidence() -> None:
    closes, grades = planted(np.ones(DAYS))
    found = evidence(closes, np.full_like(grades, np.nan))
    assert found.height == DAYS
    assert found["ic_day_count"].sum() == 0
    assert found["evidence"].unique().to_list() == ["none"]


def test_what_describes_is_not_judged() -> None:
    judged = [one.grade for one in evidence_parameters(seed("cfg_grade_evidence"))]
    assert judged == ["investor_grade", "trader_grade"], "a trend score is no grade"
    assert set(seed("meta_grade_bench")["grade"]) <= set(judged)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    values=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=120),
    horizon_d=st.integers(1, 30),
)
def test_the_error_of_each_day_is_that_of_the_days_up_to_it(
    values: list[float], horizon_d: int
) -> None:
    series = np.array(values)
    found = expanding_newey_west(series, horizon_d)
    for count in range(1, len(series) + 1):
        lags = lag_count(count, horizon_d)
        error = float(newey_west(series[:count, None], lags)[0])
        assert found[count - 1] == pytest.approx(error, rel=1e-6, abs=1e-9, nan_ok=True) or (
            # next to nothing may be nothing in one order of adding up and not in the other
            max(np.nan_to_num(error), np.nan_to_num(found[count - 1])) < 1e-7
        ), f"after {count} observations"


def test_another_skip_is_another_day() -> None:
    closes, grades = planted(np.ones(DAYS))
    judged = replace(JUDGED, horizon_d=10)
    first = evidence(closes, grades, judged=judged).filter(pl.col("ic").is_not_null())["day"].min()
    assert first == START + timedelta(days=11)
