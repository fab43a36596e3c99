"""Numbers for people: short, with their unit and sign, and never as a machine writes them."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.site.people import show, unit_of

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "column", "unit", "text"),
    [
        (57_456.123, "close_usd", "USD", "$57,456"),
        (3.14159, "close_usd", "USD", "$3.1416"),
        (0.0000123456, "close_usd", "USD", "$0.00001235"),
        (0.0, "close_usd", "USD", "$0.00"),
        (2.4e12, "mcap_usd", "USD", "$2.40 tn"),
        (999_950_000.0, "mcap_usd", "USD", "$1.00 bn"),
        (-7_080_000.0, "usd_inflow_7d_usd", "USD", f"{MINUS}$7.08 M"),
        (683_630.4, "volume_usd", "USD", "$683,630"),
        (0.0, "fees_usd", "USD", "$0.00"),
        (0.0642, "ret_7d", "fraction", "+6.4 %"),
        (-0.00001, "ret_7d", "fraction", "0.00 %"),
        (0.0, "share_frac", "fraction", "0 %"),
        (0.481, "btc_dominance_frac", "fraction", "48.1 %"),
        (-112.6, "dev_bps", "bps", f"{MINUS}113 bps"),
        (1.9, "dev_vol_30d_bps", "bps", "1.9 bps"),
        (269.4, "pf_circ_x", "multiple", "269\N{MULTIPLICATION SIGN}"),
        (77.72, "trader_grade", "0-100", "77.7"),
        (11_622.0, "lag_h", "hours", "484 d"),
        (1005, "held_d", "days", "1,005 d"),
        (None, "close_usd", "USD", "\N{EN DASH}"),
        (math.nan, "close_usd", "USD", "\N{EN DASH}"),
        (-math.inf, "ret_7d", "fraction", "\N{EN DASH}"),
        (True, "is_stale", "boolean", "yes"),
        (date(2026, 10, 31), "day", "day", "2026-10-31"),
        (datetime(2026, 10, 31, 6, 5, tzinfo=UTC), "fetched_at", "instant", "2026-10-31 06:05 UTC"),
        (datetime(2024, 4, 20, tzinfo=UTC), "effective_at", "instant", "2024-04-20"),
    ],
)
def test_a_value_is_written_as_people_read_it(
    value: object, column: str, unit: str, text: str
) -> None:
    assert show(value, column, unit).text == text


@given(
    st.floats(-1e18, 1e18) | st.sampled_from([math.nan, math.inf, -math.inf]),
    st.sampled_from(["close_usd", "mcap_usd", "ret_7d", "dev_bps", "pf_circ_x", "rsi_14", "lag_h"]),
)
@settings(max_examples=150, deadline=None)
def test_no_number_looks_like_a_machine_s(value: float, column: str) -> None:
    shown = show(value, column, unit_of(column, {}))
    assert not re.search(r"[eE][+-]?\d|nan|inf|-", shown.text), shown
    if shown.tone:
        assert shown.text[0] in {"+", MINUS}, "a colour is the only sign of a move"


def test_the_dictionary_s_unit_wins_over_the_name_s() -> None:
    assert unit_of("venues_x", {"venues_x": "count"}) == "count"
    assert unit_of("venues_x", {}) == "multiple"
