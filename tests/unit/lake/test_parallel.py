"""Sources landed side by side: in what order they are reported, and what stops them."""

import threading
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from pipelines.core.settings import Settings
from pipelines.core.windows import FixedClock, Window
from pipelines.lake import landing, parallel
from pipelines.lake.landing import LoadReport
from pipelines.lake.parallel import land_side_by_side

DAY = Window.of_day(date(2025, 11, 10))
NAMES = ("binance", "bitstamp", "ecb", "gold", "kraken", "okx")


def test_each_is_reported_when_it_is_over(
    settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is slow keeps nobody's result back, and what ends one source ends no other."""
    others = threading.Event()

    def land(name: str, window: Window, *_: Any, **__: Any) -> LoadReport:
        if name == "okx":
            assert others.wait(20), "the others were not reported before the slow one"
        if name == "ecb":
            raise ValueError("broken")
        return LoadReport(name, window)

    monkeypatch.setattr(landing, "land", land)
    order, broken = [], []
    for name, landed in land_side_by_side(NAMES, DAY, settings, clock, "run"):
        order.append(name)
        if landed.exception() is not None:
            broken.append(name)
        if len(order) == len(NAMES) - 1:
            others.set()
    assert sorted(order) == sorted(NAMES)
    assert order[-1] == "okx"
    assert broken == ["ecb"]


def test_who_stops_listening_begins_no_further_source(
    settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = [], threading.Event()

    def land(name: str, window: Window, *_: Any, **__: Any) -> LoadReport:
        begun.append(name)
        assert len(begun) == 1 or go_on.wait(20)
        return LoadReport(name, window)

    monkeypatch.setattr(landing, "land", land)
    monkeypatch.setattr(parallel, "SANDBOX_THREADS", 2)
    with closing(land_side_by_side(NAMES, DAY, settings, clock, "run")) as landings:
        next(landings)
    left = [thread for thread in threading.enumerate() if thread.name.startswith("land-")]
    go_on.set()
    for thread in left:
        thread.join(20)
    assert len(begun) <= 3, "one was over and two were at work"
