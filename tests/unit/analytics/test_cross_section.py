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
    Ordered,
    Universe,
    bounds_of,
    flat,
    left_shares,
    part_medians,
    part_sums,
    parts_of,
    rank_correlation,
    rank_rows,
    ranks_in_order,
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
def test_some_cells_are_ranked_without_sorting_again(values: np.ndarray, other: np.ndarray) -> None:
    known = ~(np.isnan(values) | np.isnan(other))
    ordered = Ordered.of(values)
    counted = np.zeros_like(known)
    place = flat(ordered.place, values.shape[1])
    counted.put(place, known)
    found = ranks_in_order(ordered.ascending, counted).take(place)
    np.testing.assert_array_equal(found, Ordered.of(np.where(known, values, np.nan)).ranks)


@settings(max_examples=50, deadline=None)
@given(matrices, matrices)
def test_correlations_are_numpys(left: np.ndarray, right: np.ndarray) -> None:
    both = ~(np.isnan(left) | np.isnan(right))
    ranks = [Ordered.of(np.where(both, side, np.nan)).ranks for side in (left, right)]
    found = rank_correlation(*ranks, both.sum(axis=1), min_count=3)
    for row, number in enumerate(found):
        a, b = (side[row][both[row]] for side in ranks)
        if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
            assert np.isnan(number)
        else:
            assert number == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(matrices, matrices)
def test_sums_and_medians_of_parts(values: np.ndarray, returns: np.ndarray) -> None:
    """Of cells in the order of their values, as a measure has them."""
    order = values.argsort(axis=1)
    parts = parts_of(Ordered.of(np.take_along_axis(values, order, axis=1)).ranks, 3)
    followed = np.take_along_axis(returns, order, axis=1)
    known = (parts > 0) & ~np.isnan(followed)
    bounds = bounds_of(parts, 3)
    counts = part_sums(known.astype(float), bounds).astype(int)
    sums = part_sums(np.where(known, followed, 0.0), bounds)
    ordered = Ordered.of(followed)
    medians = part_medians(ordered.place, ordered.ascending, np.where(known, parts, 0), counts)
    for row in range(len(values)):
        for part in (1, 2, 3):
            members = followed[row][known[row] & (parts[row] == part)]
            expected = (members.sum(), np.median(members)) if len(members) else (0.0, np.nan)
            assert (sums[row, part - 1], medians[row, part - 1]) == pytest.approx(
                expected, nan_ok=True
            )


@settings(max_examples=50, deadline=None)
@given(matrices, arrays(np.bool_, (4, 9)))
def test_a_universe_has_its_members_and_nobody_else(values: np.ndarray, member: np.ndarray) -> None:
    narrow = Universe.of(member).narrow(values)
    assert narrow.shape[1] == max(member.sum(axis=1).max(), 1)
    for row in range(len(values)):
        inside = values[row][member[row]]
        np.testing.assert_array_equal(narrow[row][: len(inside)], inside)
        assert np.isnan(narrow[row][len(inside) :]).all()


def test_who_leaves_a_part_is_turnover() -> None:
    now = parts_of(np.array([[1.0, 2, 3, 4, 0]]), 2)
    bounds = bounds_of(now, 2)
    # one of the best has come up, and of one of the worst nobody knows where it was
    before = np.array([[1, 0, 2, 1, 2]], dtype=np.int16)
    assert left_shares(now, before, bounds, min_count=3).tolist() == [[0.0, 0.5]]
    assert np.isnan(left_shares(now, before, bounds, min_count=4)).all()
    assert np.isnan(left_shares(now, np.zeros_like(now), bounds, min_count=0)).all()


def test_a_repeated_key_is_refused() -> None:
    frame = pl.DataFrame({"asset_id": ["a", "a"], "day": [pl.date(2024, 1, 1)] * 2}).select(
        "asset_id", pl.date(2024, 1, 1).alias("day"), pl.lit(1.0).alias("x")
    )
    with pytest.raises(AnalyticsError, match="repeated keys"):
        Grid.around(frame).matrices(frame, ["x"])
