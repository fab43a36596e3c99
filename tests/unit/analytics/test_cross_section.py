"""Cross-sections as matrices, against the same done day by day."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.cross_section import (
    Grid,
    left_share,
    part_means,
    part_medians,
    parts_of,
    rank_rows,
    ranks_among,
    row_correlation,
)

cells = st.one_of(st.just(np.nan), st.integers(-3, 3).map(float))
matrices = arrays(np.float64, (4, 9), elements=cells)


@settings(max_examples=50, deadline=None)
@given(matrices)
def test_ranks_are_those_of_polars(values: np.ndarray) -> None:
    for row, ranks in zip(values, rank_rows(values), strict=True):
        expected = pl.Series(row).fill_nan(None).rank("average").to_list()
        assert pl.Series(ranks).fill_nan(None).to_list() == expected


@settings(max_examples=50, deadline=None)
@given(matrices, matrices)
def test_ranks_of_some_cells_are_the_same_with_and_without_help(
    values: np.ndarray, other: np.ndarray
) -> None:
    known = ~(np.isnan(values) | np.isnan(other))
    plain = rank_rows(np.where(known, values, np.nan))
    helped = ranks_among(values, known, rank_rows(values))
    np.testing.assert_array_equal(helped, plain)


@settings(max_examples=50, deadline=None)
@given(matrices, matrices)
def test_correlations_are_numpys(left: np.ndarray, right: np.ndarray) -> None:
    found = row_correlation(left, right, min_count=3)
    for row, number in enumerate(found):
        known = ~(np.isnan(left[row]) | np.isnan(right[row]))
        a, b = left[row][known], right[row][known]
        if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
            assert np.isnan(number)
        else:
            assert number == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(matrices, matrices)
def test_means_and_medians_of_parts(values: np.ndarray, returns: np.ndarray) -> None:
    parts = parts_of(rank_rows(values), 3)
    means, medians = part_means(returns, parts, 3), part_medians(returns, parts, 3)
    for row in range(len(values)):
        for part in (1, 2, 3):
            members = returns[row][(parts[row] == part) & ~np.isnan(returns[row])]
            expected = (np.mean(members), np.median(members)) if len(members) else (np.nan, np.nan)
            found = (means[row, part - 1], medians[row, part - 1])
            assert found == pytest.approx(expected, nan_ok=True)


def test_who_leaves_the_top_is_turnover() -> None:
    ranks = rank_rows(np.array([[1.0, 2, 3, 4], [4.0, 2, 3, 1]]))
    share = left_share(parts_of(ranks, 2), 2, 1, min_count=2)
    assert np.isnan(share[0])
    assert share[1] == 0.5


def test_a_repeated_key_is_refused() -> None:
    frame = pl.DataFrame({"asset_id": ["a", "a"], "day": [pl.date(2024, 1, 1)] * 2}).select(
        "asset_id", pl.date(2024, 1, 1).alias("day"), pl.lit(1.0).alias("x")
    )
    with pytest.raises(AnalyticsError, match="repeated keys"):
        Grid.around(frame).matrices(frame, ["x"])
