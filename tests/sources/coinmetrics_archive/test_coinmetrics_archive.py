"""Coin Metrics' CSV archive, on recorded files and against a double."""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.payload import PayloadError
from pipelines.http.client import RequestRefused
from pipelines.sources.coinmetrics_archive import FROZEN_FROM, SOURCE, parse
from tests.sources.double import at, days, landed, log_of, run_of
from tests.sources.fuzz import FUZZ, outcome

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WINDOW = days("2024-03-08", "2024-03-09")
EVER = days("2009-01-01", "2029-12-31")
FOLDER = "coinmetrics_vintages"

FILE = (
    "time,AdrActCnt,PriceUSD,ReferenceRateUSD,SplyCur\n"
    "2024-03-07,100,67000.5,66999.25,19650000.12345678\n"
    "2024-03-08,,68000.5,67999.25,19650900\n"
    "2024-03-09,102,68100,68050,19651800\n"
    "2024-03-10,,,68123.75,\n"
)
MINOR = "time,CapMrktEstUSD,ReferenceRate\n2024-03-08,1e9,2.5\n2024-03-09,1.1E9,2.75\n"


def api(path: str, params: dict[str, Any]) -> Any:
    files = {"btc.csv": FILE, "minor.csv": MINOR}
    if path not in files:
        raise RequestRefused("HTTP 404: Not Found", status=404)
    return files[path]


@pytest.mark.parametrize(
    ("name", "metrics"),
    [("v2020-01-03__btc", 39), ("v2019-11-01__btc", 39), ("v2020-01-03__eth", 37)],
)
def test_recorded_files_are_landed_cell_by_cell(shared_data: Path, name: str, metrics: int) -> None:
    text = (shared_data / FOLDER / f"{name}.csv").read_text()
    parsed = parse.asset_metrics(text, "x", LATEST, EVER)
    lines = list(csv.reader(text.splitlines()))
    header, body = lines[0], lines[1:]
    assert header[0] == "date", "files of 2019 name their first column so"
    assert len(header) - 1 == metrics
    filled = sum(bool(cell) for line in body for cell in line[1:])
    assert parsed.row_count + len(parsed.refused) == filled, "an empty cell has no row"
    assert not parsed.refused


def test_the_last_line_of_a_recorded_file_is_partial(shared_data: Path) -> None:
    text = (shared_data / FOLDER / "v2019-11-01__btc.csv").read_text()
    parsed = parse.asset_metrics(text, "btc", LATEST, days("2019-10-31", "2019-11-01"))
    by_day: dict[Any, dict[str, Any]] = {}
    for row in parsed.rows.to_pylist():
        by_day.setdefault(row["time"], {})[row["metric"]] = row["value"]
    assert len(by_day[at("2019-10-31")]) == 39
    assert "AdrActCnt" not in by_day[at("2019-11-01")]
    assert by_day[at("2019-11-01")]["PriceUSD"] == Decimal("9251.38129345412")


def test_recorded_vintages_restate_days_that_both_have(shared_data: Path) -> None:
    window = days("2019-10-01", "2019-10-20")
    vintages = [
        {
            (row["time"], row["metric"]): row["value"]
            for row in parse.asset_metrics(
                (shared_data / FOLDER / f"{name}.csv").read_text(), "btc", LATEST, window
            ).rows.to_pylist()
        }
        for name in ("v2019-11-01__btc", "v2020-01-03__btc")
    ]
    changed = [key for key, value in vintages[0].items() if vintages[1].get(key) != value]
    assert changed, "history keeps both, as the files really differ"


def test_columns_differ_by_asset_and_only_the_windows_days_are_landed() -> None:
    run = run_of(api, NOW, {"btc", "minor"})
    rows = landed(SOURCE, run, WINDOW)["asset_metrics"]
    btc = {(row["time"], row["metric"]): row["value"] for row in rows if row["asset"] == "btc"}
    assert {time for time, _ in btc} == {at("2024-03-08"), at("2024-03-09")}
    assert (at("2024-03-08"), "AdrActCnt") not in btc
    assert btc[at("2024-03-08"), "PriceUSD"] == Decimal("68000.5")
    minor = [row for row in rows if row["asset"] == "minor"]
    assert {row["metric"] for row in minor} == {"CapMrktEstUSD", "ReferenceRate"}
    assert minor[0]["value"] == 10**9
    assert {path for path, _ in run.client.asked} == {"btc.csv", "minor.csv"}  # type: ignore[attr-defined]


def test_what_is_younger_than_the_archive_is_not_asked_for() -> None:
    run = run_of(api, at("2026-11-01T06:00"), {"btc"})
    assert not landed(SOURCE, run, days("2026-10-20", "2026-10-31"))
    assert not run.client.asked  # type: ignore[attr-defined]
    landed(SOURCE, run, days("2026-05-01", "2026-10-31"))
    log = log_of(run, "asset_metrics")["btc"]
    assert log["window_end"].date() == FROZEN_FROM, "the window says what the answer is about"


def test_an_asset_without_a_file_has_no_rows_and_deletes_none() -> None:
    run = run_of(api, NOW, {"aaa", "btc"})
    rows = landed(SOURCE, run, WINDOW)["asset_metrics"]
    assert {row["asset"] for row in rows} == {"btc"}
    assert not run.refusals
    assert log_of(run, "asset_metrics")["aaa"]["status"] == "partial"


@pytest.mark.parametrize(
    "text", ["", "\n", "404: Not Found", "time,a,a\n", "a,time\n", "time,,a\n", "<html>"]
)
def test_a_text_without_the_header_is_a_payload_error(text: str) -> None:
    with pytest.raises(PayloadError, match="no header"):
        parse.asset_metrics(text, "x", LATEST, EVER)


def test_a_cut_line_is_quarantined() -> None:
    parsed = parse.asset_metrics(FILE + "2024-03-09,1", "x", LATEST, WINDOW)
    assert parsed.refused == (("row: expected 5 cells, got 2", '["2024-03-09","1"]'),)


@FUZZ
@given(st.data())
def test_damaged_files_are_rows_refusals_or_payload_errors(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(FILE)))
    stop = data.draw(st.integers(start, min(start + 12, len(FILE))))
    junk = data.draw(st.sampled_from(["", ",", "\n", '"', "x", "-1", "nan", "9" * 40, "\x00", "é"]))
    text = FILE[:start] + junk + FILE[stop:]
    outcome(lambda body: parse.asset_metrics(body, "x", LATEST, EVER), text)
