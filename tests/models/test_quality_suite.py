"""`quality_suite` finds every kind of fault that it is declared for, and names its rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from tests.models.lake_box import LakeBox

_GOOD = {
    "asset_id": "'bitcoin'",
    "day": "date '2024-01-01'",
    "close_usd": "42000.0",
    "n_venues": "3",
    "is_stale": "false",
    "n_rejected": "0",
    "dispersion_bps": "10.0",
    "price_quality": "'ok'",
    "pit_basis": "'captured'",
    "evidence": "'multi_venue'",
    "quote_basis": "'market'",
}


@pytest.fixture(scope="module")
def judged(shared_box: LakeBox) -> Callable[..., list[tuple[str, ...]]]:
    """Replaces the rows of `price_daily` and returns what the test says of them."""
    shared_box.run("+price_daily +dim_asset")

    def judge(*rows: dict[str, str]) -> list[tuple[str, ...]]:
        statements = ["delete from marts.price_daily"]
        for row in rows:
            full = _GOOD | row
            names, values = ", ".join(full), ", ".join(full.values())
            statements.append(f"insert into marts.price_daily ({names}) values ({values})")
        _write(shared_box, ";".join(statements))
        one = _verdict(shared_box, "price_daily_quality_suite")
        found = shared_box.query(one.node.compiled_code)
        assert (str(one.status) == "pass") == (not found)
        assert str(one.status) in ("pass", "fail")
        return found

    return judge


def _verdict(box: LakeBox, test: str) -> Any:
    result = box.dbt("test", "--select", test, check=False)
    (verdict,) = (one for one in result.result.results if one.node.name == test)
    return verdict


def _write(box: LakeBox, statements: str) -> None:
    with duckdb.connect(str(box.warehouse)) as connection:
        connection.execute(statements)


def test_a_good_row_is_no_finding(judged: Callable[..., list[tuple[str, ...]]]) -> None:
    assert judged({}) == []


def test_a_key_given_twice_is_found_once(judged: Callable[..., list[tuple[str, ...]]]) -> None:
    found = judged({}, {}, {"day": "date '2024-01-02'"})
    assert [(row[0], row[-1]) for row in found] == [("the key is whole and unique", "2")]


@pytest.mark.parametrize(
    ("change", "rule", "value"),
    [
        ({"price_quality": "'splendid'"}, "price_quality has an allowed value", "splendid"),
        ({"asset_id": "'nobody'"}, "asset_id is one of dim_asset", "nobody"),
        ({"n_venues": "0"}, "price and venues agree", None),
        ({"close_usd": "cast('nan' as double)"}, "close_usd is finite", "nan"),
        ({"close_usd": "-1.0"}, "close_usd is within its bounds", "-1.0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_kind_of_fault_is_named_with_its_row(
    judged: Callable[..., list[tuple[str, ...]]],
    change: dict[str, str],
    rule: str,
    value: str | None,
) -> None:
    found = judged({"day": "date '2024-01-02'"}, change)
    named = {row[0]: row for row in found}
    assert rule in named, f"found only {sorted(named)}"
    assert named[rule][-1] == value
    assert {str(row[2]) for row in found} == {"2024-01-01"}


def test_what_is_known_before_it_happened_is_found(seeded_box: LakeBox) -> None:
    """Nothing is known before it happened; a tombstone is no knowledge."""
    seeded_box.run("hist_binance__kline")
    name = "hist_binance__kline_quality_suite"
    for known, is_deleted, faults in (
        ("2024-01-01 23:59:59", False, 1),
        ("2024-01-01 00:00:00", True, 0),
        ("2024-01-02 00:00:00", False, 0),
    ):
        _write(
            seeded_box,
            "delete from history.hist_binance__kline; insert into history.hist_binance__kline "
            "(symbol, interval, open_time, close_time, known_at, load_id, is_deleted) values "
            "('BTCUSDT', '1d', '2024-01-01 00:00:00+00', '2024-01-01 23:59:59.999+00', "
            f"'{known}+00', '1', {is_deleted})",
        )
        assert _verdict(seeded_box, name).failures == faults, (known, is_deleted)
