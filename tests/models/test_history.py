"""History keeps versions: once each, in whatever order and however often the loads arrive."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from tests.models.lake_box import Asked, LakeBox, at, days
from tests.models.market import candle, listing

KLINES = ("--select", "hist_binance__kline")
VERSIONS = """
    select cast(open_time as date), cast(close as double), is_deleted, known_at
    from history.hist_binance__kline order by open_time, known_at, load_id
"""


def kline(day: str, close: float, **changes: Any) -> dict[str, Any]:
    return candle("binance", "BTCUSDT", days(day, 1)[0], close, **changes)


def asked(start: str, end: str, **changes: Any) -> Asked:
    return Asked("klines", "BTCUSDT", at(start), at(end), **changes)


def versions(box: LakeBox) -> list[tuple[str, float | None, bool, str]]:
    return [
        (f"{day:%m-%d}", close, is_deleted, f"{known_at:%m-%dT%H}")
        for day, close, is_deleted, known_at in box.query(VERSIONS)
    ]


def test_an_empty_lake_gives_an_empty_history_of_the_declared_shape(lake_box: LakeBox) -> None:
    lake_box.write_catalog()
    lake_box.dbt("run", *KLINES)
    assert lake_box.query("select count(*) from history.hist_binance__kline") == [(0,)]
    types = dict(
        lake_box.query(
            "select column_name, data_type from information_schema.columns "
            "where table_name = 'hist_binance__kline'"
        )
    )
    assert types["close"] == "DECIMAL(38,18)"
    assert types["open_time"] == "TIMESTAMP WITH TIME ZONE"


def test_without_a_catalog_nothing_is_read(lake_box: LakeBox) -> None:
    lake_box.dbt("run", *KLINES)
    assert lake_box.query("select count(*) from history.hist_binance__kline") == [(0,)]


def test_the_same_answer_again_writes_no_version(lake_box: LakeBox) -> None:
    for hour in ("06", "07"):
        lake_box.load(
            "binance",
            {"klines": [kline("2024-01-01", 100), kline("2024-01-02", 101)]},
            fetched_at=f"2024-01-03T{hour}:00:00",
            asked=[asked("2024-01-01", "2024-01-03")],
        )
        lake_box.dbt("run", *KLINES)
    assert versions(lake_box) == [
        ("01-01", 100, False, "01-03T06"),
        ("01-02", 101, False, "01-03T06"),
    ]


def test_a_restated_value_is_a_new_version_beside_the_old_one(lake_box: LakeBox) -> None:
    for hour, close in (("06", 100), ("07", 105)):
        lake_box.load(
            "binance", {"klines": [kline("2024-01-01", close)]}, fetched_at=f"2024-01-03T{hour}"
        )
        lake_box.dbt("run", *KLINES)
    assert versions(lake_box) == [
        ("01-01", 100, False, "01-03T06"),
        ("01-01", 105, False, "01-03T07"),
    ]


def test_what_a_complete_answer_no_longer_has_gets_a_tombstone(lake_box: LakeBox) -> None:
    answers = [[100, 101], [100], [100, 101]]
    for hour, closes in enumerate(answers, start=6):
        rows = [kline(f"2024-01-0{number}", close) for number, close in enumerate(closes, start=1)]
        lake_box.load(
            "binance",
            {"klines": rows},
            fetched_at=f"2024-01-03T{hour:02d}:00:00",
            asked=[asked("2024-01-01", "2024-01-03")],
        )
        lake_box.dbt("run", *KLINES)
    assert versions(lake_box) == [
        ("01-01", 100, False, "01-03T06"),
        ("01-02", 101, False, "01-03T06"),
        ("01-02", None, True, "01-03T07"),
        ("01-02", 101, False, "01-03T08"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(asked("2024-01-01", "2024-01-03", status="partial"), id="partial"),
        pytest.param(asked("2024-01-01", "2024-01-03", status="error"), id="error"),
        pytest.param(asked("2024-01-01", "2024-01-03", rows_quarantined=1), id="row refused"),
        pytest.param(asked("2024-01-01", "2024-01-02"), id="other days"),
        pytest.param(
            Asked("klines", "ETHUSDT", at("2024-01-01"), at("2024-01-03")), id="other pair"
        ),
    ],
)
def test_an_answer_that_does_not_cover_a_fact_deletes_nothing(
    lake_box: LakeBox, answer: Asked
) -> None:
    both = [kline("2024-01-01", 100), kline("2024-01-02", 101)]
    lake_box.load("binance", {"klines": both}, fetched_at="2024-01-03T06:00:00")
    lake_box.dbt("run", *KLINES)
    lake_box.load("binance", {"klines": both[:1]}, fetched_at="2024-01-03T07:00:00", asked=[answer])
    lake_box.dbt("run", *KLINES)
    assert [row[2] for row in versions(lake_box)] == [False, False]


def test_a_snapshot_forgets_what_left_the_list(seeded_box: LakeBox) -> None:
    pairs = [
        listing("binance", "BTCUSDT", "BTC", "USDT"),
        listing("binance", "LUNAUSDT", "LUNA", "USDT"),
    ]
    for hour, rows in (("06", pairs), ("07", pairs[:1])):
        seeded_box.load(
            "binance",
            {"exchange_info": rows},
            fetched_at=f"2024-01-03T{hour}:00:00",
            asked=[Asked("exchange_info")],
        )
        seeded_box.dbt("run", "--select", "hist_binance__exchange_symbol")
    assert seeded_box.query(
        "select symbol, is_deleted from history.hist_binance__exchange_symbol order by 1, known_at"
    ) == [("BTCUSDT", False), ("LUNAUSDT", False), ("LUNAUSDT", True)]


def test_a_page_received_twice_with_other_content_is_decided_by_content(lake_box: LakeBox) -> None:
    rows = [kline("2024-01-01", 100), kline("2024-01-01", 101), kline("2024-01-01", 100)]
    found = set()
    for number, order in enumerate(itertools.permutations(rows)):
        box = LakeBox(lake_box.data_dir / str(number))
        box.load("binance", {"klines": order}, fetched_at="2024-01-03T06:00:00")
        box.dbt("run", *KLINES)
        found.add(tuple(versions(box)))
    assert len(found) == 1, f"row order decides which row counts: {found}"
    assert len(found.pop()) == 1


def test_a_load_that_was_killed_is_not_read(lake_box: LakeBox) -> None:
    lake_box.load(
        "binance",
        {"klines": [kline("2024-01-01", 100)]},
        fetched_at="2024-01-03T06:00:00",
        is_complete=False,
    )
    lake_box.dbt("run", *KLINES)
    assert versions(lake_box) == []


def test_an_open_candle_is_no_observation_but_the_closed_one_is(lake_box: LakeBox) -> None:
    """The day's candle at 13:00 is dropped, even if it closes just like that."""
    for instant in ("2024-01-01T13:00:00", "2024-01-02T06:00:00"):
        lake_box.load("binance", {"klines": [kline("2024-01-01", 100)]}, fetched_at=instant)
        lake_box.dbt("run", *KLINES)
    assert versions(lake_box) == [("01-01", 100, False, "01-02T06")]


def history_of_everything(box: LakeBox) -> list[tuple[Any, ...]]:
    return box.query("select * from history.hist_binance__kline order by all")


def four_loads(box: LakeBox) -> list[str]:
    """Loads that restate, delete and bring back; two with the same instant."""
    answers = [
        ("2024-01-04T06:00:00", [100, 101, 102]),
        ("2024-01-04T06:00:00", [100, 111, 102]),
        ("2024-01-04T07:00:00", [100, None, 102]),
        ("2024-01-04T08:00:00", [100, 101, 103]),
    ]
    return [
        box.load(
            "binance",
            {
                "klines": [
                    kline(f"2024-01-0{number}", close)
                    for number, close in enumerate(closes, start=1)
                    if close is not None
                ]
            },
            fetched_at=instant,
            asked=[asked("2024-01-01", "2024-01-04")],
        )
        for instant, closes in answers
    ]


@pytest.mark.slow
def test_any_order_of_arrival_and_any_grouping_give_the_history_of_a_rebuild(
    lake_box: LakeBox,
) -> None:
    """Incremental = full, also for a load that arrives late."""
    loads = four_loads(lake_box)
    lake_box.dbt("run", *KLINES)
    expected = history_of_everything(lake_box)
    assert len(expected) == 7, expected
    orders = [
        [[0], [1], [2], [3]],
        [[0, 1], [2, 3]],
        [[3], [0], [2], [1]],
        [[1, 2], [0, 3]],
        [[0], [0, 1], [0, 1, 2, 3], []],
    ]
    for order in orders:
        lake_box.drop_warehouse()
        arrived: set[str] = set()
        for group in order:
            arrived |= {loads[number] for number in group}
            lake_box.write_catalog(only=arrived)
            lake_box.dbt("run", *KLINES)
        assert history_of_everything(lake_box) == expected, f"arrival {order}"
    lake_box.dbt("run", *KLINES, "--full-refresh")
    assert history_of_everything(lake_box) == expected


def test_a_second_run_reads_no_file_again(lake_box: LakeBox) -> None:
    """A daily run reads new files only: an old one may even be gone."""
    lake_box.load("binance", {"klines": [kline("2024-01-01", 100)]}, fetched_at="2024-01-02T06")
    lake_box.dbt("run", *KLINES)
    for path in (lake_box.lake_dir / "raw").rglob("*.parquet"):
        path.unlink()
    lake_box.load("binance", {"klines": [kline("2024-01-02", 101)]}, fetched_at="2024-01-03T06")
    lake_box.dbt("run", *KLINES)
    assert [row[:2] for row in versions(lake_box)] == [("01-01", 100), ("01-02", 101)]
    assert lake_box.query(
        "select count(*) from history.consumed_load where model = 'hist_binance__kline'"
    ) == [(2,)]


def test_a_model_that_fails_has_consumed_nothing(lake_box: LakeBox) -> None:
    """Rows and the note that they were read stand or fall together."""
    lake_box.load("binance", {"klines": [kline("2024-01-01", 100)]}, fetched_at="2024-01-02T06")
    lake_box.dbt("run", *KLINES)
    lake_box.load("binance", {"klines": [kline("2024-01-02", 101)]}, fetched_at="2024-01-03T06")
    [path] = (lake_box.lake_dir / "raw/binance/klines/load_date=2024-01-03").glob("*.parquet")
    content = path.read_bytes()
    path.write_bytes(content[:100])
    assert not lake_box.dbt("run", *KLINES, check=False).success
    path.write_bytes(content)
    lake_box.dbt("run", *KLINES)
    assert [row[:2] for row in versions(lake_box)] == [("01-01", 100), ("01-02", 101)]


def test_a_column_that_old_files_lack_is_null(lake_box: LakeBox) -> None:
    """An additive change of a raw table needs no rewrite of the lake."""
    import pyarrow.parquet as pq

    lake_box.load("binance", {"klines": [kline("2024-01-01", 100)]}, fetched_at="2024-01-02T06")
    [path] = (lake_box.lake_dir / "raw/binance/klines").rglob("*.parquet")
    pq.write_table(pq.read_table(path, partitioning=None).drop(["trade_count"]), path)
    lake_box.dbt("run", *KLINES)
    assert lake_box.query("select trade_count, close_time from history.hist_binance__kline") == [
        (None, at("2024-01-02") - timedelta(milliseconds=1))
    ]


def test_the_log_is_appended_once_for_each_load(lake_box: LakeBox) -> None:
    for hour in ("06", "07"):
        lake_box.load(
            "binance",
            {"quarantine": [{"table_name": "klines", "entity_id": "BTCUSDT", "reason": "close"}]},
            fetched_at=f"2024-01-03T{hour}:00:00",
            asked=[asked("2024-01-01", "2024-01-03")],
        )
        lake_box.dbt("run", "--select", "hist_lake__extraction", "hist_lake__quarantine")
        lake_box.dbt("run", "--select", "hist_lake__extraction", "hist_lake__quarantine")
    assert lake_box.query("select count(*) from history.hist_lake__extraction") == [(2,)]
    assert lake_box.query("select count(*) from history.hist_lake__quarantine") == [(2,)]
