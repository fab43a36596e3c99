"""DefiLlama stablecoins: the unit of the list, charts and chains."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.sources.defillama_stablecoins import parse
from tests.sources.double import at, days, recorded
from tests.sources.fuzz import FUZZ, damaged, outcome

LATEST = at("2030-01-01")
BEFORE, SINCE = at("2025-11-30T23:59"), at("2025-12-01")
RECORDED = "defillama_stablecoins_recorded_2024/stablecoins.json"


def coin(peg: str, amount: Any, price: Any, number: int = 1) -> dict[str, Any]:
    return {
        "id": str(number), "name": "Coin", "symbol": "X", "pegType": peg, "price": price,
        "circulating": {peg: amount},
    }  # fmt: skip


def listing(*coins: dict[str, Any], **chains_usd: float) -> dict[str, Any]:
    chains = [{"name": "Ethereum", "totalCirculatingUSD": {peg: 0.6 * usd, "peggedVAR": 1}}
              for peg, usd in chains_usd.items()]  # fmt: skip
    chains += [{"name": "Tron", "totalCirculatingUSD": {peg: 0.4 * usd}}
               for peg, usd in chains_usd.items()]  # fmt: skip
    return {"peggedAssets": list(coins), "chains": chains}


def amounts(payload: Any, fetched_at: Any) -> list[Decimal | None]:
    found: list[Decimal | None] = (
        parse.stablecoins(payload, fetched_at).rows["circulating_usd"].to_pylist()
    )
    return found


def test_amounts_are_native_before_december_2025_and_dollars_since() -> None:
    payload = listing(coin("peggedEUR", 1000.5, 1.1))
    assert amounts(payload, BEFORE) == [Decimal("1100.55")]
    assert amounts(payload, SINCE) == [Decimal("1000.5")]


def test_a_native_amount_without_a_price_is_a_dollar_only_for_the_dollar() -> None:
    payload = listing(
        coin("peggedUSD", 5, None, 1), coin("peggedEUR", 5, None, 2), coin("peggedUSD", 5, 0, 3)
    )
    assert amounts(payload, BEFORE) == [5, None, 0]


def test_every_digit_of_a_product_that_fits_is_kept() -> None:
    payload = listing(coin("peggedUSD", "12345678901234567.123456789", "1.000000000123456789"))
    exact = Decimal("12345678901234567.123456789") * Decimal("1.000000000123456789")
    (found,) = amounts(payload, BEFORE)
    assert found is not None
    assert abs(found - exact.quantize(Decimal("1e-9"))) < Decimal("1e-9")
    assert amounts(listing(coin("peggedUSD", 1e19, 1e6)), BEFORE) == [None], "more than fits"


def test_the_recording_of_2024_is_native_by_date_and_by_magnitude(shared_data: Path) -> None:
    payload = recorded(shared_data / RECORDED)
    parsed = parse.stablecoins(payload, at("2024-11-09"))
    assert not parsed.refused
    rows = parsed.rows.to_pylist()
    yen = sum(row["circulating_usd"] or 0 for row in rows if row["peg_type"] == "peggedJPY")
    assert 10_000_000 < yen < 11_000_000, "1.66 billion yen"


def test_the_recording_of_2024_passed_off_as_todays_is_seen_through(shared_data: Path) -> None:
    parsed = parse.stablecoins(recorded(shared_data / RECORDED), at("2026-11-09"))
    assert parsed.row_count == 206, "the coins themselves are right"
    assert set(parsed.rows["circulating_usd"].to_pylist()) == {None}
    ((reason, payload),) = parsed.refused
    assert reason.startswith("circulating_usd: amounts should be in dollars")
    assert "peggedJPY" in payload


@pytest.mark.parametrize(
    ("peg", "price", "native"), [("peggedJPY", 0.0067, 5e9), ("peggedXAU", 3000, 1e5)]
)
@pytest.mark.parametrize("fetched_at", [BEFORE, SINCE])
@pytest.mark.parametrize("is_sent_in_usd", [True, False])
def test_a_peg_far_from_the_dollar_shows_the_unit(
    peg: str, price: float, native: float, fetched_at: Any, is_sent_in_usd: bool
) -> None:
    usd = native * price
    payload = listing(coin(peg, usd if is_sent_in_usd else native, price), **{peg: usd * 1.4})
    parsed = parse.stablecoins(payload, fetched_at)
    if is_sent_in_usd == (fetched_at == SINCE):
        assert not parsed.refused
        assert float(parsed.rows["circulating_usd"][0].as_py()) == pytest.approx(usd)
    else:
        assert len(parsed.refused) == 1
        assert parsed.rows["circulating_usd"].to_pylist() == [None]


@pytest.mark.parametrize(
    "chains", [None, "x", [], [5], [{"totalCirculatingUSD": {"peggedJPY": "x"}}]]
)
def test_without_chains_to_compare_with_the_date_decides(chains: Any) -> None:
    payload = {"peggedAssets": [coin("peggedJPY", 100, 0.01)], "chains": chains}
    assert amounts(payload, BEFORE) == [1]
    assert amounts(payload, SINCE) == [100]


def day(text: str, **fields: Any) -> dict[str, Any]:
    return {"date": str(int(at(text).timestamp())), **fields}


CHART = [
    day("2024-03-07", totalCirculating={"peggedUSD": 10}, totalCirculatingUSD={"peggedUSD": 11}),
    day(
        "2024-03-08",
        totalCirculating={"peggedUSD": 20, "peggedEUR": 3},
        totalCirculatingUSD={"peggedUSD": 22},
    ),
    day(
        "2024-03-09",
        totalCirculating={"peggedUSD": 30.5},
        totalUnreleased={"peggedUSD": 0},
        totalCirculatingUSD={"peggedUSD": 33.25},
        totalMintedUSD={"peggedUSD": 40},
        totalBridgedToUSD={"peggedUSD": 0},
    ),
]


def test_a_chart_has_text_for_seconds_and_what_is_zero_is_left_out() -> None:
    parsed = parse.charts(CHART, "Base", LATEST, days("2024-03-08", "2024-03-09"))
    assert not parsed.refused
    rows = {(row["day_time"], row["peg_type"]): row for row in parsed.rows.to_pylist()}
    assert set(rows) == {
        (at("2024-03-08"), "peggedUSD"),
        (at("2024-03-08"), "peggedEUR"),
        (at("2024-03-09"), "peggedUSD"),
    }
    euro = rows[at("2024-03-08"), "peggedEUR"]
    assert (euro["circulating"], euro["circulating_usd"]) == (3, 0), "an absent amount is zero"
    newest = rows[at("2024-03-09"), "peggedUSD"]
    assert newest["circulating"] == Decimal("30.5")
    assert (newest["minted_usd"], newest["unreleased"]) == (40, 0)


def test_seconds_as_numbers_are_understood_too() -> None:
    numbers = [{**item, "date": int(item["date"])} for item in CHART]
    assert parse.charts(numbers, "Base", LATEST).rows == parse.charts(CHART, "Base", LATEST).rows


@pytest.mark.parametrize("body", [None, []])
def test_a_chart_of_nothing_is_empty_or_null(body: Any) -> None:
    assert parse.charts(body, "Base", LATEST).row_count == 0


def test_recorded_chains_are_landed_by_peg(shared_data: Path) -> None:
    # the list's own chains have the shape of /stablecoinchains
    payload = recorded(shared_data / RECORDED)["chains"]
    parsed = parse.chains(payload)
    assert not parsed.refused
    assert parsed.row_count == sum(len(chain["totalCirculatingUSD"]) for chain in payload)
    rows = {(row["chain"], row["peg_type"]): row for row in parsed.rows.to_pylist()}
    assert rows["Ethereum", "peggedUSD"]["circulating_usd"] > 10**10


def test_a_chain_without_amounts_is_quarantined() -> None:
    parsed = parse.chains([{"name": "Base", "totalCirculating": {"peggedUSD": 1}}, 5])
    assert [reason for reason, _ in parsed.refused] == [
        "row: expected dict, got int",
        "peg_type: missing",
    ]
    for broken in ([], {}, None):
        with pytest.raises(PayloadError):
            parse.chains(broken)


@FUZZ
@given(damaged(CHART))
def test_damaged_charts_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(lambda body: parse.charts(body, "x", LATEST, days("2024-03-07", "2024-03-09")), payload)


@FUZZ
@given(damaged([{"name": "Base", "totalCirculatingUSD": {"peggedUSD": 5.5}}, {"name": "Ink"}]))
def test_damaged_chains_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    outcome(parse.chains, payload)


@FUZZ
@given(damaged(listing(coin("peggedJPY", 5e9, 0.0067), peggedJPY=3e7)))
def test_damaged_lists_are_rows_refusals_or_payload_errors(payload: Any) -> None:
    for fetched_at in (BEFORE, SINCE):
        outcome(lambda body, at=fetched_at: parse.stablecoins(body, at), payload)
