"""ECB reference rates: SDMX-CSV as the data portal documents it, against a double."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core.payload import PayloadError
from pipelines.http.client import RequestRefused
from pipelines.sources.ecb import SOURCE, parse
from pipelines.sources.ecb.settings import CURRENCIES
from tests.sources.double import at, days, landed, log_of, run_of
from tests.sources.fuzz import FUZZ, outcome

# a Sunday: the newest rate is Friday's
NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WINDOW = days("2024-03-05", "2024-03-09")

HEADER = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE\n"


def line(currency: str, day: str, value: str) -> str:
    return f"EXR.D.{currency}.EUR.SP00.A,D,{currency},EUR,SP00,A,{day},{value}\n"


FILE = (
    HEADER
    + line("USD", "2024-03-07", "1.0895")
    + line("USD", "2024-03-08", "1.0932")
    + line("JPY", "2024-03-07", "161.21")
    + line("JPY", "2024-03-08", "161.13")
)


def test_one_request_asks_for_all_currencies() -> None:
    run = run_of(lambda *_: FILE, NOW, set())
    rows = landed(SOURCE, run, WINDOW)["exchange_rates"]
    ((path, params),) = run.client.asked  # type: ignore[attr-defined]
    assert path == f"data/EXR/D.{'+'.join(sorted(CURRENCIES))}.EUR.SP00.A"
    assert params == {
        "startPeriod": "2024-03-05", "endPeriod": "2024-03-09", "format": "csvdata",
        "detail": "dataonly",
    }  # fmt: skip
    assert rows[1] == {
        "currency": "USD", "day_time": at("2024-03-08"), "units_per_eur": Decimal("1.0932"),
        "fetched_at": NOW,
    }  # fmt: skip
    log = log_of(run, "exchange_rates")
    assert log["USD"]["status"] == "ok", "a weekend without rates is complete"
    assert log["GBP"]["status"] == "partial", "a currency that is missing altogether is not"


def test_more_columns_in_another_order_are_understood() -> None:
    text = (
        "OBS_STATUS,TIME_PERIOD,OBS_VALUE,CURRENCY_DENOM,CURRENCY,FREQ,TITLE\n"
        'A,2024-01-05,1.0921,EUR,USD,D,"US dollar/Euro, 2:15 pm"\n'
    )
    assert parse.exchange_rates(text, LATEST).rows["units_per_eur"].to_pylist() == [
        Decimal("1.0921")
    ]


@pytest.mark.parametrize("value", ["", "NaN"])
def test_a_suspended_currency_has_no_row(value: str) -> None:
    parsed = parse.exchange_rates(HEADER + line("RUB", "2022-03-02", value), LATEST)
    assert parsed.row_count == 0
    assert not parsed.refused


def test_a_window_of_holidays_is_no_error() -> None:
    for answer in (RequestRefused("HTTP 404: No results found.", status=404), ""):

        def api(path: str, params: dict[str, Any], answer: Any = answer) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        run = run_of(api, NOW, set())
        assert not landed(SOURCE, run, WINDOW)
        assert not run.failures
        assert not run.refusals
        assert log_of(run, "exchange_rates")["USD"]["status"] == "partial"


def test_another_refusal_is_one() -> None:
    def api(path: str, params: dict[str, Any]) -> Any:
        raise RequestRefused("HTTP 400: syntax error", status=400)

    run = run_of(api, NOW, set())
    landed(SOURCE, run, WINDOW)
    assert len(run.refusals) == 1


def test_what_is_no_daily_rate_of_the_euro_or_not_above_zero_is_quarantined() -> None:
    text = (
        HEADER
        + "EXR.M.USD.EUR.SP00.A,M,USD,EUR,SP00,A,2024-03,1.09\n"
        + line("USD", "2024-03-08", "0")
        + line("GBP", "2024-03-08", "n/a")
    )
    reasons = [reason for reason, _ in parse.exchange_rates(text, LATEST).refused]
    assert reasons == [
        "units_per_eur: not above 0: 0",
        "units_per_eur: not a decimal: n/a",
        "row: not a daily rate of the euro",
    ]


@pytest.mark.parametrize("text", ["<html>", "FREQ,CURRENCY\nD,USD\n", "nothing"])
def test_a_text_without_the_needed_columns_is_a_payload_error(text: str) -> None:
    with pytest.raises(PayloadError, match="no columns"):
        parse.exchange_rates(text, LATEST)


@FUZZ
@given(st.data())
def test_damaged_files_are_rows_refusals_or_payload_errors(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(FILE)))
    stop = data.draw(st.integers(start, min(start + 12, len(FILE))))
    junk = data.draw(st.sampled_from(["", ",", "\n", '"', "x", "-1", "nan", "9" * 40, "\x00"]))
    outcome(lambda text: parse.exchange_rates(text, LATEST), FILE[:start] + junk + FILE[stop:])
