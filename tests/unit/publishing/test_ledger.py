"""A number once published stays with its event; what is new gets one above all given."""

from collections.abc import Callable

import pytest

from pipelines import publishing
from pipelines.core import warehouse
from pipelines.core.settings import Settings
from pipelines.publishing.ledger import recorded_numbers

Publish = Callable[..., publishing.Manifest]
Make = Callable[..., None]


def _alerts(*rows: tuple[str, int]) -> str:
    values = ", ".join(f"('{key}', {number})" for key, number in rows)
    return (
        "create table marts.alert as select cast(c0 as varchar) as alert_id, "
        f"cast(c1 as bigint) as event_seq from (values {values}) as t (c0, c1)"
    )


def _ledger(settings: Settings) -> dict[str, int]:
    rows = recorded_numbers(settings, "alert").to_pylist()
    found = {row["alert_id"]: row["event_seq"] for row in rows}
    assert len(found) == len(rows), "an event stands in the ledger twice"
    return found


def _polled(settings: Settings, after: int) -> list[str]:
    with warehouse.read(settings.published_dir / "tokenmart.duckdb") as connection:
        rows = connection.execute(
            "select alert_id from marts.alert where event_seq > ? order by event_seq", [after]
        ).fetchall()
    return [str(key) for (key,) in rows]


def test_a_publication_writes_down_its_numbers_once(
    make_warehouse: Make, publish: Publish, settings: Settings
) -> None:
    make_warehouse(_alerts(("a", 1), ("b", 2)))
    publish()
    publish()
    assert _ledger(settings) == {"a": 1, "b": 2}

    # b was restated away and its number is not c's
    make_warehouse(_alerts(("a", 1), ("c", 3)))
    publish()
    assert _ledger(settings) == {"a": 1, "b": 2, "c": 3}
    assert _polled(settings, after=2) == ["c"]


@pytest.mark.parametrize(
    "rows",
    [(("a", 2), ("b", 3)), (("c", 1),), (("a", 1), ("c", 2))],
    ids=["renumbered", "number taken", "number of an event that is gone"],
)
def test_numbers_that_the_ledger_knows_otherwise_are_refused(
    make_warehouse: Make, publish: Publish, settings: Settings, rows: tuple[tuple[str, int], ...]
) -> None:
    make_warehouse(_alerts(("a", 1), ("b", 2)))
    first = publish()
    make_warehouse(_alerts(*rows))
    with pytest.raises(publishing.PublishError, match="build them again"):
        publish()
    assert _ledger(settings) == {"a": 1, "b": 2}
    current = publishing.current(settings)
    assert current is not None
    assert current.version == first.version


def test_numbers_are_written_down_before_anybody_can_see_them(
    make_warehouse: Make,
    publish: Publish,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_warehouse(_alerts(("a", 1)))

    def crash(*_arguments: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(publishing.publisher, "point_to", crash)
    with pytest.raises(RuntimeError, match="power cut"):
        publish()
    assert publishing.current(settings) is None
    assert _ledger(settings) == {"a": 1}


def test_rolling_back_gives_no_number_again(
    make_warehouse: Make, publish: Publish, settings: Settings
) -> None:
    make_warehouse(_alerts(("a", 1)))
    publish()
    make_warehouse(_alerts(("a", 1), ("b", 2)))
    publish()
    publishing.rollback(settings)
    assert _polled(settings, after=1) == []
    assert _ledger(settings) == {"a": 1, "b": 2}, "what was seen once keeps its number"


def test_a_warehouse_without_numbered_marts_is_published(
    publish: Publish, settings: Settings
) -> None:
    publish()
    assert _ledger(settings) == {}
