"""The price of gold: the National Bank of Poland's documented JSON, against a double."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.http.client import RequestRefused
from pipelines.sources.gold import SOURCE, parse
from tests.sources.double import at, days, landed, log_of, run_of
from tests.sources.fuzz import FUZZ, damaged, outcome

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WINDOW = days("2024-03-07", "2024-03-09")

PRICES = [{"data": "2024-03-07", "cena": 274.35}, {"data": "2024-03-08", "cena": 274.1}]
RATES = {
    "table": "A",
    "currency": "dolar amerykański",
    "code": "USD",
    "rates": [
        {"no": "048/A/NBP/2024", "effectiveDate": "2024-03-07", "mid": 3.9486},
        {"no": "049/A/NBP/2024", "effectiveDate": "2024-03-08", "mid": 3.9376},
    ],
}


def api(path: str, params: dict[str, Any]) -> Any:
    assert params == {"format": "json"}
    return PRICES if path.startswith("cenyzlota/") else RATES


def test_price_and_dollar_rate_of_working_days() -> None:
    run = run_of(api, NOW, set())
    rows = landed(SOURCE, run, WINDOW)
    assert [path for path, _ in run.client.asked] == [  # type: ignore[attr-defined]
        "cenyzlota/2024-03-07/2024-03-09",
        "exchangerates/rates/a/usd/2024-03-07/2024-03-09",
    ]
    assert rows["prices"][1] == {
        "metal": "XAU", "day_time": at("2024-03-08"), "pln_per_gram": Decimal("274.1"),
        "fetched_at": NOW,
    }  # fmt: skip
    assert rows["currency_rates"][0]["pln_per_unit"] == Decimal("3.9486")
    assert log_of(run, "prices")["XAU"]["status"] == "ok", "a weekend is no gap"


def test_the_two_known_prices_fit_the_presumed_rule() -> None:
    # as far as figures that were not re-checked go: London 1664.00 and 1693.75 dollars an ounce on
    # the last working day of 2012 and the first of 2013, dollar rates of 3.0996 and 3.066
    for price, ounce, rate in ((165.83, 1664.00, 3.0996), (166.97, 1693.75, 3.066)):
        assert ounce * rate / 31.1034768 == pytest.approx(price, abs=0.02)


def test_long_windows_are_asked_in_parts_of_less_than_93_days() -> None:
    run = run_of(
        lambda path, _: [] if path.startswith("ceny") else {**RATES, "rates": []}, NOW, set()
    )
    landed(SOURCE, run, days("2023-03-01", "2024-03-09"))
    assert len(run.client.asked) == 2 * 5  # type: ignore[attr-defined]


def test_a_range_of_holidays_is_404_and_no_error() -> None:
    def empty(path: str, params: dict[str, Any]) -> Any:
        raise RequestRefused("HTTP 404 NotFound - Not Found - Brak danych", status=404)

    run = run_of(empty, NOW, set())
    assert not landed(SOURCE, run, WINDOW)
    assert not run.refusals
    assert log_of(run, "prices")["XAU"]["status"] == "partial"


def test_another_currency_than_asked_for_is_a_payload_error() -> None:
    for body in ({**RATES, "code": "EUR"}, {**RATES, "table": "B"}, [], {}):
        with pytest.raises(PayloadError):
            parse.currency_rates(body, "USD", LATEST)


@FUZZ
@given(damaged(PRICES))
def test_damaged_prices_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.prices(body, LATEST), payload)


@FUZZ
@given(damaged(RATES))
def test_damaged_rates_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.currency_rates(body, "USD", LATEST), payload)
