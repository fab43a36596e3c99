"""DefiLlama stablecoins, on a recorded body and against a double of the API."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipelines.core.payload import PayloadError
from pipelines.http.client import RequestFailed, RequestRefused
from pipelines.sources.defillama_stablecoins import SOURCE, parse
from pipelines.sources.defillama_stablecoins.settings import TOTAL
from tests.sources.double import at, days, landed, log_of, recorded, run_of
from tests.sources.fuzz import FUZZ, damaged, numbers_in, outcome

NOW = at("2024-03-10T06:00")
LATEST = at("2030-01-01")
WINDOW = days("2024-03-08", "2024-03-09")


def seconds(instant: datetime) -> int:
    return int(instant.timestamp())


def coin(number: int, usd: float, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(number), "name": f"Coin {number}", "symbol": "USDX", "gecko_id": f"coin-{number}",
        "pegType": "peggedUSD", "pegMechanism": "fiat-backed", "priceSource": "defillama",
        "circulating": {"peggedUSD": usd}, "circulatingPrevDay": {}, "chains": ["Tron"],
        "chainCirculating": {"Tron": {"current": {"peggedUSD": usd}}}, "price": 1.0004,
    } | changes  # fmt: skip


def point(day: datetime, circulating: Any, **fields: Any) -> dict[str, Any]:
    return {"date": seconds(day), "circulating": circulating, **fields}


def series(first: str = "2024-03-01") -> list[dict[str, Any]]:
    day, points = at(first), []
    while day <= NOW:
        points.append(point(day, {"peggedUSD": 1000.5 + day.day}, minted={"peggedUSD": 2000}))
        day += timedelta(days=1)
    # beside the day's first reading there is the live one
    points.append({**points[-1], "date": seconds(NOW)})
    return points


def details(**changes: Any) -> dict[str, Any]:
    return {
        "id": "1", "name": "Coin", "symbol": "USDX", "onCoinGecko": "true", "pegType": "peggedUSD",
        "price": 1.0, "tokens": series(), "chainBalances": {"Tron": {"tokens": series()}},
        "currentChainBalances": {"Tron": {"peggedUSD": 1}},
    } | changes  # fmt: skip


class Api:
    """Whole histories in every answer; nothing is asked by window."""

    def __init__(self, *coins: dict[str, Any]) -> None:
        self.coins = list(coins) or [coin(1, 9e10)]
        self.details = {entry["id"]: details() for entry in self.coins}
        self.prices: Any = [
            {"date": seconds(at(f"2024-03-0{day}")), "prices": {"coin-1": 1.001, "coin-2": "0.999"}}
            for day in range(1, 10)
        ] + [{"date": seconds(at("2024-03-10")), "prices": {"coin-1": 1.5}}]

    def __call__(self, path: str, params: dict[str, Any]) -> Any:
        assert params == {}
        if path == "stablecoins":
            return {"peggedAssets": self.coins, "chains": []}
        if path == "stablecoinprices":
            return self.prices
        if path == "stablecoinchains":
            return [
                {"name": "OP Mainnet", "totalCirculatingUSD": {"peggedUSD": 9e7, "peggedEUR": 2e7}},
                {"name": "Dust", "totalCirculatingUSD": {"peggedUSD": 5}},
            ]
        if path.startswith("stablecoincharts/"):
            return [
                {
                    "date": str(seconds(at(f"2024-03-{day:02d}"))),
                    "totalCirculating": {"peggedUSD": day},
                    "totalCirculatingUSD": {"peggedUSD": day},
                }
                for day in range(1, 11)
            ]
        kind, _, number = path.partition("/")
        assert kind == "stablecoin"
        if number not in self.details:
            raise RequestRefused("HTTP 404: <!DOCTYPE html>")
        return self.details[number]


# --- recorded body --------------------------------------------------------------------------------


def test_the_recorded_list(shared_data: Path) -> None:
    body = recorded(shared_data / "defillama_stablecoins_recorded_2024" / "stablecoins.json")
    parsed = parse.stablecoins(body)
    assert (parsed.row_count, parsed.refused) == (206, ())
    rows = {row["stablecoin_id"]: row for row in parsed.rows.to_pylist()}
    assert len(rows) == 206
    assert rows["1"] == {
        "stablecoin_id": "1",
        "name": "Tether",
        "symbol": "USDT",
        "gecko_id": "tether",
        "peg_type": "peggedUSD",
        "peg_mechanism": "fiat-backed",
        "price": Decimal(str(next(c["price"] for c in body["peggedAssets"] if c["id"] == "1"))),
        "circulating_usd": Decimal("127670074069.01582"),
        "dead_from": None,
        "is_delisted": False,
        "is_yield_bearing": False,
    }
    assert sum(row["price"] is None for row in rows.values()) == 69, "no price is not zero"
    assert any(row["price"] == 0 for row in rows.values()), "a dead coin's price is zero"
    assert len({row["peg_type"] for row in rows.values()}) == 12
    assert all(row["circulating_usd"] is not None for row in rows.values())
    assert Counter(row["symbol"] for row in rows.values()).most_common(1)[0][1] > 1, (
        "symbols are never keys"
    )


# --- statements of the wire format: /stablecoins --------------------------------------------------


def listed(**changes: Any) -> Any:
    return parse.stablecoins({"peggedAssets": [coin(1, 5.5, **changes)]})


@pytest.mark.parametrize(
    ("price", "expected"),
    [(None, None), (0, "0"), (1, "1"), (1.0004, "1.0004"), ("0.999", "0.999")],
)
def test_a_price_is_a_number_or_null_or_text(price: Any, expected: str | None) -> None:
    (row,) = listed(price=price).rows.to_pylist()
    assert row["price"] == (None if expected is None else Decimal(expected))


def test_amounts_are_of_the_coins_peg() -> None:
    (row,) = listed(pegType="peggedREAL", circulating={"peggedREAL": 7}).rows.to_pylist()
    assert (row["peg_type"], row["circulating_usd"]) == ("peggedREAL", 7)
    for empty, value in (({}, None), (0, 0)):
        assert listed(circulating=empty).rows["circulating_usd"].to_pylist() == [value]
    for wrong in ({"peggedEUR": 5}, 5, [5], True, {"peggedUSD": {"x": 1}}):
        parsed = listed(circulating=wrong)
        assert parsed.rows["circulating_usd"].to_pylist() == [None], f"{wrong}: not US dollars"
        assert parsed.unread[0][0].startswith("circulating_usd: not a decimal")


@pytest.mark.parametrize("mechanism", ["crytpo-backed", "government-backed", "brand-new"])
def test_pegs_and_mechanisms_are_open_sets(mechanism: str) -> None:
    parsed = listed(pegMechanism=mechanism, pegType="peggedXYZ", circulating={"peggedXYZ": 1})
    assert parsed.rows["peg_mechanism"].to_pylist() == [mechanism], "as spelt by the source"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, (None, False, False)),
        ({"deadFrom": "2022-05-10"}, ("2022-05-10", False, False)),
        ({"deadFrom": 1652140800}, ("1652140800", False, False)),
        ({"delisted": True}, (None, True, False)),
        ({"deprecated": True, "delisted": False}, (None, True, False)),
        ({"yieldBearing": True}, (None, False, True)),
    ],
)
def test_optional_flags(keys: dict[str, Any], expected: tuple[Any, ...]) -> None:
    (row,) = listed(**keys).rows.to_pylist()
    assert (row["dead_from"], row["is_delisted"], row["is_yield_bearing"]) == expected


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"delisted": "no"}, 'is_delisted: not a boolean: "no"'),
        ({"yieldBearing": 1}, "is_yield_bearing: not a boolean: 1"),
        ({"id": 1}, "stablecoin_id: not a text: 1"),
        ({"id": None}, "stablecoin_id: missing"),
        ({"pegType": None}, "peg_type: missing"),
    ],
)
def test_a_wrong_field_costs_its_coin_only(keys: dict[str, Any], reason: str) -> None:
    parsed = parse.stablecoins({"peggedAssets": [coin(1, 5, **keys), coin(2, 6)]})
    assert parsed.rows["stablecoin_id"].to_pylist() == ["2"]
    ((why, _),) = parsed.refused
    assert why == reason


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"deadFrom": {"x": 1}}, "dead_from: not a text"),
        ({"price": -1}, "price: below 0: -1"),
        ({"price": {}}, "price: not a decimal: {}"),
    ],
)
def test_a_wrong_optional_field_costs_itself_only(keys: dict[str, Any], reason: str) -> None:
    parsed = parse.stablecoins({"peggedAssets": [coin(1, 5, **keys), coin(2, 6)]})
    assert parsed.rows["stablecoin_id"].to_pylist() == ["1", "2"]
    ((why, _),) = parsed.unread
    assert why.startswith(reason)
    assert parsed.rows[reason.partition(":")[0]].to_pylist()[0] is None


@pytest.mark.parametrize("body", [[], {}, {"peggedAssets": {}}, {"peggedAssets": []}, None])
def test_a_list_of_coins_that_is_none_is_an_error(body: Any) -> None:
    with pytest.raises(PayloadError, match="stablecoins"):
        parse.stablecoins(body)


# --- statements of the wire format: /stablecoin/{id} ----------------------------------------------


def balances(**changes: Any) -> Any:
    return parse.balances(details(**changes), "1", LATEST)


def test_total_and_chains_in_native_units() -> None:
    points = [point(at("2024-03-01"), {"peggedUSD": 5.25}, minted={"peggedUSD": 7},
                    unreleased={"peggedUSD": 1}, bridgedTo={"peggedUSD": 2, "bridges": {
                        "wormhole": {"Ethereum": {"amount": 2}}}})]  # fmt: skip
    rows = balances(tokens=points, chainBalances={"OP Mainnet": {"tokens": points}}).rows
    assert rows.to_pylist() == [
        {
            "stablecoin_id": "1",
            "chain": chain,
            "day_time": at("2024-03-01"),
            "circulating": Decimal("5.25"),
            "minted": Decimal(7),
            "unreleased": Decimal(1),
            "bridged_to": Decimal(2),
        }
        for chain in (TOTAL, "OP Mainnet")
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (0, 0, 0)),
        ({"minted": 0, "unreleased": 0, "bridgedTo": 0}, (0, 0, 0)),
        ({"minted": {"peggedUSD": 3}}, (3, 0, 0)),
        ({"bridgedTo": {"bridges": {}}}, (0, 0, None)),
        ({"unreleased": {}}, (0, None, 0)),
    ],
)
def test_an_amount_is_an_object_or_0_or_absent(fields: dict[str, Any], expected: Any) -> None:
    rows = balances(tokens=[point(at("2024-03-01"), {"peggedUSD": 1}, **fields)], chainBalances={})
    (row,) = rows.rows.to_pylist()
    assert (row["minted"], row["unreleased"], row["bridged_to"]) == expected


@pytest.mark.parametrize("circulating", [{}, None])
def test_no_circulating_is_unknown_and_not_zero(circulating: Any) -> None:
    parsed = balances(tokens=[point(at("2024-03-01"), circulating)], chainBalances={})
    assert parsed.rows["circulating"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (point(at("2024-03-01T12:00"), {"peggedUSD": 1}), "day_time: off the grid of 86400 s"),
        ({"date": None, "circulating": {"peggedUSD": 1}}, "day_time: missing"),
        ({"date": 0, "circulating": {"peggedUSD": 1}}, "day_time: before 2009: 0"),
        ({"date": 1709251200000, "circulating": {"peggedUSD": 1}}, "day_time: in the future"),
        ("gone", "row: expected dict, got str"),
    ],
)
def test_a_wrong_point_costs_itself_only(bad: Any, reason: str) -> None:
    good = point(at("2024-03-02"), {"peggedUSD": 1})
    parsed = parse.balances(
        details(tokens=[bad, good], chainBalances={}), "1", LATEST, days("2024-01-01", "2024-03-09")
    )
    assert parsed.rows["day_time"].to_pylist() == [at("2024-03-02")]
    ((why, _),) = parsed.refused
    assert why.startswith(reason)


@pytest.mark.parametrize("amount", [{"peggedEUR": 1}, 5, {"peggedUSD": "x"}])
def test_an_amount_that_is_none_is_unknown_and_reported(amount: Any) -> None:
    bad, good = point(at("2024-03-01"), amount), point(at("2024-03-02"), {"peggedUSD": 1})
    parsed = parse.balances(
        details(tokens=[bad, good], chainBalances={}), "1", LATEST, days("2024-01-01", "2024-03-09")
    )
    assert parsed.rows["circulating"].to_pylist() == [None, 1]
    ((why, _),) = parsed.unread
    assert why.startswith("circulating: not a decimal")


def test_a_bad_point_of_another_time_is_not_refused_every_day() -> None:
    old = point(at("2019-01-01"), {"peggedEUR": 1})
    live = point(NOW, "being computed")
    body = details(tokens=[old, *series()[:-1], live], chainBalances={})
    parsed = parse.balances(body, "1", LATEST, WINDOW)
    assert parsed.refused == ()
    assert parsed.rows["day_time"].to_pylist() == [at("2024-03-08"), at("2024-03-09")]


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"pegType": "peggedUSD"}, {"pegType": ["x"], "tokens": []},
     {"pegType": "peggedUSD", "tokens": {}}, details(chainBalances={"Tron": []}),
     details(chainBalances={"Tron": {}}), details(chainBalances=["Tron"])],
)  # fmt: skip
def test_a_history_of_another_shape_is_an_error(body: Any) -> None:
    with pytest.raises(PayloadError):
        parse.balances(body, "1", LATEST)


def test_a_coin_without_chains_has_its_total() -> None:
    for chains in ({}, None):
        assert set(balances(chainBalances=chains).rows["chain"].to_pylist()) == {TOTAL}


# --- statements of the wire format: /stablecoinprices ---------------------------------------------


def test_prices_are_numbers_or_text_by_coingecko_id() -> None:
    body = [{"date": 1609459200, "prices": {"tether": 1.001, "usd-coin": "0.999", "gone": None}}]
    parsed = parse.prices(body, LATEST)
    assert [tuple(row.values()) for row in parsed.rows.to_pylist()] == [
        ("tether", at("2021-01-01"), Decimal("1.001")),
        ("usd-coin", at("2021-01-01"), Decimal("0.999")),
    ]
    assert parsed.refused == (), "null is no price, and no error"


@pytest.mark.parametrize("first", [{"prices": {"tether": 1}}, {"date": 0, "prices": {}},
                                   {"date": None, "prices": None}])  # fmt: skip
def test_a_first_item_without_a_date_is_skipped(first: Any) -> None:
    parsed = parse.prices([first, {"date": 1609459200, "prices": {"tether": 1}}], LATEST)
    assert (parsed.row_count, parsed.refused) == (1, ())


def test_wrong_prices_are_refused_each() -> None:
    body = [{"date": 1609459200, "prices": {"a": -1, "b": "x", "c": True, "d": {}, "e": 1, "": 1}}]
    parsed = parse.prices(body, LATEST)
    assert parsed.rows["gecko_id"].to_pylist() == ["e"]
    assert [reason for reason, _ in parsed.refused] == [
        "price: below 0: -1",
        "price: not a decimal: x",
        "price: not a decimal: true",
        "price: not a decimal: {}",
        "gecko_id: missing",
    ]


@pytest.mark.parametrize("body", [{}, None, [1], [{"date": 1609459200, "prices": [1]}]])
def test_prices_of_another_shape_are_an_error(body: Any) -> None:
    with pytest.raises(PayloadError, match="stablecoinprices"):
        parse.prices(body, LATEST)


# --- requests -------------------------------------------------------------------------------------


def test_only_the_windows_closed_days_are_landed() -> None:
    run = run_of(Api(), NOW, {"1"})
    tables = landed(SOURCE, run, days("2024-03-08", "2024-03-15"))
    assert {row["day_time"] for row in tables["balances"]} == {
        at("2024-03-09"),
        at("2024-03-10"),
    }, "a label's amounts are those at the end of the day before"
    assert {row["day_time"] for row in tables["prices"]} == {
        at("2024-03-08"), at("2024-03-09"), at("2024-03-10")
    }, "a price's label is its day or the midnight after"  # fmt: skip
    assert [path for path, _ in run.client.asked] == [  # type: ignore[attr-defined]
        "stablecoins",
        "stablecoin/1",
        "stablecoinprices",
        "stablecoinchains",
        "stablecoincharts/all",
        "stablecoincharts/OP%20Mainnet",
    ]
    assert log_of(run, "balances")["1"]["status"] == "ok"
    assert log_of(run, "prices")["*"]["status"] == "ok"


def test_curated_and_large_coins_are_asked_for() -> None:
    api = Api(coin(1, 10), coin(2, 60_000_000), coin(3, 10), coin(4, 1, circulating={}))
    run = run_of(api, NOW, {"1", "4"})
    landed(SOURCE, run, WINDOW)
    assert sorted(log_of(run, "balances")) == ["1", "2", "4"]


def test_a_series_that_stopped_is_partial() -> None:
    api = Api()
    api.details["1"] = details(tokens=series()[:3], chainBalances={})
    run = run_of(api, NOW, {"1"})
    landed(SOURCE, run, WINDOW)
    assert log_of(run, "balances")["1"]["status"] == "partial"


def test_a_total_that_ends_before_its_chains_is_partial() -> None:
    api = Api()
    for tokens in (series()[:8], []):
        api.details["1"] = details(tokens=tokens)
        run = run_of(api, NOW, {"1"})
        landed(SOURCE, run, WINDOW)
        line = log_of(run, "balances")["1"]
        assert line["status"] == "partial"
        assert line["error"] == "the total of all chains does not reach 2024-03-10"


def test_a_record_beside_its_day_s_is_quarantined_and_leaves_its_coin_whole() -> None:
    api = Api()
    noon = point(at("2024-03-09T12:00"), {"peggedUSD": 9e5})
    api.details["1"] = details(tokens=[noon, *series()])
    run = run_of(api, NOW, {"1"})
    tables = landed(SOURCE, run, WINDOW)
    line = log_of(run, "balances")["1"]
    assert (line["status"], line["rows_quarantined"]) == ("ok", 1), line["error"]
    instants = {row["day_time"] for row in tables["balances"]}
    assert instants == {at("2024-03-09"), at("2024-03-10")}


def test_a_chain_that_came_to_an_end_does_not_make_its_coin_partial() -> None:
    api = Api()
    api.details["1"] = details(chainBalances={"Tron": {"tokens": series()[:3]}})
    run = run_of(api, NOW, {"1"})
    landed(SOURCE, run, WINDOW)
    assert log_of(run, "balances")["1"]["status"] == "ok"


@pytest.mark.parametrize(
    ("problem", "is_failure"),
    [
        (RequestRefused("HTTP 404: <!DOCTYPE html>"), False),
        (RequestFailed("HTTP 500"), True),
        (PayloadError("answered HTML, not JSON"), True),
    ],
)
def test_one_coin_that_fails_leaves_the_others(problem: Exception, is_failure: bool) -> None:
    api = Api(coin(1, 9e10), coin(2, 9e10), coin(3, 9e10))

    def answer(path: str, params: dict[str, Any]) -> Any:
        if path == "stablecoin/2":
            raise problem
        return api(path, params)

    run = run_of(answer, NOW, set())
    tables = landed(SOURCE, run, WINDOW)
    assert {row["stablecoin_id"] for row in tables["balances"]} == {"1", "3"}
    assert len(tables["prices"]) == 5
    assert bool(run.failures) is is_failure
    assert log_of(run, "balances")["2"]["status"] == "error"


# --- fuzz -----------------------------------------------------------------------------------------

SMALL = [point(at(f"2024-03-0{day}"), {"peggedUSD": 5.5}, minted={"peggedUSD": 7}, bridgedTo=0)
         for day in (7, 8, 9)]  # fmt: skip


CHAINS = [{"totalCirculatingUSD": {"peggedUSD": 11.5, "peggedJPY": 0.5}, "name": "Tron"}]


@FUZZ
@given(damaged({"peggedAssets": [coin(1, 5.5), coin(2, 6, price=None)], "chains": CHAINS}))
def test_damaged_list(body: Any) -> None:
    parsed = outcome(parse.stablecoins, body)
    if parsed is not None:
        assert parsed.row_count + len(parsed.refused) == len(body["peggedAssets"])
        for fetched_at in (at("2024-01-01"), at("2026-01-01")):
            dated = outcome(partial(parse.stablecoins, fetched_at=fetched_at), body)
            assert dated is not None
            assert dated.row_count == parsed.row_count


@FUZZ
@given(damaged(details(tokens=SMALL, chainBalances={"Tron": {"tokens": SMALL[:1]}})))
def test_damaged_balances(body: Any) -> None:
    parsed = outcome(lambda payload: parse.balances(payload, "1", LATEST, WINDOW), body)
    if parsed is not None:
        allowed = numbers_in(body) | {Decimal(0), None}
        for row in parsed.rows.to_pylist():
            for name in ("circulating", "minted", "unreleased", "bridged_to"):
                assert row[name] in allowed, f"{name} is a number that nobody sent: {row}"


@FUZZ
@given(
    damaged(
        [{"date": seconds(at(f"2024-03-0{day}")), "prices": {"a": 1.5, "b": "0.99"}}
         for day in (7, 8, 9)]
    )
)  # fmt: skip
def test_damaged_prices(body: Any) -> None:
    parsed = outcome(lambda payload: parse.prices(payload, LATEST, WINDOW), body)
    if parsed is not None:
        allowed = numbers_in(body)
        for row in parsed.rows.to_pylist():
            assert row["price"] in allowed, f"a number that nobody sent: {row}"


def test_chains_are_asked_for_from_a_size_on_over_all_pegs() -> None:
    run = run_of(Api(), NOW, {"1"})
    rows = landed(SOURCE, run, WINDOW)
    asked = [path for path, _ in run.client.asked if path.startswith("stablecoinch")]  # type: ignore[attr-defined]
    assert asked == [
        "stablecoinchains",
        "stablecoincharts/all",
        "stablecoincharts/OP%20Mainnet",
    ], "110 million on OP Mainnet count together; Dust is not asked for"
    assert len(rows["chains"]) == 3
    assert {(row["chain"], row["day_time"]) for row in rows["charts"]} == {
        (chain, at(day)) for chain in (TOTAL, "OP Mainnet") for day in ("2024-03-09", "2024-03-10")
    }, "a label is the end of the day before"
    assert {line["status"] for line in log_of(run, "charts").values()} == {"ok"}


def test_a_user_who_wants_some_coins_gets_no_totals() -> None:
    run = run_of(Api(), NOW, {"1"}, only=frozenset({"1"}))
    assert "charts" not in landed(SOURCE, run, WINDOW)
