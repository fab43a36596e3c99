"""What a grade was worth is told on the day it is known, and not a day before."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from pipelines.analytics.evidence import EvidenceParameters, known_ic

START = date(2024, 1, 1)
PARAMETERS = EvidenceParameters(horizon_d=7, skip_d=1, window_d=30, min_obs=20, min_assets=5)
ASSETS, DAYS = 12, 200


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


def evidence(grades: np.ndarray, closes: np.ndarray) -> pl.DataFrame:
    scores = panel(grades, "value").with_columns(measure=pl.lit("planted"))
    found = known_ic(scores.lazy(), panel(closes, "close_usd").lazy(), PARAMETERS)
    return found.collect().sort("day")


def test_a_grade_that_turns_is_told_when_its_return_has_ended() -> None:
    turn = 100
    sign = np.where(np.arange(DAYS) < turn, 1.0, -1.0)
    ic = evidence(*reversed(planted(sign)))["ic"].to_list()
    known = turn + PARAMETERS.horizon_d + PARAMETERS.skip_d
    assert ic[known - 9] == pytest.approx(1), "the grade was right until it turned"
    assert ic[known - 1] == pytest.approx(1), "the turn is told before it can be known"
    assert ic[known] == pytest.approx(-1), "the turn is not told when it is known"
    assert ic[PARAMETERS.horizon_d] is None, "no grade is old enough yet"


@pytest.mark.parametrize("day", [60, 110, 150])
def test_what_comes_later_changes_nothing(day: int) -> None:
    rng = np.random.default_rng(7)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.05, (DAYS, ASSETS)), axis=0))
    grades = rng.normal(size=(DAYS, ASSETS))
    whole = evidence(grades, closes)
    past = evidence(grades[: day + 1], closes[: day + 1])
    assert past.equals(whole.head(day + 1)), f"day {day} knew a later one"


def test_a_delisted_asset_counts_with_its_last_close() -> None:
    closes, grades = planted(np.ones(DAYS))
    # the best by its grade falls to nothing and is gone the day after
    closes[99, -1] = 0.01
    closes[100:, -1] = np.nan
    ic = evidence(grades, closes)["ic"].to_list()
    assert ic[103] < 0.7, "who was delisted within the return fell out of it"


def test_too_few_days_have_no_mean() -> None:
    found = evidence(*reversed(planted(np.ones(DAYS))))
    first = found.filter(pl.col("ic_mean").is_not_null())["day"].min()
    expected = PARAMETERS.horizon_d + PARAMETERS.skip_d + PARAMETERS.min_obs - 1
    assert first == START + timedelta(days=expected)
