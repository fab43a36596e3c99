"""Parameters from seed rows, and their fingerprints."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from pipelines.analytics.calendar import AnalyticsError
from pipelines.analytics.levels import LevelParameters
from pipelines.analytics.parameters import combined, fingerprint, from_seed
from pipelines.analytics.scoring import GradeParameters
from pipelines.analytics.signals import SignalParameters
from pipelines.analytics.technical import TechnicalParameters
from tests.unit.analytics.support import LEVELS, SIGNAL, TECHNICAL, TRADER

ROWS = {name: float(value) for name, value in asdict(SIGNAL).items()}


def test_parameters_come_from_numbers_and_from_text() -> None:
    assert from_seed(SignalParameters, ROWS) == SIGNAL
    assert from_seed(SignalParameters, {k: str(v) for k, v in ROWS.items()}) == SIGNAL
    assert isinstance(from_seed(SignalParameters, ROWS).confirm_d, int)


def test_lists_of_numbers_are_text_with_commas() -> None:
    rows = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else value
        for name, value in asdict(TECHNICAL).items()
    }
    assert rows["sma_d"] == "20,50,200"
    assert from_seed(TechnicalParameters, rows) == TECHNICAL


def test_an_optional_number_may_be_empty() -> None:
    assert from_seed(LevelParameters, asdict(LEVELS) | {"max_per_side": ""}) == LEVELS
    kept = from_seed(LevelParameters, asdict(LEVELS) | {"max_per_side": "3"})
    assert kept == replace(LEVELS, max_per_side=3)


def test_factors_and_labels_are_passed_through() -> None:
    nested = {
        name: getattr(TRADER, name)
        for name in ("grade", "factors", "group_weights", "signal_labels", "momentum_labels")
    }
    numbers = {k: v for k, v in asdict(TRADER).items() if k not in nested}
    assert from_seed(GradeParameters, numbers, **nested) == TRADER


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"enter_longer": 3}, r"unknown \['enter_longer'\]"),
        ({"confirm_d": 2.5}, "2.5 is not a int"),
        ({"enter_long": "high"}, "could not convert"),
        ({"enter_long": None}, "could not convert"),
    ],
)
def test_a_seed_that_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(AnalyticsError, match=message):
        from_seed(SignalParameters, ROWS | change)
    missing = {k: v for k, v in ROWS.items() if k != "confirm_d"}
    with pytest.raises(AnalyticsError, match=r"missing \['confirm_d'\]"):
        from_seed(SignalParameters, missing)


def test_a_pair_needs_two_numbers() -> None:
    rows = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else value
        for name, value in asdict(TECHNICAL).items()
    }
    with pytest.raises(AnalyticsError, match="should have 2 numbers"):
        from_seed(TechnicalParameters, rows | {"cross_sma_d": "20,50,200"})


def test_a_fingerprint_follows_the_values() -> None:
    """Changed parameters are another version; equal ones never are."""
    assert fingerprint(SIGNAL) == fingerprint(from_seed(SignalParameters, ROWS))
    assert fingerprint(SIGNAL) != fingerprint(replace(SIGNAL, enter_long=66))
    assert fingerprint(SIGNAL, TRADER) != fingerprint(SIGNAL)
    assert len(fingerprint(TRADER)) == 16


def test_a_decision_has_the_fingerprint_of_all_that_it_rests_on() -> None:
    assert combined("a", "b") == combined("a", "b")
    assert len({combined("a", "b"), combined("b", "a"), combined("ab"), combined("a")}) == 4
