"""blockchain.com charts, on recorded bodies and against a double of the API."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.sources.blockchain_info import CHARTS, SOURCE, parse
from tests.sources.double import at, days, landed, log_of, recorded, run_of
from tests.sources.fuzz import FUZZ, damaged, outcome

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WINDOW = days("2024-03-08", "2024-03-09")


def body(*values: Any) -> dict[str, Any]:
    return {
        "status": "ok", "name": "Confirmed Transactions Per Day", "unit": "Transactions",
        "period": "day", "description": "…", "values": list(values),
    }  # fmt: skip


def sample(text: str, value: Any) -> dict[str, Any]:
    return {"x": int(at(text).timestamp()), "y": value}


SERIES = [
    sample("2024-03-07T12:00", 1.0),
    sample("2024-03-08T12:00", 2.0),
    sample("2024-03-09T12:00", 3.0),
    sample("2024-03-10T05:00", 0.1),
]


def api(path: str, params: dict[str, Any]) -> Any:
    assert path.startswith("charts/")
    assert params["sampled"] == "false", "long ranges are thinned by default"
    assert params["start"] == "2024-03-08"
    assert params["timespan"] == "2days"
    return body(*SERIES)


@pytest.mark.parametrize(
    ("chart", "count", "last"),
    [("n_transactions", 1584, Decimal("265057.0")), ("total_bitcoins", 1502, Decimal("18934475"))],
)
def test_recorded_charts_are_landed_by_day(
    shared_data: Path, chart: str, count: int, last: Decimal
) -> None:
    folder = shared_data / "http_recorded_gamestonk"
    (path,) = folder.glob(f"api.blockchain.info__charts_{chart}_*")
    payload = recorded(path)
    parsed = parse.chart(payload, chart, LATEST)
    rows = parsed.rows.to_pylist()
    assert not parsed.refused
    assert len(payload["values"]) == count
    assert len(rows) == len({value["x"] // 86_400 for value in payload["values"]})
    assert all(row["day_time"].hour == 0 for row in rows)
    assert rows[-1]["value"] == last
    assert rows[0]["unit"] == payload["unit"]


def test_instants_are_cut_to_their_day_and_the_running_day_is_left_out() -> None:
    run = run_of(api, NOW, set())
    rows = landed(SOURCE, run, WINDOW)["charts"]
    assert {row["chart"] for row in rows} == set(CHARTS)
    assert {row["day_time"] for row in rows} == {at("2024-03-08"), at("2024-03-09")}
    assert rows[0]["sample_time"] == at("2024-03-08T12:00")
    assert len(run.client.asked) == len(CHARTS)  # type: ignore[attr-defined]
    assert log_of(run, "charts")["hash-rate"]["status"] == "ok"


def test_of_several_samples_of_a_day_the_last_counts() -> None:
    payload = body(sample("2024-03-08T23:45", 5), sample("2024-03-08T00:15", 4))
    assert parse.chart(payload, "mempool-size", LATEST).rows["value"].to_pylist() == [5]


def test_numbers_may_have_an_exponent() -> None:
    parsed = parse.chart(body(sample("2024-03-08", "6.5E+8")), "hash-rate", LATEST)
    assert parsed.rows["value"].to_pylist() == [650_000_000]


def test_a_thinned_answer_proves_no_deletion() -> None:
    def thinned(path: str, params: dict[str, Any]) -> Any:
        return body(SERIES[0], SERIES[1])

    run = run_of(thinned, NOW, set())
    landed(SOURCE, run, WINDOW)
    assert log_of(run, "charts")["difficulty"]["status"] == "partial"


@pytest.mark.parametrize("payload", [{"status": "not-found"}, [], {"status": "ok"}, {"values": []}])
def test_another_status_than_ok_is_a_payload_error(payload: Any) -> None:
    with pytest.raises(PayloadError):
        parse.chart(payload, "x", LATEST)


@FUZZ
@given(damaged(body(*SERIES)))
def test_damaged_charts_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda chart: parse.chart(chart, "x", LATEST), payload)
